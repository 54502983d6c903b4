"""What differs between systems when bytes must be safe on disk: flushing, atomic replacing, reading at an offset.

The functions choose by the attributes that the system's modules have, so that a test can simulate another system.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import threading
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

from kronkers_studio.domain.errors import StorageFull, WorkspaceError, WorkspaceReadOnly

_fcntl: ModuleType | None
try:
    import fcntl as _fcntl
except ImportError:  # Windows
    _fcntl = None

BINARY = getattr(os, "O_BINARY", 0)
_DISK_FAILURES = {
    number
    for name in ("ENOSPC", "EDQUOT", "EIO", "EROFS", "EFBIG", "ENXIO", "ENODEV")
    if (number := getattr(errno, name, None)) is not None
}


def flush_file(descriptor: int) -> None:
    """Return when the file's bytes have reached the disk itself. Raises ``OSError``.

    On macOS ``fsync`` leaves them in the drive's cache; ``F_FULLFSYNC`` does not.
    """
    command = getattr(_fcntl, "F_FULLFSYNC", None)
    if _fcntl is not None and command is not None:
        try:
            _fcntl.fcntl(descriptor, command)
            return
        except OSError as error:  # some network file systems do not know it
            if error.errno not in (errno.ENOTSUP, errno.EINVAL, errno.ENOTTY):
                raise
    os.fsync(descriptor)


def flush_file_at(file: Path) -> None:
    """``flush_file`` for a file that is not open. Raises ``OSError``."""
    descriptor = os.open(file, os.O_RDWR | BINARY)
    try:
        flush_file(descriptor)
    finally:
        os.close(descriptor)


def flush_folder(folder: Path) -> None:
    """Return when the names in ``folder`` are on disk, where the system has such a thing (not on Windows)."""
    flag = getattr(os, "O_DIRECTORY", None)
    if flag is None:
        return
    descriptor = os.open(folder, os.O_RDONLY | flag)
    try:
        flush_file(descriptor)
    finally:
        os.close(descriptor)


def write_fully(descriptor: int, data: bytes | bytearray | memoryview) -> None:
    """Write all of ``data``; the system may take it in several pieces. Raises ``OSError``."""
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def write_atomically(file: Path, data: bytes, *, mode: int = 0o600) -> None:
    """Replace ``file`` so that a crash leaves the old or the new content, never a mixture. Raises ``OSError``."""
    draft = file.with_name(f".{file.name}.{secrets.token_hex(6)}.new")
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | BINARY, mode)
        try:
            write_fully(descriptor, data)
            flush_file(descriptor)
        finally:
            os.close(descriptor)
        draft.replace(file)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    flush_folder(file.parent)


class RandomAccess:
    """A file that any number of threads may read at any offset. Raises ``OSError`` when it cannot be opened."""

    _descriptor = -1

    def __init__(self, file: Path) -> None:
        self._descriptor = os.open(file, os.O_RDONLY | BINARY)
        self._position = threading.Lock()  # used only where the system has no pread

    def read(self, offset: int, length: int) -> bytes:
        """Up to ``length`` bytes from ``offset``; fewer only at the end of the file."""
        pread = getattr(os, "pread", None)
        if pread is not None:
            data: bytes = pread(self._descriptor, length, offset)
            if len(data) == length:
                return data
            pieces = [data]
            while data and (missing := length - sum(map(len, pieces))):
                data = pread(self._descriptor, missing, offset + length - missing)
                pieces.append(data)
            return b"".join(pieces)
        with self._position:
            os.lseek(self._descriptor, offset, os.SEEK_SET)
            pieces = []
            while length and (data := os.read(self._descriptor, length)):
                pieces.append(data)
                length -= len(data)
            return b"".join(pieces)

    def size(self) -> int:
        return os.fstat(self._descriptor).st_size

    def close(self) -> None:
        """Let go of the file; the last reference to this object does so too."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)

    def __del__(self) -> None:
        self.close()


def is_disk_failure(error: OSError) -> bool:
    """Whether ``error`` means a full or failing disk, and not this one file or call."""
    return error.errno in _DISK_FAILURES


@contextlib.contextmanager
def disk_failures(what: str) -> Iterator[None]:
    """Turn a full or failing disk inside the block into ``StorageFull``, and a lacking permission into
    ``WorkspaceError``; ``what`` ends "… while"."""
    try:
        yield
    except PermissionError as error:
        raise WorkspaceError(
            f"You have no permission for {error.filename or 'a file'}; it was needed while {what}.",
            next_step="Let its owner give you write access, or choose another folder.",
        ) from error
    except OSError as error:
        if error.errno == errno.EROFS:
            raise WorkspaceReadOnly(
                "This workspace cannot be written to: its disk is read-only.",
                next_step="All that is in it can be looked at, searched and restored. To change it, copy it elsewhere.",
                details=str(error),
            ) from error
        if not is_disk_failure(error):
            raise
        full = error.errno in (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))
        raise StorageFull(
            f"The disk {'is full' if full else 'failed'} while {what}.",
            next_step="Free some space and run it again: everything acknowledged so far is kept."
            if full
            else "Check the disk, then run `kronkers check --read-data`: everything acknowledged so far was written.",
            details=str(error),
        ) from error


def widen_pipe(descriptor: int) -> None:
    """Let a pipe hold 1 MB at once where the system can (Linux): each time that it is full, both ends wait."""
    command = getattr(_fcntl, "F_SETPIPE_SZ", None)
    if _fcntl is not None and command is not None:
        with contextlib.suppress(OSError):  # an administrator may have set a lower limit
            _fcntl.fcntl(descriptor, command, 1 << 20)
