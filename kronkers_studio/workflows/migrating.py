"""Bring folders into a project: plan it, then store them as a commit."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from kronkers_studio.domain.content import DEFAULT_BRANCH, Commit, EntryKind
from kronkers_studio.domain.differences import TreeDifference
from kronkers_studio.domain.errors import InvalidInput
from kronkers_studio.domain.migration import (
    FolderStatus,
    MigrationOptions,
    MigrationPlan,
    MigrationResult,
)
from kronkers_studio.domain.progress import NEVER, SILENT, CancelToken, Progress
from kronkers_studio.migration.folder_paths import absolute_folder, same_folder
from kronkers_studio.workflows.session import Session


def suggested_folders() -> list[Path]:
    """OneDrive folders found on this computer, for the wizard."""
    from kronkers_studio.migration import find_onedrive_folders

    return find_onedrive_folders()


def plan_migration(
    session: Session,
    folder: Path,
    project: str = "",
    *,
    branch: str = DEFAULT_BRANCH,
    into: str | None = None,
    options: MigrationOptions | None = None,
    progress: Progress = SILENT,
    cancel: CancelToken = NEVER,
) -> MigrationPlan:
    """What lies in ``folder`` and what would become of it. Nothing is copied or downloaded; the folder is only read.

    What is new, changed or unchanged is so beside the head of ``branch``, of which nothing needs to be remembered.
    ``into`` and ``options`` are those of ``migrate_folder``; nothing is remembered. Raises ``SourceUnavailable`` when
    the folder cannot be listed, ``InvalidInput`` for a rule that cannot be understood.
    """
    from kronkers_studio.workflows.migration.folder_access import reader, scan_source, stat_cache
    from kronkers_studio.workflows.migration.plan_comparison import compared_with_head
    from kronkers_studio.workflows.migration.sources import source_of
    from kronkers_studio.workflows.plans import planned_items

    folder = absolute_folder(folder)
    project = project or project_name(folder)
    source = source_of(session, project, folder, into, options)
    folder = Path(source.folder)
    known = stat_cache(session, project, folder).load()
    scan = scan_source(session, source, known, progress, cancel, plan=True)
    items, complete = planned_items(scan, reader(folder), progress, cancel)
    progress.step("Comparing with the last version")
    compared = compared_with_head(
        session, source, scan, items, reader(folder), project=project, branch=branch, cancel=cancel
    )
    return MigrationPlan(
        folder=str(folder),
        project=project,
        items=compared.items,
        skipped=compared.skipped,
        options=source.options,
        into=source.into,
        rules=scan.rules,
        duplicates_complete=complete,
        branch=branch,
        gone=compared.gone,
        undone=compared.undone,
    )


def folder_status(
    session: Session,
    folder: Path,
    project: str,
    *,
    branch: str = DEFAULT_BRANCH,
    progress: Progress = SILENT,
    cancel: CancelToken = NEVER,
) -> FolderStatus:
    """How ``folder`` stands to ``branch``, as its plan says. Of a folder that was not touched since it became the
    branch's head no plan is made. Raises as ``plan_migration``."""
    folder = absolute_folder(folder)
    progress.step("Looking through the folder")
    head = _whole_project(session, folder, project, branch, cancel)
    if head is not None:
        unchanged = _count_items(session, head, cancel)
        return FolderStatus(str(folder), project, branch, unchanged, skipped=head.skipped)
    plan = plan_migration(session, folder, project, branch=branch, progress=progress, cancel=cancel)
    fresh, kept = plan.fresh, len(plan.kept)
    present = {item.path for item in plan.items}  # another name (hard link) of a file that stayed is no new name of it
    renamed = tuple(item for item in fresh if item.renamed_from and item.renamed_from not in present)
    return FolderStatus(
        plan.folder, project, branch, kept - len(fresh), fresh, renamed, plan.gone, plan.skipped, plan.undone
    )


