"""What differs between two trees, in time proportional to the difference.

Folders of equal id are equal, and never read; neither are the parts that two wide folders share. Of two versions of a
folder the encoded entries are compared as bytes, so that only those that differ become objects; trees of one depth are
located in the index together.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from kronkers_studio.domain.content import Entry, EntryKind
from kronkers_studio.domain.differences import ChangeKind, EntryChange, TreeDifference
from kronkers_studio.domain.paths import join
from kronkers_studio.registry.store.object_store import ObjectStore
from kronkers_studio.registry.store.records import ObjectType
from kronkers_studio.registry.trees.renames import renamed_files, renamed_folders
from kronkers_studio.registry.trees.tree_format import encode_tree, placed, raw_name
from kronkers_studio.registry.trees.tree_parts import decode_parts, is_wide
from kronkers_studio.registry.trees.tree_scan import differing_entries, joined

_EMPTY = encode_tree(())


def diff_trees(old: bytes, new: bytes, store: ObjectStore, *, folder: str = "", renames: bool = True) -> TreeDifference:
    """What turns tree ``old`` into tree ``new`` (their ids), both being what is in ``folder``. Raises ``StoreDamaged``.

    An id of b"" is that of no folder. Without ``renames`` each of them is an entry removed and one added.
    """
    walk = _Walk(store)
    changes = list(_paired(*walk.run(old, new, folder)))
    if renames:
        changes = renamed_folders(changes, store.sealer.name(ObjectType.TREE, _EMPTY))
    changes = list(_with_content_of_folders(changes, walk))
    if renames:
        changes = renamed_files(changes)
    return TreeDifference(tuple(sorted(changes, key=_order)))


class _Walk:
    """Goes down two trees where they differ."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    def run(self, old: bytes, new: bytes, top: str) -> tuple[list[Entry], list[Entry]]:
        """The entries that are only in one of the trees. A folder in both is left out unless its time differs; one
        that is only in one tree stands for all it holds."""
        removed: list[Entry] = []
        added: list[Entry] = []
        level = [] if old == new else [(top, old, new)]
        while level:
            pairs = self._pairs([(before, after) for _, before, after in level])
            deeper: list[tuple[str, bytes, bytes]] = []
            for (path, *_), (before, after) in zip(level, pairs, strict=True):
                ours, theirs = differing_entries(before, after)
                folders = {entry.path: entry for entry in ours if entry.kind is EntryKind.FOLDER}
                both = {
                    entry.path: (folders[entry.path], entry)
                    for entry in theirs
                    if entry.kind is EntryKind.FOLDER and entry.path in folders
                }
                for name, (one, other) in both.items():
                    if one.content != other.content:
                        deeper.append((join(path, name), one.content[0], other.content[0]))
                removed += [placed(entry, path) for entry in ours if _counts(entry, both)]
                added += [placed(entry, path) for entry in theirs if _counts(entry, both)]
            level = deeper
        return removed, added

    def with_content(self, entries: Iterable[Entry]) -> list[Entry]:
        """``entries`` and everything that is in the folders among them."""
        found = list(entries)
        level = [entry for entry in found if entry.kind is EntryKind.FOLDER]
        while level:
            pairs = self._pairs([(b"", folder.content[0]) for folder in level])
            below = [
                placed(entry, folder.path)
                for folder, (nothing, all_of_it) in zip(level, pairs, strict=True)
                for entry in differing_entries(nothing, all_of_it)[1]
            ]
            found += below
            level = [entry for entry in below if entry.kind is EntryKind.FOLDER]
        return found

    def _pairs(self, ids: Sequence[tuple[bytes, bytes]]) -> Iterator[tuple[bytes, bytes]]:
        """The trees of each pair of ids, without the parts that both have."""
        trees = self._read(id for pair in ids for id in pair)
        parts = {id: [part.id for part in decode_parts(tree)] for id, tree in trees.items() if is_wide(tree)}
        wanted: list[tuple[list[bytes], list[bytes]]] = []
        for old, new in ids:
            before, after = parts.get(old, [old]), parts.get(new, [new])
            both = set(before).intersection(after)
            wanted.append(([id for id in before if id not in both], [id for id in after if id not in both]))
        trees |= self._read({id for pair in wanted for half in pair for id in half} - trees.keys())
        for before, after in wanted:
            yield joined([trees[id] for id in before or [b""]]), joined([trees[id] for id in after or [b""]])

    def _read(self, ids: Iterable[bytes]) -> dict[bytes, bytes]:
        return dict(self._store.read_each({id for id in ids if id}, ObjectType.TREE)) | {b"": _EMPTY}


def _counts(entry: Entry, both: dict[str, tuple[Entry, Entry]]) -> bool:
    return entry.path not in both or both[entry.path][0].mtime_ns != both[entry.path][1].mtime_ns


def _paired(removed: Iterable[Entry], added: Iterable[Entry]) -> Iterator[EntryChange]:
    """What was removed and added at the same path is one change, unless it became something of another kind."""
    gone = {(entry.path, entry.kind): entry for entry in removed}
    for entry in added:
        before = gone.pop((entry.path, entry.kind), None)
        if before is None:
            yield EntryChange(ChangeKind.ADDED, None, entry)
        else:
            yield EntryChange(_kind_of_change(before, entry), before, entry)
    for entry in gone.values():
        yield EntryChange(ChangeKind.REMOVED, entry, None)


def _kind_of_change(before: Entry, after: Entry) -> ChangeKind:
    if before.kind is not EntryKind.FOLDER and (before.content, before.target) != (after.content, after.target):
        return ChangeKind.MODIFIED
    return ChangeKind.MODE if before.executable != after.executable else ChangeKind.TOUCHED


def _with_content_of_folders(changes: Iterable[EntryChange], walk: _Walk) -> Iterator[EntryChange]:
    """Also list what is in the folders that were added or removed."""
    added: list[Entry] = []
    removed: list[Entry] = []
    for change in changes:
        if change.before is None and change.after is not None:
            added.append(change.after)
        elif change.after is None and change.before is not None:
            removed.append(change.before)
        else:
            yield change
    yield from (EntryChange(ChangeKind.ADDED, None, entry) for entry in walk.with_content(added))
    yield from (EntryChange(ChangeKind.REMOVED, entry, None) for entry in walk.with_content(removed))


def _order(change: EntryChange) -> tuple[list[bytes], bool]:
    """By path, a folder before what it holds; what was removed before what came in its place."""
    return raw_name(change.path).split(b"/"), change.kind is not ChangeKind.REMOVED
