"""Working copies: a version's files in a folder, to be worked on in any program; what was changed becomes a version.

``update_copies`` brings a working copy to a newer version, and puts together what others changed meanwhile.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from kronkers_studio.domain.content import DEFAULT_BRANCH, Commit, StoredItem
from kronkers_studio.domain.errors import (
    ContentCleanedUp,
    InvalidInput,
    NotAWorkingCopy,
    NotFound,
    SourceUnavailable,
    StoreDamaged,
    WorkingCopyBehind,
)
from kronkers_studio.domain.naming import MARK_FOLDER, folded
from kronkers_studio.domain.printable import printable
from kronkers_studio.domain.progress import NEVER, SILENT, CancelToken, Progress
from kronkers_studio.domain.working_copies import (
    CheckedOut,
    CopyStanding,
    KnownWorkingCopy,
    SavedVersion,
    WorkingCopy,
    WorkingCopyState,
)
from kronkers_studio.workflows.copy_marks import (
    known,
    marks,
    nothing_else_at_work,
    record,
    remember_place,
    working_folder,
)
from kronkers_studio.workflows.copy_places import place_remark, refuse_unsuitable, unused_folder
from kronkers_studio.workflows.session import Session

if TYPE_CHECKING:
    from kronkers_studio.migration.working_copy_mark import Mark


def check_out(
    session: Session,
    project: str,
    ref: str = "",
    folder: Path | None = None,
    *,
    progress: Progress = SILENT,
    cancel: CancelToken = NEVER,
) -> CheckedOut:
    """Write the files of a version into ``folder``, verified, and remember it as a working copy.

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
    marks(session).write(folder, Mark(project, branch, commit.id, finished=False))
    report = restore(session, project, commit.id, folder, progress=progress, cancel=cancel)
    copy = WorkingCopy(str(folder), project, branch, commit.id, tuple(item.path for item in report.skipped))
    remember_as_stored(session, copy)
    record(session, copy)
    return CheckedOut(copy, report, place_remark(folder))


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
    return WorkingCopy(str(place), mark.project, mark.branch, mark.commit, mark.absent)


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


def save_version(
    session: Session,
    folder: Path,
    message: str = "",
    *,
    branch: str = "",
    progress: Progress = SILENT,
    cancel: CancelToken = NEVER,
) -> SavedVersion:
    """Save what was changed in a working copy as one version of its branch; nothing is saved where nothing changed.

    ``branch`` is a new branch, which begins at the copy's version and is the copy's from then on. What cannot be read
    stays in the version as it was, and is listed. Raises ``WorkingCopyBehind`` when others saved versions on the branch
    meanwhile, ``AlreadyExists``, and what ``working_copy_state`` and bringing a folder in raise.
    """
    folder = working_folder(folder)
    with nothing_else_at_work(folder):
        copy = working_copy_at(session, folder)
        if branch and branch != copy.branch:
            session.workspace.versions.create_branch(copy.project, branch, copy.commit, author=session.author)
            copy = replace(copy, branch=branch)
            record(session, copy)
        refuse_behind(session, copy)
        return save_as_next(session, copy, message, progress, cancel)


def save_as_next(
    session: Session, copy: WorkingCopy, message: str, progress: Progress, cancel: CancelToken
) -> SavedVersion:
    """Store what lies in a working copy as the version after its own, which is the project's first where it has none;
    once more when a cleaning up came between."""
    try:
        return _save(session, copy, message, progress, cancel)
    except ContentCleanedUp:
        return _save(session, copy, message, progress, cancel)


