"""Folders and files that their owner alone may read, whatever the account's umask says."""

from __future__ import annotations

import contextlib
import os
import stat
from pathlib import Path

_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_BINARY = getattr(os, "O_BINARY", 0)


def make_private_folder(folder: Path) -> None:
    """Make ``folder``, and those above it that are missing, for the owner alone; one that exists is closed to others.

    Raises ``OSError`` when it cannot be made.
    """
    for missing in reversed([each for each in folder.parents if not each.exists()]):
        missing.mkdir(mode=0o700, exist_ok=True)
    folder.mkdir(mode=0o700, exist_ok=True)
    close_to_others(folder)


def open_private(path: str, flags: int) -> int:
    """``os.open`` for a file that is made for the owner alone: an ``opener`` for ``open``."""
    return os.open(path, flags, 0o600)


def make_private_file(file: Path) -> None:
    """Make an empty file for the owner alone, or close one that exists to others. Raises ``OSError``."""
    try:
        os.close(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _BINARY, 0o600))
    except FileExistsError:
        close_to_others(file)


def close_to_others(path: Path) -> None:
    """Take the rights of all but the owner, where the system has such and the file is one's own."""
    if os.name == "nt":
        return
    with contextlib.suppress(OSError):
        status = path.lstat()
        if status.st_mode & _OTHERS and not stat.S_ISLNK(status.st_mode) and status.st_uid == os.geteuid():
            path.chmod(stat.S_IMODE(status.st_mode) & ~_OTHERS)
