"""Commits and the trees behind them: written from stored items, read back entry by entry."""

from __future__ import annotations

import json
import marshal
import threading
from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from operator import attrgetter
from types import MappingProxyType
from typing import Any, NamedTuple

from blake3 import blake3

from kronkers_studio.domain.content import Commit, Entry, EntryKind, StoredItem
from kronkers_studio.domain.errors import InvalidInput, NotFound, StoreDamaged
from kronkers_studio.registry.store.object_store import ObjectStore, ObjectWriter
from kronkers_studio.registry.store.records import ObjectType
from kronkers_studio.registry.trees.tree_format import Piece, decode_tree, encode_piece, path_problem, placed, raw_name
from kronkers_studio.registry.trees.tree_parts import (
    Part,
    decode_folder,
    decode_part,
    decode_parts,
    is_wide,
    part_with,
    tree_objects,
)
from kronkers_studio.storage.json_form import canonical, from_json, object_id, to_json

_COMMIT_MAGIC = b"KCOMMIT\x01"
_FILE, _FOLDER = EntryKind.FILE, EntryKind.FOLDER  # looked up once, not for every file
_APPENDED_AT_ONCE = 2 << 20  # bytes of trees: those of very many files, all together, would take much memory
_CACHED_ENTRIES = 50_000
_CACHED_INDEXES = 16


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
        located = self._store.locate(ids)
        for id in ids:
            yield self._store.read_at(id, located[id], ObjectType.TREE)

    def below(self, folder: Entry) -> list[Entry]:
        """What lies directly in ``folder``, with full paths, in the order of raw names."""
        return [placed(child, folder.path) for child in self.entries(folder.content[0])]

    def walk(self, top: Entry) -> Iterator[Entry]:
        """Everything below folder ``top`` in the order of raw names, a folder before what it holds."""
        waiting = [top]
        while waiting:
            entry = waiting.pop()
            if entry is not top:
                yield entry
            if entry.kind is EntryKind.FOLDER:
                waiting.extend(reversed(self.below(entry)))


class WrittenTrees(NamedTuple):
    """The trees of some items: the top one's id, the files' number and size, and all trees' ids by the digests of what
    they are made of, for the next time."""

    top: bytes
    files: int
    size: int
    known: Mapping[bytes, bytes]


def write_trees(
    items: Iterable[StoredItem],
    store: ObjectStore,
    writer: ObjectWriter,
    known: Mapping[bytes, bytes] = MappingProxyType({}),
) -> WrittenTrees:
    """Append the trees of ``items`` that the store does not have; those in ``known`` it has.

    Raises ``InvalidInput`` for items that no folder could hold, such as two of one name.
    """
    folders: dict[str, _Folder] = {"": _Folder()}
    files = size = 0
    for stored in items:
        item = stored.item
        path, kind = item.path, item.kind
        if problem := path_problem(path):
            raise InvalidInput(f"{path!r} cannot be stored. {problem}")
        if kind is _FOLDER:
            _folder(folders, path).mtime_ns = item.mtime_ns
            continue
        name = path.rpartition("/")[0]
        (folders.get(name) or _folder(folders, name)).items.append(stored)
        if kind is _FILE:
            files += 1
            size += stored.size
    written: dict[bytes, bytes] = {}
    objects: dict[bytes, bytes] = {}
    appended: set[bytes] = set()
    top = b""
    for path in sorted(folders, key=_depth, reverse=True):
        folder = folders.pop(path)
        digest = folder.digest()
        top = known.get(digest, b"")
        if not top:
            top, new = tree_objects(folder.pieces(path), store.sealer)
            objects |= {id: data for id, data in new.items() if id not in appended}
            if sum(map(len, objects.values())) >= _APPENDED_AT_ONCE:
                append_new(objects, store, writer)
                appended |= objects.keys()
                objects = {}
        written[digest] = top
        if path:
            above, _, name = path.rpartition("/")
            folders[above].add_folder(name, folder, top)
    append_new(objects, store, writer)
    return WrittenTrees(top, files, size, written)


