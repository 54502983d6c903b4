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


@pytest.mark.parametrize(
    ("datatype", "values", "fits"),
    [
        ("UINT64", [0, 1, 2**64 - 1], True),  # seen to fail: 0 for the last
        ("INT64", [-(2**63), 2**53 + 1, 2**63 - 1], True),
        ("INT64", [0, 2**63], False),
        ("INT64", [2.0**63], False),  # seen to fail: the smallest number for it
        ("UINT64", [-1, 2**64 - 1], False),
        ("UINT64", [2.0**64], False),
    ],
)
def test_the_largest_whole_numbers_are_kept_or_refused(datatype: str, values: list[float], fits: bool) -> None:
    reader = RowReader(Signature((TensorSpec("n", datatype, (-1, 1)),), ()), takes_missing=False, most_rows=10)
    if fits:
        assert reader.read([[value] for value in values])[0]["n"].ravel().tolist() == values
    else:
        with pytest.raises(Refusal, match="out of range for"):
            reader.read([[value] for value in values])
