"""What a service kept of its last 24 hours (``kronkers_studio/serving/metrics/history.py`` says how), read strictly and
within bounds: its answer is the word of a stranger."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NoReturn

from kronkers_studio.domain.errors import MetricsUnreadable
from kronkers_studio.monitoring.scrape import LARGEST

EVERY = 10.0
"""Seconds of the intervals that services keep, about."""

MOST_BYTES = 2_000_000  # of one answer; twice of what a service sends
_MOST_INTERVALS = 720  # in one answer
_WHILE_ASKED = 600.0  # seconds that asking may take
_MOST_ANSWERS = 16  # that are read one after the other; a day is twelve
_MOST_BOUNDS = 200
_MOST_NAMES = 20
_LONGEST_NAME = 40
_MOST_NUMBERS = 64  # of what an interval says about answers

OTHER = ""
"""The name under which all answers are counted that have none."""


@dataclass(frozen=True, slots=True)
class Answered:
    """What a model answered in a while: how often each class, or where its numbers lie: counts by the index of a bin
    that is 2 ** ``power`` wide and begins at that multiple of it. ``others`` are neither."""

    classes: Mapping[str, int]
    bins: Mapping[int, int]
    power: int = 0
    others: int = 0


@dataclass(frozen=True, slots=True)
class Interval:
    """What happened between two uptimes of a service, in seconds. ``answers`` and ``buckets`` are what was added to a
    ``Scrape``'s, ``cpu_seconds`` and ``memory`` how they were at its end."""

    start: float
    end: float
    answers: Mapping[str, int]
    buckets: Sequence[int]  # one for each bound, and one above them; not cumulative
    rows: int
    cpu_seconds: float
    memory: float | None
    answered: Answered | None


@dataclass(frozen=True, slots=True)
class ServiceHistory:
    """``intervals`` in their order, not overlapping. ``answers`` and ``buckets`` are what all up to the last of them
    add up to since the service began; the interval that is being counted began at ``start``."""

    run: str
    start: float
    bounds: Sequence[float]
    intervals: Sequence[Interval]
    answers: Mapping[str, int]
    buckets: Sequence[int]


def read_history(ask: Callable[[float], bytes], run: str, after: float, now: float) -> ServiceHistory | None:
    """What the service's ``run`` knows of the time after the uptime ``after``; its uptime is ``now``. ``ask`` gives its
    answer to the question for what came after an uptime. None when it was restarted meanwhile. Raises
    ``MetricsUnreadable``."""
    intervals: list[Interval] = []
    after = math.floor(after * 1000) / 1000  # as finely as intervals tell it
    for _ in range(_MOST_ANSWERS):
        found = _Answer(ask(after))
        if found.run != run:
            return None
        if found.intervals and not after < found.intervals[0].end <= found.intervals[-1].end <= now + _WHILE_ASKED:
            _odd("an interval was not asked for, or is none yet")
        intervals += found.intervals
        if not found.more:
            history = ServiceHistory(run, found.start, found.bounds, intervals, *found.total)
            _check_sums(history)
            return history
        if not found.intervals:
            _odd("there is more of nothing")
        after = intervals[-1].end
    raise _unreadable("there is no end of it")


def _check_sums(history: ServiceHistory) -> None:
    """What happened in the intervals is a part of what happened at all."""
    if any(len(interval.buckets) != len(history.buckets) for interval in history.intervals):
        _odd("buckets are others than before")
    for kind, number in history.answers.items():
        if sum(interval.answers[kind] for interval in history.intervals) > number:
            _odd("statuses do not add up")
    for number, *parts in zip(history.buckets, *(interval.buckets for interval in history.intervals), strict=True):
        if sum(parts) > number:
            _odd("buckets do not add up")


