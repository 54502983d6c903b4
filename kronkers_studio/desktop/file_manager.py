"""Showing what lies on this computer in the system's own file manager."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from PySide6.QtCore import QUrl
from PySide6.QtGui import QDesktopServices


def nearest(path: Path) -> Path | None:
    """``path``, or the innermost folder around it that is still there; None when nothing of it is. It asks the disk,
    which may be one behind a network: not for the main thread."""
    for place in (path, *path.parents):
        try:
            place.lstat()
        except (OSError, ValueError):
            continue
        return place if place != Path(place.anchor) or place == path else None
    return None


def selecting_command(path: Path, platform: str = sys.platform) -> str | list[str] | None:
    """What shows the folder around ``path`` with it chosen; None where no program is sure to do so.

    Of Explorer it is one string: it reads its command line in a way of its own. No path holds a quotation mark there.
    """
    if platform == "win32":
        return f'explorer.exe /select,"{path}"'
    return ["open", "-R", str(path)] if platform == "darwin" else None


def show(path: Path, *, folder: bool, platform: str = sys.platform) -> bool:
    """Open the ``folder`` at ``path``, or the one around a file, chosen in it where the system can do so. Gives whether
    it was handed over."""
    command = None if folder else selecting_command(path, platform)
    if command is not None:
        try:
            subprocess.Popen(  # noqa: S603  # the system's file manager, by a path of this computer
                command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
        except OSError:
            return False
        return True
    place = path if folder else path.parent
    return QDesktopServices.openUrl(QUrl.fromEncoded(place.as_uri().encode("ascii")))  # names of any bytes
