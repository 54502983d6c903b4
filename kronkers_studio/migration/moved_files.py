"""Stored files that lie elsewhere now: by the file system's own numbers or, once they were read, by their bytes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from kronkers_studio.domain.content import EntryKind, SkipReason, StoredItem
from kronkers_studio.domain.migration import Rename
from kronkers_studio.domain.paths import lies_in
from kronkers_studio.migration.found_item import FoundItem, KnownFile
from kronkers_studio.migration.scan_result import Scan


class MovedFiles:
    """The files of ``known`` that a scan finds in another place, with the same size, time and inode."""

    def __init__(self, known: Mapping[str, KnownFile]) -> None:
        self._known = known
        self._by_inode: dict[int, str] | None = None
        self._moved_here: dict[str, str] = {}  # where a stored file is now → where it was

    def earlier_path(self, path: str, fingerprint: tuple[int, int, int]) -> str:
        """Where the very file found at ``path`` lay when it was stored, or "" when that is not certain."""
        if self._by_inode is None:
            self._by_inode = {each.inode: old for old, each in self._known.items()}
        old = self._by_inode.get(fingerprint[2], "")
        if not old or old == path or not self._known[old].proves_rename(fingerprint):
            return ""
        self._moved_here[path] = old
        return old

    def renames(self, found: Iterable[FoundItem]) -> tuple[Rename, ...]:
        """The files that lie elsewhere than when they were stored; another name of a file that stayed is none."""
        if not self._moved_here:
            return ()
        present = {item.path for item in found}
        return tuple(Rename(old, new) for new, old in self._moved_here.items() if old not in present)


def renamed_by_content(known: Mapping[str, KnownFile], scan: Scan, stored: Sequence[StoredItem]) -> tuple[Rename, ...]:
    """Files that were read because nothing proved it, and turned out to be ones that lay elsewhere before."""
    if not known:
        return ()
    gone = known.keys() - {item.path for item in scan.items} - {rename.old for rename in scan.renamed}
    left_out = {item.path for item in scan.skipped if item.reason is not SkipReason.VANISHED}
    gone = {path for path in gone if not lies_in(path, left_out)}  # what is left out lies where it lay
    if not gone:
        return ()
    by_content: dict[tuple[bytes, ...], list[str]] = {}
    for path in sorted(gone, reverse=True):
        if known[path].ids:
            by_content.setdefault(known[path].chunks, []).append(path)
    renames = []
    for each in stored:
        item = each.item
        if item.kind is EntryKind.FILE and item.known is None and item.path not in known and each.content:
            candidates = by_content.get(each.content)
            if candidates:
                renames.append(Rename(candidates.pop(), item.path, read=True))
    return tuple(renames)
