"""Samples and buckets of samples reduced to fewer buckets: the pyramid that charts and long ranges are drawn from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

GAP = 3.0  # a pause of more than so many usual distances is a gap in the recording


class Span(NamedTuple):
    """A time in which nothing is missing: from ``start`` to ``end`` (seconds since the epoch) there is a sample about
    every ``every`` seconds."""

    start: float
    end: float
    every: float


@dataclass(frozen=True, slots=True)
class Buckets:
    """Lowest, highest and mean value and the number of samples per bucket; empty buckets are not listed.

    ``starts`` are milliseconds since the epoch, rising, each a multiple of the bucket's length.
    """

    starts: NDArray[np.int64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    mean: NDArray[np.float64]
    count: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.starts)

    def between(self, start: int, end: int) -> Buckets:
        """The buckets that begin in [start, end)."""
        first, last = np.searchsorted(self.starts, (start, end))
        cut = slice(first, last)
        return Buckets(self.starts[cut], self.low[cut], self.high[cut], self.mean[cut], self.count[cut])


def bucket_samples(times: NDArray[np.int64], values: NDArray[np.float64], length: int) -> Buckets:
    """Samples (rising milliseconds) in buckets of ``length`` milliseconds, aligned to the epoch."""
    return _grouped(times // length * length, values, values, values, np.ones(len(times), np.int64))


def merge_buckets(parts: Sequence[Buckets], length: int) -> Buckets:
    """Consecutive buckets in buckets of ``length`` milliseconds, which is a multiple of theirs. The result is what
    ``bucket_samples`` makes of all the samples, but for rounding in the last digits of the mean."""
    if not parts:
        return bucket_samples(np.empty(0, np.int64), np.empty(0, np.float64), length)
    return _grouped(
        np.concatenate([part.starts for part in parts]) // length * length,
        np.concatenate([part.low for part in parts]),
        np.concatenate([part.high for part in parts]),
        np.concatenate([part.mean for part in parts]),
        np.concatenate([part.count for part in parts]),
    )


def with_gaps(
    times: NDArray[np.float64], columns: Sequence[NDArray[np.float64]], spans: Sequence[Span] = ()
) -> list[NDArray[np.float64]]:
    """``times`` and ``columns`` with one NaN point in the middle of every pause longer than ``GAP`` times the median
    distance of the points and, where it is known from ``spans``, than ``GAP`` times what is the distance there."""
    distances = np.diff(times)
    if len(distances) < 2:
        return [times, *columns]
    pauses = np.flatnonzero(distances > GAP * float(np.median(distances)))
    if spans:
        usual = _distances(spans, times[pauses], times[pauses + 1])
        pauses = pauses[distances[pauses] > GAP * usual]
    middles = times[pauses] + distances[pauses] / 2
    return [np.insert(times, pauses + 1, middles), *(np.insert(column, pauses + 1, np.nan) for column in columns)]


def _distances(spans: Sequence[Span], starts: NDArray[np.float64], ends: NDArray[np.float64]) -> NDArray[np.float64]:
    """The longest distance of samples in the spans that have something of each time from one of ``starts`` to one of
    ``ends``; 0 where none is known. ``spans`` are in the order of their ends."""
    begins, finishes, every = np.array(spans, np.float64).T
    begins = np.maximum.accumulate(begins)  # of two that overlap, the later one
    first = np.searchsorted(finishes, starts, side="right")
    last = np.searchsorted(begins, ends, side="left")
    found = (every[a:b].max() if a < b else 0.0 for a, b in zip(first.tolist(), last.tolist(), strict=True))
    return np.fromiter(found, np.float64, len(starts))


def _grouped(
    starts: NDArray[np.int64],
    low: NDArray[np.float64],
    high: NDArray[np.float64],
    mean: NDArray[np.float64],
    count: NDArray[np.int64],
) -> Buckets:
    """Rows of equal start become one."""
    if not len(starts):
        return Buckets(starts, low, high, mean, count)
    first = np.concatenate(([0], np.flatnonzero(np.diff(starts)) + 1))
    counts = np.add.reduceat(count, first)
    lowest = np.minimum.reduceat(low, first)
    highest = np.maximum.reduceat(high, first)
    means = np.add.reduceat(mean * count, first) / counts
    return Buckets(starts[first], lowest, highest, np.clip(means, lowest, highest), counts)  # rounding stays inside
