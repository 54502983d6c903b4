"""Versioned content: projects, commits, and the entries of a tree."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, BinaryIO, Protocol

from kronkers_studio.domain.errors import StudioError


class EntryKind(StrEnum):
    FILE = "file"
    FOLDER = "folder"
    LINK = "link"


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a tree. ``path`` is the full path in the project; ``content`` the ids of a file's chunks in order
    (one id for a file stored whole, none for an empty file), or the subtree's id for a folder."""

    path: str
    kind: EntryKind
    size: int = 0
    mtime_ns: int = 0
    executable: bool = False
    content: tuple[bytes, ...] = ()
    target: str = ""  # a link's target

    @property
    def name(self) -> str:
        return self.path.rsplit("/", 1)[-1]


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST, _LAST = datetime(2, 1, 1, tzinfo=UTC), datetime(9998, 12, 31, tzinfo=UTC)  # every zone has them


def time_of(mtime_ns: int) -> datetime:
    """When a file was modified. Its file system may hold any time: one outside of the calendar is its first or last.

    Not ``fromtimestamp``, which fails before 1970 on Windows.
    """
    try:
        return min(max(_EPOCH + timedelta(microseconds=mtime_ns // 1000), _FIRST), _LAST)
    except OverflowError:
        return _FIRST if mtime_ns < 0 else _LAST


class SkipReason(StrEnum):
    """Why something in the source is not in the commit."""

    LOCK_FILE = "lock-file"
    SYSTEM_FILE = "system-file"
    PLACEHOLDER = "online-only"
    NO_PERMISSION = "no-permission"
    VANISHED = "vanished"
    CHANGED_WHILE_READ = "changed-while-read"
    NOT_UTF8 = "name-not-utf8"
    NAME_CLASH = "name-clash"
    NAME_TOO_LONG = "name-too-long"
    SPECIAL_FILE = "special-file"
    READ_ERROR = "read-error"
    EXCLUDED = "excluded"

    @property
    def expected(self) -> bool:
        """True for what nobody would want kept (lock files, system files, excluded by a rule): no exit code 4."""
        return self in (SkipReason.LOCK_FILE, SkipReason.SYSTEM_FILE, SkipReason.EXCLUDED)


@dataclass(frozen=True, slots=True)
class SkippedItem:
    """Something left out, by name and reason; ``detail`` is a sentence for people."""

    path: str
    reason: SkipReason
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Commit:
    """An immutable snapshot of a project."""

    id: str  # hex of the commit object's id
    project: str
    parents: tuple[str, ...]
    tree: str  # hex
    author: str
    created: datetime
    message: str
    files: int = 0
    size: int = 0  # bytes of all files
    skipped: tuple[SkippedItem, ...] = ()


@dataclass(frozen=True, slots=True)
class Project:
    name: str
    created: datetime
    branches: tuple[str, ...] = ()
    head: Commit | None = None  # of the default branch
    source: str = ""  # the folder it was last migrated from


@dataclass(frozen=True, slots=True)
class Branch:
    """A line of work in a project; ``head`` is its newest commit."""

    project: str
    name: str
    head: Commit


@dataclass(frozen=True, slots=True)
class Tag:
    """A name given to one commit, such as ``2026-q2-report``; ``created`` is when it was set or last moved."""

    project: str
    name: str
    commit: Commit
    created: datetime


DEFAULT_BRANCH = "main"


class SourceProblem(StudioError):
    """One file of a source cannot be read as it should; carries the ``SkippedItem`` to list."""

    def __init__(self, skipped: SkippedItem) -> None:
        super().__init__(skipped.detail or skipped.reason.value)
        self.skipped = skipped


@dataclass(frozen=True, slots=True)
class SourceItem:
    """A file, link or empty folder of a source that is to be stored.

    ``known`` holds the chunk ids when a stat cache says that the bytes are unchanged since they were stored: they are
    then not read again. ``inode`` is the file's number in its file system, 0 where that does not tell.
    ``compressed`` says that the type is compressed already, so compressing it again is a waste.
    """

    path: str
    kind: EntryKind
    size: int
    mtime_ns: int
    executable: bool = False
    target: str = ""
    known: tuple[bytes, ...] | None = None
    compressed: bool = False
    inode: int = 0


WHOLE_LIMIT = 1 << 20
"""Bytes: files up to this size are read in one go, and stored as one object."""


class ContentSource(Protocol):
    """Where content comes from; implemented by migration, read by the registry, joined in a workflow."""

    def read_whole(self, item: SourceItem) -> tuple[SourceItem, bytes] | None:
        """All bytes of ``item``, and ``item`` with what they tell of it; None above ``WHOLE_LIMIT``: open it then.

        What is returned did not change while it was read. Raises ``SourceProblem`` otherwise.
        """

    def open(self, item: SourceItem) -> AbstractContextManager[BinaryIO]:
        """Open ``item`` for reading from its start.

        Leaving the context normally verifies that the file did not change while it was read. Raises ``SourceProblem``
        on entering (unreadable, vanished) or on leaving (changed meanwhile; the caller then drops what it read).
        """


class ItemRows(Protocol):
    """A source's items as rows of plain values, for another process of this program, and back."""

    def pack(self, item: SourceItem) -> tuple[Any, ...]:
        """What reading ``item`` needs."""

    def unpack(self, row: tuple[Any, ...]) -> SourceItem:
        """The item of ``pack``, in the other process."""

    def seen(self, before: SourceItem, after: SourceItem) -> Any:
        """What reading has told of an item: ``after`` is what ``read_whole`` made of ``before``."""

    def with_seen(self, item: SourceItem, seen: Any) -> SourceItem:
        """``item`` with what ``seen`` gave, in this process."""


@dataclass(frozen=True, slots=True)
class SourceElsewhere:
    """How another process of this program reads the same source: its command, and what it is told first."""

    command: tuple[str, ...]
    setup: Any
    rows: ItemRows


@dataclass(frozen=True, slots=True)
class StoredItem:
    """A source item whose bytes are durable in the store."""

    item: SourceItem
    content: tuple[bytes, ...]
    size: int  # as read, which may differ from the size listed before

    @classmethod
    def of(cls, entry: Entry, path: str = "") -> StoredItem:
        """What a version holds, to be held by another as it is; by default where it lies."""
        item = SourceItem(path or entry.path, entry.kind, entry.size, entry.mtime_ns, entry.executable, entry.target)
        return cls(item, entry.content if entry.kind is EntryKind.FILE else (), entry.size)


@dataclass(frozen=True, slots=True)
class AffectedFile:
    """A file that cannot be given out whole, or a folder that cannot be listed: ``commit`` is the newest version that
    has it so. ``path`` is "" where that is the whole version."""

    project: str
    path: str
    commit: str


@dataclass(frozen=True, slots=True)
class CheckReport:
    """What `check` looked at and found. ``healthy`` may be said only of what was read.

    ``affected`` are the first of the ``affected_count`` files and folders that problems concern.
    ``database_damaged``: some of the problems lie in the database, which `registry rebuild` makes again.
    """

    packs: int = 0
    objects: int = 0
    bytes_read: int = 0
    read_data: bool = False
    commits: int = 0
    journal_entries: int = 0
    problems: Sequence[str] = field(default_factory=tuple)
    database_damaged: bool = False
    history_copy_missing: bool = False
    affected: tuple[AffectedFile, ...] = ()
    affected_count: int = 0

    @property
    def healthy(self) -> bool:
        return not self.problems

    @property
    def next_step(self) -> str:
        """What to do about the problems; empty when there are none."""
        if self.healthy:
            return ""
        if self.database_damaged:
            return "Run `kronkers registry rebuild`, which makes the database again; then check again."
        if self.history_copy_missing and len(self.problems) == 1:
            return "Run `kronkers registry rebuild`, which writes the second copy of the history anew."
        if self.affected:
            return (
                "What still lies in its folder as it was can be stored anew: run `kronkers registry rebuild`, then "
                "bring the folder in again. Restore the rest from a backup of the workspace."
            )
        return "Restore what is named here from a backup of the workspace."


@dataclass(frozen=True, slots=True)
class MappedName:
    """What lies at ``path`` in the project was written as ``name``, because the target cannot hold its own."""

    path: str
    name: str
    why: str


@dataclass(frozen=True, slots=True)
class RestoreReport:
    target: str
    files: int
    size: int
    skipped: tuple[SkippedItem, ...] = ()
    mapped: tuple[MappedName, ...] = ()
