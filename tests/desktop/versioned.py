"""Projects with a past, made quickly: the same few bytes under many names, in versions on several branches."""

from __future__ import annotations

from collections.abc import Mapping

from kronkers_studio.domain.content import Commit, EntryKind, SourceItem, StoredItem
from kronkers_studio.registry.importing.memory_source import MemorySource
from kronkers_studio.workflows.session import Session

_MTIME = 1_780_000_000_000_000_000


def commit_files(
    session: Session, files: Mapping[str, bytes], message: str, *, project: str = "Team", branch: str = "main"
) -> Commit:
    """Make ``files`` (path to bytes) the content of ``branch``."""
    content = session.workspace.content
    items = [SourceItem(path, EntryKind.FILE, len(data), _MTIME) for path, data in files.items()]
    stored = content.store_items(items, MemorySource(files)).stored
    return content.commit(project, branch, stored, message=message, author="ada")[0]


def commit_many(session: Session, count: int, *, project: str = "Large") -> Commit:
    """``count`` files of different sizes and times in one folder, all of the same bytes."""
    content = session.workspace.content
    item = SourceItem("one", EntryKind.FILE, 3, _MTIME)
    (one,) = content.store_items([item], MemorySource({"one": b"abc"})).stored
    stored = [
        StoredItem(
            SourceItem(f"many/measured {number:06}.csv", EntryKind.FILE, 3, _MTIME + number * 7919 % 10**9 * 10**9),
            one.content,
            3,
        )
        for number in range(count)
    ]
    return content.commit(project, "main", stored, message="Many files", author="ada")[0]
