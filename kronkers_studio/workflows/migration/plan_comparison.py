"""What a branch holds, beside what lies in the folder that is to be brought in there."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from kronkers_studio.domain.content import Commit, Entry, EntryKind, SkippedItem, SourceProblem
from kronkers_studio.domain.errors import NotFound
from kronkers_studio.domain.migration import Decision, MigrationSource, PlannedItem, Undone
from kronkers_studio.domain.paths import lies_in, parent, relative_to
from kronkers_studio.domain.progress import NEVER, CancelToken
from kronkers_studio.workflows.migration.carried_over import staying_in_cloud
from kronkers_studio.workflows.migration.sources import project_sources
from kronkers_studio.workflows.migration.undo_check import undone_on
from kronkers_studio.workflows.session import Session

if TYPE_CHECKING:
    from kronkers_studio.migration import FolderSource, Scan
    from kronkers_studio.migration.found_item import FoundItem

_STAYS = "It is only in the cloud, and is what the project has already: it stays, and nothing is downloaded."
_COMPARED_BYTES = 64 << 20
_COMPARED_FILE = 4 << 20
"""How much is read to tell whether files of another time, and no other size, are unchanged: a second or two."""


@dataclass(frozen=True, slots=True)
class Compared:
    """The planned items with how they stand to the branch's head; see ``MigrationPlan`` for the rest."""

    items: tuple[PlannedItem, ...]
    skipped: tuple[SkippedItem, ...]
    gone: tuple[str, ...] = ()
    undone: Undone | None = None


def compared_with_head(
    session: Session,
    source: MigrationSource,
    scan: Scan,
    items: Collection[PlannedItem],
    reader: FolderSource,
    *,
    project: str,
    branch: str,
    cancel: CancelToken = NEVER,
) -> Compared:
    """What of ``items`` is new to the branch, changed, or unchanged, and what the branch has that the folder has not.

    The stat cache knows what was stored, not of which branch. And it may be lost: a file of the size and time of the
    head's is then taken to be unchanged, and one of its size is compared where that is quick.
    """
    head = session.workspace.head(project, branch)
    comparing = Comparing(session, reader, cancel)
    found = {item.path: item for item in scan.items}
    unchanged: set[str] = set()
    gone: list[str] = []
    staying = (
        set() if head is None else {each.item.path for each in staying_in_cloud(session, head, source, scan.skipped)}
    )
    skipped = {item.path for item in scan.skipped}  # there, though they cannot be read
    if head is not None:
        for path, entry in _entries(session, project, head, source):
            item = found.get(path)
            if item is None:
                if entry.kind is not EntryKind.FOLDER and not lies_in(path, skipped):
                    gone.append(path)
            elif comparing.is_same(item, entry):
                unchanged.add(path)

    folded = _folded(items) if source.options.fold_conflicts else frozenset()

    def standing(planned: PlannedItem) -> PlannedItem:
        if planned.path in staying:
            return replace(planned, decision=Decision.KEEP, why=_STAYS, unchanged=True, online_only=False)
        item = found.get(planned.path)
        if item is None or (planned.unchanged and planned.path in folded):
            return planned
        if planned.path in unchanged:
            read = item.kind is EntryKind.FILE and item.known is None
            return planned if planned.unchanged and not read else replace(planned, unchanged=True, reread=read)
        if item.known is None or planned.renamed_from:
            return planned
        return replace(planned, unchanged=False, stored=True)

    def at(path: str) -> FoundItem | None:
        return found.get(relative_to(path, source.into))

    undone = None if head is None else undone_on(session, branch, head, [source], at=at, is_same=comparing.is_same)
    renamed = {item.renamed_from for item in items}
    filled = {parent(path) for path in staying}  # so it is no empty folder
    return Compared(
        tuple(standing(item) for item in items if item.path not in filled),
        tuple(item for item in scan.skipped if item.path not in staying),
        tuple(path for path in gone if path not in renamed),
        undone,
    )


def _folded(items: Collection[PlannedItem]) -> Collection[str]:
    """Conflict copies and their originals: the branch has them as versions of one file, each where it was once."""
    copies = [item for item in items if item.conflict_of]
    return {item.path for item in copies} | {item.conflict_of for item in copies}


def _entries(session: Session, project: str, head: Commit, source: MigrationSource) -> Iterator[tuple[str, Entry]]:
    """What the head has in the source's place, by its path in the folder."""
    kept = {each.into for each in project_sources(session, project) if each.into and not source.into}
    try:
        walk = session.workspace.content.walk(project, head.id, source.into)
        for entry in walk:
            if lies_in(entry.path, kept):
                continue
            yield relative_to(entry.path, source.into), entry
    except NotFound:  # nothing was brought in there yet
        return


class Comparing:
    """Whether a found thing is what an entry is, read only where that is quick."""

    def __init__(self, session: Session, reader: FolderSource, cancel: CancelToken) -> None:
        self._content = session.workspace.content
        self._reader = reader
        self._cancel = cancel
        self._bytes_left = _COMPARED_BYTES

    def is_same(self, item: FoundItem, entry: Entry) -> bool:
        if item.kind is not entry.kind or item.kind is not EntryKind.FILE:
            return (item.kind, item.target) == (entry.kind, entry.target)
        if (item.size, item.executable) != (entry.size, entry.executable):
            return False
        if item.known is not None:
            return item.known == entry.content
        if item.mtime_ns == entry.mtime_ns or not item.size:
            return True
        return self._has_the_same_bytes(item, entry)

    def _has_the_same_bytes(self, item: FoundItem, entry: Entry) -> bool:
        self._cancel.check()
        if item.online_only or item.size > min(_COMPARED_FILE, self._bytes_left):
            return False
        self._bytes_left -= item.size
        try:
            with self._reader.open(item) as stream:
                return bool(stream.read(item.size + 1) == self._content.read(entry))
        except SourceProblem:  # bringing it in will say why
            return False
