"""What lies in a working copy, beside the version that it was made of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from kronkers_studio.domain.content import Entry, EntryKind, SkippedItem, StoredItem
from kronkers_studio.domain.differences import ChangeKind, EntryChange, TreeDifference
from kronkers_studio.domain.migration import MigrationSource
from kronkers_studio.domain.paths import join, lies_in, parent
from kronkers_studio.domain.progress import CancelToken, Progress
from kronkers_studio.domain.working_copies import SAVING_OPTIONS, WorkingCopy
from kronkers_studio.workflows.session import Session

if TYPE_CHECKING:
    from kronkers_studio.migration.found_item import FoundItem


def source_of_copy(copy: WorkingCopy) -> MigrationSource:
    """How a working copy is looked through and read."""
    return MigrationSource(copy.folder, options=SAVING_OPTIONS)


@dataclass(slots=True)
class Version:
    """What the working copy's version has: ``entries`` by path, files, links and empty folders; and where what is
    called otherwise on this computer's disk belongs."""

    entries: dict[str, Entry] = field(default_factory=dict)
    _named_otherwise: dict[str, str] = field(default_factory=dict)  # path here, path in the project

    @classmethod
    def of(cls, session: Session, copy: WorkingCopy) -> Version:
        """Raises ``NotFound`` when the version is no more."""
        from kronkers_studio.registry.restoring.target_names import TargetNames, rules_of

        version = cls()
        if not copy.commit:
            return version
        names = TargetNames(rules_of(Path(copy.folder)))
        for folder, below in session.workspace.content.walk_folders(copy.project, copy.commit):
            names.learn(folder.path, (entry.name for entry in below))
            if not below and folder.path:
                version.entries[folder.path] = folder
            for entry in below:
                if names.name(entry.path) != entry.name:
                    version._named_otherwise[names.place(entry.path)] = entry.path
                if entry.kind is not EntryKind.FOLDER:
                    version.entries[entry.path] = entry
        return version

    def path_of(self, here: str) -> str:
        """The path in the project of what lies at ``here`` in the folder."""
        if not self._named_otherwise or not here:
            return here
        known = self._named_otherwise.get(here)
        return known if known is not None else join(self.path_of(parent(here)), here.rpartition("/")[2])


@dataclass(frozen=True, slots=True)
class LookedThrough:
    """``found`` is what lies in the folder by its path in the project; ``skipped`` what there is and was not taken."""

    version: Version
    found: dict[str, FoundItem]
    skipped: tuple[SkippedItem, ...]
    changes: TreeDifference
    unchanged: int

    def staying(self, copy: WorkingCopy) -> Iterator[Entry]:
        """What of the version is not seen in the folder and yet was not removed."""
        return staying(self.version, self.found, self.skipped, copy)


def looked_through(session: Session, copy: WorkingCopy, progress: Progress, cancel: CancelToken) -> LookedThrough:
    """Find out what was changed in a working copy; nothing is stored. Raises ``SourceUnavailable`` or ``NotFound``."""
    from kronkers_studio.workflows.migration.folder_access import reader, scan_source, stat_cache
    from kronkers_studio.workflows.migration.plan_comparison import Comparing

    folder = Path(copy.folder)
    version = Version.of(session, copy)
    known = stat_cache(session, copy.project, folder).load()
    scan = scan_source(session, source_of_copy(copy), known, progress, cancel, plan=False)
    found = {version.path_of(item.path): item for item in scan.items}
    skipped = tuple(replace(item, path=version.path_of(item.path)) for item in scan.skipped)
    comparing = Comparing(session, reader(folder), cancel)
    kept = {entry.path for entry in staying(version, found, skipped, copy)}
    filled = {above for path in kept for above in _above(path)}
    changes: list[EntryChange] = []
    for path, item in found.items():
        before = version.entries.get(path)
        if before is None and path in filled:  # empty for what could not be written into it
            continue
        if before is None:
            changes.append(EntryChange(ChangeKind.ADDED, None, _entry(path, item)))
        elif not comparing.is_same(item, _as_this_system_sees(before, item)):
            changes.append(EntryChange(ChangeKind.MODIFIED, before, _entry(path, item)))
    unchanged = len(found) - len(changes)
    gone = [entry for path, entry in version.entries.items() if path not in found and path not in kept]
    changes += [EntryChange(ChangeKind.REMOVED, entry, None) for entry in gone if not _is_filled_now(entry, found)]
    changes = _with_renames(changes, {version.path_of(old): new for old, new in _moved(found)})
    difference = TreeDifference(tuple(sorted(changes, key=lambda change: change.path)))
    return LookedThrough(version, found, skipped, difference, unchanged)


