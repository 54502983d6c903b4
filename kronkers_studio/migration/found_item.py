"""A file as a scan finds it, and as an earlier scan found it: when both are alike, its bytes are not read again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

from kronkers_studio.domain.content import EntryKind, SourceItem
from kronkers_studio.domain.file_types import BINARY, Look
from kronkers_studio.domain.migration import FileKind

CLOCK_TICK_NS = 2_000_000_000
"""The coarsest clock of a file system in use for modification times: FAT and exFAT, 2 seconds."""


@dataclass(frozen=True, slots=True)
class FoundItem(SourceItem):
    """A source item with what the stat cache remembers about it: what it is, and when it was looked at."""

    look: Look = BINARY
    seen_ns: int = 0  # the moment its folder began to be listed, nanoseconds since the epoch
    renamed_from: str = ""  # where this very file lay when its bytes were stored
    online_only: bool = False  # a placeholder: opening it downloads it
    unseen: bool = False  # ``look`` says what the name does; whoever reads the file will see more

    def seen_as(self, look: Look) -> FoundItem:
        """This item when its bytes have told what it is. Quicker than ``dataclasses.replace``: files are many."""
        return FoundItem(
            self.path,
            self.kind,
            self.size,
            self.mtime_ns,
            self.executable,
            self.target,
            self.known,
            look.compressed,
            self.inode,
            look,
            self.seen_ns,
            self.renamed_from,
            self.online_only,
        )

    @property
    def fingerprint(self) -> tuple[int, int, int]:
        """Size, modification time in nanoseconds and inode."""
        return self.size, self.mtime_ns, self.inode


class KnownFile(NamedTuple):
    """A file whose bytes are in the store, as it was when an earlier scan saw it.

    ``ids`` are its chunk ids, one after the other, each ``id_size`` bytes long: a tuple of them for every file of a
    large folder would cost more memory than all the rest.
    """

    size: int
    mtime_ns: int
    inode: int
    seen_ns: int
    ids: bytes
    id_size: int
    look: Look

    def matches(self, fingerprint: tuple[int, int, int]) -> bool:
        """Whether the file can be trusted to hold the same bytes as then.

        Size, modification time and inode must be the same. The inode too, because a program that saves by renaming, or
        OneDrive fetching another version, may keep the other two; when only the inode changed, the file is read again,
        found to be stored already, and remembered under its new inode.

        And the file must have been at rest when it was seen: one that was modified less than a clock tick before may
        have been modified once more within the same tick, with the same time (what git calls "racily clean").
        """
        return fingerprint == (self.size, self.mtime_ns, self.inode) and self.mtime_ns < self.seen_ns - CLOCK_TICK_NS

    def proves_rename(self, fingerprint: tuple[int, int, int]) -> bool:
        """Whether the file found elsewhere with this fingerprint is certainly this one, moved.

        A rename keeps all three. So may another file that was given the inode of a deleted one, if it has the same size
        and time; times of whole seconds, which archives set to whatever they like, therefore prove nothing.
        """
        return bool(self.inode and self.size and self.mtime_ns % 1_000_000_000) and self.matches(fingerprint)

    @property
    def chunks(self) -> tuple[bytes, ...]:
        """The chunk ids in order; none for an empty file."""
        if len(self.ids) == self.id_size:
            return (self.ids,) if self.ids else ()
        return tuple(self.ids[at : at + self.id_size] for at in range(0, len(self.ids), self.id_size or 1))


class FoundRows:
    """Items of a scan as rows; implements ``ItemRows``."""

    def __init__(self) -> None:
        self._looks: dict[tuple[str, str, bool], Look] = {}  # files of a kind share one

    def pack(self, item: SourceItem) -> tuple[Any, ...]:
        unseen = isinstance(item, FoundItem) and item.unseen
        return item.path, item.size, item.mtime_ns, item.inode, item.compressed, unseen

    def unpack(self, row: tuple[Any, ...]) -> SourceItem:
        path, size, mtime_ns, inode, compressed, unseen = row
        return FoundItem(
            path, EntryKind.FILE, size, mtime_ns, False, "", None, compressed, inode, BINARY, 0, "", False, unseen
        )

    def seen(self, before: SourceItem, after: SourceItem) -> Any:
        if after is before or not isinstance(after, FoundItem):
            return None
        return after.look.kind.value, after.look.description, after.look.compressed

    def with_seen(self, item: SourceItem, seen: Any) -> SourceItem:
        if seen is None or not isinstance(item, FoundItem):
            return item
        look = self._looks.get(seen)
        if look is None:
            kind, description, compressed = seen
            look = self._looks[seen] = Look(FileKind(kind), description, compressed)
        return item.seen_as(look)
