"""What came into services, hour by hour and over restarts, adds up; what they say is checked."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from kronkers_studio.domain.errors import MetricsUnreadable, StoreDamaged
from kronkers_studio.monitoring.feature_history import CountedBetween
from kronkers_studio.monitoring.feature_readings import FeatureReading, ProfileBins, read_statistics
from kronkers_studio.monitoring.store import SeriesStore

HOUR = 3600.0
PROFILE, OTHER = "a" * 64, "b" * 64
BINS = ProfileBins(PROFILE, {"age": 3}, 2)
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
    found = store.features_between("m", "here", BINS, START, at)
    assert found == CountedBetween(START, at, {"age": tuple(total)}, (sum(total), 0))
    middle = START + (at - START) // (2 * HOUR) * HOUR
    halves = [_counted(store, *span) for span in ((START, middle), (middle, at))]
    between = [sum(half[place] for half in halves) for place in range(3)]
    assert between == total
    assert store.features_between("m", "here", replace(BINS, profile=OTHER), START, at) is None
    assert store.features_between("m", "there", BINS, START, at) is None
    assert store.features_between("m", "here", BINS, at, at + HOUR) is None
    last = store.last_features("m", "here", PROFILE)
    assert last is not None and last.features == {"age": tuple(counts)} and last.at == pytest.approx(at)


def test_one_hour_of_a_run_is_one_line_and_an_earlier_reading_changes_nothing(store: SeriesStore) -> None:
    store.keep_features("m", "here", reading(START + 60, [5]))
    store.keep_features("m", "here", reading(START + 30, [3]))  # another window was slower
    assert _counted(store, 0, START + HOUR, bins=1) == (5,)
    for minute in range(2, 59):
        store.keep_features("m", "here", reading(START + 60 * minute, [minute]))
    assert _lines(store) == 1


def test_of_old_days_the_last_hour_is_kept(store: SeriesStore) -> None:
    """Seen to fail with nothing taken away, and with the last one, too."""
    for hour in range(24 * 60):
        store.keep_features("m", "here", reading(START + hour * HOUR, [hour]))
    assert 24 * 30 + 29 <= _lines(store) <= 24 * 31 + 31
    assert _counted(store, START - 1, START + 60 * 24 * HOUR, bins=1) == (24 * 60 - 1,)


def test_what_is_asked_for_is_told_with_the_readings_that_it_lies_between(store: SeriesStore) -> None:
    """A run that was not read before counts from its beginning. Seen to fail with the moments that were asked for."""
    for hour, count in ((1, 10), (5, 50), (9, 90)):
        store.keep_features("m", "here", reading(START + hour * HOUR, [count, 0, 0]))
    found = store.features_between("m", "here", BINS, START + 3 * HOUR, START + 8 * HOUR)
    assert found is not None and found.features == {"age": (40, 0, 0)}
    assert (found.start, found.end) == (START + HOUR, START + 5 * HOUR)
    store.keep_features("m", "here", reading(START + 10 * HOUR, [7, 0, 0], run="1", began=START + 2 * HOUR))
    found = store.features_between("m", "here", BINS, START + 9 * HOUR, START + 11 * HOUR)
    assert found is not None and found.features == {"age": (7, 0, 0)}
    assert (found.start, found.end) == (START + 2 * HOUR, START + 10 * HOUR)


def test_what_a_service_counted_in_other_bins_than_the_profile_has_is_left_out(store: SeriesStore) -> None:
    """Its word is a stranger's: it names a digest, and may tell anything under it. Seen to end the program with an
    error, with the lengths taken for those of the digest."""
    lies = {"age": (1, 2), "height": (5,), "other": (1, 1, 1)}
    store.keep_features("m", "here", FeatureReading(PROFILE, "1" * 16, 60.0, START, lies, (1, 2, 3)))
    bins = replace(BINS, features={"age": 3, "height": 1})
    found = store.features_between("m", "here", bins, START - HOUR, START + HOUR)
    assert found is not None and (found.features, found.answers) == ({"height": (5,)}, None)
    store.keep_features("m", "here", reading(START + 60, [3, 2, 1], run="2"))
    found = store.features_between("m", "here", bins, START - HOUR, START + HOUR)
    assert found is not None and found.features == {"age": (3, 2, 1), "height": (5,)}
    assert found.answers == (6, 0)
    store.keep_features("m", "here", reading(START + 2 * HOUR, [9, 9, 9], run="1"))  # as it should be from now on
    found = store.features_between("m", "here", bins, START + HOUR, START + 3 * HOUR)
    assert found is not None and found.features == {"age": (9, 9, 9)}


def test_a_damaged_line_is_damage(store: SeriesStore) -> None:
    store.keep_features("m", "here", reading(START, [1]))
    with store._database.write() as connection:
        connection.execute("UPDATE feature_counts SET body = x'00'")
    with pytest.raises(StoreDamaged):
        store.last_features("m", "here", PROFILE)


def _counted(store: SeriesStore, start: float, end: float, bins: int = 3) -> tuple[int, ...]:
    found = store.features_between("m", "here", replace(BINS, features={"age": bins}), start, end)
    assert found is not None
    return found.features["age"]


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
