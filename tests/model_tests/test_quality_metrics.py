"""Metrics in NumPy are those of scikit-learn, for ties, one class, absent classes and amounts that do not vary."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from sklearn import metrics as sk

from kronkers_studio.domain.errors import Cancelled
from kronkers_studio.domain.expectations import Metric
from kronkers_studio.domain.progress import CancelSource
from kronkers_studio.workflows.model_test_runs.model_difference import compared
from kronkers_studio.workflows.model_test_runs.quality_metrics import Judged, Undefined, measure, midranks
from kronkers_studio.workflows.model_test_runs.single_columns import alone

_NEAR = 1e-12
Array = np.ndarray[Any, Any]


def _drawn(seed: int, classes: int, rows: int = 300, *, ties: bool = False) -> Judged:
    random = np.random.default_rng(seed)
    truth = random.integers(0, classes, rows)
    chances = random.dirichlet(np.ones(classes), rows)
    chances[np.arange(rows), truth] += random.random(rows)
    chances /= chances.sum(axis=1, keepdims=True)
    if ties:
        chances = np.floor(chances * 4) / 4
        chances[:, -1] += 1 - chances.sum(axis=1)
    return Judged(truth, chances.argmax(axis=1), [str(n) for n in range(classes)], chances)


def _theirs(metric: Metric, judged: Judged) -> float:
    truth, answers, chances = judged.truth, judged.answers, judged.chances
    assert chances is not None
    two = len(judged.classes) == 2
    average: Any = "macro"
    ways: dict[Metric, Callable[[], float]] = {
        Metric.ACCURACY: lambda: sk.accuracy_score(truth, answers),
        Metric.BALANCED_ACCURACY: lambda: sk.balanced_accuracy_score(truth, answers),
        Metric.PRECISION: lambda: sk.precision_score(truth, answers, average=average, zero_division=0),
        Metric.RECALL: lambda: sk.recall_score(truth, answers, average=average, zero_division=0),
        Metric.F1: lambda: sk.f1_score(truth, answers, average=average, zero_division=0),
        Metric.ROC_AUC: lambda: (
            sk.roc_auc_score(truth, chances[:, 1]) if two else _one_against_the_rest(truth, chances)
        ),
        Metric.LOG_LOSS: lambda: sk.log_loss(truth, chances, labels=range(chances.shape[1])),
        Metric.BRIER: lambda: (
            sk.brier_score_loss(truth, chances[:, 1])
            if two
            else float(np.mean(np.sum((chances - np.eye(chances.shape[1])[truth]) ** 2, axis=1)))
        ),
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # scikit-learn on probabilities of ties that add up to one by a hair less
        return float(ways[metric]())


def _one_against_the_rest(truth: Array, chances: Array) -> float:
    return float(np.mean([sk.roc_auc_score(truth == each, chances[:, each]) for each in range(chances.shape[1])]))


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("classes", [2, 3, 7])
@pytest.mark.parametrize("metric", [each for each in Metric if not each.of_numbers])
def test_metrics_of_classes_are_those_of_scikit_learn(metric: Metric, classes: int, ties: bool) -> None:
    """Seen to fail with ranks of ties that are not shared, and with classes weighted by their rows."""
    for seed in range(5):
        judged = _drawn(seed, classes, ties=ties)
        assert measure(metric, judged) == pytest.approx(_theirs(metric, judged), rel=_NEAR, abs=_NEAR)


@pytest.mark.parametrize("metric", [Metric.PRECISION, Metric.RECALL, Metric.F1])
def test_a_metric_of_one_class_is_that_of_scikit_learn(metric: Metric) -> None:
    judged = _drawn(1, 4)
    score = {Metric.PRECISION: sk.precision_score, Metric.RECALL: sk.recall_score, Metric.F1: sk.f1_score}[metric]
    for each in range(4):
        theirs = score(judged.truth == each, judged.answers == each)
        assert measure(metric, judged, each) == pytest.approx(theirs, rel=_NEAR, abs=_NEAR)


def test_a_class_that_is_never_answered_or_never_true_counts_as_scikit_learn_counts_it() -> None:
    judged = Judged(np.array([0, 0, 1, 1]), np.array([0, 2, 0, 0]), ["a", "b", "c"])
    for metric, score in ((Metric.PRECISION, sk.precision_score), (Metric.RECALL, sk.recall_score)):
        theirs = score(judged.truth, judged.answers, average="macro", zero_division=0)
        assert measure(metric, judged) == pytest.approx(theirs, rel=_NEAR, abs=_NEAR)


@pytest.mark.parametrize(
    ("metric", "score"),
    [
        (Metric.RMSE, sk.root_mean_squared_error),
        (Metric.MAE, sk.mean_absolute_error),
        (Metric.R2, sk.r2_score),
        (Metric.MAPE, sk.mean_absolute_percentage_error),
    ],
)
def test_metrics_of_numbers_are_those_of_scikit_learn(metric: Metric, score: Callable[[Array, Array], float]) -> None:
    random = np.random.default_rng(3)
    truth = random.normal(size=500) * 1e3
    pairs = [(truth, truth + random.normal(size=500)), (np.full(5, 2.0), np.arange(5.0)), (truth, truth)]
    pairs += [(np.full(3, 7.0), np.full(3, 7.0)), (np.array([0.0, 1.0]), np.array([1.0, 1.0]))]
    for real, given in pairs:
        assert measure(metric, Judged(real, given)) == pytest.approx(float(score(real, given)), rel=_NEAR, abs=_NEAR)


def test_what_has_no_value_says_why() -> None:
    """Seen to fail with ROC AUC of one class as 0.5."""
    one = Judged(np.zeros(3, int), np.zeros(3, int), ["a", "b"], np.full((3, 2), 0.5))
    with pytest.raises(Undefined, match="only one class"):
        measure(Metric.ROC_AUC, one)
    with pytest.raises(Undefined, match="no probabilities"):
        measure(Metric.LOG_LOSS, Judged(np.array([0, 1]), np.array([0, 1]), ["a", "b"]))
    with pytest.raises(Undefined, match="no rows"):
        measure(Metric.ACCURACY, Judged(np.array([], int), np.array([], int)))
    with pytest.raises(Undefined, match="two rows"):
        measure(Metric.R2, Judged(np.ones(1), np.ones(1)))


def test_ranks_of_equal_values_are_shared() -> None:
    assert midranks(np.array([3.0, 1.0, 3.0, 2.0])).tolist() == [3.5, 1.0, 3.5, 2.0]


# ---- the champion ----


def test_mcnemars_test_is_that_of_scipy() -> None:
    scipy_stats = pytest.importorskip("scipy.stats", reason="scipy comes with scikit-learn")
    random = np.random.default_rng(5)
    truth = random.integers(0, 2, 400)
    one, other = (np.where(random.random(400) < share, truth, 1 - truth) for share in (0.85, 0.9))
    lost = int(np.sum((one != truth) & (other == truth)))
    won = int(np.sum((one == truth) & (other != truth)))
    found = compared(Metric.ACCURACY, Judged(truth, one, "ab"), Judged(truth, other, "ab"), None, 0.0)
    theirs = scipy_stats.binomtest(lost, lost + won, 0.5, alternative="greater").pvalue
    assert found.chance == pytest.approx(theirs, rel=1e-9)


def test_worse_by_chance_and_worse_for_certain_are_told_apart() -> None:
    """Seen to fail with the sign of errors turned round."""
    random = np.random.default_rng(6)
    truth = random.normal(size=300)
    good, same, bad = (Judged(truth, truth + random.normal(size=300) * size) for size in (0.5, 0.5, 0.9))
    assert compared(Metric.RMSE, bad, good, None, 0.0).chance < 0.01
    assert compared(Metric.RMSE, good, bad, None, 0.0).worse < 0
    assert compared(Metric.RMSE, same, good, None, 0.0).chance > 0.01
    assert compared(Metric.RMSE, bad, good, None, 1.0).chance > 0.5
    assert compared(Metric.RMSE, bad, good, None, 0.0) == compared(Metric.RMSE, bad, good, None, 0.0)


def test_drawing_rows_again_and_again_ends_when_it_is_cancelled() -> None:
    """Seen to fail with all samples drawn first: of a million rows that takes many minutes."""
    cancel = CancelSource()
    cancel.cancel()
    judged = Judged(np.zeros(20), np.ones(20))
    with pytest.raises(Cancelled):
        compared(Metric.RMSE, judged, judged, None, 0.0, cancel)


# ---- one column alone ----


def test_the_truth_under_another_name_tells_all_and_numbers_of_rows_nothing() -> None:
    """Seen to fail with a row counted among those of its own value."""
    random = np.random.default_rng(7)
    truth = np.array(["yes" if draw < 0.3 else "no" for draw in random.random(400)], dtype=object)
    assert alone(["Y" if label == "yes" else "N" for label in truth], truth) == 1.0
    assert alone([0.1 if label == "yes" else 0.2 for label in truth], truth) == 1.0
    assert alone([f"id {number}" for number in range(400)], truth) == 0.0
    assert alone(list(random.normal(size=400)), truth) < 0.3
    assert alone(["same"] * 400, truth) == 0.0
    amounts = random.normal(size=400)
    assert alone(list(amounts * -3 + 1), amounts) == pytest.approx(1.0)
    assert alone(list(random.normal(size=400)), amounts) < 0.1
