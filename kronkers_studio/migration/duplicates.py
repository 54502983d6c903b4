"""Files with the same bytes, found without reading more than is needed to tell."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from blake3 import blake3

from kronkers_studio.domain.content import EntryKind, SourceProblem
from kronkers_studio.domain.progress import NEVER, SILENT, CancelToken, Progress
from kronkers_studio.migration.found_item import FoundItem
from kronkers_studio.migration.source import FolderSource

_HEAD = 64 * 1024
_PIECE = 1 << 20
BYTES_READ = 256 << 20
"""How much is read at most: some seconds of a laptop's time."""
FILES_READ = 20_000


@dataclass(frozen=True, slots=True)
class Duplicates:
    """``of`` names, for each file whose bytes another one has, the first of them; ``complete`` if all was compared."""

    of: dict[str, str] = field(default_factory=dict)
    complete: bool = True


def find_duplicates(
    items: Iterable[FoundItem],
    source: FolderSource,
    *,
    bytes_read: int = BYTES_READ,
    files_read: int = FILES_READ,
    progress: Progress = SILENT,
    cancel: CancelToken = NEVER,
) -> Duplicates:
    """The duplicates among ``items``, of which no more than ``bytes_read`` bytes of ``files_read`` files are read.

    Only files of equal size can be equal; of these, names of one inode and files stored already (by their objects'
    names) need not be read. The largest are compared first. Placeholders are not opened; nor does a file that cannot be
    read spoil anything.
    """
    search = _Search(source, bytes_read, files_read, cancel)
    by_size: defaultdict[int, list[FoundItem]] = defaultdict(list)
    for item in items:
        if item.kind is EntryKind.FILE and item.size:
            by_size[item.size].append(item)
    groups = [group for _, group in sorted(by_size.items(), reverse=True) if len(group) > 1]
    progress.step("Looking for duplicates", len(groups), "")
    of: dict[str, str] = {}
    for group in groups:
        cancel.check()
        for same in search.equal_files(group):
            first = min(same, key=lambda item: (item.known is None, item.path))
            of.update({item.path: first.path for item in same if item is not first})
        progress.advance()
    return Duplicates(of, search.complete)


class _Search:
    def __init__(self, source: FolderSource, bytes_read: int, files_read: int, cancel: CancelToken) -> None:
        self._source = source
        self._bytes_left = bytes_read
        self._files_left = files_read
        self._cancel = cancel
        self.complete = True

    def equal_files(self, group: list[FoundItem]) -> Iterator[list[FoundItem]]:
        """The sets of files with the same bytes among files of the same size."""
        alike = [each for each in _by_inode(group) if not each[0].online_only]
        stored: defaultdict[tuple[bytes, ...], list[FoundItem]] = defaultdict(list)
        unread: list[list[FoundItem]] = []
        for same in alike:
            if same[0].known is not None:
                stored[same[0].known] += same
            else:
                unread.append(same)
        known = list(stored.values())
        if not unread or len(unread) + len(known) == 1:
            yield from (same for same in (*known, *unread) if len(same) > 1)
            return
        size = group[0].size
        candidates = self._split([*known, *unread], min(size, _HEAD))
        for each in candidates:
            yield from (same for same in _joined(self._split(each, size) if size > _HEAD else [each]) if len(same) > 1)

    def _split(self, sets: list[list[FoundItem]], size: int) -> list[list[list[FoundItem]]]:
        """``sets`` of equal files, put together where their first ``size`` bytes are the same."""
        if len(sets) == 1:
            return [sets]
        together: defaultdict[bytes, list[list[FoundItem]]] = defaultdict(list)
        for number, same in enumerate(sets):
            digest = self._digest(same[0], size)
            together[digest or number.to_bytes(8, "big")].append(same)
        return list(together.values())

    def _digest(self, item: FoundItem, size: int) -> bytes | None:
        """The hash of the first ``size`` bytes; None when it cannot be had, or enough has been read."""
        self._cancel.check()
        if self._bytes_left < size or not self._files_left:
            self.complete = False
            return None
        self._bytes_left -= size
        self._files_left -= 1
        hash = blake3()
        try:
            with self._source.open(item) as stream:
                while size > 0 and (piece := stream.read(min(size, _PIECE))):
                    hash.update(piece)
                    size -= len(piece)
        except SourceProblem:  # bringing it in will say why
            return None
        return hash.digest()


def _by_inode(group: list[FoundItem]) -> list[list[FoundItem]]:
    sets: defaultdict[tuple[int, ...] | str, list[FoundItem]] = defaultdict(list)
    for item in group:
        sets[item.fingerprint if item.inode else item.path].append(item)
    return list(sets.values())


def _joined(candidates: Iterable[list[list[FoundItem]]]) -> Iterator[list[FoundItem]]:
    for sets in candidates:
        yield [item for same in sets for item in same]
