"""Where measured series are kept: one encrypted file beside the workspace's metadata, rebuildable and not journaled."""

from __future__ import annotations

import math
import tempfile
import threading
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
from sqlcipher3 import dbapi2

from kronkers_studio.domain.errors import StorageFull, WorkspaceBusy, WorkspaceReadOnly
from kronkers_studio.domain.series import Answers, Metric, SeriesKey, Window
from kronkers_studio.monitoring import answers, feature_history, readings
from kronkers_studio.monitoring.buckets import bucket_samples
from kronkers_studio.monitoring.feature_history import CountedBetween
from kronkers_studio.monitoring.feature_readings import FeatureReading, ProfileBins
from kronkers_studio.monitoring.rollups import (
    DAY,
    ROLLUPS,
    SECOND,
    DayCache,
    Pyramid,
    Samples,
    columns_of,
    merge_samples,
)
from kronkers_studio.monitoring.sample_codec import decode_samples, encode_buckets, encode_samples
from kronkers_studio.monitoring.sampler import Taken
from kronkers_studio.monitoring.scrape import Scrape
from kronkers_studio.monitoring.service_history import ServiceHistory
from kronkers_studio.storage.database import Database

_OPENING_SECONDS = 5.0
_FOLD = 240  # samples of a series in the tail before they are folded into its days

_SCHEMA = (
    """CREATE TABLE IF NOT EXISTS series (
        id INTEGER PRIMARY KEY, model TEXT NOT NULL, place TEXT NOT NULL, metric TEXT NOT NULL,
        newest INTEGER, value REAL, UNIQUE (model, place, metric))""",
    """CREATE TABLE IF NOT EXISTS tail (
        series INTEGER NOT NULL, at INTEGER NOT NULL, value REAL NOT NULL, PRIMARY KEY (series, at)) WITHOUT ROWID""",
    """CREATE TABLE IF NOT EXISTS day (
        series INTEGER NOT NULL, day INTEGER NOT NULL, revision INTEGER NOT NULL, count INTEGER NOT NULL,
        first INTEGER NOT NULL, last INTEGER NOT NULL, low REAL NOT NULL, high REAL NOT NULL, mean REAL NOT NULL,
        PRIMARY KEY (series, day)) WITHOUT ROWID""",
    """CREATE TABLE IF NOT EXISTS samples (
        series INTEGER NOT NULL, day INTEGER NOT NULL, blob BLOB NOT NULL, PRIMARY KEY (series, day))""",
    """CREATE TABLE IF NOT EXISTS rollup (
        series INTEGER NOT NULL, level INTEGER NOT NULL, day INTEGER NOT NULL, blob BLOB NOT NULL,
        PRIMARY KEY (series, level, day)) WITHOUT ROWID""",
    """CREATE TABLE IF NOT EXISTS totals (
        model TEXT NOT NULL, place TEXT NOT NULL, name TEXT NOT NULL, value INTEGER NOT NULL,
        PRIMARY KEY (model, place, name)) WITHOUT ROWID""",
    *readings.SCHEMA,
    *answers.SCHEMA,
    *feature_history.SCHEMA,
)