def _save(session: Session, copy: WorkingCopy, message: str, progress: Progress, cancel: CancelToken) -> SavedVersion:
    from kronkers_studio.workflows.migration.import_run import BringIn
    from kronkers_studio.workflows.migration.working_tree import Version, next_version, source_of_copy

    version = Version.of(session, copy)
    run = BringIn.of_copy(session, copy, progress, cancel)
    brought = run.store(source_of_copy(copy))
    skipped = tuple(replace(item, path=version.path_of(item.path)) for item in brought.skipped)
    items: list[StoredItem] = next_version(version, brought.stored, skipped, copy)
    unexpected = tuple(item for item in skipped if not item.reason.expected)
    commit, changed = session.workspace.content.commit(
        copy.project,
        copy.branch,
        items,
        message=message or "Changed in a working copy",
        author=session.author,
        skipped=unexpected,
        base=copy.commit,
        generation=brought.generation,
    )
    here = {version.path_of(each.item.path) for each in brought.stored}
    there = {each.item.path for each in items}
    absent = tuple(path for path in copy.absent if path in there and path not in here)
    saved = replace(copy, commit=commit.id, absent=absent)
    record(session, saved)
    return SavedVersion(saved, commit, changed, copy.commit, unexpected)


def refuse_behind(session: Session, copy: WorkingCopy) -> None:
    """Raises ``WorkingCopyBehind`` when the branch's newest version is another than the copy's, ``NotFound`` when there
    is no such branch any more."""
    head = session.workspace.head(copy.project, copy.branch)
    if head is None:
        raise NotFound(
            f"Project “{copy.project}” has no branch “{copy.branch}” any more.",
            next_step="Save it on a branch of its own, with --branch and a new name.",
        )
    if head.id != copy.commit:
        raise WorkingCopyBehind(
            f"“{copy.branch}” of “{copy.project}” is at version {head.id[:12]} by now, of which this working copy "
            "knows nothing. Nothing was changed.",
            next_step="`kronkers commit --merge` puts both together; `kronkers update` first brings in what is new; "
            "`kronkers commit --branch NAME` saves it on a branch of its own.",
        )


def list_working_copies(session: Session) -> list[KnownWorkingCopy]:
    """The working copies that were seen on this computer, by project; those that are not there now too."""
    found = []
    for folder, project, branch in known(session).all():
        try:
            copy = working_copy_at(session, folder)
        except NotAWorkingCopy:
            found.append(KnownWorkingCopy(str(folder), project, branch))
            continue
        if copy.folder == str(folder):
            found.append(KnownWorkingCopy(copy.folder, copy.project, copy.branch, copy))
    return found


def copies_of(session: Session, project: str, *, cancel: CancelToken = NEVER) -> list[CopyStanding]:
    """How the working copies of a project stand that were seen on this computer. Raises ``Cancelled``."""
    standing = []
    for each in list_working_copies(session):
        if each.project != project:
            continue
        if each.copy is None:
            standing.append(CopyStanding(each))
            continue
        try:
            state = working_copy_state(session, Path(each.folder), cancel=cancel)
            standing.append(CopyStanding(each, state))
        except (NotAWorkingCopy, NotFound, SourceUnavailable, StoreDamaged) as problem:
            standing.append(CopyStanding(each, problem=problem))
    return standing


def take_back(session: Session, saved: SavedVersion) -> Commit:
    """Make the branch again what it was before ``saved``, by one more version; the files of the working copy stay, and
    are changes again.

    Raises ``WorkingCopyBehind`` when somebody saved another version since, ``InvalidInput`` for what was put together
    with what others saved, and for a project's first version.
    """
    if saved.merged or not saved.before:
        raise InvalidInput("This version cannot be taken back.", next_step="Restore what was there before it.")
    copy = working_copy_at(session, Path(saved.copy.folder))
    refuse_behind(session, replace(copy, commit=saved.commit.id))
    before = replace(copy, commit=saved.before)
    from kronkers_studio.workflows.migration.working_tree import Version

    items = [StoredItem.of(entry) for entry in Version.of(session, before).entries.values()]
    commit, _changed = session.workspace.content.commit(
        copy.project,
        copy.branch,
        items,
        message=f"Took back “{saved.commit.message}”",
        author=session.author,
        base=saved.commit.id,
    )
    record(session, replace(copy, commit=commit.id))
    return commit


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
