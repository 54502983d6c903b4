"""Windows, compared with a slow and simple reading of all samples."""

from __future__ import annotations

import math
import statistics
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kronkers_studio.domain.series import Metric, SeriesKey, Window
from kronkers_studio.monitoring import SeriesStore, rollups, sample_codec
from tests.counted_work import lines_run

KEY = SeriesKey("churn", "this-computer", Metric.LATENCY_P95)
MIDNIGHT = 1_790_035_200  # a UTC midnight
assert MIDNIGHT % 86_400 == 0

Points = list[tuple[float, float, float, float]]


def points(window: Window) -> Points:
    columns = (window.times, window.low, window.high, window.mean)
    assert all(column.format == "d" and column.contiguous and len(column) == len(window) for column in columns)
    return list(zip(*(column.tolist() for column in columns), strict=True))


def expected(samples: dict[float, float], start: float, end: float, step: float) -> Points:
    """The window at ``step`` by the book."""
    if step == 0:
        found = [(at, value, value, value) for at, value in sorted(samples.items()) if start <= at <= end]
    else:
        first, last = math.floor(start / step), math.floor(end / step)
        buckets: dict[int, list[float]] = {}
        for at, value in sorted(samples.items()):
            if first <= math.floor(at / step) <= last:
                buckets.setdefault(math.floor(at / step), []).append(value)
        found = [
            ((index + 0.5) * step, min(values), max(values), statistics.fmean(values))
            for index, values in buckets.items()
        ]
    pauses = [after[0] - before[0] for before, after in pairwise(found)]
    if len(pauses) < 2:
        return found
    usual = statistics.median(pauses)
    with_gaps = found[:1]
    for pause, point in zip(pauses, found[1:], strict=True):
        if pause > 3 * usual:
            with_gaps.append((point[0] - pause / 2, math.nan, math.nan, math.nan))
        with_gaps.append(point)
    return with_gaps


def same(found: Points, wanted: Points) -> bool:
    return len(found) == len(wanted) and bool(
        np.allclose(np.array(found), np.array(wanted), rtol=1e-12, atol=1e-9, equal_nan=True)
    )


@st.composite
def recordings(draw: st.DrawFn) -> list[list[tuple[float, float]]]:
    """Batches of samples as a careless world appends them: pauses, restarts, late and repeated times, several days."""
    batches = []
    at: float = MIDNIGHT + draw(st.integers(0, 86_400))
    for _ in range(draw(st.integers(1, 5))):
        at += draw(st.sampled_from([-30, 0, 7, 400, 40_000, 90_000]))
        interval = draw(st.sampled_from([0.5, 1, 2, 15, 120, 900]))
        size = draw(st.integers(1, 400))
        chance = np.random.default_rng(draw(st.integers(0, 2**32)))
        values = np.round(chance.normal(40, 5, size), draw(st.integers(0, 6))).tolist()
        batches.append([(round(at + index * interval, 3), value) for index, value in enumerate(values)])
        at += interval * size
    return batches


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(recordings(), st.integers(1, 1500), st.floats(-0.2, 1.0), st.floats(0.0, 1.2))
def test_every_window_is_what_a_slow_reading_of_all_samples_gives(
    tmp_path_factory: pytest.TempPathFactory,
    batches: list[list[tuple[float, float]]],
    max_points: int,
    begin: float,
    reach: float,
) -> None:
    samples: dict[float, float] = {}
    with SeriesStore(tmp_path_factory.mktemp("series") / "series.db", bytes(32)) as store:
        for batch in batches:
            for part in range(0, len(batch), 97):
                store.append((KEY, at, value) for at, value in batch[part : part + 97])
            samples.update(batch)
        first, last = min(samples), max(samples)
        start = first + begin * (last - first)
        end = start + reach * (last - first)
        window = store.window(KEY, start, end, max_points)
    assert len(window) <= max_points
    assert same(points(window), expected(samples, start, end, window.step))
    every = expected(samples, start, end, 0)
    assert window.step == 0 or len(every) > max_points, "what fits is not reduced"


def test_an_unknown_series_is_an_empty_window(store: SeriesStore) -> None:
    assert len(store.window(KEY, 0, 1e10)) == 0


def test_a_range_that_ends_before_it_begins_is_empty(store: SeriesStore) -> None:
    store.append([(KEY, MIDNIGHT + index, 1.0) for index in range(10)])
    assert len(store.window(KEY, MIDNIGHT + 5, MIDNIGHT + 2)) == 0


def test_a_short_recording_in_a_long_range_keeps_every_sample(store: SeriesStore) -> None:
    store.append([(KEY, MIDNIGHT + index * 2, float(index)) for index in range(900)])
    window = store.window(KEY, MIDNIGHT - 30 * 86_400, MIDNIGHT + 86_400)
    assert window.step == 0
    assert len(window) == 900


def test_three_thousand_days_fit_in_a_thousand_points(store: SeriesStore) -> None:
    store.append((KEY, MIDNIGHT + day * 86_400.0, 1.0) for day in range(3000))
    window = store.window(KEY, MIDNIGHT, MIDNIGHT + 3000 * 86_400, 1000)
    assert window.step == 4 * 86_400
    assert len(window) == 751


def test_buckets_do_not_move_when_the_range_moves(store: SeriesStore) -> None:
    store.append([(KEY, MIDNIGHT + index, float(index % 7)) for index in range(20_000)])
    one = points(store.window(KEY, MIDNIGHT + 100, MIDNIGHT + 18_100, 600))
    other = points(store.window(KEY, MIDNIGHT + 103, MIDNIGHT + 18_103, 600))
    assert set(one[1:-1]) <= set(other) | {one[0]}


def test_of_a_year_at_fifteen_seconds_only_the_day_that_is_being_written_is_decoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seen to fail with ``_buckets`` reading the samples of all days."""
    decoded: list[int] = []
    monkeypatch.setattr(
        rollups, "decode_samples", lambda blob: decoded.append(len(blob)) or sample_codec.decode_samples(blob)
    )
    chance = np.random.default_rng(3)
    with SeriesStore(tmp_path / "series.db", bytes(32)) as store:
        for day in range(365):
            times = MIDNIGHT + day * 86_400 + np.arange(5760) * 15.0
            values = np.round(chance.normal(31, 3, 5760), 3)
            store.append((KEY, at, value) for at, value in zip(times.tolist(), values.tolist(), strict=True))
        store.append([(KEY, MIDNIGHT + 365 * 86_400 + 5, 31.0)])
        windows: list[Window] = []
        lines = lines_run(lambda: windows.append(store.window(KEY, MIDNIGHT, MIDNIGHT + 366 * 86_400, 1200)))
        (window,) = windows
    assert len(window) == 731
    assert sum(value for value in window.mean.tolist()) / 731 == pytest.approx(31, abs=0.1)
    assert len(decoded) <= 1
    assert lines < 45 * 366, "lines for each day, none for each of its 5,760 samples"