class _Answer:
    def __init__(self, body: bytes) -> None:
        try:
            content = json.loads(body.decode("utf-8"), parse_constant=_odd)
        except (ValueError, RecursionError) as problem:
            _odd(type(problem).__name__)
        content = _of(content, dict)
        self.run = _of(content.get("run"), str)
        self.start = _number(content.get("start"))
        self.more = _of(content.get("more"), bool)
        self.bounds = [_number(bound) for bound in _list(content.get("bounds"), _MOST_BOUNDS)]
        if any(second <= first for first, second in pairwise(self.bounds)):
            _odd("bounds do not rise")
        self._names = [_of(name, str) for name in _list(content.get("names"), _MOST_NAMES)]
        if any(not name.isprintable() or not 0 < len(name) <= _LONGEST_NAME for name in self._names):
            _odd("a class has no name")
        self._kind = _of(content.get("kind"), str)
        self.intervals = [self._interval(entry) for entry in _list(content.get("intervals"), _MOST_INTERVALS)]
        if any(
            second.start < first.end - 0.002 or second.end <= first.end for first, second in pairwise(self.intervals)
        ):
            _odd("intervals overlap")
        total = _of(content.get("total"), dict)
        seconds = [_count(number) for number in _list(total.get("seconds"), _MOST_BOUNDS + 1)]
        if len(seconds) != len(self.bounds) + 1:
            _odd("a total has other buckets")
        self.total = (_statuses(total.get("statuses")), seconds)

    def _interval(self, entry: Any) -> Interval:
        parts = _list(entry, 8)
        if len(parts) != 8:
            _odd("an interval has other parts")
        end, length, statuses, rows, cpu, memory, sparse, answers = parts
        end, length = _number(end), _number(length)
        if length > end + 0.002:
            _odd("an interval began before the service")
        buckets = [0] * (len(self.bounds) + 1)
        for index, number in _pairs(sparse, 2 * len(buckets)):
            if not 0 <= index < len(buckets):
                _odd("there is no such bucket")
            buckets[index] += number
        return Interval(
            start=max(0.0, end - length),
            end=end,
            answers=_statuses(statuses),
            buckets=buckets,
            rows=_count(rows),
            cpu_seconds=_number(cpu),
            memory=None if memory is None else _number(memory),
            answered=self._answered(_list(answers, _MOST_NUMBERS)),
        )

    def _answered(self, numbers: list[Any]) -> Answered | None:
        if not numbers:
            return None
        if self._kind == "classes":
            classes: dict[str, int] = {}
            others = 0
            for index, number in _pairs(numbers, _MOST_NUMBERS):
                if index < 0:
                    others += number
                elif index < len(self._names):
                    name = self._names[index]
                    classes[name] = classes.get(name, 0) + number
                else:
                    _odd("there is no such class")
            return Answered(classes, {}, 0, others)
        if self._kind != "numbers" or len(numbers) < 2:
            _odd("answers of no kind")
        power = _of(numbers[0], int)
        if not -1100 <= power <= 1100:
            _odd("a width is out of range")
        bins: dict[int, int] = {}
        for index, number in _pairs(numbers[2:], _MOST_NUMBERS):
            if abs(index) > 1 << 41:
                _odd("a bin is out of range")
            bins[index] = bins.get(index, 0) + number
        return Answered({}, bins, power, _count(numbers[1]))


def _statuses(found: Any) -> dict[str, int]:
    numbers = [_count(number) for number in _list(found, 3)]
    if len(numbers) != 3:
        _odd("statuses are not three")
    return dict(zip("245", numbers, strict=True))


def _pairs(found: Any, most: int) -> list[tuple[int, int]]:
    parts = _list(found, most)
    if len(parts) % 2:
        _odd("a count is missing")
    return [(_of(index, int), _count(number)) for index, number in zip(parts[::2], parts[1::2], strict=True)]


def _list(found: Any, most: int) -> list[Any]:
    entries: list[Any] = _of(found, list)
    if len(entries) > most:
        _odd("a list is too long")
    return entries


def _count(found: Any) -> int:
    number: int = _of(found, int)
    if not 0 <= number <= LARGEST:
        _odd("a count is out of range")
    return number


def _number(found: Any) -> float:
    if type(found) not in (int, float) or not 0 <= found <= LARGEST or not math.isfinite(found):
        _odd("a number is out of range")
    return float(found)


def _of(found: Any, kind: type) -> Any:
    if type(found) is not kind:  # a truth value is no number here
        _odd(f"{kind.__name__} is wanted")
    return found


def _odd(what: str) -> NoReturn:
    raise _unreadable(what)


def _unreadable(what: str) -> MetricsUnreadable:
    return MetricsUnreadable(
        "What the service says of its last hours is not what a released model keeps.",
        next_step="Release the model again; if it stays so, package it again.",
        details=what,
    )
