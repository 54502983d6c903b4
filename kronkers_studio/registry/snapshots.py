"""Commits and the trees behind them: written from stored items, read back entry by entry."""

from __future__ import annotations

import json
import threading
from collections import Counter, OrderedDict
from collections.abc import Iterable, Iterator
from typing import Any

from kronkers_studio.domain.content import Commit, Entry, EntryKind, StoredItem
from kronkers_studio.domain.errors import InvalidInput, NotFound, StoreDamaged
from kronkers_studio.registry.documents import canonical, from_json, to_json
from kronkers_studio.registry.objects import ObjectStore, ObjectWriter
from kronkers_studio.registry.records import ObjectType
from kronkers_studio.registry.trees import decode_tree, encode_tree, path_problem, placed, raw_name

_COMMIT_MAGIC = b"KCOMMIT\x01"
_CACHED_ENTRIES = 50_000


class TreeReader:
    """Reads trees, keeping the last ones used. Thread-safe."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._cache: OrderedDict[bytes, tuple[Entry, ...]] = OrderedDict()
        self._cached = 0

    def entries(self, tree: bytes) -> tuple[Entry, ...]:
        """The entries of a tree, in the order of their raw names, their paths being their names."""
        with self._lock:
            if tree in self._cache:
                self._cache.move_to_end(tree)
                return self._cache[tree]
        entries = decode_tree(self._store.read(tree, ObjectType.TREE))
        with self._lock:
            if tree not in self._cache:
                self._cache[tree] = entries
                self._cached += len(entries)
            while self._cached > _CACHED_ENTRIES and len(self._cache) > 1:
                self._cached -= len(self._cache.popitem(last=False)[1])
        return entries

    def find(self, tree: bytes, path: str) -> Entry:
        """The entry at ``path`` below ``tree`` ("" is the tree itself). Raises ``NotFound``."""
        found = Entry("", EntryKind.FOLDER, content=(tree,))
        for name in filter(None, path.split("/")):
            if found.kind is not EntryKind.FOLDER:
                raise _no_such(path)
            below = {entry.path: entry for entry in self.entries(found.content[0])}
            if name not in below:
                raise _no_such(path)
            found = placed(below[name], found.path)
        return found

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


def write_trees(items: Iterable[StoredItem], store: ObjectStore, writer: ObjectWriter) -> tuple[bytes, int, int]:
    """Append the trees of ``items`` that the store does not have: the top tree's id, and the files' number and size.

    Raises ``InvalidInput`` for items that no folder could hold, such as two of one name.
    """
    folders: dict[str, list[Entry]] = {"": []}
    mtimes: dict[str, int] = {}
    files = size = 0
    for stored in items:
        item = stored.item
        if problem := path_problem(item.path):
            raise InvalidInput(f"{item.path!r} cannot be stored. {problem}")
        if item.kind is EntryKind.FOLDER:
            mtimes[item.path] = item.mtime_ns
            _make_room(folders, item.path)
            continue
        folder = item.path.rpartition("/")[0]
        _make_room(folders, folder)
        folders[folder].append(
            Entry(item.path, item.kind, stored.size, item.mtime_ns, item.executable, stored.content, item.target)
        )
        if item.kind is EntryKind.FILE:
            files += 1
            size += stored.size
    trees: dict[bytes, bytes] = {}
    top = b""
    for folder in sorted(folders, key=_depth, reverse=True):
        entries = folders[folder]
        _refuse_twins(entries)
        data = encode_tree(entries)
        top = store.sealer.name(ObjectType.TREE, data)
        trees[top] = data
        if folder:
            total = sum(entry.size for entry in entries)
            folders[folder.rpartition("/")[0]].append(
                Entry(folder, EntryKind.FOLDER, total, mtimes.get(folder, 0), content=(top,))
            )
    known = store.index.known(trees)
    writer.append([store.sealer.seal(ObjectType.TREE, id, data) for id, data in trees.items() if id not in known])
    return top, files, size


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
    data = store.read(bytes.fromhex(id), ObjectType.COMMIT)
    try:
        if not data.startswith(_COMMIT_MAGIC):
            raise ValueError("it is of an unknown version")
        document: dict[str, Any] = json.loads(data[len(_COMMIT_MAGIC) :])
        document.pop("source")
        return from_json(Commit, {**document, "id": id})
    except (ValueError, KeyError) as error:
        raise StoreDamaged(f"Commit {id[:12]} cannot be read.", details=str(error)) from None


def _make_room(folders: dict[str, list[Entry]], folder: str) -> None:
    """List ``folder`` and those it lies in."""
    while folder not in folders:
        folders[folder] = []
        folder = folder.rpartition("/")[0]


def _depth(folder: str) -> int:
    return folder.count("/") + 1 if folder else 0


def _refuse_twins(entries: list[Entry]) -> None:
    paths = {entry.path for entry in entries}
    if len(paths) == len(entries) and all(map(str.isascii, paths)):
        return
    names = {raw_name(entry.name) for entry in entries}  # two texts may stand for the same bytes
    if len(names) != len(entries):
        counts = Counter(entry.path for entry in entries)
        raise InvalidInput(f"{counts.most_common(1)[0][0]!r} is there twice.")


def _no_such(path: str) -> NotFound:
    return NotFound(f"There is no “{path}” in this version.", next_step="`kronkers ls` shows what there is.")
