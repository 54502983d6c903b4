"""Blobs give back bit for bit what was put in, in the space and time promised."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from kronkers_studio.domain.errors import StoreDamaged
from kronkers_studio.monitoring.buckets import bucket_samples
from kronkers_studio.monitoring.sample_codec import decode_buckets, decode_samples, encode_buckets, encode_samples
from tests.counted_work import lines_run

moments = st.lists(st.integers(-(2**45), 2**45), max_size=60, unique=True).map(sorted)
finite = st.floats(allow_nan=False, allow_infinity=False)
measured = st.floats(-1e9, 1e9).map(lambda value: float(f"{value:.5g}"))


@given(moments, st.data())
def test_samples_come_back_bit_for_bit(times: list[int], data: st.DataObject) -> None:
    values = data.draw(arrays(np.float64, len(times), elements=data.draw(st.sampled_from([finite, measured]))))
    stored_times, stored_values = decode_samples(encode_samples(np.array(times, np.int64), values))
    assert stored_times.tolist() == times
    assert stored_values.tobytes() == values.tobytes()


@given(moments.filter(bool), st.data(), st.integers(1, 10**7))
def test_buckets_come_back_bit_for_bit(times: list[int], data: st.DataObject, length: int) -> None:
    values = data.draw(arrays(np.float64, len(times), elements=st.floats(-1e12, 1e12)))
    buckets = bucket_samples(np.array(times, np.int64), values, length)
    stored = decode_buckets(encode_buckets(buckets))
    for name in ("starts", "low", "high", "mean", "count"):
        assert getattr(stored, name).tobytes() == getattr(buckets, name).tobytes()


@pytest.mark.parametrize("cut", [0, 5, 30, -1])
def test_a_cut_blob_is_named_as_damage(cut: int) -> None:
    blob = encode_samples(np.arange(100, dtype=np.int64), np.arange(100, dtype=np.float64))
    with pytest.raises(StoreDamaged):
        decode_samples(blob[:cut])


def test_a_blob_of_another_format_is_refused() -> None:
    blob = encode_samples(np.arange(100, dtype=np.int64), np.arange(100, dtype=np.float64))
    with pytest.raises(StoreDamaged):
        decode_samples(b"\x02" + blob[1:])


def _a_day(samples: int = 5760) -> bytes:
    chance = np.random.default_rng(1)
    times = 1_790_000_000_000 + np.arange(samples) * 15_000 + chance.integers(0, 9, samples)
    values = np.array([float(f"{v:.5g}") for v in 31 + chance.normal(0, 3, samples)])
    return encode_samples(times, values)


def test_a_day_of_measurements_takes_less_than_three_bytes_a_sample_and_no_line_for_each_to_read() -> None:
    """Seen to fail with a loop over the samples."""
    blob = _a_day()
    assert len(blob) / 5760 < 3
    assert lines_run(lambda: decode_samples(blob)) == lines_run(lambda: decode_samples(_shorter)) < 200


_shorter = _a_day(576)


@pytest.mark.slow
def test_a_day_of_measurements_is_read_in_under_a_millisecond() -> None:
    blob = _a_day()
    durations = []
    for _ in range(20):
        begun = time.perf_counter()
        decode_samples(blob)
        durations.append(time.perf_counter() - begun)
    assert min(durations) < 1e-3  # measured 0.2 ms; room for a busy machine
