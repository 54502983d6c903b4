"""What lies at one path in many trees, found together: of each tree no more is read than the folders on the way."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence

from kronkers_studio.domain.content import Entry, EntryKind
from kronkers_studio.registry.store.object_store import ObjectStore
from kronkers_studio.registry.store.records import ObjectType
from kronkers_studio.registry.trees.tree_format import decode_tree, path_problem, placed, raw_name
from kronkers_studio.registry.trees.tree_parts import Part, decode_part, decode_parts, is_wide, part_with


def entries_at(trees: Iterable[bytes], path: str, store: ObjectStore) -> dict[bytes, Entry | None]:
    """For each of ``trees`` (ids) the entry at ``path``, with its full path; None where there is none. "" is the tree
    itself. The folders of one depth are read together, each once. Raises ``StoreDamaged``."""
    found: dict[bytes, Entry | None] = {
        tree: Entry("", EntryKind.FOLDER, content=(tree,)) for tree in dict.fromkeys(trees)
    }
    if path_problem(path):
        return found if not path else dict.fromkeys(found)
    for name in path.split("/"):
        folders = {tree: entry for tree, entry in found.items() if entry is not None and _is_folder(entry)}
        below = _children({entry.content[0] for entry in folders.values()}, name, store)
        found = {
            tree: _placed(below[folders[tree].content[0]], folders[tree].path) if tree in folders else None
            for tree in found
        }
    return found


def _is_folder(entry: Entry) -> bool:
    return entry.kind is EntryKind.FOLDER


def _placed(entry: Entry | None, folder: str) -> Entry | None:
    return placed(entry, folder) if entry is not None else None


def _children(folders: Iterable[bytes], name: str, store: ObjectStore) -> Mapping[bytes, Entry | None]:
    """For each of ``folders`` (ids) what is called ``name`` in it, its path being its name."""
    raw = raw_name(name)
    found: dict[bytes, Entry | None] = {}
    parts: dict[bytes, Part] = {}  # of the wide ones, the part that the name would be in
    for id, data in store.read_each(folders, ObjectType.TREE):
        if not is_wide(data):
            found[id] = _named(decode_tree(data), raw) if raw in data else None
        elif (part := part_with(decode_parts(data), raw)) is None:
            found[id] = None
        else:
            parts[id] = part
    wanted = {part.id: part for part in parts.values()}
    there = {id: _named(decode_part(wanted[id], data), raw) for id, data in store.read_each(wanted, ObjectType.TREE)}
    return found | {id: there[part.id] for id, part in parts.items()}


def _named(entries: Sequence[Entry], raw: bytes) -> Entry | None:
    at = bisect_left(entries, raw, key=lambda entry: raw_name(entry.path))
    return entries[at] if at < len(entries) and raw_name(entries[at].path) == raw else None
