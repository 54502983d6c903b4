"""Reading: the days of one series, their rollups, and the tail that is not folded into them yet, as windows.

The connection sees one state throughout, however often another thread or process appends and folds meanwhile.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sqlcipher3 import dbapi2

from kronkers_studio.domain.series import SeriesKey, Window
from kronkers_studio.monitoring.buckets import Buckets, Span, bucket_samples, merge_buckets, with_gaps
from kronkers_studio.monitoring.sample_codec import decode_buckets, decode_samples

SECOND = 1_000  # all times here are whole milliseconds since the epoch
DAY = 86_400 * SECOND
FIVE_MINUTES, HOUR = 300 * SECOND, 3_600 * SECOND
ROLLUPS = (FIVE_MINUTES, HOUR)  # kept per day beside the samples; the day's own line is the third

_STEPS = tuple(
    seconds * SECOND
    for seconds in (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400)
)
_CACHE_BYTES = 24 << 20

Samples = tuple[NDArray[np.int64], NDArray[np.float64]]


class Day(NamedTuple):
    """What is known of one recorded day without reading its samples."""

    day: int
    revision: int
    samples: int
    first: int
    last: int
    low: float
    high: float
    mean: float


def merge_samples(older: Samples, newer: Samples) -> Samples:
    """Both, in order of time; of two samples of the same millisecond the newer one."""
    times = np.concatenate((older[0], newer[0]))
    values = np.concatenate((older[1], newer[1]))
    order = np.argsort(times, kind="stable")
    times, values = times[order], values[order]
    last_of_equals = np.append(np.diff(times) != 0, True) if len(times) else np.empty(0, bool)
    return times[last_of_equals], values[last_of_equals]


class DayCache:
    """The days decoded last, so that a chart that moves on every two seconds does not decode them again."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: OrderedDict[tuple[int, int], tuple[int, Samples]] = OrderedDict()
        self._size = 0

    def get(self, connection: dbapi2.Connection, series: int, day: Day) -> Samples:
        key = (series, day.day)
        with self._lock:
            held = self._held.get(key)
            if held is not None and held[0] == day.revision:
                self._held.move_to_end(key)
                return held[1]
        row = connection.execute("SELECT blob FROM samples WHERE series = ? AND day = ?", key).fetchone()
        samples = decode_samples(row[0])
        with self._lock:
            self._drop(key)
            self._held[key] = (day.revision, samples)
            self._size += _size(samples)
            while self._size > _CACHE_BYTES and len(self._held) > 1:
                self._drop(next(iter(self._held)))
        return samples

    def _drop(self, key: tuple[int, int]) -> None:
        held = self._held.pop(key, None)
        if held is not None:
            self._size -= _size(held[1])


