"""The form of a model's columns."""

from __future__ import annotations

import json

import pytest

from kronkers_studio.desktop.typed_rows import example_rows, form_columns, row_from_form
from kronkers_studio.domain.errors import InvalidInput, InvalidValue
from kronkers_studio.domain.models import Datatype, Signature, Tensor

_NAMED = Signature(inputs=(Tensor("input", Datatype.FP64, (-1, 2), ("alcohol", "hue")),))
_UNNAMED = Signature(inputs=(Tensor("x", Datatype.FP32, (-1, 3)),))


def test_a_form_has_a_field_for_each_column_and_reads_it_by_its_type() -> None:
    assert [name for name, _ in form_columns(_NAMED)] == ["alcohol", "hue"]
    assert row_from_form(_NAMED, {"alcohol": "14,2", "hue": " 1 "}) == {"alcohol": 14.2, "hue": 1.0}
    with pytest.raises(InvalidInput, match="hue is empty"):
        row_from_form(_NAMED, {"alcohol": "1"})
    with pytest.raises(InvalidValue, match="hue must be a number, not “red”") as refused:
        row_from_form(_NAMED, {"alcohol": "1", "hue": "red"})
    assert refused.value.column == "hue", "by which the form marks its field"


def test_without_named_columns_there_is_no_form_but_an_example_of_the_right_width() -> None:
    assert form_columns(_UNNAMED) == []
    assert json.loads(example_rows(_UNNAMED)) == [[0, 0, 0]]
    assert json.loads(example_rows(_NAMED)) == [{"alcohol": 0, "hue": 0}]
