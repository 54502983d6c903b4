"""Recorded rows as a service gives them: sealed batches, opened here.

A service's disk and its server hold these, and whoever has the public key can seal something of his own: each batch is
taken as a stranger's word. Sizes are bounded before anything is unpacked, what is unpacked before it is parsed, and of
what is parsed only columns of plain values are used.
"""

from __future__ import annotations

import hashlib
import json
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from kronkers_studio.domain.recording import MOST_BYTES as MOST_SEALED
from kronkers_studio.domain.recording import RECORD_FILES

if TYPE_CHECKING:
    import polars

MOST_ANSWERED: Final = 9 << 20
"""Bytes of one answer of a service."""
MOST_PLAIN: Final = 64 << 20
"""Bytes of one batch, unpacked."""

_HEADER = struct.Struct(">4sQIQQ8sI")
_MARK = b"KRB1"
_FORMAT = 1
_LARGEST_BATCH = MOST_SEALED // RECORD_FILES
_MOST_ROWS = 1_000_000
_MOST_COLUMNS = 2000
_MOST_VALUES = 4_000_000
_LONGEST_NAME, _LONGEST_ID = 1000, 128
_LATEST = 253_402_300_799_000  # the last millisecond of the year 9999
_WHOLE = 1 << 63
_REQUEST_ID, _TIME = "request_id", "time"


class BatchUnusable(Exception):
    """A batch is not what it should be; the text says in what way."""


class NotForThisKey(BatchUnusable):
    """It was sealed for another workspace, or changed since."""


@dataclass(frozen=True, slots=True)
class SealedBatch:
    """``first`` and ``last`` are milliseconds since the epoch, as the service says them."""

    number: int
    rows: int
    first: int
    last: int
    key_id: bytes
    sealed: bytes


@dataclass(frozen=True, slots=True)
class OpenedBatch:
    """``table``: request_id, time, the model's inputs and its answers by their names, a row for each row;
    ``moments``: of each request, in milliseconds since the epoch."""

    moments: tuple[int, ...]
    table: polars.DataFrame

    @property
    def requests(self) -> int:
        """How many there were."""
        return len(self.moments)


class RecordingKey:
    """The workspace's key pair for recorded rows, made of its 32 secret bytes."""

    def __init__(self, seed: bytes) -> None:
        from nacl.public import PrivateKey, SealedBox

        private = PrivateKey(seed)
        self.public: str = bytes(private.public_key).hex()
        """As services are given it."""
        self._id = hashlib.blake2b(bytes(private.public_key), digest_size=8).digest()
        self._box = SealedBox(private)

    def opened(self, batch: SealedBatch) -> OpenedBatch:
        """Raises ``BatchUnusable``, ``NotForThisKey``."""
        from nacl.exceptions import CryptoError

        if batch.key_id != self._id:
            raise NotForThisKey("it was sealed for another key")
        try:
            packed = self._box.decrypt(batch.sealed)
        except (CryptoError, ValueError):
            raise NotForThisKey("it does not open") from None
        return _read(_unpacked(packed), batch)


def split_batches(answer: bytes, after: int) -> Iterator[SealedBatch]:
    """The batches that a service answered, whose numbers grow from ``after``. Raises ``BatchUnusable``."""
    at = 0
    while at < len(answer):
        if len(answer) - at < _HEADER.size:
            raise BatchUnusable("it is cut off")
        mark, number, rows, first, last, key_id, size = _HEADER.unpack_from(answer, at)
        at += _HEADER.size
        if mark != _MARK or number <= after or size > _LARGEST_BATCH or size > len(answer) - at:
            raise BatchUnusable("it is no batch of recorded rows")
        if not 0 < rows <= _MOST_ROWS or not first <= last <= _LATEST:
            raise BatchUnusable("it says what no batch says")
        yield SealedBatch(number, rows, first, last, key_id, answer[at : at + size])
        at, after = at + size, number


def _unpacked(packed: bytes) -> bytes:
    unpacker = zlib.decompressobj()
    try:
        plain = unpacker.decompress(packed, MOST_PLAIN)
    except zlib.error:
        raise BatchUnusable("it cannot be unpacked") from None
    if unpacker.unconsumed_tail or not unpacker.eof:
        raise BatchUnusable("it is larger than any batch")
    if sum(plain.count(sign) for sign in (b"[", b"{", b",")) > _MOST_VALUES:
        raise BatchUnusable("it has more values than any batch")
    return plain