class _Folder:
    """What lies directly in a folder: items, and in encoded form the folders whose trees are known."""

    __slots__ = ("below", "items", "mtime_ns", "size_below")

    def __init__(self) -> None:
        self.items: list[StoredItem] = []
        self.below: list[Piece] = []
        self.size_below = 0
        self.mtime_ns = 0

    def digest(self) -> bytes:
        """The digest of all that the tree is made of, in a third of the time that making it takes."""
        return blake3(marshal.dumps((sorted(map(_FACTS, self.items)), sorted(self.below)), 2)).digest()

    def pieces(self, path: str) -> Sequence[Piece]:
        """All entries, encoded, in order. Raises ``InvalidInput`` when two have one name."""
        pieces = self.below.copy()
        for stored in self.items:
            item = stored.item
            raw = raw_name(item.path.rpartition("/")[2])
            piece = encode_piece(
                raw, item.kind, item.mtime_ns, item.executable, stored.size, stored.content, item.target
            )
            pieces.append((raw, piece))
        pieces.sort()
        _refuse_twins(path, pieces)
        return pieces

    def add_folder(self, name: str, folder: _Folder, tree: bytes) -> None:
        raw, size = raw_name(name), folder.size_below + sum(stored.size for stored in folder.items)
        self.below.append((raw, encode_piece(raw, EntryKind.FOLDER, folder.mtime_ns, False, size, (tree,))))
        self.size_below += size


_FACTS = attrgetter(
    "item.path", "item.kind._value_", "item.mtime_ns", "item.executable", "item.target", "size", "content"
)


def append_new(trees: Mapping[bytes, bytes], store: ObjectStore, writer: ObjectWriter) -> None:
    """Append those of ``trees``, by their ids, that the store does not have."""
    known = store.index.known(trees)
    new = [(id, data) for id, data in trees.items() if id not in known]
    writer.append(store.sealer.seal_all(ObjectType.TREE, new))


def write_commit(commit: Commit, source: str, store: ObjectStore, writer: ObjectWriter) -> str:
    """Append ``commit`` (its id is not looked at) as an object; its id."""
    document = {**to_json(commit), "source": source}
    del document["id"]
    data = _COMMIT_MAGIC + canonical(document).encode("ascii")
    id = store.sealer.name(ObjectType.COMMIT, data)
    writer.append([store.sealer.seal(ObjectType.COMMIT, id, data)])
    return id.hex()


def read_commit(id: str, store: ObjectStore) -> Commit:
    """The commit as its object has it. Raises ``StoreDamaged``."""
    data = store.read(object_id(id), ObjectType.COMMIT)
    try:
        if not data.startswith(_COMMIT_MAGIC):
            raise ValueError("it is of an unknown version")
        document: dict[str, Any] = json.loads(data[len(_COMMIT_MAGIC) :])
        document.pop("source")
        return from_json(Commit, {**document, "id": id})
    except (ValueError, KeyError) as error:
        raise StoreDamaged(f"Commit {id[:12]} cannot be read.", details=str(error)) from None


def _folder(folders: dict[str, _Folder], path: str) -> _Folder:
    """The folder at ``path``; it and those it lies in are made when they are missing."""
    above = path
    while above not in folders:
        folders[above] = _Folder()
        above = above.rpartition("/")[0]
    return folders[path]


def _depth(folder: str) -> int:
    return folder.count("/") + 1 if folder else 0


def _refuse_twins(folder: str, pieces: Sequence[Piece]) -> None:
    """``pieces`` are in order. Two texts may stand for the same bytes, so the raw names are compared."""
    if len(dict(pieces)) == len(pieces):
        return
    twin = next(one for (one, _), (other, _) in pairwise(pieces) if one == other).decode("utf-8", "surrogateescape")
    raise InvalidInput(f"{f'{folder}/{twin}' if folder else twin!r} is there twice.")


def _no_such(path: str) -> NotFound:
    next_step = "`kronkers ls` shows what there is."
    if "\\" in path:
        next_step += " What it spells out, as \\xfc or \\n, most shells take within $'…'."
    return NotFound(f"There is no “{path}” in this version.", next_step=next_step)
