"""Whether a folder is as it was: a digest of all that listing it tells, without a look into any file.

Two listings with the same digest show the same names, kinds, permissions, sizes, modification times and inodes. As a
file may be modified twice within one tick of its file system's clock, a folder has a state only when everything in it
was at rest when it was listed.
"""

from __future__ import annotations

import os
import time
from collections.abc import Collection, Sequence
from operator import attrgetter
from pathlib import Path

from blake3 import blake3

from kronkers_studio.domain.progress import NEVER, CancelToken
from kronkers_studio.migration import filesystem, names
from kronkers_studio.migration.found import CLOCK_TICK_NS

_RULES = b"kronkers folder state 1"
"""Changes with the rules of what is left out, so that no state from before is found again."""
by_name = attrgetter("name")


class FolderState:
    """The digest of a folder while it is listed: folder by folder, in the order of the walk."""

    def __init__(self) -> None:
        self._hash = blake3(_RULES)
        self._at_rest = True

    def add(self, path: str, entries: Sequence[os.DirEntry[str]], seen_ns: int) -> None:
        """Take up the folder ``path`` and its ``entries`` (by name), whose listing began at ``seen_ns``.

        A folder's own time follows from what is put into it and so does not count.
        """
        facts: list[tuple[str, int, tuple[int, ...]]] = []
        newest = 0
        try:
            for entry in entries:
                status = entry.stat(follow_symlinks=False)
                mark = () if entry.is_dir(follow_symlinks=False) else filesystem.fingerprint(status)
                if mark and mark[1] > newest:
                    newest = mark[1]
                facts.append((entry.name, status.st_mode, mark))
        except OSError:
            self._at_rest = False  # it vanished meanwhile
        self._at_rest = self._at_rest and newest < seen_ns - CLOCK_TICK_NS
        self._hash.update(repr((path, facts)).encode("utf-8", "surrogatepass"))

    def unknown(self) -> None:
        """Something could not be listed."""
        self._at_rest = False

    @property
    def digest(self) -> bytes | None:
        """32 bytes; None when something was not at rest."""
        return self._hash.digest() if self._at_rest else None


def _is_entered(path: str, entry: os.DirEntry[str], excluded: frozenset[str]) -> bool:
    """Whether the folder ``path`` is to be listed; ``entry`` is not a link."""
    if path in excluded or names.left_out_folder(entry.name) is not None:
        return False
    return os.name != "nt" or not filesystem.is_junction(entry.stat(follow_symlinks=False))


def state_of(folder: Path, *, exclude: Collection[Path] = (), cancel: CancelToken = NEVER) -> bytes | None:
    """The state of ``folder`` now: the digest of its listing, in a fraction of a scan's time.

    ``exclude`` are folders that are not entered. None when something is not at rest or cannot be listed.
    """
    folder = folder.expanduser().absolute()
    root = str(folder)
    outside = (path.expanduser().absolute() for path in exclude)
    excluded = frozenset(path.relative_to(folder).as_posix() for path in outside if path.is_relative_to(folder))
    state = FolderState()
    pending = [""]
    while pending:
        cancel.check()
        path = pending.pop()
        seen_ns = time.time_ns()
        try:
            with os.scandir(filesystem.system_path(root, path)) as listing:
                entries = sorted(listing, key=by_name)
        except OSError:
            return None
        state.add(path, entries, seen_ns)
        prefix = f"{path}/" if path else ""
        below = [
            prefix + entry.name
            for entry in entries
            if entry.is_dir(follow_symlinks=False) and _is_entered(prefix + entry.name, entry, excluded)
        ]
        pending.extend(reversed(below))
    return state.digest