class SeriesStore:
    """All series of a workspace.

    Samples are appended to a short tail, one small transaction per scrape, and folded into one compressed blob per
    series and day every ``_FOLD`` samples, with lowest, highest, mean and count per 5 minutes, hour and day beside it.
    Thread-safe; several processes may use the same file at once. A killed process loses nothing it had appended.
    """

    def __init__(self, path: Path, key: bytes) -> None:
        """Open the file at ``path``, made when there is none, with its 32-byte ``key``.

        Where nothing can be written it can be read, and a missing one is empty. Raises ``StoreDamaged`` for another key
        or a file that is none, ``WorkspaceBusy``.
        """
        self._database = Database(path, key, durable=False)
        self._nowhere: tempfile.TemporaryDirectory[str] | None = None
        self._cache = DayCache()
        self._lock = threading.Lock()
        self._ids: dict[SeriesKey, int] = {}
        try:
            self._waiting = self._open()
        except (WorkspaceReadOnly, StorageFull):  # what is kept can be read all the same
            if not path.exists():
                self._nowhere = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
                self._database = Database(Path(self._nowhere.name) / path.name, key, durable=False)
                self._open()
            self._waiting = {}

    def append(
        self,
        samples: Iterable[tuple[SeriesKey, float, float]],
        totals: Mapping[tuple[str, str], Mapping[str, int]] | None = None,
    ) -> None:
        """Keep ``samples`` of (series, seconds since the epoch, value), all or none of them.

        Times are kept to the millisecond, values exactly. Values that are not finite are left out: a gap says the same.
        A sample of a time that is kept already replaces it. ``totals`` replaces what ``totals()`` gives for a
        (model, place).
        """
        with self._database.write() as connection:
            added = self._add_samples(connection, samples)
            for of, named in (totals or {}).items():
                _keep_totals(connection, of, named)
        self._fold_long_tails(added)

    def record(
        self,
        model: str,
        place: str,
        taken: Taken,
        totals: Mapping[str, int],
        history: ServiceHistory | None = None,
    ) -> None:
        """Keep what a service's reading told and, of its ``history``, what was answered; all or nothing.

        What it tells of the time before is left out when somebody else has read the service meanwhile, and so has kept
        it already.
        """
        with self._database.write() as connection:
            samples = taken.samples
            if len(samples) > 1 and not readings.is_last(connection, model, place, taken.before):
                samples = samples[-1:]
            added = self._add_samples(
                connection,
                (
                    (SeriesKey(model, place, metric), sample.at, value)
                    for sample in samples
                    for metric, value in sample.values.items()
                ),
            )
            if taken.known:
                readings.add_spans(connection, model, place, samples)
            now = taken.scrape
            if now.run is not None:
                readings.keep_reading(connection, model, place, now)
            if history is not None and now.uptime is not None:
                began = now.at - now.uptime
                told = [(began + interval.end, interval) for interval in history.intervals]
                answers.add_answers(connection, model, place, history.run, told)
                if told:
                    readings.keep_told(connection, model, place, history.run, history.intervals[-1].end)
            _keep_totals(connection, (model, place), totals)
        self._fold_long_tails(added)

    def last_reading(self, model: str, place: str) -> Scrape | None:
        """The counters of a service as they were when ``record`` was called last, by whomever; None of a service that
        keeps no history."""
        with self._database.read() as connection:
            return readings.last_reading(connection, model, place)

    def answers_known_until(self, model: str, place: str, run: str) -> float:
        """The uptime, in seconds, up to which a service's ``run`` told what it answered."""
        with self._database.read() as connection:
            return readings.told_until(connection, model, place, run)

    def answers(self, model: str, place: str, start: float, end: float, max_points: int = 120) -> Answers:
        """What was answered from ``start`` to ``end`` (seconds since the epoch), over time in at most ``max_points``
        points."""
        with self._database.read() as connection:
            spans = readings.spans_between(
                connection, model, place, math.ceil(start * SECOND), math.floor(end * SECOND)
            )
            return answers.read_answers(connection, model, place, start, end, max_points, spans)

    def keep_features(self, model: str, place: str, reading: FeatureReading) -> None:
        """Keep what a service counted of its features, in place of what was read earlier in the same hour."""
        with self._database.write() as connection:
            feature_history.keep_reading(connection, model, place, reading)

    def last_features(self, model: str, place: str, profile: str) -> FeatureReading | None:
        """What was kept last of a service that counts in the bins of ``profile``."""
        with self._database.read() as connection:
            return feature_history.last_kept(connection, model, place, profile)

    def features_between(
        self, model: str, place: str, bins: ProfileBins, start: float, end: float
    ) -> CountedBetween | None:
        """What came in from ``start`` to ``end`` (seconds since the epoch), to the hours in which it was read, over all
        runs that counted in ``bins``; None where nothing was read after ``start``."""
        with self._database.read() as connection:
            return feature_history.counted_between(connection, model, place, bins, start, end)

    def window(self, key: SeriesKey, start: float, end: float, max_points: int = 1200) -> Window:
        """What is recorded of ``key`` from ``start`` to ``end`` (seconds since the epoch), in at most ``max_points``.

        When every sample fits, each is a point (``step`` 0). Otherwise points are buckets of the shortest ``step`` that
        fits, aligned to the epoch, at the middle of each bucket; the first and last bucket are whole even where they
        reach beyond the range, so that nothing flickers while a chart moves on. A pause longer than three times the
        points' median distance, and than three times what is known to be their distance there, is a gap: one point of
        NaN values.
        """
        if max_points < 1:
            raise ValueError("a window needs room for one point")
        with self._database.read() as connection:
            series = self._known_id(connection, key)
            first, last = math.ceil(start * SECOND), math.floor(end * SECOND)
            spans = readings.spans_between(connection, key.model, key.place, first, last)
            pyramid = Pyramid(connection, self._cache, -1 if series is None else series, spans)
            return pyramid.window(key, first, last, max_points)

    def latest(self, model: str, place: str) -> dict[Metric, tuple[float, float]]:
        """(seconds since the epoch, value) of each metric measured last; empty when nothing was ever recorded.

        Only what was measured together, at the newest time: a response time of an hour ago says nothing of a service
        that had no requests since.
        """
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT metric, newest, value FROM series WHERE model = ?1 AND place = ?2 AND newest ="
                " (SELECT max(newest) FROM series WHERE model = ?1 AND place = ?2)",
                (model, place),
            ).fetchall()
        return {Metric(metric): (newest / SECOND, value) for metric, newest, value in rows}

    def totals(self, model: str, place: str) -> dict[str, int]:
        """The totals appended last."""
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT name, value FROM totals WHERE model = ? AND place = ?", (model, place)
            ).fetchall()
        return {row[0]: row[1] for row in rows}

    def close(self) -> None:
        self._database.close()
        if self._nowhere is not None:
            self._nowhere.cleanup()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _open(self) -> dict[int, int]:
        """Make the tables where there are none; the number of samples in each series' tail."""
        give_up = time.monotonic() + _OPENING_SECONDS
        while True:
            try:
                with self._database.write() as connection:
                    for statement in _SCHEMA:
                        connection.execute(statement)
                    rows = connection.execute("SELECT series, count(*) FROM tail GROUP BY series").fetchall()
                return {row[0]: row[1] for row in rows}
            except WorkspaceBusy:  # SQLite does not wait where another process is making the same file at this moment
                if time.monotonic() > give_up:
                    raise
                time.sleep(0.02)

    def _known_id(self, connection: dbapi2.Connection, key: SeriesKey) -> int | None:
        with self._lock:
            known = self._ids.get(key)
        if known is not None:
            return known
        row = connection.execute(
            "SELECT id FROM series WHERE model = ? AND place = ? AND metric = ?",
            (key.model, key.place, key.metric.value),
        ).fetchone()
        return row[0] if row else None

    def _series_id(self, connection: dbapi2.Connection, key: SeriesKey) -> int:
        known = self._known_id(connection, key)
        if known is not None:
            return known
        ((made,),) = connection.execute(
            "INSERT INTO series (model, place, metric) VALUES (?, ?, ?) RETURNING id",
            (key.model, key.place, key.metric.value),
        ).fetchall()
        return int(made)

    def _add_samples(
        self, connection: dbapi2.Connection, samples: Iterable[tuple[SeriesKey, float, float]]
    ) -> dict[SeriesKey, tuple[int, int]]:
        """Add what is finite; the number of each series, and how many samples are in its tail now that were not."""
        columns: dict[SeriesKey, list[tuple[int, float]]] = {}
        for key, at, value in samples:
            if math.isfinite(value):
                columns.setdefault(key, []).append((round(at * SECOND), float(value)))
        added = {}
        for key, rows in columns.items():
            series = self._series_id(connection, key)
            _add(connection, series, rows)
            added[key] = (series, len(rows) if len(rows) < _FOLD else 0)
        return added

    def _fold_long_tails(self, added: Mapping[SeriesKey, tuple[int, int]]) -> None:
        """Count what was committed, and fold the series whose tail has become long."""
        with self._lock:
            self._ids.update({key: series for key, (series, _) in added.items()})
            due = []
            for series, number in added.values():
                self._waiting[series] = self._waiting.get(series, 0) + number
                if self._waiting[series] >= _FOLD:
                    self._waiting[series] = 0
                    due.append(series)
        for series in due:
            with self._database.write() as connection:
                _fold(connection, series, [])


