"""Working copies: folders that hold a version's files to be worked on, and from which the next version is saved."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from kronkers_studio.domain.content import Commit, RestoreReport, SkippedItem
from kronkers_studio.domain.differences import ChangeKind, TreeDifference
from kronkers_studio.domain.errors import StudioError
from kronkers_studio.domain.migration import MigrationOptions

NEVER_SAVED = (
    ".git",
    ".hg",
    ".svn",
    ".bzr",
    ".jj",
    ".venv/",
    "__pycache__/",
    "*.pyc",
    ".ipynb_checkpoints/",
    ".pytest_cache/",
    ".mypy_cache/",
    ".ruff_cache/",
    "*.egg-info/",
    "node_modules/",
    "renv/library/",
    "renv/staging/",
    "renv/python/",
    ".Rproj.user/",
    ".Rhistory",
    ".julia/",
)
"""What editors and languages put beside the work and can make again, as in a .gitignore file."""

SAVING_OPTIONS = MigrationOptions(exclude=NEVER_SAVED)
"""How a working copy is looked through."""


_NO_CHANGES = TreeDifference()


@dataclass(frozen=True, slots=True)
class WorkingCopy:
    """The files in ``folder`` are those of version ``commit`` of ``project``, and what was made of them since.

    ``branch`` is the one that what is changed is saved on. ``absent`` are the paths of what the version has and this
    computer could not write there, or what was left out: they are not taken for removed. Folders of version control
    are left out unless ``version_control``.
    """

    folder: str
    project: str
    branch: str
    commit: str
    absent: tuple[str, ...] = ()
    version_control: bool = False


class Unready(StrEnum):
    """Why a folder that was a working copy is none now, though it is there."""

    CHECKOUT = "checkout"
    UPDATE = "update"
    """Either was stopped half way, or is under way."""
    OTHER = "other"
    """Its mark cannot be read: it is another workspace's, or was changed."""


@dataclass(frozen=True, slots=True)
class KnownWorkingCopy:
    """A folder that was a working copy when it was last seen; ``copy`` is None where it is not there now, or is
    ``unready``."""

    folder: str
    project: str
    branch: str
    copy: WorkingCopy | None = None
    unready: Unready | None = None


@dataclass(frozen=True, slots=True)
class CheckedOut:
    """A working copy that was just made, or that was there already (``report`` is None then). ``left_out`` are the
    paths of folders of version control that were not written."""

    copy: WorkingCopy
    report: RestoreReport | None = None
    remark: str = ""  # what speaks against its place
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class WorkingCopyState:
    """What differs in a working copy from its version. ``newer`` is the branch's newest version when it is another
    than that; ``skipped`` could not be looked at, or cannot be kept, and stays as it was."""

    copy: WorkingCopy
    changes: TreeDifference = _NO_CHANGES
    unchanged: int = 0
    skipped: tuple[SkippedItem, ...] = ()
    newer: Commit | None = None

    def count(self, kind: ChangeKind) -> int:
        return len(self.changes.of_kind(kind))


@dataclass(frozen=True, slots=True)
class CopyStanding:
    """How a known working copy stands: ``state``, or the ``problem`` with looking at it; neither where it is not there
    now."""

    known: KnownWorkingCopy
    state: WorkingCopyState | None = None
    problem: StudioError | None = None


@dataclass(frozen=True, slots=True)
class SavedVersion:
    """``commit`` is the version that the working copy is at now; ``changed`` says whether there was anything to save.

    ``before`` is the version that it was at, ``merged`` whether others' changes came into it.
    """

    copy: WorkingCopy
    commit: Commit
    changed: bool
    before: str = ""
    skipped: tuple[SkippedItem, ...] = ()
    merged: bool = False


@dataclass(frozen=True, slots=True)
class UpdatedCopy:
    """A working copy that was brought to the branch's newest version; the counts are of files and links."""

    copy: WorkingCopy
    commit: Commit
    written: int = 0
    removed: int = 0
    kept: int = 0  # changed here, and not by what came
    left_out: tuple[str, ...] = ()  # folders of version control that came, and were not written
    skipped: tuple[SkippedItem, ...] = ()
