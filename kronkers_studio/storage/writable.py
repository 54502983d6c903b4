"""Whether a folder can be written to, and why not: tried, because neither rights nor free space tell it for sure."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
from enum import Enum
from pathlib import Path

from kronkers_studio.domain.errors import StorageFull, WorkspaceError, WorkspaceReadOnly
from kronkers_studio.storage.files import BINARY, write_fully

_TRIED_BYTES = 64 * 1024  # more than the index of a write-ahead log takes at first
_FULL = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))


class Obstacle(Enum):
    """What keeps a folder from being written to."""

    FULL = "full"
    READ_ONLY = "read-only"


def obstacle_in(folder: Path, file: Path | None = None) -> Obstacle | None:
    """What keeps new files out of ``folder``, or ``file`` in it from being changed; None for nothing that is known."""
    draft = folder / f".{secrets.token_hex(6)}.try"
    try:
        if file is not None and file.exists():
            os.close(os.open(file, os.O_RDWR | BINARY))
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | BINARY, 0o600)
        try:
            write_fully(descriptor, bytes(_TRIED_BYTES))
        finally:
            os.close(descriptor)
            with contextlib.suppress(OSError):
                draft.unlink()
    except OSError as error:
        if error.errno in _FULL:
            return Obstacle.FULL
        return Obstacle.READ_ONLY if error.errno in (errno.EROFS, errno.EACCES, errno.EPERM) else None
    return None


def refusal(obstacle: Obstacle, *, details: str = "") -> WorkspaceError:
    """The failure that an obstacle means for whoever wanted to write."""
    if obstacle is Obstacle.FULL:
        return StorageFull(
            "The disk is full.",
            next_step="Free some space and try again; `kronkers trash empty` and `kronkers gc` free what no version "
            "needs.",
            details=details,
        )
    return WorkspaceReadOnly(
        "This workspace cannot be written to: its disk is read-only, or its files belong to somebody else.",
        next_step="All that is in it can be looked at, searched and restored. To change it, copy it elsewhere.",
        details=details,
    )
