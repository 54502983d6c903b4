"""Whether a folder is as it was: a digest of all that listing it tells, without a look into any file.

Two listings with the same digest show the same names, kinds, permissions, sizes, modification times and inodes. As a
file may be modified twice within one tick of its file system's clock, a folder has a state only when everything in it
was at rest when it was listed.

A state is the first bytes of the digest after each folder of the walk, and then all of the last one: whoever compares
can stop at the first folder that is not as it was.
"""

from __future__ import annotations

import os
import time
from collections.abc import Collection, Iterator, Sequence
from operator import attrgetter
from pathlib import Path

from blake3 import blake3

from kronkers_studio.domain.progress import NEVER, CancelToken
from kronkers_studio.migration import file_names, filesystem
from kronkers_studio.migration.folder_paths import absolute_folder
from kronkers_studio.migration.found_item import CLOCK_TICK_NS
from kronkers_studio.migration.own_folders import OwnFolders

_RULES = b"kronkers folder state 3"
"""Changes with the rules of what is left out, so that no state from before is found again."""
_STEP = 8
by_name = attrgetter("name")


class FolderState:
    """The digest of a folder while it is listed: folder by folder, in the order of the walk."""

    def __init__(self) -> None:
        self._hash = blake3(_RULES)
        self._steps = bytearray()
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
        self._steps += self._hash.digest(_STEP)

    def unknown(self) -> None:
        """Something could not be listed."""
        self._at_rest = False

    def leads_to(self, state: bytes) -> bool:
        """Whether the walk so far is the beginning of the one that gave ``state``."""
        steps = self._steps
        return self._at_rest and state[len(steps) - _STEP : len(steps)] == steps[-_STEP:]

    @property
    def digest(self) -> bytes | None:
        """The state; None when something was not at rest."""
        return bytes(self._steps) + self._hash.digest() if self._at_rest else None


def _is_entered(system_path: str, entry: os.DirEntry[str], own: OwnFolders) -> bool:
    """Whether the folder at ``system_path`` is to be listed; ``entry`` is not a link."""
    if file_names.left_out_folder(entry.name) is not None:
        return False
    if own.why_folder(system_path, entry):
        return False
    return os.name != "nt" or not filesystem.is_junction(entry.stat(follow_symlinks=False))


def state_of(folder: Path, *, exclude: Collection[Path] = (), cancel: CancelToken = NEVER) -> bytes | None:
    """The state of ``folder`` now: the digest of its listing, in a fraction of a scan's time.

    ``exclude`` are folders that are not entered, nor is any workspace. None when something is not at rest or cannot be
    listed. Raises ``InvalidInput`` for a folder that is, or lies in, a workspace.
    """
    state = FolderState()
    whole = all(_listed(folder, exclude, state, cancel))
    return state.digest if whole else None


def is_in_state(folder: Path, state: bytes, *, exclude: Collection[Path] = (), cancel: CancelToken = NEVER) -> bool:
    """Whether ``state_of`` the folder is ``state``; looks no further than to the first folder that differs."""
    now = FolderState()
    return all(whole and now.leads_to(state) for whole in _listed(folder, exclude, now, cancel)) and now.digest == state


def _listed(folder: Path, exclude: Collection[Path], state: FolderState, cancel: CancelToken) -> Iterator[bool]:
    """List ``folder`` and what is below it into ``state``, one folder a step; False for one that cannot be listed."""
    root = str(absolute_folder(folder))
    own = OwnFolders(exclude)
    own.refuse(Path(root))
    pending = [""]
    while pending:
        cancel.check()
        path = pending.pop()
        seen_ns = time.time_ns()
        try:
            with os.scandir(filesystem.system_path(root, path)) as listing:
                entries = sorted(listing, key=by_name)
        except OSError:
            yield False
            continue
        if own.why_listed(entries):
            continue
        state.add(path, entries, seen_ns)
        prefix = f"{path}/" if path else ""
        below = [
            prefix + entry.name
            for entry in entries
            if entry.is_dir(follow_symlinks=False)
            and _is_entered(filesystem.system_path(root, prefix + entry.name), entry, own)
        ]
        pending.extend(reversed(below))
        yield True
