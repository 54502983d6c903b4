"""The versions in which one file changed, from a history of any depth."""

from __future__ import annotations

from collections.abc import Sequence

from kronkers_studio.domain.content import Commit, Entry, EntryKind
from kronkers_studio.domain.differences import ChangeKind, EntryChange
from kronkers_studio.domain.history import FileState
from kronkers_studio.domain.progress import CancelToken
from kronkers_studio.registry.store.object_store import ObjectStore
from kronkers_studio.registry.trees.path_lookup import entries_at
from kronkers_studio.storage.json_form import object_id

_TOGETHER = 512  # versions whose folders are read together


def file_states(
    commits: Sequence[Commit], path: str, store: ObjectStore, limit: int, cancel: CancelToken
) -> tuple[list[FileState], bool]:
    """The first ``limit`` states of ``path`` in ``commits``, which come newest first; and whether they are all.

    A version counts when the file is in it as it is in none of its parents: a merge that took it from one side does
    not. Times alone are no change. Raises ``StoreDamaged`` or ``Cancelled``.
    """
    known: dict[str, Entry | None] = {}
    listed = {commit.id for commit in commits}
    states: list[FileState] = []
    waiting: list[Commit] = []  # their parents are still to be looked at
    for start in range(0, len(commits), _TOGETHER):
        cancel.check()
        chunk = commits[start : start + _TOGETHER]
        there = entries_at((object_id(commit.tree) for commit in chunk), path, store)
        known.update((commit.id, there[object_id(commit.tree)]) for commit in chunk)
        decided, waiting = _decided([*waiting, *chunk], known, listed)
        states += [state for commit in decided if (state := _state(commit, known)) is not None]
        if len(states) > limit:
            return states[:limit], False
    return states, True


def _decided(
    commits: Sequence[Commit], known: dict[str, Entry | None], listed: set[str]
) -> tuple[list[Commit], list[Commit]]:
    """The first of ``commits`` whose parents are known, or never will be; and the rest: so the order stays."""
    for at, commit in enumerate(commits):
        if any(parent in listed and parent not in known for parent in commit.parents):
            return list(commits[:at]), list(commits[at:])
    return list(commits), []


def _state(commit: Commit, known: dict[str, Entry | None]) -> FileState | None:
    """What the file became in ``commit``; None when a parent has it just so, or is not known."""
    now = known[commit.id]
    parents = [known.get(parent) for parent in commit.parents if parent in known]
    if len(parents) < len(commit.parents) or (not parents and now is None):
        return None
    if any(_what(parent) == _what(now) for parent in parents):
        return None
    before = parents[0] if parents else None
    return FileState(commit, EntryChange(_kind(before, now), before, now), commit.parents[0] if parents else "")


def _what(entry: Entry | None) -> tuple[EntryKind, tuple[bytes, ...], str, bool] | None:
    return (entry.kind, entry.content, entry.target, entry.executable) if entry is not None else None


def _kind(before: Entry | None, after: Entry | None) -> ChangeKind:
    if before is None or after is None:
        return ChangeKind.ADDED if before is None else ChangeKind.REMOVED
    same = (before.kind, before.content, before.target) == (after.kind, after.content, after.target)
    return ChangeKind.MODE if same else ChangeKind.MODIFIED
