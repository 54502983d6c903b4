"""What a new version keeps of the one before although it was not read: what is only in the cloud, and what is there and
cannot be read just now, such as a workbook that is open in Excel."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from kronkers_studio.domain.content import Commit, EntryKind, SkippedItem, SkipReason, StoredItem
from kronkers_studio.domain.errors import NotFound
from kronkers_studio.domain.migration import MigrationSource
from kronkers_studio.domain.paths import join, parent, relative_to
from kronkers_studio.workflows.session import Session

_UNREAD = frozenset({SkipReason.NO_PERMISSION, SkipReason.READ_ERROR, SkipReason.CHANGED_WHILE_READ})
_KEPT = " The new version keeps what the one before has of it."


def with_staying(
    session: Session,
    head: Commit | None,
    source: MigrationSource,
    stored: Sequence[StoredItem],
    skipped: tuple[SkippedItem, ...],
) -> tuple[Sequence[StoredItem], tuple[SkippedItem, ...]]:
    """What was stored of ``source`` with what stays of the branch's ``head``, and what was skipped: what stays unread
    is said to."""
    if head is None or not any(item.reason is SkipReason.PLACEHOLDER or item.reason in _UNREAD for item in skipped):
        return stored, skipped
    in_cloud = staying_in_cloud(session, head, source, skipped)
    unread = {item.path: list(_staying_unread(session, head, source, item)) for item in skipped}
    staying = [*in_cloud, *(each for kept in unread.values() for each in kept)]
    filled = {parent(each.item.path) for each in staying}  # no folder with such is empty
    others = [each for each in stored if each.item.kind is not EntryKind.FOLDER or each.item.path not in filled]
    there = {each.item.path for each in in_cloud}
    said = (replace(item, detail=item.detail + _KEPT) if unread[item.path] else item for item in skipped)
    return [*others, *staying], tuple(item for item in said if item.path not in there)


def staying_in_cloud(
    session: Session, head: Commit, source: MigrationSource, skipped: Iterable[SkippedItem]
) -> list[StoredItem]:
    """Placeholders that are as the branch's ``head`` has them, by size and time: they stay without being downloaded.

    Else a version from a computer on which OneDrive has nothing yet, or with a stat cache that was lost, would lack all
    that the one before has.
    """
    from kronkers_studio.migration import filesystem
    from kronkers_studio.migration.found_item import CLOCK_TICK_NS

    content, staying = session.workspace.content, []
    for path in (item.path for item in skipped if item.reason is SkipReason.PLACEHOLDER):
        try:
            status = Path(filesystem.system_path(source.folder, path)).lstat()
            entry = content.find(head.project, head.id, join(source.into, path))
        except (OSError, NotFound):
            continue
        same_time = abs(entry.mtime_ns - status.st_mtime_ns) <= CLOCK_TICK_NS
        if entry.kind is EntryKind.FILE and entry.size == status.st_size and same_time:
            staying.append(StoredItem.of(entry, path))
    return staying


def _staying_unread(session: Session, head: Commit, source: MigrationSource, item: SkippedItem) -> Iterator[StoredItem]:
    """What the branch's head has of a file or a folder that cannot be read; nothing of what is not wanted, or gone."""
    if item.reason not in _UNREAD:
        return
    content = session.workspace.content
    try:
        top = content.find(head.project, head.id, join(source.into, item.path))
    except NotFound:  # it is new
        return
    below = content.walk(head.project, head.id, top.path) if top.kind is EntryKind.FOLDER else (top,)
    for entry in below:
        if entry.kind is not EntryKind.FOLDER:
            yield StoredItem.of(entry, relative_to(entry.path, source.into))
