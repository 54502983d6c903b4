"""A ring of files for sealed batches: a fixed number of files of bounded size, in which the newest batches take the
place of the oldest.

The files are there before the process starts, which can then make no others: it fills no disk. Each is a sequence of
frames: a header (see ``HEADER``), then the sealed batch. What a killed process left of a frame is cut off when the ring
is opened again. Not for several threads at once.
"""

from __future__ import annotations

import errno
import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

FILES = 8
HEADER = struct.Struct(">4sQIQQ8sI")
"""The mark, the number of the batch, how many rows it has, the first and last moment in it (milliseconds since the
epoch), the id of the key it is sealed for, and how many bytes follow."""
MARK = b"KRB1"


class CannotRecord(Exception):
    """Rows cannot be kept; the text is the end of a sentence: "Rows are not kept, because …"."""


@dataclass
class _File:
    """One file: where its last frame ends, the numbers of its first and last batch (0: none), and its rows."""

    path: Path
    size: int = 0
    first: int = 0
    last: int = 0
    rows: int = 0


@dataclass(frozen=True)
class _Frame:
    at: int
    end: int
    number: int
    rows: int


class Ring:
    """The batches in ``folder``, at most ``most_bytes`` and ``most_rows`` of them."""

    def __init__(self, folder: Path, *, most_bytes: int, most_rows: int) -> None:
        """Raises ``CannotRecord`` when the files are not there and cannot be made, or cannot be read."""
        self._most_rows = most_rows
        self.largest_batch = most_bytes // FILES - HEADER.size
        """Bytes of a sealed batch at most."""
        self._files = [_File(folder / f"rows-{number}") for number in range(FILES)]
        try:
            for file in self._files:
                if not file.path.exists():
                    file.path.touch(mode=0o600)
                _look_through(file)
        except OSError as error:
            raise CannotRecord(f"the place where they are kept cannot be used ({error.strerror})") from None
        self._next = max(file.last for file in self._files) + 1

    @property
    def rows(self) -> int:
        return sum(file.rows for file in self._files)

    @property
    def size(self) -> int:
        """Bytes on the disk."""
        return sum(file.size for file in self._files)

    def append(self, sealed: bytes, rows: int, first: int, last: int, key_id: bytes) -> bool:
        """Keep a batch of ``rows`` rows from the moment ``first`` to ``last``; False when it is larger than the ring
        holds. Raises ``OSError``; nothing of it is kept then."""
        if len(sealed) > self.largest_batch or rows > self._most_rows:
            return False
        frame = HEADER.pack(MARK, self._next, rows, first, last, key_id, len(sealed)) + sealed
        file = max(self._files, key=lambda each: each.last)
        full = file.size + len(frame) > self.largest_batch + HEADER.size
        if full or (file.rows and file.rows >= self._most_rows // FILES):
            file = min(self._files, key=lambda each: each.last)
            _empty(file)
        for oldest in sorted(self._files, key=lambda each: each.last):
            if self.rows + rows <= self._most_rows:
                break
            _empty(oldest)
        _append(file, frame)
        file.first, file.last, file.rows = file.first or self._next, self._next, file.rows + rows
        self._next += 1
        return True

    def read(self, after: int, most: int) -> bytes:
        """The frames of batches with numbers above ``after``, the oldest first: ``most`` bytes of them, at least one
        while there are any. Raises ``OSError``."""
        found: list[bytes] = []
        length = 0
        for file in self._in_order():
            if file.last <= after:
                continue
            with file.path.open("rb") as stream:
                for frame in _frames(stream, file.size):
                    if frame.number <= after:
                        continue
                    if found and length + frame.end - frame.at > most:
                        return b"".join(found)
                    stream.seek(frame.at)
                    found.append(stream.read(frame.end - frame.at))
                    length += len(found[-1])
        return b"".join(found)

    def remove(self, through: int) -> int:
        """Remove the batches up to the number ``through``; how many rows they had. Raises ``OSError``."""
        before = self.rows
        for file in self._in_order():
            if file.last <= through:
                _empty(file)
            elif file.first <= through:
                _cut(file, through)
        return before - self.rows

    def _in_order(self) -> list[_File]:
        return sorted((file for file in self._files if file.size), key=lambda each: each.first)


def _look_through(file: _File) -> None:
    """Learn what is in the file, and cut off what is no whole frame."""
    with file.path.open("r+b") as stream:
        length = os.fstat(stream.fileno()).st_size
        _count(file, list(_frames(stream, length)))
        if length > file.size:
            stream.truncate(file.size)


def _count(file: _File, frames: list[_Frame]) -> None:
    file.size = frames[-1].end if frames else 0
    file.first = frames[0].number if frames else 0
    file.last = frames[-1].number if frames else 0
    file.rows = sum(frame.rows for frame in frames)


def _frames(stream: BinaryIO, length: int) -> Iterator[_Frame]:
    """The whole frames within the first ``length`` bytes."""
    at = number_before = 0
    while at + HEADER.size <= length:
        stream.seek(at)
        mark, number, rows, _first, _last, _key_id, size = HEADER.unpack(stream.read(HEADER.size))
        end = at + HEADER.size + size
        if mark != MARK or end > length or number <= number_before:
            return
        yield _Frame(at, end, number, rows)
        at, number_before = end, number


def _append(file: _File, frame: bytes) -> None:
    with file.path.open("r+b", buffering=0) as stream:
        stream.seek(file.size)
        try:
            written = stream.write(frame)
            if written != len(frame):  # as much as there was room for
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError:
            stream.truncate(file.size)
            raise
    file.size += len(frame)


def _empty(file: _File) -> None:
    with file.path.open("r+b") as stream:
        stream.truncate(0)
    file.size = file.first = file.last = file.rows = 0


def _cut(file: _File, through: int) -> None:
    """Remove the beginning of a file, up to the batch ``through``."""
    with file.path.open("r+b") as stream:
        kept = next(frame.at for frame in _frames(stream, file.size) if frame.number > through)
        stream.seek(kept)
        rest = stream.read(file.size - kept)
        stream.seek(0)
        stream.write(rest)
        stream.truncate()
        _count(file, list(_frames(stream, len(rest))))
