"""What a row of a model holds, and a row to write over."""

from __future__ import annotations

import pytest

from kronkers_studio.domain.model_columns import example_row, model_columns
from kronkers_studio.domain.models import Datatype, Signature, Tensor

_TABLE = Signature((Tensor("x", Datatype.FP64, (-1, 2), ("a", "b")),))
_SEVERAL = Signature(
    (
        Tensor("age", Datatype.INT64, (-1, 1)),
        Tensor("town", Datatype.BYTES, (-1, 1), ("city",)),
        Tensor("new", Datatype.BOOL, (-1,)),
    )
)


@pytest.mark.parametrize(
    ("signature", "row"),
    [
        (_TABLE, {"a": 0, "b": 0}),
        (_SEVERAL, {"age": 0, "city": "", "new": False}),
        (Signature((Tensor("x", Datatype.FP32, (-1, 3)),)), [0, 0, 0]),
        (Signature((Tensor("x", Datatype.BYTES, (-1, 2)),)), ["", ""]),
        (Signature((Tensor("x", Datatype.FP32, (-1, -1)),)), [0]),
        (Signature((Tensor("x", Datatype.FP32, (-1, 28, 28)),)), [0]),
        (Signature(), [0]),
    ],
)
def test_an_example_row_has_what_the_model_takes(signature: Signature, row: object) -> None:
    """Of several inputs each is a column, as the service reads them. Seen to fail with the width of the first."""
    assert example_row(signature) == row


def test_columns_of_several_inputs_are_named_by_them() -> None:
    assert model_columns(_SEVERAL).names == ("age", "city", "new")
