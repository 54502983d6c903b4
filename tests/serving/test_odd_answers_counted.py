"""No model's inputs or answers, and no profile, keep a service from going on: what cannot be counted is left out."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from kronkers_studio.serving.metrics.feature_bins import Bins, ProfileBins
from kronkers_studio.serving.metrics.feature_counts import FeatureCounts, kept
from kronkers_studio.serving.signature import Signature, TensorSpec

NUMBER = Bins("x", "number", (1.0,), 0.0, 2.0)
NAMES = Bins("", "category", categories=("a", "b"), rare=("c",))


def counting(*features: Bins, answers: Bins | None = None, shape: tuple[int, ...] = (-1,)) -> FeatureCounts:
    specs = tuple(
        TensorSpec(one.name, "BYTES" if one.kind == "category" else "FP64", shape, (one.name,)) for one in features
    )
    model: Any = SimpleNamespace(signature=Signature(inputs=specs))
    return FeatureCounts(ProfileBins("d" * 64, features, answers), model)


def test_no_rows_are_nothing_to_count() -> None:
    """A model of tensors takes vectors of length 0, too. Seen to fail with these put into a table."""
    features = counting(NUMBER)
    features.add({"x": np.zeros(0)}, 0, np.zeros(0))
    features.add({"x": np.array([1.5])}, 1, None)
    features.flush()
    assert features.features[0].counts.tolist() == [0, 1, 0, 0, 0]


@pytest.mark.parametrize(
    ("label", "counts"),
    [
        (np.float32(1.0), [0, 0, 0, 0, 0]),  # one value for all
        (np.array(1.0), [0, 0, 0, 0, 0]),
        (np.array(["a"], dtype=object), [0, 0, 0, 0, 0]),  # not one for each row
        (np.array([["a"], ["b"]], dtype=object), [1, 1, 0, 0, 0]),
        (np.array([["a", "b"], ["a", "b"]], dtype=object), [0, 0, 0, 0, 0]),
    ],
    ids=str,
)
def test_answers_are_counted_when_each_row_has_one(label: Any, counts: list[int]) -> None:
    """Seen to fail with the length of a single value asked for."""
    features = counting(NUMBER, answers=NAMES)
    features.add({"x": np.array([0.5, 1.5])}, 2, label)
    features.flush()
    assert features.answers is not None and features.answers.counts.tolist() == counts
    assert features.features[0].counts.tolist() == [1, 1, 0, 0, 0]


class Odd:
    """No answer to the question whether it is another one, as pandas' missing values have none."""

    def __ne__(self, other: object) -> Any:
        return np.array([True, False])

    __hash__ = object.__hash__


def test_answers_of_any_objects_are_no_class_of_the_models() -> None:
    """What code of one's own answers may be anything. Seen to fail with lists, which have no hash, and with values of
    which nobody can say whether they are equal."""
    features = counting(NUMBER, answers=NAMES)
    label = np.empty(7, dtype=object)
    label[:] = [["a"], {"a": 1}, Odd(), "a", None, math.nan, np.float32("nan")]
    features.add({"x": np.zeros(7)}, 7, label)
    features.flush()
    assert features.answers is not None and features.answers.counts.tolist() == [1, 0, 0, 3, 3]


def test_inputs_are_counted_as_they_came_also_where_there_are_several() -> None:
    """TorchScript may write into what it gets. Seen to fail with one of several inputs not copied."""
    inputs = {"a": np.array([1.0]), "b": np.array([2.0])}
    before = kept(inputs)
    for array in inputs.values():
        array[:] = 10
    assert [array.tolist() for array in before.values()] == [[1.0], [2.0]]


def test_an_answer_that_the_model_writes_over_is_counted_as_it_was() -> None:
    """Seen to fail with the answers not copied."""
    features = counting(NUMBER, answers=NUMBER)
    label = np.array([0.5])
    features.add({"x": np.array([0.5])}, 1, label)
    label[:] = 1.5
    features.flush()
    assert features.answers is not None and features.answers.counts.tolist() == [1, 0, 0, 0, 0]


@pytest.mark.parametrize("value", ["x" * 100_000, np.zeros(20_000)], ids=["text", "numbers"])
def test_large_values_wait_for_no_others(value: Any) -> None:
    """256 texts of 16 MB would be 4 GB. Seen to fail with rows counted alone."""
    town = Bins("town", "category", categories=("a",))
    if isinstance(value, str):
        features, inputs = counting(town), {"town": np.array([value], dtype=object)}
    else:
        features, inputs = counting(NUMBER, shape=(-1, 20_000)), {"x": value.reshape(1, -1)}
    features.add(inputs, 1, None)
    assert not features._waiting
