"""Look at what is in the workspace, take it out again, and check it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from kronkers_studio.domain.changes import JournalEntry
from kronkers_studio.domain.content import CheckReport, Commit, Entry, Project, RestoreReport
from kronkers_studio.domain.progress import NEVER, SILENT, CancelToken, Progress
from kronkers_studio.workflows.session import Session


def list_projects(session: Session) -> list[Project]:
    return session.workspace.content.projects()


def show_commit(session: Session, project: str, ref: str = "") -> Commit:
    """The commit that ``ref`` names: a branch, a tag, or the first characters of a commit's id."""
    return session.workspace.content.resolve(project, ref)


def history(session: Session, project: str, ref: str = "", *, limit: int = 100, offset: int = 0) -> list[Commit]:
    """The commits behind ``ref``, newest first."""
    return session.workspace.content.history(project, ref, limit=limit, offset=offset)


def list_folder(session: Session, project: str, ref: str = "", path: str = "") -> list[Entry]:
    """The entries directly inside ``path`` at ``ref``: folders first, then files, by name."""
    return session.workspace.content.list_folder(project, ref, path)


def read_file(session: Session, project: str, ref: str, path: str, *, limit: int | None = None) -> bytes:
    """The (first ``limit``) bytes of a file, verified."""
    content = session.workspace.content
    return content.read(content.find(project, ref, path), limit)


def restore(
    session: Session,
    project: str,
    ref: str,
    target: Path,
    paths: Sequence[str] = (),
    *,
    progress: Progress = SILENT,
    cancel: CancelToken = NEVER,
) -> RestoreReport:
    """Write ``paths`` (all when empty) as they were at ``ref`` below ``target``, verified by hash."""
    return session.workspace.content.restore(
        project, ref, target.expanduser().absolute(), tuple(paths), progress=progress, cancel=cancel
    )


def check_workspace(
    session: Session, *, read_data: bool = False, progress: Progress = SILENT, cancel: CancelToken = NEVER
) -> CheckReport:
    """Check the structure, and with ``read_data`` every byte, of the store."""
    return session.workspace.content.check(read_data=read_data, progress=progress, cancel=cancel)


def journal(session: Session, *, after: int = 0, limit: int = 1000) -> list[JournalEntry]:
    """The metadata's changes in order, from number ``after + 1``."""
    return session.workspace.ledger.entries(after=after, limit=limit)
