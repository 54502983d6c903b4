"""What came into services, kept beside the series: for each hour in which a service's run was read, its counters then.

Counters only ever rise during a run, so that what came in between any two hours is their difference, and what came in
during several runs the sum of these. What a run counted after it was read last is lost with it.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Mapping
from typing import Any

from sqlcipher3 import dbapi2

from kronkers_studio.monitoring.feature_readings import MOST_BYTES, FeatureReading, checked_counts
from kronkers_studio.storage.json_form import records_read

_SECOND, _HOUR, _DAY = 1_000, 3_600, 24
_HOURLY_DAYS = 30
"""Of what is older, the last hour of each day is kept."""
_COLUMNS = "profile, run, uptime, at, body"

SCHEMA = (
    """CREATE TABLE IF NOT EXISTS feature_counts (
        model TEXT NOT NULL, place TEXT NOT NULL, run TEXT NOT NULL, hour INTEGER NOT NULL, profile TEXT NOT NULL,
        uptime INTEGER NOT NULL, at INTEGER NOT NULL, body BLOB NOT NULL, PRIMARY KEY (model, place, run, hour))""",
    "CREATE INDEX IF NOT EXISTS feature_counts_at ON feature_counts (model, place, at)",
)


def keep_reading(connection: dbapi2.Connection, model: str, place: str, reading: FeatureReading) -> None:
    """Keep ``reading`` in place of an earlier one of its run and hour."""
    hour = int(reading.at // _HOUR)
    body = zlib.compress(json.dumps([reading.features, reading.answers], separators=(",", ":")).encode())
    connection.execute(
        "INSERT INTO feature_counts (model, place, run, hour, profile, uptime, at, body)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (model, place, run, hour) DO UPDATE SET"
        " profile = excluded.profile, uptime = excluded.uptime, at = excluded.at, body = excluded.body"
        " WHERE excluded.uptime > uptime",
        (
            *(model, place, reading.run, hour, reading.profile),
            *(round(reading.uptime * _SECOND), round(reading.at * _SECOND), body),
        ),
    )
    connection.execute(
        "DELETE FROM feature_counts WHERE model = ?1 AND place = ?2 AND hour < ?3 AND EXISTS (SELECT 1 FROM"
        " feature_counts AS later WHERE later.model = ?1 AND later.place = ?2 AND later.run = feature_counts.run"
        " AND later.hour > feature_counts.hour AND later.hour / ?4 = feature_counts.hour / ?4)",
        (model, place, hour - _HOURLY_DAYS * _DAY, _DAY),
    )


def last_kept(connection: dbapi2.Connection, model: str, place: str, profile: str) -> FeatureReading | None:
    """What was read last in the bins of that profile."""
    found = connection.execute(
        f"SELECT {_COLUMNS} FROM feature_counts WHERE model = ? AND place = ? AND profile = ?"  # noqa: S608 — names only
        " ORDER BY at DESC LIMIT 1",
        (model, place, profile),
    ).fetchall()
    return _reading(*found[0]) if found else None


def counted_between(
    connection: dbapi2.Connection, model: str, place: str, profile: str, start: float, end: float
) -> tuple[Mapping[str, tuple[int, ...]], tuple[int, ...] | None]:
    """What came in from ``start`` to ``end`` (seconds since the epoch; told to the hours in which it was read), by
    feature and bin of that profile, and the answers: the increase of each run, added up."""
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM feature_counts WHERE model = ? AND place = ? AND profile = ? AND at <= ?"  # noqa: S608
        " ORDER BY at",
        (model, place, profile, round(end * _SECOND)),
    ).fetchall()
    before: dict[str, FeatureReading] = {}
    after: dict[str, FeatureReading] = {}
    for row in rows:
        reading = _reading(*row)
        (before if reading.at <= start else after)[reading.run] = reading
    features: dict[str, tuple[int, ...]] = {}
    answers: tuple[int, ...] | None = None
    for run, last in after.items():
        first = before.get(run)
        for name, counts in last.features.items():
            less = first.features.get(name, ()) if first is not None else ()
            features[name] = _plus(features.get(name), _less(counts, less))
        if last.answers is not None:
            answers = _plus(answers, _less(last.answers, (first.answers if first is not None else None) or ()))
    return features, answers


def _less(counts: tuple[int, ...], before: Iterable[int]) -> tuple[int, ...]:
    less = tuple(before) or (0,) * len(counts)
    if len(less) != len(counts):
        raise ValueError("counts of other bins")
    return tuple(max(0, now - then) for now, then in zip(counts, less, strict=True))


def _plus(counts: tuple[int, ...] | None, more: tuple[int, ...]) -> tuple[int, ...]:
    return more if counts is None else tuple(one + other for one, other in zip(counts, more, strict=True))


def _reading(profile: str, run: str, uptime: int, at: int, body: bytes) -> FeatureReading:
    with records_read("feature counts"):
        try:
            features, answers = json.loads(zlib.decompressobj().decompress(body, 4 * MOST_BYTES))
        except zlib.error as error:
            raise ValueError(str(error)) from None
        named: dict[str, Any] = dict(features)
        counts = {name: checked_counts(said) for name, said in named.items()}
        answered = None if answers is None else checked_counts(answers)
        return FeatureReading(profile, run, uptime / _SECOND, at / _SECOND, counts, answered)
