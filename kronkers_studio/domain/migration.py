"""What a folder holds and what will become of each thing in it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from kronkers_studio.domain.content import Commit, SkippedItem


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
    unchanged: bool = False  # as it is in the project's last commit
    conflict_of: str = ""  # the path of which this is a conflict copy


@dataclass(frozen=True, slots=True)
class MigrationPlan:
    """Everything found in ``folder``; nothing has been copied yet."""

    folder: str
    project: str
    items: tuple[PlannedItem, ...]
    skipped: tuple[SkippedItem, ...] = ()

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

    def of_kind(self, kind: FileKind) -> tuple[PlannedItem, ...]:
        return tuple(item for item in self.items if item.kind is kind)


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

    @property
    def incomplete(self) -> bool:
        """True when something was skipped that the user would have wanted kept (exit code 4)."""
        return any(not item.reason.expected for item in self.skipped)
