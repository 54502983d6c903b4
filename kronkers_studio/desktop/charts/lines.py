"""A window of a series as the points of a line."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kronkers_studio.desktop.look import theme
from kronkers_studio.domain.series import Charted, Window

Doubles = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a chart: what it shows, its name in the legend, its place in the theme's order of series colours.

    ``dash`` (lengths of stroke and space in pixels) tells it from its neighbours where colours could be confused.
    ``hint`` says in the legend what it is, with the technical term; ``short`` is its name where there is little room.
    """

    metric: Charted
    name: str
    series: int
    dash: tuple[float, ...] = ()
    hint: str = ""
    short: str = ""

    @property
    def colour(self) -> str:
        return theme.current().tokens.series[self.series]

    @property
    def ink(self) -> str:
        """The colour in which text of this line can be read."""
        tokens = theme.current().tokens
        return tokens.accent_text if self.colour == tokens.accent else self.colour


@dataclass(frozen=True, slots=True)
class Readout:
    """The point of a line nearest to a time."""

    at: float
    low: float
    high: float
    mean: float
    reduced: bool


def points(window: Window) -> tuple[Doubles, Doubles]:
    """The line through every sample or, where samples were reduced, through the lowest and highest of each bucket.

    At most two points per point of the window. A lone point between two gaps becomes a stroke too short to be taken
    for more than one measurement, because a line through one point is invisible.
    """
    times, low, high = np.asarray(window.times), np.asarray(window.low), np.asarray(window.high)
    if window.step == 0:
        return _lone_points_as_strokes(times, high)
    zigzag = np.empty(2 * len(times))
    zigzag[0::2], zigzag[1::2] = low, high
    twice = np.repeat(times, 2)
    lone = _lone(low)
    twice[2 * lone + 1] += _distance(times) / 4
    return twice, zigzag


def highest(window: Window, start: float, end: float) -> float:
    """The highest value from ``start`` to ``end``; 0 when there is none."""
    times, high = np.asarray(window.times), np.asarray(window.high)
    seen = high[(times >= start) & (times <= end)]
    seen = seen[np.isfinite(seen)]
    return float(seen.max()) if len(seen) else 0.0


def lowest(window: Window, start: float, end: float) -> float | None:
    """The lowest value from ``start`` to ``end``."""
    times, low = np.asarray(window.times), np.asarray(window.low)
    seen = low[(times >= start) & (times <= end)]
    seen = seen[np.isfinite(seen)]
    return float(seen.min()) if len(seen) else None


def nearest(window: Window, at: float) -> Readout | None:
    """The recorded point nearest to ``at``, or None in a gap or outside of what is recorded."""
    times = np.asarray(window.times)
    if not len(times):
        return None
    after = int(np.searchsorted(times, at))
    index = min((i for i in (after - 1, after) if 0 <= i < len(times)), key=lambda i: abs(times[i] - at))
    if not np.isfinite(window.mean[index]) or abs(times[index] - at) > 2 * _distance(times):
        return None
    return Readout(float(times[index]), window.low[index], window.high[index], window.mean[index], window.step > 0)


def gaps(window: Window) -> list[tuple[float, float]]:
    """From when to when nothing was recorded between two measurements, in seconds since the epoch."""
    times, mean = np.asarray(window.times), np.asarray(window.mean)
    there = np.flatnonzero(np.isfinite(mean))
    apart = np.flatnonzero(np.diff(there) > 1)
    return [(float(times[there[index]]), float(times[there[index + 1]])) for index in apart]


def newest(window: Window) -> float | None:
    """The last value that is not a gap."""
    mean = np.asarray(window.mean)
    finite = np.flatnonzero(np.isfinite(mean))
    return float(mean[finite[-1]]) if len(finite) else None


def average(window: Window) -> float | None:
    """The mean of all points that are not gaps."""
    mean = np.asarray(window.mean)
    finite = mean[np.isfinite(mean)]
    return float(finite.mean()) if len(finite) else None


def _distance(times: Doubles) -> float:
    return float(np.median(np.diff(times))) if len(times) > 1 else 1.0


def _lone_points_as_strokes(times: Doubles, values: Doubles) -> tuple[Doubles, Doubles]:
    lone = _lone(values)
    if not len(lone):
        return times, values
    return np.insert(times, lone + 1, times[lone] + _distance(times) / 4), np.insert(values, lone + 1, values[lone])


def _lone(values: Doubles) -> NDArray[np.intp]:
    """The places of points that have a gap on both sides."""
    finite = np.isfinite(values)
    before = np.concatenate(([False], finite[:-1]))
    after = np.concatenate((finite[1:], [False]))
    return np.flatnonzero(finite & ~before & ~after)
