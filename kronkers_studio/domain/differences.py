"""What differs between two versions: of a tree, of a table, of a text. What a merge makes of two branches."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from kronkers_studio.domain.content import Commit, Entry
from kronkers_studio.domain.errors import StudioError


class ChangeKind(StrEnum):
    """What became of an entry. A file that became a folder or a link is removed and added."""

    ADDED = "added"
    REMOVED = "removed"
    MODIFIED = "modified"  # other bytes, or another target of a link
    RENAMED = "renamed"  # or moved; a folder with everything in it
    MODE = "mode"  # only the executable bit
    TOUCHED = "touched"  # only the modification time


@dataclass(frozen=True, slots=True)
class EntryChange:
    """One entry that is not the same in both trees; ``before`` is None for an added one, ``after`` for a removed one.

    ``similarity`` is the share of a renamed file's content that stayed: 1.0 when its bytes are the same.
    """

    kind: ChangeKind
    before: Entry | None
    after: Entry | None
    similarity: float = 1.0

    @property
    def path(self) -> str:
        """Where it is now, or was last."""
        entry = self.after or self.before
        return entry.path if entry else ""


@dataclass(frozen=True, slots=True)
class TreeDifference:
    """All that turns one tree into another, in the order of paths.

    Folders are listed like files: an added folder, and everything in it. A renamed folder stands for all it holds.
    """

    changes: tuple[EntryChange, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.changes)

    def of_kind(self, kind: ChangeKind) -> tuple[EntryChange, ...]:
        return tuple(change for change in self.changes if change.kind is kind)


# ---- tables ----

Cell = str | int | float | bool | None
"""A value as shown to people: times, durations, bytes and what JSON cannot hold are text."""


@dataclass(frozen=True, slots=True)
class ColumnChange:
    """A column that was added (``before`` is "") or removed (``after`` is ""), or whose type changed."""

    name: str
    before: str  # the type's name
    after: str


@dataclass(frozen=True, slots=True)
class CellChange:
    column: str
    before: Cell
    after: Cell


@dataclass(frozen=True, slots=True)
class RowChange:
    """A row that is in both tables with other cells; ``key`` holds its values in the key columns."""

    key: tuple[Cell, ...]
    cells: tuple[CellChange, ...]


@dataclass(frozen=True, slots=True)
class TableDifference:
    """What differs between two versions of one table. The counts are of everything, the samples are bounded.

    Rows are matched by the ``key`` columns. Without a key they can only be counted: a changed row is then one removed
    and one added, and the order of rows plays no part. Cells are compared in the columns that both versions have.
    """

    old_rows: int
    new_rows: int
    key: tuple[str, ...] = ()
    key_given: bool = False  # by the caller, not found
    columns: tuple[str, ...] = ()  # in both
    column_changes: tuple[ColumnChange, ...] = ()
    rows_added: int = 0
    rows_removed: int = 0
    rows_changed: int = 0
    cells_changed: Mapping[str, int] = field(default_factory=dict)  # by column, only those that changed
    sample_columns: tuple[str, ...] = ()  # of the rows in ``added`` and ``removed``: all columns of both versions
    added: tuple[tuple[Cell, ...], ...] = ()
    removed: tuple[tuple[Cell, ...], ...] = ()
    changed: tuple[RowChange, ...] = ()
    sheet: str = ""  # of a workbook

    def __bool__(self) -> bool:
        return bool(self.column_changes or self.rows_added or self.rows_removed or self.rows_changed)


@dataclass(frozen=True, slots=True)
class TableFileDifference:
    """What differs between two versions of a file with tables: one table, or the sheets of a workbook."""

    path: str
    tables: tuple[TableDifference, ...]
    sheets_added: tuple[str, ...] = ()
    sheets_removed: tuple[str, ...] = ()
    typed: bool = False  # cells have types, as in Parquet and Excel; else they are text as written

    def __bool__(self) -> bool:
        return bool(self.sheets_added or self.sheets_removed or any(self.tables))


# ---- texts ----


@dataclass(frozen=True, slots=True)
class Hunk:
    """Lines that changed, with some unchanged ones around them.

    ``lines`` begin with " " (in both), "-" (only before) or "+" (only after) and have no line ends; the line numbers
    of the first of them count from 1.
    """

    old_start: int
    new_start: int
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TextDifference:
    """What differs between two versions of a text. The counts are of everything; ``complete`` says whether the hunks
    are too, or were cut off because they are many."""

    path: str
    old_lines: int
    new_lines: int
    lines_added: int = 0
    lines_removed: int = 0
    hunks: tuple[Hunk, ...] = ()
    complete: bool = True
    notes: tuple[str, ...] = ()  # what lines do not show: another encoding, other line ends

    def __bool__(self) -> bool:
        return bool(self.hunks or self.notes or self.lines_added or self.lines_removed)


# ---- merging ----


class Choice(StrEnum):
    """How a conflict is decided: the side merged into, the side merged from, or both, the second under another name."""

    OURS = "ours"
    THEIRS = "theirs"
    BOTH = "both"


class ConflictKind(StrEnum):
    BOTH_CHANGED = "both-changed"
    BOTH_ADDED = "both-added"
    REMOVED_BY_OURS = "removed-by-ours"  # and changed by theirs
    REMOVED_BY_THEIRS = "removed-by-theirs"  # and changed by ours
    DIFFERENT_KINDS = "different-kinds"  # a folder on one side, a file or link on the other


@dataclass(frozen=True, slots=True)
class Conflict:
    """A path that both sides changed in ways that do not go together; None stands for "not there"."""

    path: str
    kind: ConflictKind
    base: Entry | None
    ours: Entry | None
    theirs: Entry | None
    detail: str = ""  # a sentence, such as which cell both sides changed


class MergedBy(StrEnum):
    """How the content of a file that both sides changed was put together."""

    ROWS = "rows"
    LINES = "lines"
    ATTRIBUTES = "attributes"  # one changed the bytes, the other the name's attributes


@dataclass(frozen=True, slots=True)
class MergedFile:
    """A file with what both sides changed in it; ``detail`` says what, for people."""

    path: str
    by: MergedBy
    detail: str = ""


@dataclass(frozen=True, slots=True)
class MergePlan:
    """What merging ``theirs`` into ``branch`` (now at ``ours``) would do. Nothing has been changed.

    ``incoming`` is what their side changed since the common ancestor. ``up_to_date`` means that there is nothing to do,
    ``fast_forward`` that the branch only has to move on.
    """

    project: str
    branch: str
    source: str  # the reference merged from, as written
    ours: Commit
    theirs: Commit
    bases: tuple[str, ...]  # the best common ancestors; several after criss-cross merges, none for unrelated histories
    incoming: TreeDifference = TreeDifference()
    merged: tuple[MergedFile, ...] = ()
    conflicts: tuple[Conflict, ...] = ()
    up_to_date: bool = False
    fast_forward: bool = False


@dataclass(frozen=True, slots=True)
class MergeResult:
    """``commit`` is the branch's head after the merge; ``changed`` says whether the merge moved the branch."""

    plan: MergePlan
    commit: Commit
    changed: bool
    kept_as: Mapping[str, str] = field(default_factory=dict)  # path: the name their version got beside ours


class MergeConflicts(StudioError):
    """A merge cannot be committed before each conflict is decided; nothing was changed."""

    def __init__(self, plan: MergePlan, undecided: tuple[Conflict, ...]) -> None:
        many = f"{len(undecided)} files" if len(undecided) != 1 else "1 file"
        super().__init__(
            f"{many} changed in both “{plan.branch}” and “{plan.source}”. Nothing was merged.",
            next_step="Decide for each of them: keep ours, theirs, or both.",
            details="\n".join(conflict.path for conflict in undecided),
        )
        self.plan = plan
        self.undecided = undecided
