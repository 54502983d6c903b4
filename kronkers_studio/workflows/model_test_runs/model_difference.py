"""Whether one version answers the same rows worse than another by more than chance explains.

Of right and wrong answers: the exact test of McNemar (1947), one-sided, on the rows that only one of the two gets
right. Else a bootstrap over rows, paired: in how many samples of the rows it is not worse by more than is tolerated.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kronkers_studio.domain.expectations import Metric
from kronkers_studio.domain.progress import NEVER, CancelToken
from kronkers_studio.workflows.model_test_runs.quality_metrics import Judged, Undefined, measure, right

_SAMPLES = 1000
_FEWEST_SAMPLES = 200
_MOST_ROWS_DRAWN = 20_000_000
_SEED = 20261201  # the same rows get the same verdict


@dataclass(frozen=True, slots=True)
class Difference:
    """``worse`` is how much worse the first is by the metric, below 0 when it is better; ``chance`` the probability of
    that, or more, if it were no worse; ``way`` how that was told."""

    worse: float
    chance: float
    way: str


def compared(
    metric: Metric,
    one: Judged,
    other: Judged,
    positive: int | None,
    tolerance: float,
    cancel: CancelToken = NEVER,
) -> Difference:
    """How much worse ``one`` is than ``other``, which judge the same rows. Raises ``Undefined``, ``Cancelled``."""
    sign = 1.0 if metric.is_error else -1.0
    worse = sign * (measure(metric, one, positive) - measure(metric, other, positive))
    if metric is Metric.ACCURACY and not tolerance:
        return Difference(worse, _mcnemar(one, other), "McNemar's test")
    chance = _bootstrap(metric, one, other, positive, tolerance, cancel)
    return Difference(worse, chance, "a bootstrap over the rows")


def _mcnemar(one: Judged, other: Judged) -> float:
    """The probability of so many rows, or more, that only ``other`` gets right, among those that one of them does."""
    one_right, other_right = right(one), right(other)
    lost, won = int(np.sum(~one_right & other_right)), int(np.sum(one_right & ~other_right))
    count = lost + won
    if not count:
        return 1.0
    logs = np.concatenate(([0.0], np.cumsum(np.log(np.arange(1, count + 1)))))
    ways = logs[count] - logs[lost : count + 1] - logs[count - np.arange(lost, count + 1)]
    return float(min(1.0, np.sum(np.exp(ways - count * np.log(2)))))


def _bootstrap(
    metric: Metric, one: Judged, other: Judged, positive: int | None, tolerance: float, cancel: CancelToken
) -> float:
    rows, random = len(one), np.random.default_rng(_SEED)
    samples = max(_FEWEST_SAMPLES, min(_SAMPLES, _MOST_ROWS_DRAWN // max(1, rows)))
    sign = 1.0 if metric.is_error else -1.0
    not_worse = drawn = 0
    for _ in range(samples):
        cancel.check()
        chosen = random.integers(0, rows, rows)
        try:
            difference = measure(metric, one.take(chosen), positive) - measure(metric, other.take(chosen), positive)
        except Undefined:  # a sample of one class
            continue
        drawn += 1
        not_worse += sign * difference <= tolerance
    if not drawn:
        raise Undefined("there are too few rows to compare by")
    return (not_worse + 1) / (drawn + 1)
