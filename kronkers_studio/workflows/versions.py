"""Branches, tags, differences between versions, the history of one file, and merging branches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from kronkers_studio.domain.content import DEFAULT_BRANCH, Branch, Commit, Tag
from kronkers_studio.domain.differences import (
    Choice,
    MergePlan,
    MergeResult,
    TableFileDifference,
    TextDifference,
    TreeDifference,
)
from kronkers_studio.domain.history import FileHistory
from kronkers_studio.domain.progress import NEVER, CancelToken
from kronkers_studio.domain.time_expressions import parse_moment
from kronkers_studio.workflows.session import Session


def list_branches(session: Session, project: str) -> list[Branch]:
    """By name, each with its newest commit."""
    return session.workspace.versions.branches(project)


def create_branch(session: Session, project: str, name: str, ref: str = "") -> Branch:
    """Make a branch that begins at ``ref``. Raises ``AlreadyExists``."""
    return session.workspace.versions.create_branch(project, name, ref, author=session.author)


def list_tags(session: Session, project: str) -> list[Tag]:
    """By name, each with its commit."""
    return session.workspace.versions.tags(project)


def set_tag(session: Session, project: str, name: str, ref: str = "", *, move: bool = False) -> Tag:
    """Give the commit ``ref`` a name. Raises ``AlreadyExists`` when it is taken, unless it is a tag to ``move``."""
    return session.workspace.versions.set_tag(project, name, ref, author=session.author, move=move)


def remove_tag(session: Session, project: str, name: str) -> Tag:
    """Take a name from its commit, which stays."""
    return session.workspace.versions.remove_tag(project, name, author=session.author)


def state_at(session: Session, project: str, moment: str, branch: str = DEFAULT_BRANCH) -> Commit:
    """The head that ``branch`` had at a moment such as "yesterday 14:05"; what it then was can be restored by its id.

    Raises ``InvalidInput`` for what is no moment, ``NotFound`` when there was no such branch then.
    """
    return session.workspace.versions.at(project, branch, parse_moment(moment, now=datetime.now(UTC)))


def diff_versions(session: Session, project: str, old: str, new: str, path: str = "") -> TreeDifference:
    """What differs between two versions of a project, or of the folder ``path`` in it."""
    return session.workspace.versions.diff(project, old, new, path)


def diff_table(
    session: Session,
    project: str,
    old: str,
    new: str,
    path: str,
    *,
    key: Sequence[str] = (),
    cancel: CancelToken = NEVER,
) -> TableFileDifference:
    """What differs between two versions of a CSV, Parquet or Excel file: rows, cells and columns.

    Rows are matched by the columns ``key``, or by some that are found. Raises ``InvalidInput``, ``TableUnreadable`` or
    ``Cancelled``.
    """
    return session.workspace.versions.diff_table(project, old, new, path, key=key, cancel=cancel)


def diff_text(session: Session, project: str, old: str, new: str, path: str) -> TextDifference | None:
    """What differs between two versions of a text file, line by line; None when it is not a text."""
    return session.workspace.versions.diff_text(project, old, new, path)


def diff_path(
    session: Session,
    project: str,
    old: str,
    new: str,
    path: str = "",
    *,
    key: Sequence[str] = (),
    cancel: CancelToken = NEVER,
) -> TreeDifference | TableFileDifference | TextDifference | None:
    """What differs between two versions of whatever is at ``path``, in the way that suits it: a folder as a tree, a
    table by rows, a text by lines; None for a file that is neither. ``key`` is for tables."""
    return session.workspace.versions.diff_path(project, old, new, path, key=key, cancel=cancel)


def file_history(
    session: Session, project: str, path: str, ref: str = "", *, limit: int = 0, cancel: CancelToken = NEVER
) -> FileHistory:
    """The versions in which the file or folder ``path`` changed, newest first, in the version ``ref`` and those before
    it; ``limit`` 0 stands for as many as are ever told. Names that it had before are followed.

    Raises ``NotFound`` when no version has it, ``StoreDamaged`` or ``Cancelled``.
    """
    from kronkers_studio.registry.versions import MOST_STATES

    most = min(limit or MOST_STATES, MOST_STATES)
    return session.workspace.versions.file_history(project, ref, path, limit=most, cancel=cancel)


def plan_merge(
    session: Session, project: str, source: str, into: str = DEFAULT_BRANCH, *, cancel: CancelToken = NEVER
) -> MergePlan:
    """What merging ``source`` (a branch or any other reference) into the branch ``into`` would do, and its conflicts.
    Nothing is changed."""
    return session.workspace.versions.merging.plan(project, source, into, cancel=cancel)


def merge_branches(
    session: Session,
    project: str,
    source: str,
    into: str = DEFAULT_BRANCH,
    *,
    choices: Mapping[str, Choice] | None = None,
    message: str = "",
    plan: MergePlan | None = None,
    cancel: CancelToken = NEVER,
) -> MergeResult:
    """Merge ``source`` into the branch ``into``, each conflict decided by ``choices`` (path to choice).

    ``plan`` is what the choices were made on: the merge is refused when a branch has moved since. Raises
    ``MergeConflicts`` with what is undecided; nothing was changed then.
    """
    return session.workspace.versions.merging.merge(
        project, source, into, choices or {}, author=session.author, message=message, expected=plan, cancel=cancel
    )