def _read(plain: bytes, batch: SealedBatch) -> OpenedBatch:
    import polars

    try:
        content = json.loads(plain)
    except (ValueError, RecursionError):
        raise BatchUnusable("it is not JSON") from None
    if not isinstance(content, dict) or content.get("format") != _FORMAT:
        raise BatchUnusable("it is of another form")
    requests = _requests(content.get("requests"), batch)
    inputs = _columns(content.get("inputs"), content.get("input_values"), batch.rows)
    answers = _columns(content.get("answers"), content.get("answer_values"), batch.rows)
    ids = [id_ for id_, _, rows in requests for _ in range(rows)]
    times = [at for _, at, rows in requests for _ in range(rows)]
    own = [polars.Series(_REQUEST_ID, ids, polars.String)]
    own.append(polars.Series(_TIME, times, polars.Int64).cast(polars.Datetime("ms", "UTC")))
    names = _free_names([*(name for name, _, _ in inputs), *(each.name for each in own), *(a[0] for a in answers)])
    series = [_series(*column) for column in inputs] + own + [_series(*column) for column in answers]
    named = [each.alias(name) for each, name in zip(series, names, strict=True)]
    order = [*named[len(inputs) : len(inputs) + 2], *named[: len(inputs)], *named[len(inputs) + 2 :]]
    return OpenedBatch(tuple(at for _, at, _ in requests), polars.DataFrame(order))


def _free_names(names: list[str]) -> list[str]:
    """``names``, of which those that were there before have an underscore behind them."""
    taken: dict[str, None] = {}
    for name in names:
        free = name
        while free in taken:
            free += "_"
        taken[free] = None
    return list(taken)


def _requests(value: object, batch: SealedBatch) -> list[tuple[str, int, int]]:
    if not isinstance(value, list):
        raise BatchUnusable("it names no requests")
    found = []
    for each in value:
        if not isinstance(each, list) or [type(part) for part in each] != [str, int, int]:
            raise BatchUnusable("it names what is no request")
        id_, at, rows = each
        if len(id_) > _LONGEST_ID or not batch.first <= at <= batch.last or not 0 < rows <= batch.rows:
            raise BatchUnusable("it names what is no request")
        found.append((id_, at, rows))
    if sum(rows for _, _, rows in found) != batch.rows:
        raise BatchUnusable("its rows are not those of its requests")
    return found


def _columns(named: object, values: object, rows: int) -> list[tuple[str, str, list[Any]]]:
    """(name, kind, values) of each column."""
    if not isinstance(named, list) or not isinstance(values, list) or len(named) != len(values):
        raise BatchUnusable("its columns are none")
    if len(named) > _MOST_COLUMNS:
        raise BatchUnusable("it has too many columns")
    found = []
    for about, column in zip(named, values, strict=True):
        if not isinstance(about, list) or [type(part) for part in about] != [str, str]:
            raise BatchUnusable("a column has no name")
        name, kind = about
        if len(name) > _LONGEST_NAME or kind not in _TYPES:
            raise BatchUnusable("a column has no name, or no kind")
        if not isinstance(column, list) or len(column) != rows or not {*map(type, column)} <= _TYPES[kind]:
            raise BatchUnusable("a column does not hold what it should")
        found.append((name, kind, column))
    return found


_NONE = type(None)
_TYPES: dict[str, set[type]] = {
    "number": {float, int, _NONE},
    "whole": {int, _NONE},
    "truth": {bool, _NONE},
    "text": {str, _NONE},
}


def _series(name: str, kind: str, values: list[Any]) -> polars.Series:
    import polars

    if kind == "whole" and not all(value is None or -_WHOLE <= value < _WHOLE for value in values):
        kind = "number"
    if kind == "number":
        return polars.Series(name, [_float(value) for value in values], polars.Float64)
    kinds = {"whole": polars.Int64, "truth": polars.Boolean, "text": polars.String}
    return polars.Series(name, values, kinds[kind])


def _float(value: float | int | None) -> float | None:
    try:
        return None if value is None else float(value)
    except OverflowError:
        raise BatchUnusable("a number is too large") from None
