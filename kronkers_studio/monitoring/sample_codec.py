"""Samples and rollups as small blobs of bytes, without losing a bit.

A day of one series is two columns. Times are whole milliseconds at a nearly constant distance, so what is stored is the
change of that distance. Values that are decimal fractions (which the sampler makes sure of) are stored as the
differences of whole numbers, others as each double xor the one before (Pelkonen et al., "Gorilla", VLDB 2015). Each
column is cut down to the bytes that are used, the bytes of equal weight are put side by side, and zstd does the rest.
"""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
import zstandard
from numpy.typing import NDArray

from kronkers_studio.domain.errors import StoreDamaged
from kronkers_studio.monitoring.buckets import Buckets

Integers = NDArray[np.int64]
Doubles = NDArray[np.float64]

_FORMAT = 1
_HEADER = struct.Struct(
    "<BbBBIqq"
)  # format, decimal digits or _XOR, width of a time and of a value, count, first, step
_XOR = -1
_DIGITS = (0, 1, 2, 3, 4, 5, 6, 8)
_LARGEST_WHOLE = 2.0**52  # below it, a double holds every whole number
_LEVEL = 3


def encode_samples(times: Integers, values: Doubles) -> bytes:
    """``times`` (milliseconds since the epoch, rising) and their finite ``values`` as one blob."""
    digits, whole = _as_decimals(values)
    steps = np.diff(times, prepend=times[:1])
    first_step = int(steps[1]) if len(steps) > 1 else 0
    time_codes = _zigzag(np.diff(steps[1:], prepend=first_step))
    value_codes = _zigzag(np.diff(whole, prepend=0)) if digits != _XOR else _xored(values)
    time_width, time_bytes = _narrow(time_codes)
    value_width, value_bytes = _narrow(value_codes)
    first = int(times[0]) if len(times) else 0
    header = _HEADER.pack(_FORMAT, digits, time_width, value_width, len(times), first, first_step)
    return header + zstandard.ZstdCompressor(level=_LEVEL).compress(time_bytes + value_bytes)


def decode_samples(blob: bytes) -> tuple[Integers, Doubles]:
    """The columns that ``encode_samples`` was given, bit for bit. Raises ``StoreDamaged``."""
    try:
        form, digits, time_width, value_width, count, first, first_step = _HEADER.unpack_from(blob)
        packed = zstandard.ZstdDecompressor().decompress(blob[_HEADER.size :])
    except (struct.error, zstandard.ZstdError) as problem:
        raise _damaged(str(problem)) from problem
    distances = max(count - 1, 0)
    if form != _FORMAT or len(packed) != distances * time_width + count * value_width:
        raise _damaged(f"format {form}, {count} samples, {len(packed)} bytes")
    if count == 0:
        return np.empty(0, np.int64), np.empty(0, np.float64)
    cut = distances * time_width
    steps = np.cumsum(_unzigzag(_widen(packed[:cut], time_width))) + first_step
    times = np.empty(count, np.int64)
    times[0] = first
    np.cumsum(steps, out=times[1:])
    times[1:] += first
    codes = _widen(packed[cut:], value_width)
    if digits == _XOR:
        return times, np.bitwise_xor.accumulate(codes).view(np.float64)
    return times, np.cumsum(_unzigzag(codes)) / 10.0**digits


def encode_buckets(buckets: Buckets) -> bytes:
    """One day's buckets of one level as a blob."""
    columns = (buckets.starts, buckets.low, buckets.high, buckets.mean, buckets.count)
    raw = b"".join(_shuffled(column) for column in columns)
    return zstandard.ZstdCompressor(level=_LEVEL).compress(raw)


def decode_buckets(blob: bytes) -> Buckets:
    """What ``encode_buckets`` was given. Raises ``StoreDamaged``."""
    try:
        raw = zstandard.ZstdDecompressor().decompress(blob)
    except zstandard.ZstdError as problem:
        raise _damaged(str(problem)) from problem
    planes = np.frombuffer(raw, np.uint8).reshape(5, 8, -1)
    columns = planes.transpose(0, 2, 1).copy()
    doubles = columns.view(np.float64)[:, :, 0]
    whole = columns.view(np.int64)[:, :, 0]
    return Buckets(starts=whole[0], low=doubles[1], high=doubles[2], mean=doubles[3], count=whole[4])


def _as_decimals(values: Doubles) -> tuple[int, Integers]:
    """The fewest decimal digits that give every value back bit for bit, and the values as whole numbers of them."""
    for digits in _DIGITS:
        with np.errstate(over="ignore"):
            scaled = np.rint(values * 10.0**digits)
        if scaled.size and np.abs(scaled).max() >= _LARGEST_WHOLE:
            break
        whole = scaled.astype(np.int64)
        if np.array_equal((whole / 10.0**digits).view(np.int64), values.view(np.int64)):
            return digits, whole
    return _XOR, np.empty(0, np.int64)


def _xored(values: Doubles) -> NDArray[np.uint64]:
    bits = np.ascontiguousarray(values).view(np.uint64)
    codes = bits.copy()
    codes[1:] ^= bits[:-1]
    return codes


def _zigzag(numbers: Integers) -> NDArray[np.uint64]:
    """Small numbers of either sign as small numbers without one."""
    return ((numbers << 1) ^ (numbers >> 63)).view(np.uint64)


def _unzigzag(codes: NDArray[np.uint64]) -> Integers:
    return (codes >> np.uint64(1)).view(np.int64) ^ -(codes & np.uint64(1)).view(np.int64)


def _narrow(codes: NDArray[np.uint64]) -> tuple[int, bytes]:
    """The bytes that any code uses, least significant bytes of all codes first."""
    largest = int(codes.max()) if codes.size else 0
    width = max(1, (largest.bit_length() + 7) // 8)
    planes = np.ascontiguousarray(codes.astype("<u8").view(np.uint8).reshape(-1, 8).T[:width])
    return width, planes.tobytes()


def _widen(packed: bytes, width: int) -> NDArray[np.uint64]:
    planes = np.frombuffer(packed, np.uint8).reshape(width, -1)
    wide = np.zeros((planes.shape[1], 8), np.uint8)
    wide[:, :width] = planes.T
    return wide.view("<u8")[:, 0].astype(np.uint64, copy=False)


def _shuffled(column: NDArray[Any]) -> bytes:
    return np.ascontiguousarray(column).view(np.uint8).reshape(-1, 8).T.tobytes()


def _damaged(details: str) -> StoreDamaged:
    return StoreDamaged(
        "A part of the recorded measurements cannot be read.",
        next_step="Models and files are not affected; new measurements are still recorded.",
        details=details,
    )