def staying(
    version: Version, found: dict[str, FoundItem], skipped: Sequence[SkippedItem], copy: WorkingCopy
) -> Iterator[Entry]:
    """What of the version is not among ``found`` and yet was not removed: it could not be written when the copy was
    made, cannot be looked at now, or is of a kind that is never saved from a working copy.

    Where a folder was made of a file here, or a file of a folder, what was there is removed."""
    left_out = {item.path for item in skipped} | set(copy.absent)
    filled = {above for path in found for above in _above(path)}
    files = {path for path, item in found.items() if item.kind is not EntryKind.FOLDER}
    for path, entry in version.entries.items():
        if path in found or path in filled or not lies_in(path, left_out):
            continue
        if not any(above in files for above in _above(path)):
            yield entry


def _above(path: str) -> Iterator[str]:
    while path := parent(path):
        yield path


def next_version(
    version: Version, stored: Sequence[StoredItem], skipped: Sequence[SkippedItem], copy: WorkingCopy
) -> list[StoredItem]:
    """What the next version holds: ``stored`` of the folder, where it belongs in the project, and what stays.

    What has the bytes that it had keeps its time, so that looking at a file makes no version.
    """
    items: list[StoredItem] = []
    paths: dict[str, FoundItem] = {}
    for each in stored:
        path = version.path_of(each.item.path)
        paths[path] = each.item  # type: ignore[assignment]  # only its keys and kinds are asked for
        before = version.entries.get(path)
        if before is not None and _is_as_it_was(each, before):
            items.append(StoredItem.of(before))
        else:
            items.append(replace(each, item=replace(each.item, path=path, executable=_executable(each, before))))
    kept = [StoredItem.of(entry) for entry in staying(version, paths, skipped, copy)]
    filled = {above for each in kept for above in _above(each.item.path)}
    return [each for each in items if each.item.kind is not EntryKind.FOLDER or each.item.path not in filled] + kept


def _is_as_it_was(stored: StoredItem, before: Entry) -> bool:
    item = stored.item
    if item.kind is not before.kind or _executable(stored, before) != before.executable:
        return False
    if item.kind is EntryKind.FILE:
        return stored.content == before.content
    return item.kind is EntryKind.FOLDER or item.target == before.target


def _executable(stored: StoredItem, before: Entry | None) -> bool:
    """A system that knows no such bit says nothing about it."""
    from kronkers_studio.migration.filesystem import HAS_EXECUTABLE_BIT

    return stored.item.executable if HAS_EXECUTABLE_BIT or before is None else before.executable


def _as_this_system_sees(before: Entry, item: FoundItem) -> Entry:
    from kronkers_studio.migration.filesystem import HAS_EXECUTABLE_BIT

    return before if HAS_EXECUTABLE_BIT else replace(before, executable=item.executable)


def _entry(path: str, item: FoundItem) -> Entry:
    return Entry(path, item.kind, item.size, item.mtime_ns, item.executable, item.known or (), item.target)


def _is_filled_now(entry: Entry, found: dict[str, FoundItem]) -> bool:
    """Whether an empty folder of the version has something in it now: that is no removal."""
    return entry.kind is EntryKind.FOLDER and any(lies_in(path, (entry.path,)) for path in found)


def _moved(found: dict[str, FoundItem]) -> Iterator[tuple[str, str]]:
    return ((item.renamed_from, path) for path, item in found.items() if item.renamed_from)


def _with_renames(changes: list[EntryChange], moved: dict[str, str]) -> list[EntryChange]:
    """An added file that is, by its bytes, one that was removed has a new name."""
    removed = {change.path: change for change in changes if change.kind is ChangeKind.REMOVED}
    added = {change.path: change for change in changes if change.kind is ChangeKind.ADDED}
    renamed = [
        EntryChange(ChangeKind.RENAMED, removed[old].before, added[new].after)
        for old, new in moved.items()
        if old in removed and new in added
    ]
    gone = {change.before.path for change in renamed if change.before} | {change.path for change in renamed}
    return [change for change in changes if change.path not in gone or change.kind is ChangeKind.MODIFIED] + renamed
