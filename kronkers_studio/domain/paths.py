"""Paths within a project: their parts stand between slashes on every system, and "" is the project itself."""

from __future__ import annotations

from collections.abc import Collection


def join(folder: str, name: str) -> str:
    """The path of ``name`` in ``folder``."""
    return f"{folder}/{name}" if folder else name


def parent(path: str) -> str:
    """The folder that ``path`` lies in."""
    return path.rpartition("/")[0]


def relative_to(path: str, folder: str) -> str:
    """``path``, which lies in ``folder``, as it is called from there."""
    return path.removeprefix(f"{folder}/") if folder else path


def lies_in(path: str, places: Collection[str]) -> bool:
    """Whether ``path`` is one of ``places``, or lies in one."""
    while path:
        if path in places:
            return True
        path = parent(path)
    return False
