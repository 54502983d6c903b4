"""Look at what is in the workspace, take it out again, and check it."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from pathlib import Path

from kronkers_studio.domain.content import CheckReport, Commit, Entry, Project, RestoreReport
from kronkers_studio.domain.errors import InvalidInput, NotFound
from kronkers_studio.domain.printable import printable
from kronkers_studio.domain.progress import NEVER, SILENT, CancelToken, Progress
from kronkers_studio.workflows.session import Session

_PIECE = 1 << 20


def list_projects(session: Session) -> list[Project]:
    return session.workspace.content.projects()


def show_commit(session: Session, project: str, ref: str = "") -> Commit:
    """The commit that ``ref`` names: a branch, a tag, or the first characters of a commit's id."""
    return session.workspace.content.resolve(project, ref)


def recorded_at(session: Session, commits: Iterable[str]) -> dict[str, datetime]:
    """When each of ``commits``, which are ids, was recorded; those that are not known are left out."""
    return session.workspace.content.recorded_at(commits)


def history(session: Session, project: str, ref: str = "", *, limit: int = 100, offset: int = 0) -> list[Commit]:
    """The commits behind ``ref``, newest first."""
    return session.workspace.content.history(project, ref, limit=limit, offset=offset)


def list_folder(session: Session, project: str, ref: str = "", path: str = "") -> list[Entry]:
    """The entries directly inside ``path`` at ``ref``: folders first, then files, by name."""
    return session.workspace.content.list_folder(project, ref, path)


def restore(
    session: Session,
    project: str,
    ref: str,
    target: Path,
    paths: Sequence[str] = (),
    *,
    without: Collection[str] = (),
    progress: Progress = SILENT,
    cancel: CancelToken = NEVER,
) -> RestoreReport:
    """Write ``paths`` (all when empty) as they were at ``ref`` below ``target``, verified by hash; nothing that lies at
    or below the paths ``without``.

    Raises ``InvalidInput`` when any of it would be written into a workspace.
    """
    from kronkers_studio.migration.folder_paths import absolute_folder
    from kronkers_studio.workflows.restoring_process import restoring_process

    target = absolute_folder(target)
    _refuse_workspace(session, project, ref, target, paths)
    return session.workspace.content.restore(
        project,
        ref,
        target,
        tuple(paths),
        progress=progress,
        cancel=cancel,
        elsewhere=restoring_process(),
        without=without,
    )


def save_file(
    session: Session,
    project: str,
    ref: str,
    path: str,
    file: Path,
    *,
    progress: Progress = SILENT,
    cancel: CancelToken = NEVER,
) -> int:
    """Write the file ``path`` as it was at ``ref`` as ``file``, in place of one that is there; gives its bytes.

    It is verified, and appears whole or not at all. Raises ``NotFound``, ``InvalidInput`` for a folder or a place in a
    workspace, ``FileUnwritable``, ``StoreDamaged`` or ``Cancelled``.
    """
    from kronkers_studio.domain.errors import FileUnwritable
    from kronkers_studio.migration.own_folders import OwnFolders
    from kronkers_studio.storage.files import flush_file

    entry = session.workspace.content.find(project, ref, path)
    if OwnFolders([session.directory]).in_workspace(file.parent):
        raise InvalidInput(
            f"{printable(str(file.parent))} is a workspace of Kronkers Studio.", next_step="Save it in another folder."
        )
    progress.step(f"Saving {printable(entry.name)}", entry.size, "bytes")
    draft = file.with_name(f".{secrets.token_hex(8)}.new")
    try:
        with session.workspace.content.open(entry) as content, draft.open("xb") as stream:
            while piece := content.read(_PIECE):
                cancel.check()
                stream.write(piece)
                progress.advance(len(piece))
            stream.flush()
            flush_file(stream.fileno())
        draft.replace(file)
    except OSError as error:
        raise FileUnwritable(
            f"{printable(str(file))} cannot be written: {error.strerror or error}.",
            next_step="Choose another place, or close the program that has it open.",
        ) from None
    finally:
        draft.unlink(missing_ok=True)
    return entry.size


def _refuse_workspace(session: Session, project: str, ref: str, target: Path, paths: Sequence[str]) -> None:
    from kronkers_studio.domain.paths import lies_in
    from kronkers_studio.migration.folder_paths import path_within
    from kronkers_studio.migration.own_folders import OwnFolders

    refused = OwnFolders([session.directory]).in_workspace(target)
    place = path_within(session.directory, target)
    if not refused and place:  # a folder of the project may lie where the workspace does
        within = [path for path in paths if lies_in(path, [place]) or lies_in(place, [path])]
        try:
            refused = bool(within or not paths) and bool(session.workspace.content.find(project, ref, place))
        except NotFound:
            refused = False
    if refused:
        raise InvalidInput(
            f"{printable(str(target))} is a workspace of Kronkers Studio, or files would be written into one.",
            next_step="Restore into another folder.",
        )


def check_workspace(
    session: Session, *, read_data: bool = False, progress: Progress = SILENT, cancel: CancelToken = NEVER
) -> CheckReport:
    """Check the structure, and with ``read_data`` every byte, of the store."""
    return session.workspace.content.check(read_data=read_data, progress=progress, cancel=cancel)
