"""Metrics of answers whose truth is known, in NumPy: what scikit-learn calls the same gives the same.

Ties count half in ROC AUC (the Mann–Whitney statistic of midranks). A class that was never answered has a precision of
0, one that never occurs a recall of 0. Averages over classes are unweighted (macro). The Brier score is that of one
class where there are two, else the sum over all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from kronkers_studio.domain.expectations import Metric

Array = np.ndarray[Any, Any]
_LEAST = np.finfo(np.float64).eps
"""Probabilities are taken as at least this far from 0 and 1 in the log loss."""


class Undefined(Exception):
    """The metric has no value for these rows; the text says why, as the end of a sentence."""


@dataclass(frozen=True)
class Judged:
    """Answers beside the truth. Of classes: ``truth`` and ``answers`` are numbers of ``classes``, ``chances`` their
    probabilities (rows × classes), if there are. Of numbers: both are numbers, and there are no classes."""

    truth: Array
    answers: Array
    classes: Sequence[str] = ()
    chances: Array | None = None

    def __len__(self) -> int:
        return len(self.truth)

    def take(self, rows: Array) -> Judged:
        """Those rows of it, by number or truth value."""
        chances = None if self.chances is None else self.chances[rows]
        return replace(self, truth=self.truth[rows], answers=self.answers[rows], chances=chances)


def measure(metric: Metric, judged: Judged, positive: int | None = None) -> float:
    """The value of ``metric``; of the class number ``positive`` where that is given and the metric is of one class.

    Raises ``Undefined``.
    """
    if not len(judged):
        raise Undefined("there are no rows")
    return float(_MEASURES[metric](judged, positive))


def right(judged: Judged) -> Array:
    """Of each row whether the answer is the truth."""
    found: Array = judged.truth == judged.answers
    return found


# ---- of classes ----


def _accuracy(judged: Judged, _positive: int | None) -> float:
    return float(np.mean(right(judged)))


def _balanced_accuracy(judged: Judged, _positive: int | None) -> float:
    occurring = np.unique(judged.truth)
    return float(np.mean([np.mean(judged.answers[judged.truth == each] == each) for each in occurring]))


def _of_classes(
    of_one: Callable[[float, float, float], float],
) -> Callable[[Judged, int | None], float]:
    """A metric made of how often a class is rightly answered, answered, and true; averaged where none is named."""

    def measured(judged: Judged, positive: int | None) -> float:
        wanted = np.union1d(judged.truth, judged.answers) if positive is None else [positive]
        values = []
        for each in wanted:
            true, answered = judged.truth == each, judged.answers == each
            values.append(of_one(float(np.sum(true & answered)), float(np.sum(answered)), float(np.sum(true))))
        return float(np.mean(values))

    return measured


def _share(part: float, whole: float) -> float:
    return part / whole if whole else 0.0


def _roc_auc(judged: Judged, positive: int | None) -> float:
    scores, wanted = _scores(judged, positive)
    values = []
    for each in wanted:
        true = judged.truth == each
        count = int(np.sum(true))
        if not 0 < count < len(true):
            raise Undefined("only one class occurs in the truth" if len(wanted) == 1 else "a class does not occur")
        ranks = midranks(scores[each])
        values.append((float(np.sum(ranks[true])) - count * (count + 1) / 2) / (count * (len(true) - count)))
    return float(np.mean(values))


def _scores(judged: Judged, positive: int | None) -> tuple[Mapping[int, Array], list[int]]:
    """Of each class how likely it is to be the truth, and which classes are asked for."""
    chances = _chances(judged)
    numbers = list(range(len(judged.classes)))
    some = [1] if len(numbers) == 2 else numbers
    wanted = some if positive is None else [positive]
    return {each: chances[:, each] for each in wanted}, wanted


def midranks(values: Array) -> Array:
    """The rank of each value, from 1; equal ones share the mean of theirs."""
    order = np.argsort(values, kind="stable")
    ordered = values[order]
    starts = np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1])))
    ends = np.concatenate((starts[1:], [len(values)]))
    shared = np.repeat((starts + ends + 1) / 2, ends - starts)
    ranks = np.empty(len(values))
    ranks[order] = shared
    return ranks


def _log_loss(judged: Judged, _positive: int | None) -> float:
    chances = np.clip(_chances(judged), _LEAST, 1 - _LEAST)
    return float(-np.mean(np.log(chances[np.arange(len(judged)), judged.truth])))


def _brier(judged: Judged, positive: int | None) -> float:
    chances = _chances(judged)
    if positive is None and len(judged.classes) != 2:
        true = judged.truth[:, None] == np.arange(len(judged.classes))
        return float(np.mean(np.sum((chances - true) ** 2, axis=1)))
    each = 1 if positive is None else positive
    return float(np.mean((chances[:, each] - (judged.truth == each)) ** 2))


def _chances(judged: Judged) -> Array:
    if judged.chances is None:
        raise Undefined("the model gives no probabilities")
    if len(judged.classes) < 2:
        raise Undefined("only one class occurs")
    return judged.chances


# ---- of numbers ----


def _rmse(judged: Judged, _positive: int | None) -> float:
    return float(np.sqrt(np.mean((judged.truth - judged.answers) ** 2)))


def _mae(judged: Judged, _positive: int | None) -> float:
    return float(np.mean(np.abs(judged.truth - judged.answers)))


def _r2(judged: Judged, _positive: int | None) -> float:
    """1 where nothing varies and all is right, 0 where nothing varies and something is wrong."""
    if len(judged) < 2:
        raise Undefined("it needs at least two rows")
    left = float(np.sum((judged.truth - judged.answers) ** 2))
    whole = float(np.sum((judged.truth - np.mean(judged.truth)) ** 2))
    if not whole:
        return 0.0 if left else 1.0
    return 1 - left / whole


def _mape(judged: Judged, _positive: int | None) -> float:
    size = np.maximum(np.abs(judged.truth), _LEAST)
    return float(np.mean(np.abs(judged.truth - judged.answers) / size))


_MEASURES: Mapping[Metric, Callable[[Judged, int | None], float]] = {
    Metric.ACCURACY: _accuracy,
    Metric.BALANCED_ACCURACY: _balanced_accuracy,
    Metric.PRECISION: _of_classes(lambda both, answered, _true: _share(both, answered)),
    Metric.RECALL: _of_classes(lambda both, _answered, true: _share(both, true)),
    Metric.F1: _of_classes(lambda both, answered, true: _share(2 * both, answered + true)),
    Metric.ROC_AUC: _roc_auc,
    Metric.LOG_LOSS: _log_loss,
    Metric.BRIER: _brier,
    Metric.RMSE: _rmse,
    Metric.MAE: _mae,
    Metric.R2: _r2,
    Metric.MAPE: _mape,
}
