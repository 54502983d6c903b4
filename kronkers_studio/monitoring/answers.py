"""What models answered, kept beside the series: some ten seconds a line; five minutes where it is older than two days,
an hour where it is older than a month.

Classes and numbers are counts, so that lines are put together without loss. A line is known by the service's run and
uptime: what is read twice is kept once.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlcipher3 import dbapi2

from kronkers_studio.domain.series import AnswerLine, Answers, Charted, SeriesKey, Window
from kronkers_studio.monitoring.buckets import Span, with_gaps
from kronkers_studio.monitoring.service_history import Answered, Interval

_SECOND = 1_000
_COARSER = (("5 min", 48 * 3_600, 300), ("1 h", 30 * 86_400, 3_600))
"""What stands in place of a run, how old lines are in seconds when they are put together so, and how long they are
then. The first is longer than a service keeps it: what is put together is never told again."""
_STEPS = (10, 20, 30, 60, 120, 300, 600, 1800, 3600, 7200, 21_600, 43_200, 86_400)
_MOST_LINES = 4  # classes with a line of their own
_MOST_CLASSES = 60  # that are told at all: of many versions' classes
_QUANTILES = (0.1, 0.5, 0.9)

SCHEMA = (
    """CREATE TABLE IF NOT EXISTS answers (
        id INTEGER PRIMARY KEY, model TEXT NOT NULL, place TEXT NOT NULL, at INTEGER NOT NULL,
        run TEXT NOT NULL, uptime INTEGER NOT NULL, rows INTEGER NOT NULL, body TEXT NOT NULL,
        UNIQUE (model, place, run, uptime))""",
    "CREATE INDEX IF NOT EXISTS answers_at ON answers (model, place, at)",
)


def add_answers(
    connection: dbapi2.Connection, model: str, place: str, run: str, intervals: Iterable[tuple[float, Interval]]
) -> None:
    """Keep what was answered in ``intervals``, each with the time of its end in seconds since the epoch."""
    rows = [
        (model, place, round(at * _SECOND), run, round(interval.end * _SECOND), interval.rows, _body(interval.answered))
        for at, interval in intervals
        if interval.answered is not None
    ]
    ((before,),) = connection.execute(
        "SELECT ifnull(max(at), 0) FROM answers WHERE model = ? AND place = ?", (model, place)
    ).fetchall()
    connection.executemany(
        "INSERT OR IGNORE INTO answers (model, place, at, run, uptime, rows, body) VALUES (?, ?, ?, ?, ?, ?, ?)", rows
    )
    now = max((row[2] for row in rows), default=before)
    for name, age, length in _COARSER:
        if (now - age * _SECOND) // (length * _SECOND) > (before - age * _SECOND) // (length * _SECOND):
            _put_together(connection, model, place, now - age * _SECOND, name, length * _SECOND)


def read_answers(
    connection: dbapi2.Connection,
    model: str,
    place: str,
    start: float,
    end: float,
    most: int,
    spans: Sequence[Span] = (),
) -> Answers:
    """What was answered from ``start`` to ``end`` (seconds since the epoch), over time in at most ``most`` points."""
    found = connection.execute(
        "SELECT at, rows, body FROM answers WHERE model = ? AND place = ? AND at > ? AND at <= ? ORDER BY at",
        (model, place, round(start * _SECOND), round(end * _SECOND)),
    ).fetchall()
    lines = [(at / _SECOND, _answered(body)) for at, _rows, body in found]
    whole = _together([answered for _, answered in lines])
    step = next((step for step in _STEPS if (end - start) / step <= most), math.ceil((end - start) / most))
    buckets: dict[int, list[Answered]] = {}
    for at, answered in lines:
        buckets.setdefault(math.ceil(at / step) - 1, []).append(answered)
    times = np.array([(number + 0.5) * step for number in buckets], np.float64)
    each = [_together(parts) for parts in buckets.values()]
    is_classes = bool(whole.classes) or not whole.bins
    columns = _shares(whole, each) if is_classes else _middles(each)
    windows: dict[Charted, Window] = {
        line: _window(SeriesKey(model, place, line), times, column, step, spans) for line, column in columns.items()
    }
    counts = sorted(whole.classes.items(), key=lambda pair: (-pair[1], pair[0]))
    return Answers(
        rows=sum(whole.classes.values()) + sum(whole.bins.values()) + whole.others,
        classes=tuple(counts[:_MOST_CLASSES]),
        others=whole.others + sum(number for _, number in counts[_MOST_CLASSES:]),
        quantiles=None if is_classes else _quantiles(whole),
        windows=windows,
    )


def _body(answered: Answered | None) -> str:
    assert answered is not None  # noqa: S101 — intervals without answers are left out
    if answered.bins:
        pairs = [part for pair in sorted(answered.bins.items()) for part in pair]
        return json.dumps([answered.power, answered.others, *pairs], separators=(",", ":"))
    named = {**answered.classes, **({"": answered.others} if answered.others else {})}
    return json.dumps(named, separators=(",", ":"), ensure_ascii=False)


def _answered(body: str) -> Answered:
    said: Any = json.loads(body)
    if isinstance(said, dict):
        others = said.pop("", 0)
        return Answered(said, {}, 0, others)
    return Answered({}, dict(zip(said[2::2], said[3::2], strict=True)), said[0], said[1])


def _together(parts: Sequence[Answered]) -> Answered:
    """The sum of ``parts``. Numbers are put into bins of the widest of their widths, unless that would be coarser than
    they are."""
    classes: dict[str, int] = {}
    bins: dict[int, int] = {}
    power = max((part.power for part in parts if part.bins), default=0)
    for part in parts:
        for name, number in part.classes.items():
            classes[name] = classes.get(name, 0) + number
        for index, number in part.bins.items():
            coarser = index >> (power - part.power)
            bins[coarser] = bins.get(coarser, 0) + number
    return Answered(classes, bins, power, sum(part.others for part in parts))


def _shares(whole: Answered, each: Sequence[Answered]) -> dict[AnswerLine, NDArray[np.float64]]:
    """Of each class in percent; those that are rare together."""
    ranked = sorted(whole.classes, key=lambda name: (-whole.classes[name], name))
    shown = ranked if len(ranked) <= _MOST_LINES + 1 else ranked[:_MOST_LINES]
    totals = [sum(part.classes.values()) + part.others for part in each]
    columns = {
        AnswerLine(name): np.array([100.0 * part.classes.get(name, 0) / total for part, total in _of(each, totals)])
        for name in shown
    }
    if len(shown) < len(ranked) or whole.others:
        known = [sum(part.classes.get(name, 0) for name in shown) for part in each]
        left = [100.0 * (total - number) / total for total, number in zip(totals, known, strict=True)]
        columns[AnswerLine("", others=True)] = np.array(left)
    return columns


def _of(each: Sequence[Answered], totals: Sequence[int]) -> list[tuple[Answered, int]]:
    return list(zip(each, totals, strict=True))


def _middles(each: Sequence[Answered]) -> dict[AnswerLine, NDArray[np.float64]]:
    found = [_quantiles(part) or (math.nan,) * len(_QUANTILES) for part in each]
    return {
        AnswerLine(quantile=q): np.array([values[index] for values in found], np.float64)
        for index, q in enumerate(_QUANTILES)
    }


def _quantiles(numbers: Answered) -> tuple[float, float, float] | None:
    """The values below which a tenth, a half and nine tenths of the numbers lie, each to the width of a bin."""
    if not numbers.bins:
        return None
    indices = np.array(sorted(numbers.bins), np.float64)
    counts = np.array([numbers.bins[int(index)] for index in indices], np.float64)
    reached = np.cumsum(counts)
    found = []
    for q in _QUANTILES:
        place = int(np.searchsorted(reached, q * reached[-1]))
        inside = (q * reached[-1] - (reached[place] - counts[place])) / counts[place]
        found.append(float(np.ldexp(indices[place] + inside, numbers.power)))
    return found[0], found[1], found[2]


def _window(
    key: SeriesKey, times: NDArray[np.float64], column: NDArray[np.float64], step: float, spans: Sequence[Span]
) -> Window:
    wide = [span._replace(every=max(span.every, step)) for span in spans]
    points, values = with_gaps(times, [column], wide)
    view = np.ascontiguousarray(values, np.float64).data
    return Window(key, np.ascontiguousarray(points, np.float64).data, view, view, view, step=step)


def _put_together(connection: dbapi2.Connection, model: str, place: str, before: int, name: str, length: int) -> None:
    """Make one line of those of each ``length`` milliseconds before ``before``; ``name`` stands for their run."""
    names = [each for each, _, _ in _COARSER]
    coarse = names[names.index(name) :]  # lines of these are as coarse already
    rows = connection.execute(
        "SELECT id, at, rows, body FROM answers WHERE model = ? AND place = ? AND at <= ?"  # noqa: S608 — marks only
        f" AND run NOT IN ({','.join('?' * len(coarse))}) ORDER BY at",
        (model, place, before // length * length, *coarse),
    ).fetchall()
    groups: dict[int, list[tuple[int, int, str]]] = {}
    for row, at, number, body in rows:
        groups.setdefault(-(-at // length) * length, []).append((row, number, body))
    for at, group in groups.items():
        bodies = [_answered(body) for _, _, body in group]
        kinds = ([part for part in bodies if part.bins], [part for part in bodies if not part.bins])
        connection.executemany("DELETE FROM answers WHERE id = ?", [(row,) for row, _, _ in group])
        for number, parts in enumerate(kinds):  # of numbers, of classes: two versions may give other ones
            if parts:
                connection.execute(
                    "INSERT OR IGNORE INTO answers (model, place, at, run, uptime, rows, body)"
                    " VALUES (?, ?, ?, ?, ?, ?, ?)",
                    (model, place, at, name, 2 * at + number, sum(n for _, n, _ in group), _body(_together(parts))),
                )
