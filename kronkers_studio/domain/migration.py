"""What a folder holds and what will become of each thing in it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from kronkers_studio.domain.content import DEFAULT_BRANCH, Commit, SkippedItem
from kronkers_studio.domain.printable import printable


class FileKind(StrEnum):
    MODEL = "model"
    DATA = "data"
    CODE = "code"
    NOTEBOOK = "notebook"
    DOCUMENT = "document"
    IMAGE = "image"
    ARCHIVE = "archive"
    OTHER = "other"


class Decision(StrEnum):
    """What will be done with a found item: kept, kept but worth a look, or left out."""

    KEEP = "keep"
    DECIDE = "decide"
    LEAVE_OUT = "leave-out"


class OnlineOnly(StrEnum):
    """What becomes of Files On-Demand placeholders, whose content is in the cloud."""

    SKIP = "skip"  # they are listed and never opened
    FETCH = "fetch"  # they are read, which downloads them


@dataclass(frozen=True, slots=True)
class MigrationOptions:
    """How a folder is brought in. ``include`` and ``exclude`` are patterns as in a .gitignore file, in any case.

    What matches an ``exclude`` pattern is left out (a later pattern with ``!`` takes it back), and when there are
    ``include`` patterns, so is what matches none of them. With ``fold_conflicts`` conflict copies become earlier
    versions of the file they are copies of.
    """

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    online_only: OnlineOnly = OnlineOnly.SKIP
    fold_conflicts: bool = False


@dataclass(frozen=True, slots=True)
class MigrationSource:
    """A folder that is brought into a project, below the project's folder ``into`` ("" = at its top)."""

    folder: str
    into: str = ""
    options: MigrationOptions = MigrationOptions()


@dataclass(frozen=True, slots=True)
class RuleHits:
    """What an include or exclude pattern hits: ``files`` of ``size`` bytes, and whole ``folders`` not looked into.

    ``examples`` are the first few paths.
    """

    pattern: str
    includes: bool
    files: int = 0
    size: int = 0
    folders: int = 0
    examples: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PlannedItem:
    """One found file, as the plan shows it. ``description`` is a sentence such as "Model, scikit-learn 1.9.1"."""

    path: str
    kind: FileKind
    description: str
    size: int
    mtime_ns: int
    decision: Decision
    why: str = ""
    unchanged: bool = False  # as it is in the branch's last commit
    reread: bool = False  # it seems unchanged, and is read once more to be sure: nothing new to store is expected
    stored: bool = False  # its bytes are in the store, though the branch's last commit has not got it so
    conflict_of: str = ""  # the path of which this is a conflict copy
    differences: str = ""  # of a conflict copy: what differs from the original, such as "112 rows differ"
    online_only: bool = False  # its content is in the cloud: storing it would download it
    duplicate_of: str = ""  # the path of another kept file with the same bytes
    renamed_from: str = ""  # it is the stored file that lay here before: its bytes need not be read again

    @property
    def brings_bytes(self) -> bool:
        """Whether its bytes are new to the project as far as can be told."""
        return not (self.unchanged or self.stored or self.duplicate_of or self.renamed_from)


@dataclass(frozen=True, slots=True)
class ConflictGroup:
    """A file and the conflict copies of it."""

    original: PlannedItem
    copies: tuple[PlannedItem, ...]


@dataclass(frozen=True, slots=True)
class Undone:
    """What a branch got from elsewhere (a merge, another folder) since it was last made as the folder is, and would
    lose by being made so again. Files and links are counted; ``examples`` are the first few paths.
    """

    head: str  # the commit that has it
    base: str  # the commit that the folder was last brought in as
    removed: int = 0  # not in the folder: they would be taken out
    replaced: int = 0  # otherwise in the folder: they would become as they are there
    returned: int = 0  # taken out of the branch and still in the folder: they would come back
    examples: tuple[str, ...] = ()

    @property
    def count(self) -> int:
        return self.removed + self.replaced + self.returned

    @property
    def summary(self) -> str:
        """Such as ``2 files are not in the folder; 1 file is otherwise there (a.csv, b.csv …)``."""
        parts = [
            f"{files:,} {'file is' if files == 1 else 'files are'} {what}"
            for files, what in (
                (self.removed, "not in the folder"),
                (self.replaced, "otherwise in the folder"),
                (self.returned, "still in the folder, though taken out"),
            )
            if files
        ]
        more = " …" if self.count > len(self.examples) else ""
        return f"{'; '.join(parts)} ({', '.join(map(printable, self.examples))}{more})"


