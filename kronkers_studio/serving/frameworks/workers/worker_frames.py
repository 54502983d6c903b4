"""What the service and a worker in another language say to each other: frames of bytes, so that every number arrives
as it is, NaN and infinity among them, and neither side needs a library for it.

A frame is its length and its content. A number is 4 bytes, the lowest first; a text is its length in bytes and UTF-8,
with length -1 for a missing one; texts are all their lengths, then all their bytes. A column or an answer is its kind
(0 numbers of 8 bytes, 1 texts), its rows and columns, the names of its columns, and its values, column by column.

Asked is: the number of columns, and each. Said is a status: 0, the number of answers, and each with its name before it;
1, what is wrong with the rows, and 2, what failed, each a text.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

_Array = np.ndarray[Any, Any]
_NUMBERS, _TEXTS = 0, 1
ANSWERED, REFUSED, FAILED = 0, 1, 2
"""What a frame of answers begins with."""
_MOST_ANSWERS = 16
_NUMBER = struct.Struct("<i")
_DOUBLE = np.dtype("<f8")


class BadFrame(Exception):
    """The worker said what no worker of ours says."""


class RowsRefused(Exception):
    """The worker does not take the rows; the text is a sentence that says why."""


class WorkerFailed(Exception):
    """What the model's own program said when it failed."""


def setup_frame(columns: Sequence[str], kinds: Sequence[str], levels: Sequence[Sequence[str]], threads: int) -> bytes:
    """What a worker is told first: the columns' names, what each holds ("number", "text", "truth"), the levels of each,
    and how many threads it may use."""
    parts = [_NUMBER.pack(len(columns)), _texts(columns), _texts(kinds)]
    for each in levels:
        parts += [_NUMBER.pack(len(each)), _texts(each)]
    return b"".join([*parts, _NUMBER.pack(threads)])


def rows_frame(columns: Sequence[_Array]) -> bytes:
    """The rows as one array for each column: numbers, truth values, or texts with NaN or None for missing ones."""
    parts = [_NUMBER.pack(len(columns))]
    for column in columns:
        if column.dtype.hasobject:
            values = [value if isinstance(value, str) else None for value in column.tolist()]
            parts += [struct.pack("<iiii", _TEXTS, len(values), 1, 0), _texts(values)]
        else:
            parts += [struct.pack("<iiii", _NUMBERS, len(column), 1, 0), column.astype(_DOUBLE).tobytes()]
    return b"".join(parts)


def ready_frame() -> bytes:
    """What a worker that has loaded its model says to what it was told first."""
    return _NUMBER.pack(ANSWERED) + _NUMBER.pack(0)


def failed_frame(reason: str) -> bytes:
    """What failed, in a sentence."""
    return _NUMBER.pack(FAILED) + _texts([reason])


def answers_in(frame: bytes) -> Mapping[str, tuple[_Array, tuple[str, ...]]]:
    """The answers by their names, each with the names of its columns (none for one that has no columns).

    Raises ``RowsRefused`` and ``WorkerFailed`` when the worker says so, ``BadFrame``.
    """
    reader = _Reader(frame)
    status = reader.number()
    if status != ANSWERED:
        said = " ".join((reader.texts(1)[0] or "").split())[:1000]
        raise RowsRefused(said) if status == REFUSED else WorkerFailed(said)
    found = {}
    for _ in range(reader.count(_MOST_ANSWERS)):
        name = reader.texts(1)[0] or ""
        found[name] = reader.array()
    if reader.left:
        raise BadFrame("it says more than its answers")
    return found


def _texts(texts: Sequence[str | None]) -> bytes:
    encoded = [None if text is None else text.encode("utf-8") for text in texts]
    lengths = np.array([-1 if each is None else len(each) for each in encoded], dtype="<i4")
    return lengths.tobytes() + b"".join(filter(None, encoded))


class _Reader:
    """Takes a frame apart, and never more than there is."""

    def __init__(self, frame: bytes) -> None:
        self._frame = frame
        self._at = 0

    @property
    def left(self) -> int:
        return len(self._frame) - self._at

    def number(self) -> int:
        return int(_NUMBER.unpack(self._take(4))[0])

    def count(self, most: int) -> int:
        """A number of things of which there are at most ``most``."""
        found = self.number()
        if not 0 <= found <= most:
            raise BadFrame(f"{found} is no number of things")
        return found

    def texts(self, count: int) -> list[str | None]:
        lengths = np.frombuffer(self._take(4 * count), dtype="<i4")
        if count and (lengths.min() < -1 or int(lengths[lengths > 0].sum()) > self.left):
            raise BadFrame("a text is longer than all that is said")
        return [None if length < 0 else self._take(length).decode("utf-8", "replace") for length in lengths.tolist()]

    def array(self) -> tuple[_Array, tuple[str, ...]]:
        kind, rows = self.number(), self.count(self.left)
        columns = self.count(self.left)
        names = tuple(text or "" for text in self.texts(self.count(self.left)))
        size = rows * columns
        if kind == _NUMBERS:
            values = np.frombuffer(self._take(8 * size), dtype=_DOUBLE).astype(np.float64)
        elif kind == _TEXTS:
            values = np.empty(size, dtype=object)
            values[:] = self.texts(size)
        else:
            raise BadFrame(f"{kind} is no kind of values")
        return (values.reshape((rows, columns), order="F") if names else values), names

    def _take(self, count: int) -> bytes:
        if count > self.left:
            raise BadFrame("it ends too early")
        self._at += count
        return self._frame[self._at - count : self._at]
