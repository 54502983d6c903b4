"""Paths within a project: their parts stand between slashes on every system."""

from __future__ import annotations

from collections.abc import Collection


def lies_in(path: str, places: Collection[str]) -> bool:
    """Whether ``path`` is one of ``places``, or lies in one."""
    while path:
        if path in places:
            return True
        path = path.rpartition("/")[0]
    return False
