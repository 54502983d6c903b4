"""Merging three trees: path by path, and only where both sides changed something.

A path that only one side changed is taken from that side, whole folders at once. Files that both changed are handed to
whoever can put their contents together. What then remains is a conflict, which the caller's choices decide.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace

from kronkers_studio.domain.content import Entry, EntryKind
from kronkers_studio.domain.differences import Choice, Conflict, ConflictKind, MergedBy, MergedFile
from kronkers_studio.domain.paths import join
from kronkers_studio.registry.merging.tree_nodes import (
    UNKNOWN,
    Folder,
    Node,
    ReadTree,
    Unknown,
    as_entry,
    children,
    is_folder,
    newer,
    renamed,
    same,
)

_NOT_IN_NAMES = re.compile(r'[/\\:*?"<>|\x00-\x1f]')

MergeContent = Callable[[str, Entry | None, Entry, Entry], tuple[MergedFile, bytes] | str]
"""Puts two versions of a file together: (path, base, ours, theirs) to the content, or why that cannot be."""


class TreeMerge:
    """One merge; afterwards ``conflicts``, ``merged``, ``new_content`` (path to bytes) and ``kept_as`` tell of it."""

    def __init__(
        self, read: ReadTree, merge_content: MergeContent | None, choices: Mapping[str, Choice], other_name: str
    ) -> None:
        """Without ``merge_content`` it makes a common past: what conflicts is then ``UNKNOWN``."""
        self._read = read
        self._merge_content = merge_content
        self._choices = choices
        self._other_name = _NOT_IN_NAMES.sub("-", other_name)
        self.conflicts: list[Conflict] = []
        self.merged: list[MergedFile] = []
        self.new_content: dict[str, bytes] = {}
        self.kept_as: dict[str, str] = {}

    def run(self, base: Node, ours: Node, theirs: Node) -> Node:
        """The merged top folder; where a conflict is undecided it has what ours has."""
        return self._merge("", base, ours, theirs)

    def _merge(self, path: str, base: Node, ours: Node, theirs: Node) -> Node:
        if same(ours, theirs):
            return newer(ours, theirs)
        if same(base, ours):
            return theirs
        if same(base, theirs):
            return ours
        return self._merge_changed(path, base, ours, theirs)

    def _merge_changed(self, path: str, base: Node, ours: Node, theirs: Node) -> Node:
        """What both sides changed, differently."""
        if is_folder(ours) and is_folder(theirs):
            return self._merge_folders(path, base, ours, theirs)
        if (ours is None or theirs is None) and (is_folder(ours) or is_folder(theirs)):
            if is_folder(base):
                merged = self._merge_folders(path, base, ours, theirs)
                return merged if merged.children else None
            if isinstance(base, Entry):  # the file is gone on both sides, and a folder came on one
                return ours or theirs
        if isinstance(ours, Entry) and isinstance(theirs, Entry) and ours.kind is theirs.kind is EntryKind.FILE:
            return self._merge_files(path, base, ours, theirs)
        return self._conflict(path, base, ours, theirs)

    def _merge_folders(self, path: str, base: Node, ours: Node, theirs: Node) -> Folder:
        before, mine, other = (children(node, self._read) for node in (base, ours, theirs))
        names = sorted({*before, *mine, *other})
        result = Folder(mtime_ns=max(n.mtime_ns for n in (ours, theirs) if isinstance(n, Entry | Folder)))
        seconds: dict[str, Node] = {}
        for name in names:
            below = join(path, name)
            past = UNKNOWN if isinstance(base, Unknown) else before.get(name)
            node = self._merge(below, past, mine.get(name), other.get(name))
            if node is not None:
                result.children[name] = node
            if self._keeps_both(below, mine.get(name), other.get(name)):
                seconds[name] = other.get(name)
        for name, node in seconds.items():
            second = _free_name(name, self._other_name, {*names, *result.children})
            result.children[second] = renamed(node, second)
            self.kept_as[join(path, name)] = join(path, second)
        return result

    def _merge_files(self, path: str, base: Node, ours: Entry, theirs: Entry) -> Node:
        past = base if isinstance(base, Entry) and base.kind is EntryKind.FILE else None
        executable = _decided(past.executable, ours.executable, theirs.executable) if past else ours.executable
        newest = max(ours.mtime_ns, theirs.mtime_ns)
        if past is None and ours.content == theirs.content:  # both added it; one made it executable
            return replace(ours, executable=True, mtime_ns=newest)
        if past is not None and past.content in (ours.content, theirs.content):
            changed = theirs if past.content == ours.content else ours
            self.merged.append(MergedFile(path, MergedBy.ATTRIBUTES))
            return replace(changed, executable=executable, mtime_ns=newest)
        if past is not None and ours.content == theirs.content:
            return replace(ours, executable=executable, mtime_ns=newest)
        if self._merge_content is None or isinstance(base, Unknown):
            return self._conflict(path, base, ours, theirs)
        outcome = self._merge_content(path, past, ours, theirs)
        if isinstance(outcome, str):
            return self._conflict(path, base, ours, theirs, outcome)
        merged, self.new_content[path] = outcome
        self.merged.append(merged)
        return Entry(ours.path, EntryKind.FILE, len(self.new_content[path]), newest, executable)

    def _conflict(self, path: str, base: Node, ours: Node, theirs: Node, detail: str = "") -> Node:
        if self._merge_content is None:
            return UNKNOWN
        past, mine, other = (as_entry(node, path) for node in (base, ours, theirs))
        self.conflicts.append(Conflict(path, _kind(past, mine, other), past, mine, other, detail))
        choice = self._choices.get(path)
        if choice is Choice.THEIRS:
            return theirs
        if choice is Choice.BOTH:
            return ours or theirs
        return ours

    def _keeps_both(self, path: str, ours: Node, theirs: Node) -> bool:
        """Whether ``path`` was just found to be a conflict of which both versions are wanted."""
        is_conflict = bool(self.conflicts) and self.conflicts[-1].path == path
        both = ours is not None and theirs is not None
        return is_conflict and both and self._choices.get(path) is Choice.BOTH


def _kind(base: Entry | None, ours: Entry | None, theirs: Entry | None) -> ConflictKind:
    if ours is None:
        return ConflictKind.REMOVED_BY_OURS
    if theirs is None:
        return ConflictKind.REMOVED_BY_THEIRS
    if ours.kind is not theirs.kind:
        return ConflictKind.DIFFERENT_KINDS
    return ConflictKind.BOTH_CHANGED if base is not None else ConflictKind.BOTH_ADDED


def _decided(base: bool, ours: bool, theirs: bool) -> bool:
    """What became of a yes or no: whoever changed it."""
    return ours if ours != base else theirs


def _free_name(name: str, other: str, taken: set[str]) -> str:
    """``report (from try).csv``, with a number when that is taken too."""
    stem, dot, suffix = name.rpartition(".")
    if not stem:
        stem, dot, suffix = name, "", ""
    number = 1
    while True:
        mark = f"from {other}" if number == 1 else f"from {other} {number}"
        free = f"{stem} ({mark}){dot}{suffix}"
        if free not in taken:
            return free
        number += 1