@dataclass(frozen=True, slots=True)
class Pyramid:
    """One series, ready to be read at any level."""

    connection: dbapi2.Connection
    cache: DayCache
    series: int
    spans: Sequence[Span] = ()  # in which nothing is missing

    def window(self, key: SeriesKey, start: int, end: int, max_points: int) -> Window:
        """See ``SeriesStore.window``; times in milliseconds."""
        tail = self._tail(start, end)
        days = self._days(start, end)
        step = _finest_step(days, tail, start, end, max_points)
        if step < FIVE_MINUTES or sum(day.samples for day in days[1:-1]) <= max_points:  # the outer days may be cut
            times, values = self._samples(start, end + 1)
            points, exact = with_gaps(times / SECOND, [values], self.spans)
            if len(points) <= max_points:
                return Window(key, _view(points), _view(exact), _view(exact), _view(exact), step=0.0)
        for length in _steps_from(step):
            buckets = self._buckets(length, start // length * length, (end // length + 1) * length)
            middles = (buckets.starts + length / 2) / SECOND
            points, low, high, mean = with_gaps(middles, [buckets.low, buckets.high, buckets.mean], self.spans)
            if len(points) <= max_points:
                return Window(key, _view(points), _view(low), _view(high), _view(mean), step=length / SECOND)
        raise AssertionError("one bucket always fits")

    def _samples(self, start: int, end: int) -> Samples:
        """All samples of [start, end)."""
        tail = self._tail(start, end - 1)
        parts = [self.cache.get(self.connection, self.series, day) for day in self._days(start, end - 1)]
        joined = (
            (np.concatenate([part[0] for part in parts]), np.concatenate([part[1] for part in parts]))
            if parts
            else (np.empty(0, np.int64), np.empty(0, np.float64))
        )
        times, values = merge_samples(joined, tail) if len(tail[0]) else joined
        cut = slice(*np.searchsorted(times, (start, end)))
        return times[cut], values[cut]

    def _buckets(self, length: int, start: int, end: int) -> Buckets:
        """The buckets of ``length`` in [start, end), both multiples of it."""
        if length < FIVE_MINUTES:
            return bucket_samples(*self._samples(start, end), length)
        level = DAY if length % DAY == 0 else HOUR if length % HOUR == 0 else FIVE_MINUTES
        unfolded = {int(day) for day in np.unique(self._tail(start, end - 1)[0] // DAY)}
        days = [day for day in self._days(start, end - 1) if day.day not in unfolded]
        parts = self._day_buckets(days) if level == DAY else self._rollups(level, days)
        for day in unfolded:  # a day that is still being written: exactly from its samples
            parts[day] = bucket_samples(*self._samples(day * DAY, (day + 1) * DAY), level)
        return merge_buckets([parts[day] for day in sorted(parts)], length).between(start, end)

    def _day_buckets(self, days: list[Day]) -> dict[int, Buckets]:
        return {
            day.day: Buckets(
                np.array([day.day * DAY]),
                np.array([day.low]),
                np.array([day.high]),
                np.array([day.mean]),
                np.array([day.samples]),
            )
            for day in days
        }

    def _rollups(self, level: int, days: list[Day]) -> dict[int, Buckets]:
        if not days:
            return {}
        wanted = {day.day for day in days}
        rows = self.connection.execute(
            "SELECT day, blob FROM rollup WHERE series = ? AND level = ? AND day BETWEEN ? AND ?",
            (self.series, level, days[0].day, days[-1].day),
        )
        return {day: decode_buckets(blob) for day, blob in rows if day in wanted}

    def _days(self, start: int, end: int) -> list[Day]:
        rows = self.connection.execute(
            "SELECT day, revision, count, first, last, low, high, mean FROM day"
            " WHERE series = ? AND day BETWEEN ? AND ? ORDER BY day",
            (self.series, start // DAY, end // DAY),
        )
        return [Day(*row) for row in rows]

    def _tail(self, start: int, end: int) -> Samples:
        rows = self.connection.execute(
            "SELECT at, value FROM tail WHERE series = ? AND at BETWEEN ? AND ? ORDER BY at", (self.series, start, end)
        ).fetchall()
        return columns_of(rows)


def columns_of(rows: Any) -> Samples:
    """Rows of (time, value) as two columns."""
    return (
        np.fromiter((row[0] for row in rows), np.int64, len(rows)),
        np.fromiter((row[1] for row in rows), np.float64, len(rows)),
    )


def _finest_step(days: list[Day], tail: Samples, start: int, end: int, max_points: int) -> int:
    """The shortest step at which what is recorded of the range may fit; short recordings in a long range are thus shown
    in full detail."""
    spans = {day.day: (max(day.first, start), min(day.last, end)) for day in days}
    for at in (tail[0][:1].tolist() + tail[0][-1:].tolist()) if len(tail[0]) else []:
        first, last = spans.get(at // DAY, (at, at))
        spans[at // DAY] = (min(first, at), max(last, at))
    lengths = [last - first for first, last in spans.values() if last >= first]
    return next((step for step in _STEPS if sum(length // step + 1 for length in lengths) <= max_points), DAY)


def _steps_from(shortest: int) -> Iterator[int]:
    """The lengths that buckets may have, each a multiple of a rollup's once it is longer than that."""
    yield from (step for step in _STEPS if step >= shortest)
    yield from (DAY << power for power in range(1, 24))


def _view(column: NDArray[np.float64]) -> memoryview:
    return np.ascontiguousarray(column, np.float64).data


def _size(samples: Samples) -> int:
    return samples[0].nbytes + samples[1].nbytes