def _keep_totals(connection: dbapi2.Connection, of: tuple[str, str], totals: Mapping[str, int]) -> None:
    rows = [(*of, name, value) for name, value in totals.items()]
    connection.executemany("INSERT OR REPLACE INTO totals VALUES (?, ?, ?, ?)", rows)


def _add(connection: dbapi2.Connection, series: int, rows: list[tuple[int, float]]) -> None:
    """Put a few rows of (time, value) in the tail; many go straight to their days."""
    newest, value = max(reversed(rows), key=lambda row: row[0])
    connection.execute(
        "UPDATE series SET newest = ?, value = ? WHERE id = ? AND ifnull(newest, ?) <= ?",
        (newest, value, series, newest, newest),
    )
    if len(rows) >= _FOLD:
        _fold(connection, series, rows)
        return
    connection.executemany(
        "INSERT INTO tail (series, at, value) VALUES (?, ?, ?)"
        " ON CONFLICT (series, at) DO UPDATE SET value = excluded.value",
        [(series, *row) for row in rows],
    )


def _fold(connection: dbapi2.Connection, series: int, newer: list[tuple[int, float]]) -> None:
    """Move the tail of ``series``, and ``newer`` rows after it, into its days; in the caller's transaction, so it
    happens wholly or not at all, and once."""
    tail = connection.execute("SELECT at, value FROM tail WHERE series = ? ORDER BY at", (series,)).fetchall()
    times, values = merge_samples(columns_of(tail), columns_of(newer))
    days, first = np.unique(times // DAY, return_index=True)
    for day, begin, end in zip(days.tolist(), first.tolist(), [*first.tolist()[1:], len(times)], strict=True):
        of_day = times[begin:end], values[begin:end]
        older = connection.execute("SELECT blob FROM samples WHERE series = ? AND day = ?", (series, day)).fetchone()
        _write_day(connection, series, day, merge_samples(decode_samples(older[0]), of_day) if older else of_day)
    connection.execute("DELETE FROM tail WHERE series = ?", (series,))


def _write_day(connection: dbapi2.Connection, series: int, day: int, samples: Samples) -> None:
    times, values = samples
    connection.execute(
        "INSERT OR REPLACE INTO samples (series, day, blob) VALUES (?, ?, ?)",
        (series, day, encode_samples(times, values)),
    )
    connection.executemany(
        "INSERT OR REPLACE INTO rollup (series, level, day, blob) VALUES (?, ?, ?, ?)",
        [(series, level, day, encode_buckets(bucket_samples(times, values, level))) for level in ROLLUPS],
    )
    whole = bucket_samples(times, values, DAY)
    connection.execute(
        "INSERT INTO day (series, day, revision, count, first, last, low, high, mean)"
        " VALUES (?, ?, 1, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (series, day) DO UPDATE SET revision = revision + 1, count = excluded.count,"
        " first = excluded.first, last = excluded.last, low = excluded.low, high = excluded.high, mean = excluded.mean",
        (
            series,
            day,
            len(times),
            int(times[0]),
            int(times[-1]),
            float(whole.low[0]),
            float(whole.high[0]),
            float(whole.mean[0]),
        ),
    )
