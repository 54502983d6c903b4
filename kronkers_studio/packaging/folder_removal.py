"""Folders told from links to them, and removed though they are read-only."""

from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path

_OWN = 0o700
_REPARSE_POINT = 0x400  # Windows: a link, a junction, a file in the cloud
NO_OTHERS = 0o077
"""The umask of programs that write files here."""


def is_folder(found: os.stat_result) -> bool:
    """Whether that is a folder, and no link or junction to one."""
    return stat.S_ISDIR(found.st_mode) and not getattr(found, "st_file_attributes", 0) & _REPARSE_POINT


def remove_tree(folder: Path) -> None:
    """Remove ``folder`` and all in it, read-only or not, as far as possible. No link is followed."""
    waiting = [folder]
    while waiting:
        inside = waiting.pop()
        try:
            if not is_folder(inside.lstat()):
                continue
            inside.chmod(_OWN)
            with os.scandir(inside) as entries:
                for entry in entries:
                    if is_folder(entry.stat(follow_symlinks=False)):
                        waiting.append(Path(entry.path))
                    elif os.name == "nt" and not entry.is_symlink():  # no read-only file is removed there
                        os.chmod(entry.path, 0o600)  # noqa: PTH101 — of thousands
        except OSError:
            continue
    shutil.rmtree(folder, ignore_errors=True)
