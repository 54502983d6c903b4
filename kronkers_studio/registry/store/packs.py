"""Pack files: ``packs/NNNNNNNN.pack``, append-only, each a short header and then records back to back.

The header is 36 bytes, big-endian: magic 8 · format 2 · reserved 2 · number 4 · workspace id 16 · crc 4.
"""

from __future__ import annotations

import contextlib
import os
import re
import struct
import threading
import zlib
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from pathlib import Path

from kronkers_studio.domain.errors import StorageFull, StoreDamaged
from kronkers_studio.registry.store.records import HEADER_SIZE, Record, RecordHeader, read_header
from kronkers_studio.storage.files import (
    BINARY,
    RandomAccess,
    disk_failures,
    flush_file,
    flush_folder,
    write_fully,
)

PACK_HEADER_SIZE = 36
PACK_TARGET = 48 << 20
"""A pack that has reached this size gets no more records; with the last ones it stays below 64 MB."""
_MAGIC = b"KRONPACK"
_FORMAT = 1
_HEADER = struct.Struct(">8sHHI16s")
_CRC = struct.Struct(">I")
_NAME = re.compile(r"(\d{8})\.pack")
_SCAN_BYTES = 4 << 20
_OPEN_FILES = 16


class PackInUse(Exception):
    """A pack cannot be deleted now, because a program has it open."""


class PackFolder:
    """The folder of pack files of one workspace; knows nothing of keys and of the index."""

    def __init__(self, folder: Path, workspace_id: str) -> None:
        self.folder = folder
        self.workspace_id = workspace_id
        self._workspace = bytes.fromhex(workspace_id)
        self._open: OrderedDict[int, RandomAccess] = OrderedDict()
        self._lock = threading.Lock()

    def path(self, number: int) -> Path:
        return self.folder / f"{number:08d}.pack"

    def numbers(self) -> list[int]:
        """The packs that lie in the folder, in order."""
        found = (_NAME.fullmatch(name) for name in (file.name for file in self.folder.iterdir()))
        return sorted(int(match[1]) for match in found if match)

    def header(self, number: int) -> bytes:
        fields = _HEADER.pack(_MAGIC, _FORMAT, 0, number, self._workspace)
        return fields + _CRC.pack(zlib.crc32(fields))

    def read(self, number: int, offset: int, length: int) -> bytes:
        """``length`` bytes of a pack. Raises ``StoreDamaged`` when the pack is missing or shorter."""
        with disk_failures("reading the store"):
            try:
                data = self._file(number).read(offset, length)
            except FileNotFoundError:
                raise StoreDamaged(
                    f"Pack {number:08d} of the store is missing.", next_step="Restore the workspace from a backup."
                ) from None
        if len(data) != length:
            raise StoreDamaged(
                f"Pack {number:08d} of the store is cut off.", next_step="Restore the workspace from a backup."
            )
        return data

    def size(self, number: int) -> int:
        """The pack's length on disk; 0 when it is missing."""
        try:
            return self.path(number).stat().st_size
        except FileNotFoundError:
            return 0

    def modified(self, number: int) -> float:
        """When the pack was last written to, in seconds since the epoch. Raises ``StoreDamaged`` when it is missing."""
        try:
            return self.path(number).stat().st_mtime
        except FileNotFoundError:
            raise StoreDamaged(
                f"Pack {number:08d} of the store is missing.", next_step="Restore the workspace from a backup."
            ) from None

    def cut(self, number: int, size: int) -> None:
        """Shorten a pack to ``size`` bytes, or remove it when that is 0, durably. Raises ``StorageFull``."""
        with self._lock:
            self._open.pop(number, None)
        with disk_failures("tidying up the store"):
            if size == 0:
                self._unlink(number)
                return
            descriptor = os.open(self.path(number), os.O_WRONLY | BINARY)
            try:
                os.ftruncate(descriptor, size)
                flush_file(descriptor)
            finally:
                os.close(descriptor)

    def remove(self, number: int) -> None:
        """Delete a pack durably. Raises ``PackInUse`` where the system keeps open files, or ``StorageFull``."""
        with self._lock:
            file = self._open.pop(number, None)
        del file  # closed, unless a thread reads from it just now
        with disk_failures("tidying up the store"):
            try:
                self._unlink(number)
            except PermissionError as error:
                raise PackInUse(str(error)) from error

    def _unlink(self, number: int) -> None:
        self.path(number).unlink()
        flush_folder(self.folder)

    def scan(self, number: int, start: int, end: int) -> Iterator[tuple[int, RecordHeader, memoryview]]:
        """The records between two offsets in order: offset, header and stored bytes.

        Reads every byte once. Raises ``StoreDamaged`` at the first record that is not whole; ``end`` must lie between
        two records.
        """
        position, window, at = start, b"", start
        while position < end:
            if position - at + HEADER_SIZE > len(window):
                at, window = position, self.read(number, position, min(_SCAN_BYTES, end - position))
            header = read_header(window[position - at : position - at + HEADER_SIZE])
            size = HEADER_SIZE + header.stored
            if position + size > end:
                raise StoreDamaged(f"Pack {number:08d} of the store ends within a record.")
            if position - at + size > len(window):
                at, window = position, self.read(number, position, min(max(_SCAN_BYTES, size), end - position))
            body = memoryview(window)[position - at + HEADER_SIZE : position - at + size]
            yield position, header, body
            position += size

    def close(self) -> None:
        with self._lock:
            while self._open:
                self._open.popitem()[1].close()

    def _file(self, number: int) -> RandomAccess:
        with self._lock:
            file = self._open.get(number)
            if file is None:
                file = self._open[number] = RandomAccess(self.path(number))
                self._retire_one()
            self._open.move_to_end(number)
            return file

    def _retire_one(self) -> None:
        if len(self._open) > _OPEN_FILES:
            # not closed here: a thread may be reading from it; the last reference closes it
            self._open.popitem(last=False)


