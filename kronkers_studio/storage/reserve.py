"""Space that a workspace keeps for the moment when its disk is full.

Freeing space takes space: what is given up is first recorded. So a file lies in the workspace that has no other use
than to be deleted then.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from kronkers_studio.storage.files import write_atomically

RESERVE_FILE = "reserve"
_BYTES = 1 << 20
_LEAST_BYTES = 256 * 1024
_SHARE = 8
"""No more than this part of what is free is taken."""


def keep_reserve(directory: Path) -> None:
    """Put the reserve into a workspace where there is none and the disk has room to spare; never fails."""
    file = directory / RESERVE_FILE
    with contextlib.suppress(OSError):
        if file.exists():
            return
        size = min(_BYTES, shutil.disk_usage(directory).free // _SHARE)
        if size >= _LEAST_BYTES:
            write_atomically(file, os.urandom(size))  # random: some file systems store other bytes in less space


@contextlib.contextmanager
def reserve_spent(directory: Path) -> Iterator[None]:
    """Let the work in the block use the reserve, when the disk has no room besides; it is kept anew afterwards."""
    with contextlib.suppress(OSError):
        if shutil.disk_usage(directory).free < 2 * _BYTES:
            (directory / RESERVE_FILE).unlink(missing_ok=True)
    try:
        yield
    finally:
        keep_reserve(directory)
