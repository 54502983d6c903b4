"""One writer at a time, by a lock that the operating system drops when its owner dies."""

from __future__ import annotations

import errno
import json
import os
import socket
import time
from pathlib import Path
from types import ModuleType

from kronkers_studio.domain.errors import WorkspaceBusy, WorkspaceError, WorkspaceReadOnly
from kronkers_studio.storage.files import BINARY, disk_failures
from kronkers_studio.storage.writable import Obstacle, refusal

_fcntl: ModuleType | None
try:
    import fcntl as _fcntl
except ImportError:  # Windows
    _fcntl = None

_msvcrt: ModuleType | None
try:
    import msvcrt as _msvcrt
except ImportError:  # everywhere else
    _msvcrt = None

_WINDOWS_BYTE = 1 << 30
"""The byte that is locked on Windows, where a locked range cannot be read: far behind the owner's name."""
_POLL_SECONDS = 0.05
_TAKEN = (errno.EAGAIN, errno.EACCES, errno.EDEADLK)  # somebody else has it; on Windows the second or third


class WriterLock:
    """The right to append to a workspace, held by at most one thread of one process at a time.

    ``file`` stays behind when it is released; it names the last owner, which is shown to whoever is refused.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._descriptor: int | None = None

    def acquire(self, *, wait: float = 0.0) -> None:
        """Take the lock, trying for ``wait`` seconds. Raises ``WorkspaceBusy`` naming its owner."""
        try:
            with disk_failures("locking the workspace"):
                descriptor = os.open(self._file, os.O_RDWR | os.O_CREAT | BINARY, 0o600)
        except WorkspaceReadOnly:
            raise
        except WorkspaceError as error:
            if isinstance(error.__cause__, PermissionError):
                raise refusal(Obstacle.READ_ONLY, details=str(error.__cause__)) from error.__cause__
            raise
        deadline = time.monotonic() + wait
        try:
            while not try_lock(descriptor):
                if time.monotonic() >= deadline:
                    raise self._refusal(descriptor)
                time.sleep(_POLL_SECONDS)
            with disk_failures("locking the workspace"):
                write_owner(descriptor)
        except BaseException:
            os.close(descriptor)
            raise
        self._descriptor = descriptor

    def release(self) -> None:
        """Let the next writer in; no error when it is not held."""
        if self._descriptor is not None:
            unlock(self._descriptor)
            os.close(self._descriptor)
            self._descriptor = None

    def _refusal(self, descriptor: int) -> WorkspaceBusy:
        return WorkspaceBusy(
            f"The workspace is being written to by {owner_of(descriptor)}.",
            next_step="Wait until it is done, or stop it, and try again.",
        )


def try_lock(descriptor: int) -> bool:
    """Lock an open file unless somebody else has it locked. Raises ``WorkspaceError`` where the disk has no locks."""
    try:
        if _fcntl is not None:
            # flock rather than lockf: it belongs to this descriptor, so two threads exclude each other too
            _fcntl.flock(descriptor, _fcntl.LOCK_EX | _fcntl.LOCK_NB)
        elif _msvcrt is not None:
            os.lseek(descriptor, _WINDOWS_BYTE, os.SEEK_SET)
            _msvcrt.locking(descriptor, _msvcrt.LK_NBLCK, 1)
    except OSError as error:
        if error.errno in _TAKEN:
            return False
        raise WorkspaceError(
            "The workspace's disk does not support locks, so two programs could damage it.",
            next_step="Keep the workspace on a disk of this computer.",
            details=str(error),
        ) from error
    return True


def unlock(descriptor: int) -> None:
    """Unlock what ``try_lock`` locked, before it is closed."""
    if _msvcrt is not None and _fcntl is None:
        os.lseek(descriptor, _WINDOWS_BYTE, os.SEEK_SET)
        _msvcrt.locking(descriptor, _msvcrt.LK_UNLCK, 1)


def write_owner(descriptor: int) -> None:
    """Name this process in a file that it has locked."""
    os.ftruncate(descriptor, 0)
    os.lseek(descriptor, 0, os.SEEK_SET)
    os.write(descriptor, json.dumps({"pid": os.getpid(), "host": socket.gethostname()}).encode())


def owner_of(descriptor: int) -> str:
    """Who has locked a file, as words: "process 12 on laptop"."""
    os.lseek(descriptor, 0, os.SEEK_SET)
    try:
        owner = json.loads(os.read(descriptor, 4096))
        return f"process {int(owner['pid'])} on {owner['host']}"
    except (ValueError, KeyError, TypeError):  # it has the lock and is just writing its name
        return "another process"
