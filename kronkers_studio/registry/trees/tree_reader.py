"""Trees read back, entry by entry."""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence

from kronkers_studio.domain.content import Entry, EntryKind
from kronkers_studio.domain.errors import NotFound, StoreDamaged
from kronkers_studio.registry.store.object_index import Location
from kronkers_studio.registry.store.object_store import ObjectStore
from kronkers_studio.registry.store.records import ObjectType
from kronkers_studio.registry.trees.tree_format import decode_tree, path_problem, placed, raw_name
from kronkers_studio.registry.trees.tree_parts import Part, decode_folder, decode_part, decode_parts, is_wide, part_with

_CACHED_ENTRIES = 50_000
_CACHED_INDEXES = 16
_AHEAD_TREES = 256
_AHEAD_BYTES = 1 << 20
_LOOKED_AT = 4096


class TreeReader:
    """Reads trees, keeping the last ones used. Thread-safe."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._cache: OrderedDict[bytes, tuple[Entry, ...]] = OrderedDict()
        self._cached = 0
        self._indexes: OrderedDict[bytes, tuple[Part, ...]] = OrderedDict()  # of wide trees

    def entries(self, tree: bytes) -> tuple[Entry, ...]:
        """The entries of a tree, in the order of their raw names, their paths being their names."""
        kept = self._kept(tree)
        return self._keep(tree, decode_folder(self._read(tree), self._parts)) if kept is None else kept

    def find(self, tree: bytes, path: str) -> Entry:
        """The entry at ``path`` below ``tree`` ("" is the tree itself). Raises ``NotFound``."""
        found = Entry("", EntryKind.FOLDER, content=(tree,))
        for name in filter(None, path.split("/")):
            below = self._child(found.content[0], name) if found.kind is EntryKind.FOLDER else None
            if below is None:
                raise _no_such(path)
            found = placed(below, found.path)
        return found

    def _child(self, tree: bytes, name: str) -> Entry | None:
        """The entry called ``name`` in a tree, of which no more than one part is read when it is wide."""
        if path_problem(name):
            return None
        raw = raw_name(name)
        entries = self._kept(tree)
        if entries is None:
            parts = self._index(tree)
            if not parts:
                entries = self.entries(tree)
            elif (part := part_with(parts, raw)) is None:
                return None
            else:
                entries = self._kept(part.id)
                if entries is None:
                    entries = self._keep(part.id, decode_part(part, self._read(part.id)))
        at = bisect_left(entries, raw, key=lambda entry: raw_name(entry.path))
        return entries[at] if at < len(entries) and entries[at].path == name else None

    def _index(self, tree: bytes) -> tuple[Part, ...]:
        """The parts of a tree; none of one that is not wide, whose entries are then kept."""
        with self._lock:
            if tree in self._indexes:
                return self._indexes[tree]
        data = self._read(tree)
        if not is_wide(data):
            self._keep(tree, decode_tree(data))
            return ()
        parts = decode_parts(data)
        with self._lock:
            self._indexes[tree] = parts
            if len(self._indexes) > _CACHED_INDEXES:
                self._indexes.popitem(last=False)
        return parts

    def _kept(self, tree: bytes) -> tuple[Entry, ...] | None:
        with self._lock:
            if tree in self._cache:
                self._cache.move_to_end(tree)
            return self._cache.get(tree)

    def _keep(self, tree: bytes, entries: tuple[Entry, ...]) -> tuple[Entry, ...]:
        with self._lock:
            if tree not in self._cache:
                self._cache[tree] = entries
                self._cached += len(entries)
            while self._cached > _CACHED_ENTRIES and len(self._cache) > 1:
                self._cached -= len(self._cache.popitem(last=False)[1])
        return entries

    def _read(self, tree: bytes) -> bytes:
        return self._store.read(tree, ObjectType.TREE)

    def _parts(self, ids: Sequence[bytes]) -> Iterator[bytes]:
        parts = dict(self._store.read_each(ids, ObjectType.TREE))
        return (parts[id] for id in ids)

    def below(self, folder: Entry) -> list[Entry]:
        """What lies directly in ``folder``, with full paths, in the order of raw names."""
        return [placed(child, folder.path) for child in self.entries(folder.content[0])]

    def walk(self, top: Entry) -> Iterator[Entry]:
        """Everything below folder ``top`` in the order of raw names, a folder before what it holds."""
        ahead = _Ahead(self)
        waiting = [top]
        while waiting:
            entry = waiting.pop()
            if entry is not top:
                yield entry
            if entry.kind is EntryKind.FOLDER:
                waiting.extend(reversed(ahead.below(entry, waiting)))

    def folders(self, top: Entry) -> Iterator[tuple[Entry, list[Entry]]]:
        """Folder ``top`` and each one below it, in the order of ``walk``, with what lies directly in it."""
        ahead = _Ahead(self)
        waiting = [top]
        while waiting:
            folder = waiting.pop()
            below = ahead.below(folder, waiting)
            yield folder, below
            waiting.extend(entry for entry in reversed(below) if entry.kind is EntryKind.FOLDER)

    def _read_together(self, trees: Sequence[bytes]) -> dict[bytes, tuple[Entry, ...]]:
        """``entries`` of the first of ``trees``, as many as are quickly read together."""
        located = self._store.locate(trees)
        chosen: list[tuple[bytes, Location]] = []
        size = 0
        for tree in trees:
            chosen.append((tree, located[tree]))
            size += located[tree].length
            if size >= _AHEAD_BYTES:
                break
        contents = self._store.read_all(chosen, ObjectType.TREE)
        return {tree: decode_folder(bytes(data), self._parts) for (tree, _), data in zip(chosen, contents, strict=True)}


class _Ahead:
    """The folders that a walk is about to come to, read many at a time: most are small, and asking for each alone costs
    more than all else that is done with it."""

    def __init__(self, trees: TreeReader) -> None:
        self._trees = trees
        self._read: dict[bytes, tuple[Entry, ...]] = {}
        self._one_by_one = False

    def below(self, folder: Entry, waiting: Sequence[Entry]) -> list[Entry]:
        """``TreeReader.below`` of ``folder``; the walk comes to the last of ``waiting`` next."""
        tree = folder.content[0]
        entries = self._read.pop(tree, None)
        if entries is None:
            entries = self._trees._kept(tree)
        if entries is None and not self._one_by_one:
            try:
                self._read |= self._trees._read_together([tree, *self._coming(tree, waiting)])
            except StoreDamaged:  # one of them is: what comes before it is to be walked all the same
                self._one_by_one = True
            entries = self._read.pop(tree, None)
        if entries is None:
            entries = self._trees.entries(tree)
        self._trees._keep(tree, entries)
        return [placed(child, folder.path) for child in entries]

    def _coming(self, first: bytes, waiting: Sequence[Entry]) -> Iterable[bytes]:
        """The ids of the next trees that are still to be read, in the order in which the walk comes to them."""
        coming = dict[bytes, None]()
        ids = [entry.content[0] for entry in waiting[-_LOOKED_AT:] if entry.kind is EntryKind.FOLDER]
        for _ in range(_LOOKED_AT):
            if not ids or len(coming) == _AHEAD_TREES:
                break
            id = ids.pop()
            entries = self._read.get(id)
            if entries is not None:
                ids.extend(entry.content[0] for entry in reversed(entries) if entry.kind is EntryKind.FOLDER)
            elif id != first and self._trees._kept(id) is None:
                coming[id] = None
        return coming


def _no_such(path: str) -> NotFound:
    next_step = "`kronkers ls` shows what there is."
    if "\\" in path:
        next_step += " What it spells out, as \\xfc or \\n, most shells take within $'…'."
    return NotFound(f"There is no “{path}” in this version.", next_step=next_step)
