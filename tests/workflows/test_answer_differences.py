"""How the answers of two versions differ, by hand-made answers; the metrics themselves are tested elsewhere."""

from __future__ import annotations

import math

import pytest

from kronkers_studio.domain.errors import InvalidInput
from kronkers_studio.domain.row_comparison import Transition, difference_bins, most_changed
from kronkers_studio.domain.row_tables import RowTable
from kronkers_studio.workflows.answer_differences import by_truth, differences, gives_classes
from kronkers_studio.workflows.model_test_runs.holdouts import Answers


def test_true_and_1_are_one_class_and_007_is_its_own() -> None:
    """Seen to fail with the outputs compared as they are."""
    found = differences(Answers(["true", "false", "true"]), Answers(["1", "0", "0"]))
    assert found.changed == [False, False, True]
    found = differences(Answers(["007", "7"]), Answers(["7", "7.0"]))
    assert found.changed == [True, False]
    assert found.transitions == (Transition("007", "7", 1), Transition("7", "7", 1))


def test_numbers_are_alike_where_only_the_sixth_digit_rounds_differently() -> None:
    """Seen to fail without the tolerance."""
    found = differences(Answers([1.0, 100.0, 0.0, None, None]), Answers([1.0000005, 100.01, 0.0, None, 2.0]))
    assert found.changed == [False, True, False, False, True]
    assert math.isnan(found.sizes[4])
    assert found.numbers is not None
    assert found.numbers.largest == pytest.approx(0.01)


def test_arrays_differ_by_the_element_that_differs_most() -> None:
    found = differences(Answers([[1.0, 2.0], [1.0, 2.0]]), Answers([[1.0, -1.0], [1.0]]))
    assert found.changed == [True, True]
    assert found.sizes[0] == -3.0 and math.isnan(found.sizes[1])


def test_probabilities_are_compared_of_the_classes_that_both_know() -> None:
    left = Answers(["a", "b"], [{"a": 0.9, "b": 0.1}, {"a": 0.2, "b": 0.8}])
    right = Answers(["a", "c"], [{"a": 0.6, "c": 0.4}, {"a": 0.1, "c": 0.9}])
    found = differences(left, right)
    assert found.sizes == pytest.approx([0.3, 0.1])
    assert found.chances is not None and found.chances.row == 1
    assert found.chances.largest == pytest.approx(0.3)


def test_what_answers_classes_is_told_from_what_answers_numbers() -> None:
    assert gives_classes(Answers([0, 1, 2]))
    assert gives_classes(Answers(["a"])) and gives_classes(Answers([True]))
    assert not gives_classes(Answers([0.0, 1.0]))
    assert not gives_classes(Answers(list(range(100))))
    with pytest.raises(InvalidInput, match="One of the versions answers classes"):
        differences(Answers(["a"]), Answers([1.5]))


def test_few_rows_that_one_gets_wrong_are_no_more_than_chance() -> None:
    table = RowTable("t.csv", ("truth",), [("a",)] * 10)
    told = by_truth(table, "truth", Answers(["a"] * 8 + ["b"] * 2), Answers(["a"] * 10), ("m:1", "m:2"))
    assert told.chance == pytest.approx(0.5)  # two rows of two, either way
    assert told.sentence == (
        "m:2 is right for 10 of 10 rows, m:1 for 8: the difference is no more than chance explains (McNemar's test, "
        "p = 0.5)."
    )
    told = by_truth(table, "truth", Answers(["b"] * 10), Answers(["a"] * 10), ("m:1", "m:2"))
    assert told.chance == pytest.approx(2 / 1024)
    assert told.sentence.endswith("(McNemar's test, p = 0.002).")
    assert "more than chance explains" in told.sentence and "no more" not in told.sentence
    same = by_truth(table, "truth", Answers(["a"] * 10), Answers(["a"] * 10), ("m:1", "m:2"))
    assert same.sentence == "m:2 is right for 10 of 10 rows, m:1 for 10."


def test_bins_have_round_edges_and_hold_every_row() -> None:
    sizes = [-0.31, -0.02, 0.0, 0.07, 0.5, math.nan]
    bins = difference_bins(sizes)
    assert sum(each.rows for each in bins) == 5
    assert len(bins) <= 12
    assert any(each.low == 0.0 for each in bins)
    assert bins[0].low <= -0.31 and bins[-1].high >= 0.5
    assert difference_bins([2.0, 2.0])[0].rows == 2
    assert difference_bins([math.nan]) == []


def test_the_rows_that_changed_most_come_first() -> None:
    assert most_changed([True, False, True, True], [1.0, 0.0, -8.0, math.nan]) == [2, 0, 3]
