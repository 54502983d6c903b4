"""Conflict copies as what they are: earlier versions of the file that has the plain name, which stays as it is.

Which of two is right nobody knows from their times: clocks differ, and saving anew changes them. So the file that
everybody opens under its name keeps its content, also where a copy is newer.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from kronkers_studio.domain.content import EntryKind, StoredItem


@dataclass(frozen=True, slots=True)
class FoldedFile:
    """The ``versions`` of the file ``path``, the copies by age and the file itself last; as they were found, copies
    under their own names."""

    path: str
    versions: tuple[StoredItem, ...]

    def version(self, number: int) -> StoredItem:
        """A version under the file's own name."""
        found = self.versions[number]
        return replace(found, item=replace(found.item, path=self.path))


@dataclass(frozen=True, slots=True)
class Folding:
    """What conflict copies become: ``rest`` stays as it is, each of ``files`` has more than one version, or had."""

    rest: tuple[StoredItem, ...]
    files: tuple[FoldedFile, ...]

    @property
    def newest_files(self) -> tuple[StoredItem, ...]:
        """Each folded file in its newest version, under its own name."""
        return tuple(file.version(-1) for file in self.files)

    @property
    def newest(self) -> tuple[StoredItem, ...]:
        """Everything, each folded file in its newest version."""
        return (*self.rest, *self.newest_files)

    def steps(self, known: Mapping[str, Iterable[tuple[bytes, ...]]]) -> list[dict[str, StoredItem]]:
        """The versions to record before the newest, step by step: what was found, by the path it becomes.

        ``known`` are the contents that the history of each file has already. A file with fewer versions stays at its
        first, so that the last step of each comes right before its newest version.
        """
        earlier = {}
        for file in self.files:
            seen = {*known.get(file.path, ()), file.versions[-1].content}
            earlier[file.path] = [version for version in file.versions[:-1] if version.content not in seen]
        count = max((len(versions) for versions in earlier.values()), default=0)
        return [
            {path: versions[max(0, at - count + len(versions))] for path, versions in earlier.items() if versions}
            for at in range(count)
        ]


def fold_conflicts(stored: Sequence[StoredItem], copies: Mapping[str, str]) -> Folding:
    """Group ``stored`` files with their conflict copies; ``copies`` has each copy's path and its original's.

    A copy whose original was not stored stays a file of its own. Copies are ordered by modification time; equal
    contents that follow each other are one version.
    """
    by_path = {each.item.path: each for each in stored if each.item.kind is EntryKind.FILE}
    groups: defaultdict[str, list[StoredItem]] = defaultdict(list)
    for path in copies:
        original = _first_original(path, copies)
        if path in by_path and original in by_path:
            groups[original].append(by_path[path])
    folded = set(groups) | {each.item.path for group in groups.values() for each in group}
    files = tuple(
        FoldedFile(original, _distinct([*sorted(group, key=_age), by_path[original]]))
        for original, group in groups.items()
    )
    rest = tuple(each for each in stored if each.item.path not in folded)
    return Folding(rest, files)


def _first_original(path: str, copies: Mapping[str, str]) -> str:
    """The file at the root of a chain of copies."""
    while path in copies:
        path = copies[path]
    return path


def _age(stored: StoredItem) -> tuple[int, str]:
    return stored.item.mtime_ns, stored.item.path


def _distinct(versions: list[StoredItem]) -> tuple[StoredItem, ...]:
    kept = versions[:1]
    for version in versions[1:]:
        if version.content == kept[-1].content:
            kept.pop()
        kept.append(version)
    return tuple(kept)
