"""Which files of which versions damaged objects belong to: objects are nothing that people know."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet

from kronkers_studio.domain.content import AffectedFile, Entry, EntryKind
from kronkers_studio.domain.errors import StudioError
from kronkers_studio.domain.paths import join
from kronkers_studio.domain.progress import CancelToken
from kronkers_studio.registry.metadata import statements
from kronkers_studio.registry.store.object_store import ObjectStore
from kronkers_studio.registry.store.records import ObjectType
from kronkers_studio.registry.trees.tree_parts import decode_folder
from kronkers_studio.storage.database import Database
from kronkers_studio.storage.json_form import object_id

_COMMITS = "SELECT id, project, tree FROM commits ORDER BY rowid DESC"


def affected_files(
    database: Database, store: ObjectStore, damaged: AbstractSet[bytes], cancel: CancelToken
) -> dict[tuple[str, str], AffectedFile]:
    """The files that consist of ``damaged`` objects, and the folders whose listings are, by project and path.

    Each names the newest version that has it so. Where a whole version cannot be listed, the path is "".
    """
    with database.read() as connection:
        commits = statements.query(connection, _COMMITS)
    trees = _Trees(store, damaged, cancel)
    found: dict[tuple[str, str], AffectedFile] = {}
    seen: set[tuple[str, str, bytes]] = set()
    for id, project, tree in commits:
        for path in _paths(project, object_id(tree), trees, seen):
            cancel.check()
            found.setdefault((project, path), AffectedFile(project, path, id))
    return found


def _paths(project: str, top: bytes, trees: _Trees, seen: set[tuple[str, str, bytes]]) -> Iterator[str]:
    """What is affected in one version, but for what ``seen`` says was at the same place in a newer one."""
    waiting = [("", top)]
    while waiting:
        path, tree = waiting.pop()
        if (project, path, tree) in seen:
            continue
        seen.add((project, path, tree))
        hit = trees.affected(tree)
        if hit is None:
            yield path
            continue
        for entry in hit:
            below = join(path, entry.path)
            if entry.kind is EntryKind.FOLDER:
                waiting.append((below, entry.content[0]))
            else:
                yield below


class _Trees:
    """Each folder's entries that are damaged or hold something that is; every tree is read once."""

    def __init__(self, store: ObjectStore, damaged: AbstractSet[bytes], cancel: CancelToken) -> None:
        self._store = store
        self._damaged = damaged
        self._cancel = cancel
        self._affected: dict[bytes, tuple[Entry, ...] | None] = {}

    def affected(self, top: bytes) -> tuple[Entry, ...] | None:
        """The affected entries of a tree; None when the tree itself cannot be read."""
        waiting = [top]
        read: dict[bytes, tuple[Entry, ...]] = {}
        while waiting:
            self._cancel.check()
            tree = waiting[-1]
            if tree in self._affected:
                waiting.pop()
                continue
            entries = read[tree] if tree in read else self._entries(tree)
            if entries is None:
                self._affected[tree] = None
                continue
            below = {entry.content[0] for entry in entries if entry.kind is EntryKind.FOLDER} - self._affected.keys()
            if below:
                read[tree] = entries
                waiting += below
            else:
                self._affected[tree] = tuple(filter(self._is_affected, entries))
                read.pop(tree, None)
        return self._affected[top]

    def _is_affected(self, entry: Entry) -> bool:
        if entry.kind is EntryKind.FOLDER:
            return self._affected[entry.content[0]] != ()
        return not self._damaged.isdisjoint(entry.content)

    def _entries(self, tree: bytes) -> tuple[Entry, ...] | None:
        try:
            return decode_folder(self._store.read(tree, ObjectType.TREE), self._parts)
        except (StudioError, OSError):  # the check has said why
            return None

    def _parts(self, ids: Sequence[bytes]) -> Iterator[bytes]:
        for id in ids:
            yield self._store.read(id, ObjectType.TREE)
