"""What was read last of each service, and in which times nothing is missing: kept beside the series.

All times here are whole milliseconds since the epoch.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence

from sqlcipher3 import dbapi2

from kronkers_studio.monitoring.buckets import Span
from kronkers_studio.monitoring.sampler import Sample
from kronkers_studio.monitoring.scrape import Scrape

_SECOND = 1_000
_TOUCHING = 1_000  # two samples of the same clock are no further apart in what it says of one moment

SCHEMA = (
    """CREATE TABLE IF NOT EXISTS reading (
        model TEXT NOT NULL, place TEXT NOT NULL, run TEXT NOT NULL, uptime REAL NOT NULL, body TEXT NOT NULL,
        PRIMARY KEY (model, place)) WITHOUT ROWID""",
    """CREATE TABLE IF NOT EXISTS told (
        model TEXT NOT NULL, place TEXT NOT NULL, run TEXT NOT NULL, uptime REAL NOT NULL,
        PRIMARY KEY (model, place)) WITHOUT ROWID""",
    """CREATE TABLE IF NOT EXISTS span (
        id INTEGER PRIMARY KEY, model TEXT NOT NULL, place TEXT NOT NULL,
        start INTEGER NOT NULL, end INTEGER NOT NULL, every INTEGER NOT NULL)""",
    "CREATE INDEX IF NOT EXISTS span_end ON span (model, place, end)",
)


def last_reading(connection: dbapi2.Connection, model: str, place: str) -> Scrape | None:
    """The counters that were read last, by whomever."""
    row = connection.execute("SELECT body FROM reading WHERE model = ? AND place = ?", (model, place)).fetchone()
    if row is None:
        return None
    said = json.loads(row[0])
    return Scrape(
        said["at"],
        said["started"],
        said["answers"],
        {math.inf if bound is None else bound: number for bound, number in said["buckets"]},
        cpu_seconds=said["cpu"],
        run=said["run"],
        uptime=said["uptime"],
    )


def is_last(connection: dbapi2.Connection, model: str, place: str, scrape: Scrape | None) -> bool:
    """Whether ``scrape`` is still what was read last."""
    row = connection.execute("SELECT run, uptime FROM reading WHERE model = ? AND place = ?", (model, place)).fetchone()
    return bool((scrape.run, scrape.uptime) == row if scrape is not None and row else scrape is None and row is None)


def keep_reading(connection: dbapi2.Connection, model: str, place: str, scrape: Scrape) -> None:
    """``scrape``, of a service that tells its run, is what was read last."""
    said = {
        "at": scrape.at,
        "started": scrape.started,
        "answers": dict(scrape.answers),
        "buckets": [(None if math.isinf(bound) else bound, number) for bound, number in scrape.buckets.items()],
        "cpu": scrape.cpu_seconds,
        "run": scrape.run,
        "uptime": scrape.uptime,
    }
    connection.execute(
        "INSERT OR REPLACE INTO reading VALUES (?, ?, ?, ?, ?)",
        (model, place, scrape.run, scrape.uptime, json.dumps(said)),
    )


def keep_told(connection: dbapi2.Connection, model: str, place: str, run: str, uptime: float) -> None:
    """The service's ``run`` told what it answered up to ``uptime``."""
    connection.execute("INSERT OR REPLACE INTO told VALUES (?, ?, ?, ?)", (model, place, run, uptime))


def told_until(connection: dbapi2.Connection, model: str, place: str, run: str) -> float:
    """The uptime up to which the service's ``run`` told what it answered; 0 when it never did."""
    row = connection.execute(
        "SELECT uptime FROM told WHERE model = ? AND place = ? AND run = ?", (model, place, run)
    ).fetchone()
    return row[0] if row else 0.0


def add_spans(connection: dbapi2.Connection, model: str, place: str, samples: Sequence[Sample]) -> None:
    """Nothing is missing in the times that ``samples`` tell of."""
    for sample in samples:
        start, end = round(sample.start * _SECOND), round(sample.at * _SECOND)
        if end <= start:
            continue
        every = _SECOND << max(0, round(math.log2((end - start) / _SECOND)))  # so that it rests while they vary
        last = connection.execute(
            "SELECT id, start, end, every FROM span WHERE model = ? AND place = ? ORDER BY end DESC LIMIT 1",
            (model, place),
        ).fetchone()
        if last is not None and last[3] == every and last[1] <= end and start <= last[2] + _TOUCHING:
            connection.execute("UPDATE span SET end = ? WHERE id = ?", (max(end, last[2]), last[0]))
        else:
            connection.execute(
                "INSERT INTO span (model, place, start, end, every) VALUES (?, ?, ?, ?, ?)",
                (model, place, start, end, every),
            )


def spans_between(connection: dbapi2.Connection, model: str, place: str, start: int, end: int) -> list[Span]:
    """The spans that have something of ``start`` … ``end``, in seconds."""
    rows = connection.execute(
        "SELECT start, end, every FROM span WHERE model = ? AND place = ? AND end >= ? AND start <= ? ORDER BY end",
        (model, place, start, end),
    )
    return [Span(*(number / _SECOND for number in row)) for row in rows]
