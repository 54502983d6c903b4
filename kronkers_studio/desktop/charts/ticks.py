"""Where an axis has labels, and what they say: times of day where the reader is, figures by the reader's locale."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from PySide6.QtCore import QDateTime

from kronkers_studio.desktop.localization import clock_format, locale

_MINUTE, _HOUR, _DAY = 60, 3600, 86_400
_STEPS = (
    *(1, 2, 5, 10, 15, 30, _MINUTE, 2 * _MINUTE, 5 * _MINUTE, 10 * _MINUTE, 15 * _MINUTE, 30 * _MINUTE),
    *(_HOUR, 2 * _HOUR, 3 * _HOUR, 6 * _HOUR, 12 * _HOUR, _DAY, 2 * _DAY, 7 * _DAY, 14 * _DAY),
)
_MONTHS = (1, 2, 3, 6, 12, 24, 60, 120, 600)
_MONTH = 30.4 * _DAY


@dataclass(frozen=True, slots=True)
class ValueAxis:
    """An axis from ``bottom`` to ``top`` with labels at ``values``, ``step`` apart."""

    top: float
    step: float
    values: list[float]
    bottom: float = 0.0


def time_ticks(start: float, end: float, most: int) -> list[tuple[float, str]]:
    """At most about ``most`` round local times in [start, end] (seconds since the epoch), with their labels."""
    wanted = (end - start) / max(1, most)
    step = next((step for step in _STEPS if step >= wanted), None)
    if step is None:
        months = next((months for months in _MONTHS if months * _MONTH >= wanted), _MONTHS[-1])
        return [(at, _label(at, months * _MONTH)) for at in _months(start, end, months)]
    times = _days(start, end, step // _DAY) if step >= _DAY else _clock_times(start, end, step)
    return [(at, _label(at, step)) for at in times]


def value_axis(highest: float, most: int = 5) -> ValueAxis:
    """An axis from 0 to just above ``highest``, with about ``most`` labels at round values."""
    rough = max(highest, 1e-9) / most
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor >= rough * (1 - 1e-9))
    halves = math.ceil(highest / (step / 2) - 1e-9)  # in half steps, so that the axis rests while the line moves
    return ValueAxis(halves * step / 2, step, [index * step for index in range(halves // 2 + 1)])


def value_axis_between(lowest: float, highest: float, most: int = 5) -> ValueAxis:
    """An axis around the values from ``lowest`` to ``highest``, wherever 0 is, with about ``most`` labels."""
    room = max(highest - lowest, abs(highest) * 1e-3, 1e-9)
    spread = value_axis(1.2 * room, most)
    half = spread.step / 2
    bottom = math.floor((lowest - 0.1 * room) / half + 1e-9)
    halves = max(bottom + 1, math.ceil((highest + 0.1 * room) / half - 1e-9))
    first = -(-bottom // 2)
    return ValueAxis(
        halves * half, spread.step, [index * spread.step for index in range(first, halves // 2 + 1)], bottom * half
    )


def clock(at: float, *, seconds: bool = False) -> str:
    """The local time of day at ``at``: "14:05", "2:05 PM", with ``seconds`` "14:05:10"."""
    moment = QDateTime.fromSecsSinceEpoch(math.floor(at + 1e-6))
    return locale().toString(moment.time(), clock_format(seconds=seconds))


def day_and_clock(at: float, *, seconds: bool = False) -> str:
    """ "Tue 24 Nov, 14:05"."""
    moment = QDateTime.fromSecsSinceEpoch(math.floor(at + 1e-6))
    return f"{locale().toString(moment.date(), 'ddd d MMM')}, {clock(at, seconds=seconds)}"


def when(at: datetime) -> str:
    """ "14:05" today, "Tue 14:05" this week, "12 Mar" before, "12 Mar 2025" in other years."""
    local, now = QDateTime.fromSecsSinceEpoch(int(at.timestamp())), QDateTime.currentDateTime()
    if local.date() == now.date():
        return clock(at.timestamp())
    if 0 < local.date().daysTo(now.date()) < 6:
        return f"{locale().toString(local.date(), 'ddd')} {clock(at.timestamp())}"
    return locale().toString(local.date(), "d MMM" if local.date().year() == now.date().year() else "d MMM yyyy")


def _label(at: float, step: float) -> str:
    moment = QDateTime.fromSecsSinceEpoch(round(at))
    midnight = moment.time().msecsSinceStartOfDay() == 0
    if step >= 12 * _MONTH:
        return locale().toString(moment.date(), "yyyy")
    if step >= _MONTH:
        return locale().toString(moment.date(), "MMM yyyy")
    if step >= _DAY:
        return locale().toString(moment.date(), "d MMM")
    if midnight:
        return locale().toString(moment.date(), "ddd d MMM")
    return clock(at, seconds=step < _MINUTE)


def _clock_times(start: float, end: float, step: int) -> Iterator[float]:
    """Multiples of ``step`` seconds after local midnight, day by day, so that a change of the clock moves nothing."""
    day = datetime.fromtimestamp(start).date()
    while (midnight := _midnight(day)) <= end:
        next_midnight = _midnight(day + timedelta(days=1))
        first = max(0, math.ceil((start - midnight) / step))
        for index in range(first, math.ceil((next_midnight - midnight) / step)):
            at = _on_the_clock(day, index * step) if step >= _HOUR else midnight + index * step
            if at > end:
                return
            if start <= at < next_midnight:
                yield at
        day += timedelta(days=1)


def _on_the_clock(day: date, seconds: int) -> float:
    """When local clocks show ``seconds`` after midnight."""
    return (datetime.combine(day, datetime.min.time()) + timedelta(seconds=seconds)).timestamp()


def _midnight(day: date) -> float:
    return _on_the_clock(day, 0)


def _days(start: float, end: float, days: int) -> Iterator[float]:
    number = datetime.fromtimestamp(start).date().toordinal() // days * days
    while (at := _midnight(date.fromordinal(number))) <= end:
        if at >= start:
            yield at
        number += days


def _months(start: float, end: float, months: int) -> Iterator[float]:
    begin = datetime.fromtimestamp(start)
    number = (begin.year * 12 + begin.month - 1) // months * months
    while (at := _midnight(date(number // 12, number % 12 + 1, 1))) <= end:
        if at >= start:
            yield at
        number += months
