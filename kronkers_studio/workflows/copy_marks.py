"""What is remembered of working copies: the mark in each folder, the list of those seen, and who is at work there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from kronkers_studio.domain.errors import StorageFull, WorkspaceBusy, WorkspaceReadOnly
from kronkers_studio.domain.naming import MARK_FOLDER
from kronkers_studio.domain.working_copies import WorkingCopy
from kronkers_studio.workflows.session import Session

if TYPE_CHECKING:
    from kronkers_studio.migration.known_working_copies import KnownWorkingCopies
    from kronkers_studio.migration.working_copy_mark import Marks


def marks(session: Session) -> Marks:
    """The marks of this workspace's working copies."""
    from kronkers_studio.migration.working_copy_mark import Marks

    return Marks(session.workspace.working_copy_key, session.workspace.id)


def known(session: Session) -> KnownWorkingCopies:
    """The list of folders that were seen."""
    from kronkers_studio.migration.known_working_copies import KnownWorkingCopies

    return KnownWorkingCopies(session.workspace.database)


def record(session: Session, copy: WorkingCopy) -> None:
    """Write what a working copy is into its mark, and into the list."""
    from kronkers_studio.migration.working_copy_mark import Mark

    mark = Mark(copy.project, copy.branch, copy.commit, copy.absent, version_control=copy.version_control)
    marks(session).write(Path(copy.folder), mark)
    remember_place(session, copy)


def remember_place(session: Session, copy: WorkingCopy) -> None:
    """List the folder, where that can be written now: it is for people, and the mark has all."""
    try:
        known(session).remember(Path(copy.folder), copy.project, copy.branch)
    except (WorkspaceReadOnly, WorkspaceBusy, StorageFull):
        return


def working_folder(folder: Path) -> Path:
    """The working copy of whatever workspace that ``folder`` is or lies in; ``folder`` itself where there is none."""
    from kronkers_studio.migration.folder_paths import absolute_folder
    from kronkers_studio.migration.working_copy_mark import marked_folder

    folder = absolute_folder(folder)
    return marked_folder(folder) or folder


@contextmanager
def nothing_else_at_work(folder: Path) -> Iterator[None]:
    """Inside the block nothing else saves the working copy ``folder``, or brings it to another version.

    Raises ``RestoreUnderWay``.
    """
    from kronkers_studio.registry.restoring.target_lock import claimed

    place = folder / MARK_FOLDER
    with claimed(place) if place.is_dir() and not place.is_symlink() else nullcontext():
        yield
