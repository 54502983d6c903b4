"""Trees in memory that stand partly on stored ones: what a merge takes apart and puts together."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from kronkers_studio.domain.content import Entry, EntryKind


@dataclass(slots=True)
class Folder:
    """A folder of which something is not as in any stored tree."""

    children: dict[str, Node] = field(default_factory=dict)
    mtime_ns: int = 0


class Unknown:
    """What a path held in the past when that cannot be said: two pasts that disagree."""


UNKNOWN = Unknown()
Node = Entry | Folder | Unknown | None
"""What is at a path; None is nothing. Entries that are children have their names for paths."""

ReadTree = Callable[[bytes], tuple[Entry, ...]]


def is_folder(node: Node) -> bool:
    return isinstance(node, Folder) or (isinstance(node, Entry) and node.kind is EntryKind.FOLDER)


def children(node: Node, read: ReadTree) -> Mapping[str, Node]:
    """What lies in a folder by name; nothing in what is none."""
    if isinstance(node, Folder):
        return node.children
    if isinstance(node, Entry) and node.kind is EntryKind.FOLDER:
        return {entry.path: entry for entry in read(node.content[0])}
    return {}


def same(one: Node, other: Node) -> bool:
    """Whether two nodes have the same content; times of modification are no content."""
    if isinstance(one, Entry) and isinstance(other, Entry):
        return _content(one) == _content(other)
    return one is other and not isinstance(one, Unknown)


def _content(entry: Entry) -> tuple[object, ...]:
    return entry.kind, entry.content, entry.executable, entry.target


def newer(one: Node, other: Node) -> Node:
    """Of two nodes of the same content, the one that was modified later."""
    if isinstance(one, Entry) and isinstance(other, Entry):
        return replace(one, mtime_ns=max(one.mtime_ns, other.mtime_ns))
    return one


def at_path(node: Node, path: str, read: ReadTree) -> Node:
    """What is at ``path`` below ``node``."""
    for name in path.split("/"):
        node = children(node, read).get(name)
    return node


def with_node(node: Node, path: str, new: Node, read: ReadTree) -> Folder:
    """The folder ``node`` with ``new`` at ``path`` (None takes it away); folders above it are made."""
    name, _, rest = path.partition("/")
    copy = Folder(dict(children(node, read)), node.mtime_ns if isinstance(node, Entry | Folder) else 0)
    below = with_node(copy.children.get(name), rest, new, read) if rest else new
    if below is None or (new is None and isinstance(below, Folder) and not below.children):
        copy.children.pop(name, None)
    else:
        copy.children[name] = below
    return copy


def as_entry(node: Node, path: str) -> Entry | None:
    """``node`` as an entry with its full path, to be shown; a folder that is in no store has no id."""
    if isinstance(node, Entry):
        return replace(node, path=path)
    return Entry(path, EntryKind.FOLDER, mtime_ns=node.mtime_ns) if isinstance(node, Folder) else None


def renamed(node: Node, name: str) -> Node:
    """``node`` as a child called ``name``."""
    return replace(node, path=name) if isinstance(node, Entry) else node
