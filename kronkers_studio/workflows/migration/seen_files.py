"""Files of a working copy that were just written from a version: what they are is known without reading them again."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from kronkers_studio.domain.content import EntryKind, StoredItem
from kronkers_studio.domain.progress import NEVER, SILENT
from kronkers_studio.domain.working_copies import WorkingCopy
from kronkers_studio.workflows.session import Session


def remember_as_stored(session: Session, copy: WorkingCopy, only: Collection[str] | None = None) -> None:
    """Remember the files of ``copy`` (or ``only`` those paths of its project) that have the size and the time that its
    version gave them: they were verified when they were written, and are looked at again when either changes.

    What an earlier folder of that name left in the cache does not count: a file in it may have had the same size, time
    and number in the file system, and other bytes.
    """
    from kronkers_studio.workflows.migration.folder_access import scan_source, stat_cache
    from kronkers_studio.workflows.migration.working_tree import Version, source_of_copy

    cache = stat_cache(session, copy.project, Path(copy.folder))
    known = cache.load()
    scan = scan_source(session, source_of_copy(copy), known, SILENT, NEVER, plan=False)
    version = Version.of(session, copy)
    left_out = set(copy.absent)
    seen = []
    for item in scan.items:
        path = version.path_of(item.path)
        entry = version.entries.get(path)
        if item.kind is not EntryKind.FILE or path in left_out or (only is not None and path not in only):
            continue
        if entry is not None and (entry.kind, entry.size, entry.mtime_ns) == (item.kind, item.size, item.mtime_ns):
            seen.append(StoredItem(item, entry.content, entry.size))
    cache.remember(seen)
