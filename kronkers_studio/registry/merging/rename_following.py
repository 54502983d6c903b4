"""Letting a merge follow renames: what one side renamed and the other changed is changed at its new path."""

from __future__ import annotations

from kronkers_studio.domain.differences import ChangeKind, TreeDifference
from kronkers_studio.registry.merging.tree_nodes import Node, ReadTree, Unknown, at_path, renamed, same, with_node


def follow_renames(
    base: Node, ours: Node, theirs: Node, our_changes: TreeDifference, their_changes: TreeDifference, read: ReadTree
) -> tuple[Node, Node, Node]:
    """The three trees as if both sides had made the renames that one of them made.

    Only where it matters: the other side changed what was renamed, and has nothing at the new path.
    """
    for old, new in _renames(our_changes):
        base, theirs = _moved_too(base, theirs, old, new, read)
    for old, new in _renames(their_changes):
        base, ours = _moved_too(base, ours, old, new, read)
    return base, ours, theirs


def _renames(changes: TreeDifference) -> list[tuple[str, str]]:
    return [
        (change.before.path, change.after.path)
        for change in changes.of_kind(ChangeKind.RENAMED)
        if change.before is not None and change.after is not None
    ]


def _moved_too(base: Node, other: Node, old: str, new: str, read: ReadTree) -> tuple[Node, Node]:
    past, changed = at_path(base, old, read), at_path(other, old, read)
    taken = at_path(base, new, read) is not None or at_path(other, new, read) is not None
    if past is None or changed is None or isinstance(past, Unknown) or taken or same(past, changed):
        return base, other
    name = new.rpartition("/")[2]
    return _move(base, past, old, new, name, read), _move(other, changed, old, new, name, read)


def _move(tree: Node, node: Node, old: str, new: str, name: str, read: ReadTree) -> Node:
    return with_node(with_node(tree, old, None, read), new, renamed(node, name), read)