class PackWriter:
    """Appends records to packs; one at a time per workspace, under its writer lock.

    What was appended counts once ``flush`` has returned. After any failure of the disk the writer is spent: whether a
    later fsync of the same file would tell the truth is not known, so it is never asked again.
    """

    def __init__(self, packs: PackFolder, sizes: dict[int, int], *, last: int = 0) -> None:
        """``sizes`` maps each known pack to its length on disk; those that are not full may be added to. ``last`` and
        the numbers below it were given out before."""
        self._packs = packs
        self._next = max([*sizes, *packs.numbers(), last]) + 1
        self._descriptor: int | None = None
        self._number = 0
        self._position = 0
        self._unflushed: dict[int, int] = {}  # pack: descriptor of full packs that await their flush
        self._grown: dict[int, int] = {}  # pack: size, since the last flush
        self._spent = False
        newest = max(sizes, default=0)
        if sizes and newest == self._next - 1 and sizes[newest] < PACK_TARGET and packs.size(newest) == sizes[newest]:
            self._resume(newest, sizes[newest])

    def append(self, records: Iterable[Record]) -> list[tuple[int, int]]:
        """Write the records; returns the (pack, offset) of each. Raises ``StorageFull``."""
        places: list[tuple[int, int]] = []
        parts: list[bytes | memoryview] = []
        waiting = 0
        with self._failing("writing to the store"):
            for record in records:
                if self._descriptor is None or self._position + waiting >= PACK_TARGET:
                    self._write(parts)
                    parts, waiting = [], 0
                    self._start_next()
                places.append((self._number, self._position + waiting))
                parts.extend(record.parts)
                waiting += record.size
            self._write(parts)
        return places

    def flush(self) -> dict[int, int]:
        """Return when all that was appended is on disk: the packs that grew and their sizes. Raises ``StorageFull``."""
        with self._failing("making the store durable"):
            for descriptor in self._unflushed.values():
                flush_file(descriptor)
                os.close(descriptor)
            self._unflushed.clear()
            if self._descriptor is not None and self._number in self._grown:
                flush_file(self._descriptor)
        grown, self._grown = self._grown, {}
        return grown

    def close(self) -> None:
        """Let go of the files; what was not flushed does not count."""
        self._spent = True
        for descriptor in (*self._unflushed.values(), self._descriptor):
            if descriptor is not None:
                os.close(descriptor)
        self._unflushed.clear()
        self._descriptor = None

    @contextlib.contextmanager
    def _failing(self, what: str) -> Iterator[None]:
        """A block after whose failure nothing more is written."""
        if self._spent:
            raise StorageFull(
                "The disk failed before: nothing more is written.", next_step="Check the disk and start again."
            )
        try:
            with disk_failures(what):
                yield
        except BaseException:
            self._spent = True
            raise

    def _write(self, parts: list[bytes | memoryview]) -> None:
        if parts and self._descriptor is not None:
            data = b"".join(parts)
            write_fully(self._descriptor, data)
            self._position += len(data)
            self._grown[self._number] = self._position

    def _start_next(self) -> None:
        if self._descriptor is not None:
            self._unflushed[self._number] = self._descriptor
            self._descriptor = None
        self._number, self._next = self._next, self._next + 1
        file = self._packs.path(self._number)
        self._descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | BINARY, 0o600)
        write_fully(self._descriptor, self._packs.header(self._number))
        self._position = PACK_HEADER_SIZE
        self._grown[self._number] = self._position
        flush_folder(self._packs.folder)

    def _resume(self, number: int, size: int) -> None:
        with disk_failures("opening the store for writing"):
            self._descriptor = os.open(self._packs.path(number), os.O_WRONLY | BINARY)
            os.lseek(self._descriptor, size, os.SEEK_SET)
        self._number, self._position = number, size
