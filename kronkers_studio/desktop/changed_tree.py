"""What differs between two versions as folders that open and close: meant for 100,000 changes, off the main thread."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

from kronkers_studio.domain.content import EntryKind
from kronkers_studio.domain.differences import ChangeKind, EntryChange
from kronkers_studio.domain.printable import printable

ChangeGroup = Literal["all", "new", "changed", "gone", "moved"]
_GROUPS: dict[str, Collection[ChangeKind]] = {
    "all": (ChangeKind.ADDED, ChangeKind.MODIFIED, ChangeKind.REMOVED, ChangeKind.RENAMED, ChangeKind.MODE),
    "new": (ChangeKind.ADDED,),
    "changed": (ChangeKind.MODIFIED, ChangeKind.MODE),
    "gone": (ChangeKind.REMOVED,),
    "moved": (ChangeKind.RENAMED,),
}
OPEN_UP_TO = 20
"""So many changed files are all shown at first; of more, the folders are closed."""


@dataclass(frozen=True, slots=True)
class ChangeRow:
    """A changed file, or a folder with changed ``files`` in it, counted by ``kinds``. ``name`` is what it is called
    there: that of a folder may be of several, one in the other. ``change`` is None for a folder that itself stayed."""

    path: str
    name: str
    depth: int
    change: EntryChange | None
    files: int = 0
    kinds: tuple[tuple[ChangeKind, int], ...] = ()
    is_open: bool = False

    @property
    def is_folder(self) -> bool:
        return self.files > 0 or (self.change is not None and _is_folder(self.change))


@dataclass(slots=True)
class _Folder:
    path: str
    name: str
    change: EntryChange | None = None
    folders: dict[str, _Folder] = field(default_factory=dict)
    files: list[EntryChange] = field(default_factory=list)
    counts: dict[ChangeKind, int] = field(default_factory=dict)


class ChangedTree:
    """The changes of one group whose paths hold some words. Immutable once made; any thread."""

    def __init__(self, changes: Iterable[EntryChange], group: ChangeGroup = "all", words: str = "") -> None:
        wanted = words.casefold().split()
        kinds = _GROUPS[group]
        self._top = _Folder("", "")
        self.files = 0
        for change in changes:
            if change.kind not in kinds or (wanted and not _holds(change, wanted)):
                continue
            self._add(change)

    @property
    def open_at_first(self) -> frozenset[str]:
        """The folders that are open before somebody chose."""
        if self.files > OPEN_UP_TO:
            return frozenset()
        return frozenset(folder.path for folder in _below(self._top))

    def rows(self, opened: Collection[str]) -> list[ChangeRow]:
        """What is seen with the folders ``opened`` (paths) open."""
        return list(_rows(self._top, 0, opened))

    def _add(self, change: EntryChange) -> None:
        folder, path = self._top, change.path
        is_file = not _is_folder(change)
        self.files += is_file
        parts = path.split("/")
        for depth, name in enumerate(parts if not is_file else parts[:-1]):
            if name not in folder.folders:
                folder.folders[name] = _Folder("/".join(parts[: depth + 1]), name)
            folder = folder.folders[name]
            if is_file:
                folder.counts[change.kind] = folder.counts.get(change.kind, 0) + 1
        if is_file:
            folder.files.append(change)
        else:
            folder.change = change


def _below(folder: _Folder) -> Iterator[_Folder]:
    waiting = list(folder.folders.values())
    while waiting:
        each = waiting.pop()
        yield each
        waiting += each.folders.values()


def _rows(top: _Folder, depth: int, opened: Collection[str]) -> Iterator[ChangeRow]:
    """Folders first, then files; without a recursion that a deep folder could exhaust."""
    waiting: list[tuple[_Folder | EntryChange, int]] = _content(top, depth)
    while waiting:
        each, at = waiting.pop()
        if isinstance(each, EntryChange):
            yield ChangeRow(each.path, each.path.rpartition("/")[2], at, each)
            continue
        folder, names = each, [each.name]
        while not folder.files and len(folder.folders) == 1 and folder.change is None:
            folder = next(iter(folder.folders.values()))
            names.append(folder.name)
        is_open = folder.path in opened
        counts = tuple(folder.counts.items())
        files = sum(folder.counts.values())
        yield ChangeRow(folder.path, "/".join(names), at, folder.change, files, counts, is_open)
        if is_open:
            waiting += _content(folder, at + 1)


def _content(folder: _Folder, depth: int) -> list[tuple[_Folder | EntryChange, int]]:
    """What is directly in it, the last first."""
    inside: Sequence[_Folder | EntryChange] = [*folder.folders.values(), *folder.files]
    return [(each, depth) for each in reversed(inside)]


def _is_folder(change: EntryChange) -> bool:
    entry = change.after or change.before
    return entry is not None and entry.kind is EntryKind.FOLDER


def _holds(change: EntryChange, words: Sequence[str]) -> bool:
    before = change.before.path if change.before is not None else ""
    folded = printable(f"{change.path} {before}").casefold()  # what is seen can be typed
    return all(word in folded for word in words)
