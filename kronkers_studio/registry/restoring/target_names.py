"""Under which names a target holds what a project holds: its own where it can, others where it cannot."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterable
from pathlib import Path

from kronkers_studio.domain.naming import ANYTHING, WINDOWS, NameRules, name_problem, safe_name, safe_names

_SURELY_SHORT = 63
"""Names of no more characters fit into the 255 bytes that file systems allow at the least."""
_UNDECODABLE = os.fsdecode(b"\xff")


def _on_windows() -> bool:
    return os.name == "nt"


def rules_of(target: Path) -> NameRules:
    """What the file system of the folder ``target`` can hold, found out by trying: a USB stick differs from the disk.

    Nothing of it stays there. Where nothing can be written, every name is taken to be possible.
    """
    if _on_windows():
        return WINDOWS
    name = f".kronkers-probe-{secrets.token_hex(8)}"
    if not _can_make(target / name, keep=True):
        return ANYTHING
    try:
        ignores_case = os.path.lexists(target / name.upper())
    finally:
        with contextlib.suppress(OSError):
            (target / name).unlink()
    return NameRules(
        windows=not _can_make(target / f"{name}:?"),
        unicode_only=not _can_make(target / (name + _UNDECODABLE)),
        ignores_case=ignores_case,
    )


def _can_make(path: Path, *, keep: bool = False) -> bool:
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL))
    except OSError:
        return False
    if not keep:
        with contextlib.suppress(OSError):
            path.unlink()
    return True


class TargetNames:
    """The paths below a target for the paths in a project. ``learn`` each folder before asking for what lies in it."""

    def __init__(self, rules: NameRules) -> None:
        self._rules = rules
        self._holds_anything = rules == ANYTHING
        self._learned: dict[str, dict[str, str]] = {}
        self._folders = {"": ""}

    def learn(self, folder: str, names: Iterable[str]) -> None:
        """All ``names`` that lie in ``folder``: of two that the target cannot tell apart, one gets another name."""
        if self._holds_anything:
            given = {name: safe_name(name, ANYTHING) for name in names if len(name) > _SURELY_SHORT}
            given = {name: safe for name, safe in given.items() if safe != name}
        else:
            given = safe_names(names, self._rules)
        if given or not self._holds_anything:
            self._learned[folder] = given

    def name(self, path: str) -> str:
        """The name under which ``path`` is held in its folder."""
        folder, _, name = path.rpartition("/")
        given = self._learned.get(folder)
        if given is None and self._holds_anything and len(name) <= _SURELY_SHORT:
            return name
        return safe_name(name, self._rules) if given is None else given.get(name, name)

    def why(self, path: str) -> str:
        """Why ``path`` is held under another name."""
        problem = name_problem(path.rpartition("/")[2], self._rules)
        return problem or "Another name in its folder cannot be told from it there."

    def place(self, path: str) -> str:
        """Where ``path`` lies below the target."""
        if self._holds_anything and not self._learned and len(path) <= _SURELY_SHORT:
            return path
        folder, _, _ = path.rpartition("/")
        placed = self._folders.get(folder)
        if placed is None:
            placed = self._folders[folder] = self.place(folder)
        return f"{placed}/{self.name(path)}" if placed else self.name(path)
