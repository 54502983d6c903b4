"""What came into services, kept beside the series: for each hour in which a service's run was read, its counters then.

Counters only ever rise during a run, so that what came in between any two hours is their difference, and what came in
during several runs the sum of these. What a run counted after it was read last is lost with it.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlcipher3 import dbapi2

from kronkers_studio.monitoring.feature_readings import MOST_BYTES, FeatureReading, ProfileBins, checked_counts
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


@dataclass(frozen=True, slots=True)
class CountedBetween:
    """What came in from ``start`` to ``end`` (seconds since the epoch), over all runs: by feature the rows in each bin,
    and the answers, None where none were counted. These are the moments of the readings that it lies between, which are
    not those that were asked for."""

    start: float
    end: float
    features: Mapping[str, tuple[int, ...]]
    answers: tuple[int, ...] | None


def counted_between(
    connection: dbapi2.Connection, model: str, place: str, bins: ProfileBins, start: float, end: float
) -> CountedBetween | None:
    """What came in from ``start`` to ``end``, told to the hours in which it was read: the increase of each run, added
    up; None where nothing was read after ``start``. A run that was not read before ``start`` counts from its beginning,
    be that earlier. What is counted in other bins than the profile has, whatever the service said, is left out."""
    before = _last_of_each_run(connection, model, place, bins.profile, start)
    after = _last_of_each_run(connection, model, place, bins.profile, end)
    pairs = [(before.get(run), last) for run, last in after.items() if last.at > start]
    if not pairs:
        return None
    features: dict[str, tuple[int, ...]] = {}
    for name, count in bins.features.items():
        found = [
            _increase(first.features.get(name) if first else None, last.features.get(name), count)
            for first, last in pairs
        ]
        if any(one is not None for one in found):
            features[name] = _added_up(found, count)
    answered = [_increase(first.answers if first else None, last.answers, bins.answers) for first, last in pairs]
    return CountedBetween(
        min(last.at - last.uptime if first is None else first.at for first, last in pairs),
        max(last.at for _first, last in pairs),
        features,
        _added_up(answered, bins.answers) if any(one is not None for one in answered) else None,
    )


def _last_of_each_run(
    connection: dbapi2.Connection, model: str, place: str, profile: str, until: float
) -> dict[str, FeatureReading]:
    rows = connection.execute(
        "SELECT profile, run, uptime, max(at), body FROM feature_counts"  # of SQLite, the row that has the greatest
        " WHERE model = ? AND place = ? AND profile = ? AND at <= ? GROUP BY run",
        (model, place, profile, round(until * _SECOND)),
    ).fetchall()
    return {row[1]: _reading(*row) for row in rows}


def _increase(first: tuple[int, ...] | None, last: tuple[int, ...] | None, bins: int) -> tuple[int, ...] | None:
    """What was counted from ``first`` (None: from nothing) to ``last``; None where that is not of so many bins."""
    if last is None or len(last) != bins:
        return None
    if first is None or len(first) != bins:
        return last
    return tuple(max(0, now - then) for now, then in zip(last, first, strict=True))


def _added_up(found: Iterable[tuple[int, ...] | None], bins: int) -> tuple[int, ...]:
    return tuple(map(sum, zip(*(one or (0,) * bins for one in found), strict=True)))


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