def migrate_folder(
    session: Session,
    folder: Path,
    project: str = "",
    *,
    branch: str = DEFAULT_BRANCH,
    message: str = "",
    into: str | None = None,
    options: MigrationOptions | None = None,
    replace_others: bool = False,
    watching: bool = False,
    progress: Progress = SILENT,
    cancel: CancelToken = NEVER,
) -> MigrationResult:
    """Store ``folder`` as a commit of ``project``.

    Unchanged files are recognised from the stat cache and not read again, and a folder that was not touched at all is
    only listed; a killed or cancelled run keeps what was acknowledged, and the next one goes on from there. What cannot
    be read is listed in the result and in the commit.

    ``into`` is the project's folder to put it in ("" = its top), ``options`` say how; None means as the last time, and
    what is given is remembered. What other folders brought into the project stays. ``watching`` says that this happens
    in the background.

    The branch then is as the folder is. Where that would undo what a merge, or another folder in the same place,
    brought since the last time, it raises ``WouldUndo`` unless it may ``replace_others``; earlier versions keep all.
    """
    started = time.monotonic()
    folder = absolute_folder(folder)
    project = project or project_name(folder)
    if into is None and options is None:
        committed = _committed(session, folder, project, branch, cancel)
        if committed is not None:
            return _nothing_changed(committed, project, branch, time.monotonic() - started)
    from kronkers_studio.workflows.migration.import_run import BringIn
    from kronkers_studio.workflows.migration.sources import source_of

    source = source_of(session, project, folder, into, options)
    work = BringIn(session, project, branch, message, replace_others, watching, progress, cancel, started)
    return work.run([source])


def migrate_folders(
    session: Session,
    folders: Sequence[Path] = (),
    project: str = "",
    *,
    branch: str = DEFAULT_BRANCH,
    message: str = "",
    options: MigrationOptions | None = None,
    replace_others: bool = False,
    watching: bool = False,
    progress: Progress = SILENT,
    cancel: CancelToken = NEVER,
) -> MigrationResult:
    """Store several folders as one commit of ``project``, each in a folder of its own; which is remembered.

    Without ``folders``, those that the project was made of the last time. Raises as ``migrate_folder``, and
    ``InvalidInput`` when there are none, or one lies in another.
    """
    from kronkers_studio.workflows.migration.import_run import BringIn
    from kronkers_studio.workflows.migration.sources import project_sources, sources_of

    started = time.monotonic()
    if not project:
        raise InvalidInput("Several folders need a name for their project.", next_step="Give one with --project.")
    sources = sources_of(session, project, folders, options) if folders else project_sources(session, project)
    if not sources:
        raise InvalidInput(f"No folder is known that “{project}” was brought in from.", next_step="Name the folder.")
    if options is not None:
        sources = [replace(source, options=options) for source in sources]
    work = BringIn(session, project, branch, message, replace_others, watching, progress, cancel, started)
    return work.run(sources)


def changes_of(session: Session, result: MigrationResult) -> TreeDifference | None:
    """What a run changed in the project: beside the version before it, whatever older versions it made on the way. None
    where nothing changed, or nothing was there before."""
    if not result.changed or not result.before:
        return None
    return session.workspace.versions.diff(result.project, result.before, result.commit.id)


def project_name(folder: Path) -> str:
    """The project name proposed for a folder: its own name. Raises ``InvalidInput`` for a drive's root."""
    folder = absolute_folder(folder)
    if not folder.name:
        raise InvalidInput(
            f"{folder} is a whole drive.", next_step="Choose a folder on it, or name the project yourself."
        )
    return folder.name


def _committed(session: Session, folder: Path, project: str, branch: str, cancel: CancelToken) -> Commit | None:
    """The head of ``branch`` when ``folder`` became just that and was not touched since."""
    from kronkers_studio.migration import StatCache, is_in_state
    from kronkers_studio.workflows.migration.folder_access import never_brought_in

    remembered = StatCache(session.workspace.database, project, folder).committed(branch)
    if remembered is None:
        return None
    head = session.workspace.head(project, branch)
    if head is None or head.id != remembered.commit:
        return None
    untouched = is_in_state(folder, remembered.state, exclude=never_brought_in(session), cancel=cancel)
    return head if untouched else None


def _whole_project(session: Session, folder: Path, project: str, branch: str, cancel: CancelToken) -> Commit | None:
    """The head of ``branch`` when it holds what is in ``folder``, untouched since, and nothing else."""
    from kronkers_studio.workflows.migration.sources import project_sources

    sources = project_sources(session, project)
    if len(sources) != 1 or sources[0].into or not same_folder(Path(sources[0].folder), folder):
        return None
    return _committed(session, Path(sources[0].folder), project, branch, cancel)


def _count_items(session: Session, head: Commit, cancel: CancelToken) -> int:
    """The files, links and empty folders of a version."""
    items = 0
    for folder, below in session.workspace.content.walk_folders(head.project, head.id):
        cancel.check()
        items += sum(entry.kind is not EntryKind.FOLDER for entry in below) or (not below and bool(folder.path))
    return items


def _nothing_changed(head: Commit, project: str, branch: str, seconds: float) -> MigrationResult:
    return MigrationResult(
        project=project,
        branch=branch,
        commit=head,
        changed=False,
        files=head.files,
        read_files=0,
        read_bytes=0,
        new_bytes=0,
        seconds=seconds,
        skipped=head.skipped,
        before=head.id,
    )
