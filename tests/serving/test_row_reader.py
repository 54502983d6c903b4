"""Rows of JSON to a model's arrays."""

from __future__ import annotations

import pytest

from kronkers_studio.serving.inputs.row_reader import RowReader
from kronkers_studio.serving.inputs.table_inputs import naming_categories
from kronkers_studio.serving.problems import Refusal
from kronkers_studio.serving.signature import Signature, TensorSpec

TOWNS = Signature((TensorSpec("town", "BYTES", (-1, 1)), TensorSpec("size", "FP64", (-1, 1))), ())


def test_whole_numbers_and_truth_stand_for_categories_of_their_digits() -> None:
    """As CatBoost takes them in a table. Seen to fail with text only."""
    reader = RowReader(naming_categories(TOWNS), takes_missing=True, most_rows=10)
    arrays, count = reader.read([{"town": town, "size": 1} for town in (3, "3", True, "True", -2)])
    assert (arrays["town"].reshape(-1).tolist(), count) == (["3", "3", "1", "True", "-2"], 5)
    for other in (3.5, [3], {"a": 1}):
        with pytest.raises(Refusal, match="town"):
            reader.read([{"town": other, "size": 1}])


def test_text_of_other_models_is_text_alone() -> None:
    reader = RowReader(TOWNS, takes_missing=True, most_rows=10)
    with pytest.raises(Refusal, match="town"):
        reader.read([{"town": 3, "size": 1}])
