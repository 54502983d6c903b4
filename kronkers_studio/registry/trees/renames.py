"""Recognising renamed and moved entries among those that were removed and added.

Folders and files of the same content id are the same thing at another path. Large files that were changed as well are
recognised by the chunks they share; small ones are one chunk, of which nothing but equality can be said.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable

from kronkers_studio.domain.content import Entry, EntryKind
from kronkers_studio.domain.differences import ChangeKind, EntryChange

LEAST_SIMILARITY = 0.5
"""The share of chunks in common from which on a changed large file counts as renamed."""
_MOST_SHARERS = 50
"""A chunk that so many removed files have (zeros, a common header) says nothing about any of them."""


def renamed_folders(changes: Iterable[EntryChange], empty: bytes) -> list[EntryChange]:
    """``changes`` with a removed and an added folder of the same content made one rename; ``empty`` is no content."""

    def identity(entry: Entry) -> Hashable:
        return entry.content if entry.kind is EntryKind.FOLDER and entry.content != (empty,) else None

    return _joined(list(changes), identity)


def renamed_files(changes: Iterable[EntryChange]) -> list[EntryChange]:
    """``changes`` with a removed and an added file of the same, or similar, content made one rename."""

    def identity(entry: Entry) -> Hashable:
        return entry.content if entry.kind is EntryKind.FILE and entry.content else None

    return _similar(_joined(list(changes), identity))


def _joined(changes: list[EntryChange], identity: Callable[[Entry], Hashable]) -> list[EntryChange]:
    """Join removed and added entries of the same identity (None is nobody's); the same name goes before the order."""
    removed: defaultdict[Hashable, list[Entry]] = defaultdict(list)
    for change in changes:
        if change.kind is ChangeKind.REMOVED and change.before and (key := identity(change.before)) is not None:
            removed[key].append(change.before)
    if not removed:
        return changes
    wanting: defaultdict[Hashable, list[Entry]] = defaultdict(list)
    for change in changes:
        if change.kind is ChangeKind.ADDED and change.after and (key := identity(change.after)) in removed:
            wanting[key].append(change.after)
    pairs = [pair for key, added in wanting.items() for pair in _matched(removed[key], added)]
    return _replaced(changes, [EntryChange(ChangeKind.RENAMED, before, after) for before, after in pairs])


def _matched(removed: list[Entry], added: list[Entry]) -> list[tuple[Entry, Entry]]:
    pairs = []
    by_name: defaultdict[str, list[Entry]] = defaultdict(list)
    for entry in reversed(removed):
        by_name[entry.name].append(entry)
    rest = []
    for entry in added:
        if by_name[entry.name]:
            pairs.append((by_name[entry.name].pop(), entry))
        else:
            rest.append(entry)
    used = {before.path for before, _ in pairs}
    left = [entry for entry in removed if entry.path not in used]
    return pairs + list(zip(left, rest, strict=False))


def _similar(changes: list[EntryChange]) -> list[EntryChange]:
    """Join large files that share most of their chunks, the most similar first."""
    having: defaultdict[bytes, list[Entry]] = defaultdict(list)
    for change in changes:
        if change.kind is ChangeKind.REMOVED and change.before and len(change.before.content) > 1:
            for id in set(change.before.content):
                having[id].append(change.before)
    if not having:
        return changes
    found: list[tuple[float, Entry, Entry]] = []
    for change in changes:
        if change.kind is ChangeKind.ADDED and change.after and change.after.kind is EntryKind.FILE:
            found += _candidates(change.after, having)
    found.sort(key=lambda item: (-item[0], item[1].path, item[2].path))
    taken: set[tuple[str, str]] = set()
    renames = []
    for similarity, before, after in found:
        if not {("-", before.path), ("+", after.path)} & taken:
            taken |= {("-", before.path), ("+", after.path)}
            renames.append(EntryChange(ChangeKind.RENAMED, before, after, similarity))
    return _replaced(changes, renames)


def _candidates(after: Entry, having: dict[bytes, list[Entry]]) -> list[tuple[float, Entry, Entry]]:
    shared: Counter[str] = Counter()
    entries: dict[str, Entry] = {}
    for id in set(after.content):
        sharers = having.get(id, ())
        if len(sharers) <= _MOST_SHARERS:
            for before in sharers:
                shared[before.path] += 1
                entries[before.path] = before
    candidates = []
    for path, count in shared.items():
        before = entries[path]
        similarity = count / max(len(set(before.content)), len(set(after.content)))
        if similarity >= LEAST_SIMILARITY:
            candidates.append((similarity, before, after))
    return candidates


def _replaced(changes: list[EntryChange], renames: list[EntryChange]) -> list[EntryChange]:
    """``changes`` with ``renames`` in place of the removals and additions they join."""
    gone = {(change.before.path, change.before.kind) for change in renames if change.before}
    come = {(change.after.path, change.after.kind) for change in renames if change.after}

    def stays(change: EntryChange) -> bool:
        if change.kind is ChangeKind.REMOVED and change.before:
            return (change.before.path, change.before.kind) not in gone
        if change.kind is ChangeKind.ADDED and change.after:
            return (change.after.path, change.after.kind) not in come
        return True

    return [change for change in changes if stays(change)] + renames
