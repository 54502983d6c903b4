"""One spelling of a folder's path, and whether two spellings mean one folder."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from kronkers_studio.settings.paths import from_home

Identity = tuple[int, int]


def absolute_folder(folder: Path) -> Path:
    """``folder`` as an absolute path without ``..``, which Windows does not understand in long paths.

    Elsewhere ``..`` behind a link leads out of where the link leads to: only then are links resolved.
    """
    folder = from_home(folder)
    if ".." not in folder.parts or sys.platform == "win32":
        return Path(os.path.abspath(folder))  # noqa: PTH100  # resolve() would follow links
    parts = folder.absolute().parts
    last = len(parts) - parts[::-1].index("..")
    return Path(os.path.realpath(Path(*parts[:last])), *parts[last:])


def folder_key(folder: Path) -> str:
    """The same text for every spelling of a folder, as far as the system tells: links, case and short names resolved.

    On macOS another case stays another text; ``same_folder`` sees through that too.
    """
    return os.path.normcase(os.path.realpath(absolute_folder(folder)))


def same_folder(one: Path, other: Path) -> bool:
    """Whether two paths lead to the same folder, however they are spelled; missing folders are compared by path."""
    if one == other:
        return True
    there = identity_of(one)
    if there is not None and there == identity_of(other):
        return True
    return folder_key(one) == folder_key(other)


def path_within(folder: Path, place: Path) -> str:
    """The path, with ``/``, by which ``folder`` lies in the folder ``place``, however both are spelled; "" when it does
    not."""
    real = Path(os.path.realpath(folder))
    above = next((parent for parent in real.parents if same_folder(parent, place)), None)
    return "" if above is None else real.relative_to(above).as_posix()


def identity_of(path: str | Path) -> Identity | None:
    """What the system knows the file or folder by; None when there is none, or the disk has no such numbers."""
    try:
        return identity(Path(path).stat())
    except (OSError, ValueError):
        return None


def identity(status: os.stat_result) -> Identity | None:
    """None for a file system without such numbers."""
    return (status.st_dev, status.st_ino) if status.st_ino else None
