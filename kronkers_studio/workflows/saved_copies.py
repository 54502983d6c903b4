"""Saving what was changed in a working copy as the version after its own, and taking that back."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from kronkers_studio.domain.content import Commit, StoredItem
from kronkers_studio.domain.errors import ContentCleanedUp, InvalidInput, NotFound, WorkingCopyBehind
from kronkers_studio.domain.paths import lies_in
from kronkers_studio.domain.progress import NEVER, SILENT, CancelToken, Progress
from kronkers_studio.domain.working_copies import SavedVersion, WorkingCopy
from kronkers_studio.workflows.copy_marks import nothing_else_at_work, record, working_folder
from kronkers_studio.workflows.session import Session
from kronkers_studio.workflows.working_copies import working_copy_at


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
    absent = tuple(path for path in copy.absent if path not in here and any(lies_in(one, (path,)) for one in there))
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
