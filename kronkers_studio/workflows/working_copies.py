"""Working copies: a version's files in a folder, to be worked on in any program.

``saved_copies`` makes a version of what was changed; ``update_copies`` brings a working copy to a newer version, and
puts together what others changed meanwhile.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from kronkers_studio.domain.content import DEFAULT_BRANCH, Commit
from kronkers_studio.domain.errors import (
    InvalidInput,
    NotAWorkingCopy,
    NotFound,
    SourceUnavailable,
    StoreDamaged,
)
from kronkers_studio.domain.naming import MARK_FOLDER, folded
from kronkers_studio.domain.printable import printable
from kronkers_studio.domain.progress import NEVER, SILENT, CancelToken, Progress
from kronkers_studio.domain.working_copies import (
    CheckedOut,
    CopyStanding,
    KnownWorkingCopy,
    Unready,
    WorkingCopy,
    WorkingCopyState,
)
from kronkers_studio.workflows.copy_marks import (
    known,
    marks,
    record,
    remember_place,
    working_folder,
)
from kronkers_studio.workflows.copy_places import place_remark, refuse_unsuitable, unused_folder
from kronkers_studio.workflows.session import Session
from kronkers_studio.workflows.version_control_folders import version_control_folders

if TYPE_CHECKING:
    from kronkers_studio.migration.working_copy_mark import Mark


def check_out(
    session: Session,
    project: str,
    ref: str = "",
    folder: Path | None = None,
    *,
    version_control: bool = False,
    progress: Progress = SILENT,
    cancel: CancelToken = NEVER,
) -> CheckedOut:
    """Write the files of a version into ``folder``, verified, and remember it as a working copy; folders of version
    control, which other programs run things of without asking, only where ``version_control`` says so.

    The folder is a new or an empty one; without one, one of the project's name where the settings say. A checkout into
    it that was stopped goes on. What is changed there is saved on the branch that ``ref`` names, else on the default
    one. Raises ``NotFound``, ``InvalidInput`` for a folder that holds other things, is a workspace or lies in a folder
    that is brought in, ``FileUnwritable``, ``StoreDamaged``, ``StorageFull`` or ``Cancelled``.
    """
    from kronkers_studio.migration.folder_paths import absolute_folder
    from kronkers_studio.migration.working_copy_mark import Mark
    from kronkers_studio.workflows.browsing import restore
    from kronkers_studio.workflows.migration.seen_files import remember_as_stored

    commit = session.workspace.content.resolve(project, ref)
    branch = ref if ref and session.workspace.head(project, ref) is not None else DEFAULT_BRANCH
    folder = absolute_folder(folder) if folder is not None else unused_folder(session, project)
    begun = _begun_in(session, folder, commit)
    refuse_unsuitable(session, folder, begun=begun is not None)
    branch = begun.branch if begun is not None else branch
    _refuse_reserved_name(session, commit)
    folder.mkdir(parents=True, exist_ok=True)
    marks(session).write(folder, Mark(project, branch, commit.id, finished=False, version_control=version_control))
    left_out = () if version_control else version_control_folders(session, project, commit.id)
    report = restore(session, project, commit.id, folder, without=left_out, progress=progress, cancel=cancel)
    absent = (*(item.path for item in report.skipped), *left_out)
    copy = WorkingCopy(str(folder), project, branch, commit.id, absent, version_control)
    remember_as_stored(session, copy)
    record(session, copy)
    return CheckedOut(copy, report, place_remark(folder), left_out)


def working_copy_at(session: Session, folder: Path) -> WorkingCopy:
    """The working copy that ``folder`` is, or lies in, wherever it was moved to.

    Raises ``NotAWorkingCopy``, also for one of another workspace or whose checkout was not finished.
    """
    from kronkers_studio.migration.working_copy_mark import marked_folder

    folder = working_folder(folder)
    place = marked_folder(folder)
    mark = marks(session).read(place) if place is not None else None
    if place is None or mark is None:
        raise NotAWorkingCopy(
            f"{printable(str(folder))} is not a working copy.",
            next_step="`kronkers checkout PROJECT` makes one; `kronkers checkouts` lists those that there are.",
        )
    if mark.holding:
        raise NotAWorkingCopy(
            f"An update of {printable(str(place))} is under way, or ended half way.",
            next_step="`kronkers update` there, when no other is at work, puts back what was set aside and goes on.",
        )
    if not mark.finished:
        raise NotAWorkingCopy(
            f"Not all of version {mark.commit[:12]} of “{mark.project}” was written into {printable(str(place))}.",
            next_step=f"Run it again: kronkers checkout {mark.project}@{mark.commit[:12]} “{place}”.",
        )
    return WorkingCopy(str(place), mark.project, mark.branch, mark.commit, mark.absent, mark.version_control)


def working_copy_state(
    session: Session, folder: Path, *, progress: Progress = SILENT, cancel: CancelToken = NEVER
) -> WorkingCopyState:
    """What was changed in a working copy since its version; nothing is stored.

    Raises ``NotAWorkingCopy``, ``SourceUnavailable``, or ``NotFound`` when its project or version is no more.
    """
    from kronkers_studio.workflows.migration.working_tree import looked_through

    copy = working_copy_at(session, folder)
    look = looked_through(session, copy, progress, cancel)
    remember_place(session, copy)
    head = session.workspace.head(copy.project, copy.branch)
    newer = head if head is not None and head.id != copy.commit else None
    unexpected = tuple(item for item in look.skipped if not item.reason.expected)
    return WorkingCopyState(copy, look.changes, look.unchanged, unexpected, newer)


def list_working_copies(session: Session) -> list[KnownWorkingCopy]:
    """The working copies that were seen on this computer, by project; those that are not there now too."""
    found = []
    for folder, project, branch in known(session).all():
        try:
            copy = working_copy_at(session, folder)
        except NotAWorkingCopy:
            found.append(KnownWorkingCopy(str(folder), project, branch, unready=_unready(session, folder)))
            continue
        if copy.folder == str(folder):
            found.append(KnownWorkingCopy(copy.folder, copy.project, copy.branch, copy))
    return found


def _unready(session: Session, folder: Path) -> Unready | None:
    """Why a folder is no working copy now; None where it, or its mark, is not there."""
    try:
        mark = marks(session).read(folder)
    except NotAWorkingCopy:
        return Unready.OTHER
    if mark is None:
        return None
    return Unready.UPDATE if mark.holding else None if mark.finished else Unready.CHECKOUT


def copies_of(session: Session, project: str, *, cancel: CancelToken = NEVER) -> list[CopyStanding]:
    """How the working copies of a project stand that were seen on this computer. Raises ``Cancelled``."""
    standing = []
    for each in list_working_copies(session):
        if each.project != project:
            continue
        if each.copy is None and each.unready is None:
            standing.append(CopyStanding(each))
            continue
        try:
            state = working_copy_state(session, Path(each.folder), cancel=cancel)
            standing.append(CopyStanding(each, state))
        except (NotAWorkingCopy, NotFound, SourceUnavailable, StoreDamaged) as problem:
            standing.append(CopyStanding(each, problem=problem))
    return standing


def forget_working_copy(session: Session, folder: Path) -> KnownWorkingCopy:
    """Let a folder be a working copy no more; its files stay. Raises ``NotAWorkingCopy`` when it never was."""
    from kronkers_studio.migration.folder_paths import absolute_folder

    folder = absolute_folder(folder)
    seen = next((each for each in known(session).all() if each.folder == folder), None)
    try:
        copy = working_copy_at(session, folder)
    except NotAWorkingCopy:
        if seen is None:
            raise
        known(session).forget(folder)
        return KnownWorkingCopy(str(folder), seen.project, seen.branch)
    known(session).forget(Path(copy.folder))
    marks(session).erase(Path(copy.folder))
    return KnownWorkingCopy(copy.folder, copy.project, copy.branch)


def _begun_in(session: Session, folder: Path, commit: Commit) -> Mark | None:
    """The mark of a working copy of that version which was begun in ``folder`` and not finished."""
    try:
        mark = marks(session).read(folder)
    except NotAWorkingCopy:
        return None
    begun = mark is not None and not mark.finished and not mark.holding
    is_it = mark is not None and begun and (mark.project, mark.commit) == (commit.project, commit.id)
    return mark if is_it else None


def _refuse_reserved_name(session: Session, commit: Commit) -> None:
    for entry in session.workspace.content.list_folder(commit.project, commit.id):
        if folded(entry.path) == MARK_FOLDER:
            raise InvalidInput(
                f"Version {commit.id[:12]} holds something called “{entry.path}”, which is what a working copy's "
                "mark is called.",
                next_step="`kronkers restore` writes its files into a folder that is no working copy.",
            )
