"""What came into services, hour by hour and over restarts, adds up; what they say is checked."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kronkers_studio.domain.errors import MetricsUnreadable, StoreDamaged
from kronkers_studio.monitoring.feature_readings import FeatureReading, read_statistics
from kronkers_studio.monitoring.store import SeriesStore

HOUR = 3600.0
PROFILE, OTHER = "a" * 64, "b" * 64
START = 480_000 * HOUR


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SeriesStore]:
    with SeriesStore(tmp_path / "series.db", bytes(32)) as opened:
        yield opened


def reading(at: float, counts: list[int], *, run: str = "0", began: float = START, **other: Any) -> FeatureReading:
    profile = other.get("profile", PROFILE)
    return FeatureReading(profile, run * 16, at - began, at, {"age": tuple(counts)}, (sum(counts), 0))


def test_what_came_in_adds_up_over_hours_and_restarts(store: SeriesStore) -> None:
    """Seen to fail with the counters of a run taken for what came in during an hour."""
    chance = random.Random(3)
    total = [0, 0, 0]
    at, between = START, [0, 0, 0]
    for run in "123":
        began, counts = at, [0, 0, 0]
        for _ in range(40):
            at += chance.choice((300.0, 1500.0, 7200.0))
            more = [chance.randrange(9) for _ in counts]
            counts = [old + new for old, new in zip(counts, more, strict=True)]
            total = [old + new for old, new in zip(total, more, strict=True)]
            store.keep_features("m", "here", reading(at, counts, run=run, began=began))
    features, answers = store.features_between("m", "here", PROFILE, START, at)
    assert features == {"age": tuple(total)} and answers == (sum(total), 0)
    middle = START + (at - START) // (2 * HOUR) * HOUR
    halves = [store.features_between("m", "here", PROFILE, *span)[0] for span in ((START, middle), (middle, at))]
    between = [sum(half["age"][place] for half in halves) for place in range(3)]
    assert between == total
    assert store.features_between("m", "here", OTHER, START, at) == ({}, None)
    assert store.features_between("m", "there", PROFILE, START, at) == ({}, None)
    last = store.last_features("m", "here", PROFILE)
    assert last is not None and last.features == {"age": tuple(counts)} and last.at == pytest.approx(at)


def test_one_hour_of_a_run_is_one_line_and_an_earlier_reading_changes_nothing(store: SeriesStore) -> None:
    store.keep_features("m", "here", reading(START + 60, [5]))
    store.keep_features("m", "here", reading(START + 30, [3]))  # another window was slower
    assert store.features_between("m", "here", PROFILE, 0, START + HOUR)[0] == {"age": (5,)}
    for minute in range(2, 59):
        store.keep_features("m", "here", reading(START + 60 * minute, [minute]))
    assert _lines(store) == 1


def test_of_old_days_the_last_hour_is_kept(store: SeriesStore) -> None:
    """Seen to fail with nothing taken away, and with the last one, too."""
    for hour in range(24 * 60):
        store.keep_features("m", "here", reading(START + hour * HOUR, [hour]))
    assert 24 * 30 + 29 <= _lines(store) <= 24 * 31 + 31
    features, _ = store.features_between("m", "here", PROFILE, START - 1, START + 60 * 24 * HOUR)
    assert features == {"age": (24 * 60 - 1,)}


def test_a_damaged_line_is_damage(store: SeriesStore) -> None:
    store.keep_features("m", "here", reading(START, [1]))
    with store._database.write() as connection:
        connection.execute("UPDATE feature_counts SET body = x'00'")
    with pytest.raises(StoreDamaged):
        store.last_features("m", "here", PROFILE)


def _lines(store: SeriesStore) -> int:
    with store._database.read() as connection:
        return int(connection.execute("SELECT count(*) FROM feature_counts").fetchone()[0])


SOUND: dict[str, Any] = {
    "run": "0" * 16,
    "uptime": 5.0,
    "profile": PROFILE,
    "features": [{"name": "age", "counts": [1, 2]}],
    "answers": None,
}


def test_what_a_service_says_is_read() -> None:
    found = read_statistics(json.dumps(SOUND).encode(), 100.0)
    assert found == FeatureReading(PROFILE, "0" * 16, 5.0, 100.0, {"age": (1, 2)}, None)
    assert read_statistics(json.dumps({**SOUND, "profile": None}).encode(), 100.0) is None


WRONG: list[dict[str, Any]] = [
    *({"run": "x"}, {"run": None}, {"profile": 3}, {"profile": "a"}, {"uptime": -1}, {"uptime": True}),
    *({"uptime": float("nan")}, {"uptime": 1e300}, {"features": {}}, {"features": [1]}, {"answers": [None]}),
    *({"features": [{"name": "a", "counts": counts}]} for counts in ([-1], [1.5], [True], [2**60], [2**53] * 2, 1)),
    *({"features": [{"name": name, "counts": [1]}]} for name in (1, "\ud800", "a" * 201)),
    {"answers": 3},
    {"features": [{"name": "a", "counts": [1]}] * 2},
    {"features": [{"name": str(n), "counts": []} for n in range(301)]},
    {"features": [{"name": str(n), "counts": [0] * 100} for n in range(100)]},
]
BODIES = [
    b"",
    b"null",
    b"[]",
    b"{}",
    b"[" * 100_000,
    b"\xff",
    *(json.dumps({**SOUND, **one}).encode() for one in WRONG),
]


@pytest.mark.parametrize("body", BODIES)
def test_what_is_no_answer_of_a_service_is_not_believed(body: bytes) -> None:
    with pytest.raises(MetricsUnreadable):
        read_statistics(body, 100.0)
