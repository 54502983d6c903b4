"""How the answers of two versions to the same rows differ: which rows, by how much, and which answers are better."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from kronkers_studio.domain.errors import InvalidInput
from kronkers_studio.domain.expectations import Metric
from kronkers_studio.domain.row_comparison import (
    MOST_TRANSITIONS,
    QUANTILES,
    ByTruth,
    ChanceChange,
    ComparedMetric,
    NumberChange,
    Transition,
    difference_bins,
)
from kronkers_studio.domain.row_tables import MOST_CLASSES, RowTable
from kronkers_studio.estimators.class_labels import label_of, one_spelling
from kronkers_studio.workflows.model_test_runs.findings import figure, rows_words
from kronkers_studio.workflows.model_test_runs.holdouts import Answers, judged_classes, judged_numbers
from kronkers_studio.workflows.model_test_runs.model_difference import compared
from kronkers_studio.workflows.model_test_runs.quality_checks import same_classes
from kronkers_studio.workflows.model_test_runs.quality_metrics import Judged, Undefined, measure, right

_ALIKE = 1e-6
"""Numbers are alike whose difference is no larger than this share of the larger one: libraries round differently."""
_NOISE = 1e-9  # of the mean size of differences: a mean below that is what rounding leaves of 0
_BY_CHANCE = 0.05
_OF_CLASSES = (Metric.ACCURACY, Metric.F1, Metric.ROC_AUC, Metric.LOG_LOSS)
_OF_NUMBERS = (Metric.MAE, Metric.RMSE, Metric.R2)


class Differences(NamedTuple):
    """Of each row whether the answers differ and by how much; and all of them in figures."""

    changed: list[bool]
    sizes: list[float]
    transitions: tuple[Transition, ...] = ()
    numbers: NumberChange | None = None
    chances: ChanceChange | None = None


def differences(left: Answers, right: Answers) -> Differences:
    """Raises ``InvalidInput`` where one answers numbers and the other classes."""
    classes = gives_classes(left), gives_classes(right)
    if classes[0] != classes[1]:
        raise InvalidInput(
            "One of the versions answers classes, the other numbers: their answers cannot be compared.",
            next_step="Compare versions that were made for the same task.",
        )
    return _of_classes(left, right) if classes[0] else _of_numbers(left, right)


def gives_classes(answers: Answers) -> bool:
    """Whether its answers are classes: it gives probabilities, texts, truth values, or few different whole numbers."""
    if answers.probabilities:
        return True
    values = [value for output in answers.outputs for value in _flat(output) if value is not None]
    if any(isinstance(value, bool | str) for value in values):
        return True
    return bool(values) and all(isinstance(value, int) for value in values) and len(set(values)) <= MOST_CLASSES


# ---- classes ----


def _of_classes(left: Answers, right: Answers) -> Differences:
    before, after = one_spelling(*([label_of(output) for output in each.outputs] for each in (left, right)))
    changed = [one != other for one, other in zip(before, after, strict=True)]
    counts = Counter(zip(before, after, strict=True))
    transitions = tuple(Transition(*pair, rows) for pair, rows in counts.most_common(MOST_TRANSITIONS))
    sizes = [math.nan] * len(changed)
    if not left.probabilities or not right.probabilities:
        return Differences(changed, sizes, transitions)
    sizes = [_most(one, other) for one, other in zip(left.probabilities, right.probabilities, strict=True)]
    known = np.array(sizes)
    if np.isnan(known).all():
        return Differences(changed, sizes, transitions)
    row = int(np.nanargmax(known))
    chances = ChanceChange(float(np.nanmean(known)), float(known[row]), row + 1)
    return Differences(changed, sizes, transitions, None, chances)


def _most(one: Mapping[str, float], other: Mapping[str, float]) -> float:
    """The most that the probability of a class changed which both know; NaN where they know none in common."""
    return max((abs(other[name] - chance) for name, chance in one.items() if name in other), default=math.nan)


# ---- numbers ----


def _of_numbers(left: Answers, right: Answers) -> Differences:
    pairs = [_difference(one, other) for one, other in zip(left.outputs, right.outputs, strict=True)]
    changed, sizes = [differs for differs, _ in pairs], [size for _, size in pairs]
    known = np.array(sizes, dtype=np.float64)
    known = known[~np.isnan(known)]
    if not len(known):
        return Differences(changed, sizes)
    quantiles = np.quantile(known, QUANTILES)
    mean, mean_size = float(np.mean(known)), float(np.mean(np.abs(known)))
    numbers = NumberChange(
        mean=mean if abs(mean) > _NOISE * mean_size else 0.0,
        mean_size=mean_size,
        largest=float(known[int(np.argmax(np.abs(known)))]),
        quantiles={f"{share:g}": float(value) for share, value in zip(QUANTILES, quantiles, strict=True)},
        bins=tuple(difference_bins(sizes)),
    )
    return Differences(changed, sizes, (), numbers)


def _difference(one: Any, other: Any) -> tuple[bool, float]:
    """Whether two answers differ, and by how much; of arrays the element that differs most counts."""
    before, after = _flat(one), _flat(other)
    if len(before) != len(after):
        return True, math.nan
    differs, most = False, 0.0
    for low, high in zip(before, after, strict=True):
        if low is None or high is None:
            if low is not high:
                return True, math.nan
            continue
        size = float(high) - float(low)
        differs = differs or abs(size) > _ALIKE * max(abs(low), abs(high))
        most = max(most, size, key=abs)
    return differs, most


def _flat(output: Any) -> list[Any]:
    return [value for each in output for value in _flat(each)] if isinstance(output, list | tuple) else [output]


# ---- by the truth ----


def by_truth(table: RowTable, column: str, left: Answers, right: Answers, names: tuple[str, str]) -> ByTruth:
    """How good both are by the truth in ``column``. Raises ``Unmeasurable``, ``RowsRefused``."""
    metrics: tuple[Metric, ...] = _OF_NUMBERS
    if gives_classes(left):
        metrics = _OF_CLASSES
        one, other = same_classes(*(judged_classes(table, column, each)[0] for each in (left, right)))
    else:
        one, other = (judged_numbers(table, column, each)[0] for each in (left, right))
    found = tuple(
        ComparedMetric(metric.words, _measured(metric, one), _measured(metric, other), metric.is_error)
        for metric in metrics
    )
    told = tuple(each for each in found if each.left is not None or each.right is not None)
    chance, way = _chance(metrics[0], one, other)
    return ByTruth(column, len(one), told, chance, _sentence(metrics[0], one, other, chance, way, names))


def _measured(metric: Metric, judged: Judged) -> float | None:
    try:
        return measure(metric, judged)
    except Undefined:
        return None


def _chance(metric: Metric, one: Judged, other: Judged) -> tuple[float | None, str]:
    """The two-sided probability of the difference, and how that was told."""
    try:
        found = [compared(metric, *pair, None, 0.0) for pair in ((one, other), (other, one))]
    except Undefined:
        return None, ""
    return min(1.0, 2 * min(each.chance for each in found)), found[0].way


def _sentence(
    metric: Metric, one: Judged, other: Judged, chance: float | None, way: str, names: tuple[str, str]
) -> str:
    of, rows = zip(names, (one, other), strict=True), rows_words(len(one))
    if metric is Metric.ACCURACY:
        (first, theirs), (second, ours) = [(name, int(np.sum(right(each)))) for name, each in of]
        said = f"{second} is right for {ours:,} of {rows}, {first} for {theirs:,}"
        same = theirs == ours
    else:
        before, after = measure(metric, one), measure(metric, other)
        error = metric.words[0].lower() + metric.words[1:]
        said = f"{names[1]} has a {error} of {figure(after, before)} on {rows}, {names[0]} of {figure(before, after)}"
        same = before == after
    if same or chance is None:
        return f"{said}."
    more = "more than chance explains" if chance <= _BY_CHANCE else "no more than chance explains"
    p = "p < 0.001" if chance < 0.001 else f"p = {figure(round(chance, 3))}"
    return f"{said}: the difference is {more} ({way}, {p})."
