"""Writing a file of a restore: as a draft first, which gets the file's name when it is whole."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable, Iterator, Sequence

from kronkers_studio.registry.store.object_index import Location
from kronkers_studio.storage.files import BINARY, write_fully

WINDOW_BYTES = 4 << 20
"""How much content is held at once."""
_HOLE = 4096
_ZEROS = bytes(_HOLE)
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | BINARY
_SETS_TIMES_OF_OPEN_FILES = os.utime in os.supports_fd  # not on Windows

Located = tuple[bytes, Location]
"""An object's id, and where it lies."""


def write_file(
    draft: str,
    chunks: Iterable[bytes | memoryview],
    place: Callable[[], None],
    *,
    size: int,
    mtime_ns: int,
    executable: bool,
) -> None:
    """Write ``chunks`` to the new file ``draft``, and have ``place`` give it its name. Nothing of it stays when either
    raises, ``OSError`` for one."""
    try:
        descriptor = os.open(draft, _NEW_FILE, 0o777 if executable else 0o666)
        try:
            hole = False
            for data in chunks:
                hole = _write_or_leap(descriptor, data)
            if hole:  # at the end, where a leap alone does not make the file longer
                os.ftruncate(descriptor, size)
            if _SETS_TIMES_OF_OPEN_FILES:
                os.utime(descriptor, ns=(mtime_ns, mtime_ns))
        finally:
            os.close(descriptor)
        if not _SETS_TIMES_OF_OPEN_FILES:
            os.utime(draft, ns=(mtime_ns, mtime_ns))
        place()
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(draft)  # noqa: PTH108  # a Path for each of many files costs more than the rest
        raise


def windows(content: Sequence[Located]) -> Iterator[list[Located]]:
    """The objects of a large file in their order, some MB at a time."""
    window: list[Located] = []
    size = 0
    for id, at in content:
        if size >= WINDOW_BYTES:
            yield window
            window, size = [], 0
        window.append((id, at))
        size += at.length
    if window:
        yield window


def _write_or_leap(descriptor: int, data: bytes | memoryview) -> bool:
    """Write ``data``; where it is nothing but zeros, leave a hole, so that a sparse file does not fill the disk.

    Whether it was a hole.
    """
    if not data[0] and bytes(data[:_HOLE]) == _ZEROS and bytes(data).count(0) == len(data):
        os.lseek(descriptor, len(data), os.SEEK_CUR)
        return True
    write_fully(descriptor, data)
    return False