@dataclass(frozen=True, slots=True)
class MigrationPlan:
    """Everything found in ``folder``; nothing has been copied yet."""

    folder: str
    project: str
    items: tuple[PlannedItem, ...]
    skipped: tuple[SkippedItem, ...] = ()
    options: MigrationOptions = MigrationOptions()
    into: str = ""  # the project's folder below which all of it will lie
    rules: tuple[RuleHits, ...] = ()
    duplicates_complete: bool = True  # False when there was too much to compare
    branch: str = DEFAULT_BRANCH
    gone: tuple[str, ...] = ()  # files and links of the branch's last commit that are not in the folder any more
    undone: Undone | None = None

    @property
    def kept(self) -> tuple[PlannedItem, ...]:
        """What will be stored: neither left out nor skipped (such as online-only files that wait for a decision)."""
        skipped = {item.path for item in self.skipped}
        return tuple(
            item for item in self.items if item.decision is not Decision.LEAVE_OUT and item.path not in skipped
        )

    @property
    def size(self) -> int:
        """Bytes of all items that will be kept."""
        return sum(item.size for item in self.kept)

    @property
    def fresh(self) -> tuple[PlannedItem, ...]:
        """What will be stored and is not in the project as it is."""
        return tuple(item for item in self.kept if not item.unchanged)

    @property
    def new_size(self) -> int:
        """Bytes that are new to the project; of files with the same bytes only one counts, what is stored does not."""
        return sum(item.size for item in self.fresh if item.brings_bytes)

    @property
    def reread(self) -> tuple[PlannedItem, ...]:
        """What seems unchanged and will be read once more to be sure."""
        return tuple(item for item in self.kept if item.reread)

    @property
    def duplicates(self) -> tuple[PlannedItem, ...]:
        """Kept files that have the same bytes as another kept file."""
        return tuple(item for item in self.kept if item.duplicate_of)

    @property
    def online_only(self) -> tuple[PlannedItem, ...]:
        """Placeholders: storing them would download the sum of their sizes."""
        return tuple(item for item in self.items if item.online_only)

    @property
    def conflicts(self) -> tuple[ConflictGroup, ...]:
        """The conflict copies, grouped with the file they are copies of."""
        copies: dict[str, list[PlannedItem]] = {}
        for item in self.items:
            if item.conflict_of:
                copies.setdefault(item.conflict_of, []).append(item)
        originals = {item.path: item for item in self.items if item.path in copies}
        return tuple(ConflictGroup(originals[path], tuple(each)) for path, each in copies.items() if path in originals)

    def of_kind(self, kind: FileKind) -> tuple[PlannedItem, ...]:
        return tuple(item for item in self.items if item.kind is kind)


@dataclass(frozen=True, slots=True)
class FolderStatus:
    """How a folder stands to a branch. ``fresh`` would be brought in; of it, ``renamed`` lay elsewhere
    before and does not any more. The rest is as in ``MigrationPlan``; what is ``unchanged`` is only counted.
    """

    folder: str
    project: str
    branch: str
    unchanged: int
    fresh: tuple[PlannedItem, ...] = ()
    renamed: tuple[PlannedItem, ...] = ()
    gone: tuple[str, ...] = ()
    skipped: tuple[SkippedItem, ...] = ()
    undone: Undone | None = None


@dataclass(frozen=True, slots=True)
class Rename:
    """A file that lies elsewhere than in the last version. ``read`` is False when the file system proved it."""

    old: str
    new: str
    read: bool = False


@dataclass(frozen=True, slots=True)
class FoldedVersion:
    """The file ``source`` of the folder, as which ``path`` was a version of its own in ``commit``."""

    path: str
    source: str
    mtime_ns: int
    commit: str


@dataclass(frozen=True, slots=True)
class MigrationResult:
    """``commit`` is the branch's head after the run; ``changed`` says whether the run made it."""

    project: str
    branch: str
    commit: Commit
    changed: bool
    files: int
    read_files: int  # files whose bytes had to be read
    read_bytes: int
    new_bytes: int  # bytes added to the store
    seconds: float
    skipped: tuple[SkippedItem, ...] = ()
    renamed: tuple[Rename, ...] = ()
    folded: tuple[FoldedVersion, ...] = ()  # conflict copies that became versions, oldest first
    undone: Undone | None = None  # what others had brought and is no longer so, as was asked for
    unmatched: tuple[str, ...] = ()  # patterns of what to include that nothing matches: mistyped, perhaps
    before: str = ""  # the branch's head before the run; "" when there was none
    found: int = 0  # files, links and what was left out in the folders; 0 where nothing had to be looked through
    as_versions: int = 0  # conflict copies of those that are in the history as versions of another file

    @property
    def kept(self) -> int:
        """How many of those ``found`` are in the version under their own names."""
        return max(0, self.found - self.as_versions - len(self.skipped))

    @property
    def incomplete(self) -> bool:
        """True when something was skipped that the user would have wanted kept (exit code 4)."""
        return any(not item.reason.expected for item in self.skipped)


class WatchStatus(StrEnum):
    WATCHING = "watching"  # nothing to do
    SETTLING = "settling"  # something changed, and is left to come to rest
    SYNCING = "syncing"
    AWAY = "away"  # a folder is not there; it is waited for
    BUSY = "busy"  # another process is writing to the workspace; tried again soon


class WatchReason(StrEnum):
    """Why a watch looks at its folders."""

    NONE = ""  # it does not
    START = "start"
    CHANGED = "changed"
    OVERFLOW = "overflow"  # so much changed at once that the system lost count of what
    RETURNED = "returned"  # a folder that was away
    AGAIN = "again"  # what was left out the last time, because it was being written to
    TIMER = "timer"


@dataclass(frozen=True, slots=True)
class WatchState:
    """What a watch is doing. ``away`` are the folders waited for.

    ``limited`` says why, and what the remedy is, when the system does not tell of changes: they are then looked for
    every now and then instead.
    """

    status: WatchStatus
    reason: WatchReason = WatchReason.NONE  # why it syncs
    away: tuple[str, ...] = ()
    limited: str = ""
