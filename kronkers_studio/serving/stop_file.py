"""The file by which a service is told to end; its folder is followed where that is moved, and ends it when it goes."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path


class StopFile:
    """``path`` need not be there yet; a folder that is not there is one that is no more."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._folder: int | None = None
        if hasattr(os, "O_PATH"):  # Linux: it holds the folder, whatever it is called later, and reads nothing of it
            with contextlib.suppress(OSError):
                self._folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)

    def is_there(self) -> bool:
        """Whether the service is to end: somebody has put the file there, or its folder is no more; then nobody could
        put it there. Where a moved folder cannot be followed it counts as gone."""
        if self._folder is None:
            return self._path.exists() or not self._path.parent.exists()
        if os.fstat(self._folder).st_nlink == 0:
            return True
        try:
            os.stat(self._path.name, dir_fd=self._folder, follow_symlinks=False)
        except FileNotFoundError:
            return False
        return True
