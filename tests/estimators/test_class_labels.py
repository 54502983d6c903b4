"""Classes that files and services write differently are the same, and others are not."""

from __future__ import annotations

import math
from typing import Any

import pytest

from kronkers_studio.estimators.class_labels import in_order, label_of, one_spelling


@pytest.mark.parametrize(
    "alike",
    [
        (1, 1.0, "1", "1.0", " 1 ", [1]),
        (True, "true", "True", "TRUE"),
        (2.5, "2.5", "2.50"),
        (12345678901234567, "12345678901234567"),
        (10**15, 1e15, "1e15"),
        (-3, "-3", "-3.0", "-3e0"),
        ("Barolo", " Barolo "),
        (None, "", "  ", math.nan),
    ],
)
def test_the_same_class(alike: tuple[Any, ...]) -> None:
    """Seen to fail with texts kept as they are, and with whole numbers read as floats."""
    assert len(set(map(label_of, alike))) == 1


@pytest.mark.parametrize(
    "one",
    [
        ("007", 7),
        ("Barolo", "barolo"),
        (0, None),
        ("1,5", 1.5),
        (1, "one"),
        ("12345678901234567", "12345678901234568"),
        ("9" * 400, "8" * 400),
    ],
)
def test_other_classes(one: tuple[Any, Any]) -> None:
    assert label_of(one[0]) != label_of(one[1])


def test_true_and_false_are_one_and_zero_where_the_other_side_has_these() -> None:
    assert one_spelling(["true", "false", ""], ["1", "0", "1"]) == [["1", "0", ""], ["1", "0", "1"]]
    assert one_spelling(["true", "false"], ["true"]) == [["true", "false"], ["true"]]
    assert one_spelling(["true", "0"], ["1"]) == [["1", "0"], ["1"]]
    assert one_spelling(["1", "2"], ["true"]) == [["1", "2"], ["true"]]


def test_classes_are_ordered_as_scikit_learn_orders_them() -> None:
    assert in_order({"10", "9", "-1"}) == ["-1", "9", "10"]
    assert in_order({"b", "a", "10"}) == ["10", "a", "b"]
