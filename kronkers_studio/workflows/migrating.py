"""Bring a folder into a project: plan it, then store it as a commit."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from kronkers_studio.domain.content import DEFAULT_BRANCH, Commit, EntryKind, SourceItem, SourceProblem, StoredItem
from kronkers_studio.domain.errors import InvalidInput, UnsupportedModel
from kronkers_studio.domain.migration import Decision, FileKind, MigrationPlan, MigrationResult, PlannedItem
from kronkers_studio.domain.progress import NEVER, SILENT, CancelToken, Progress
from kronkers_studio.workflows.session import Session

if TYPE_CHECKING:
    from kronkers_studio.migration import FolderSource, KnownFile, Scan, StatCache


def suggested_folders() -> list[Path]:
    """OneDrive folders found on this computer, for the wizard."""
    from kronkers_studio.migration import find_onedrive_folders

    return find_onedrive_folders()


def plan_migration(
    session: Session,
    folder: Path,
    project: str = "",
    *,
    progress: Progress = SILENT,
    cancel: CancelToken = NEVER,
) -> MigrationPlan:
    """What lies in ``folder`` and what would become of it. Nothing is copied; the folder is only read.

    Raises ``SourceUnavailable`` when the folder cannot be listed.
    """
    folder = folder.expanduser().absolute()
    project = project or project_name(folder)
    scan = _scan(session, folder, _stat_cache(session, project, folder).load(), progress, cancel)
    return MigrationPlan(
        folder=str(folder), project=project, items=_with_model_facts(folder, scan, cancel), skipped=scan.skipped
    )


def migrate_folder(
    session: Session,
    folder: Path,
    project: str = "",
    *,
    branch: str = DEFAULT_BRANCH,
    message: str = "",
    progress: Progress = SILENT,
    cancel: CancelToken = NEVER,
) -> MigrationResult:
    """Store ``folder`` as a commit of ``project``.

    Unchanged files are recognised from the stat cache and not read again, and a folder that was not touched at all is
    only listed; a killed or cancelled run keeps what was
    acknowledged, and the next one goes on from there. What cannot be read is listed in the result and in the commit.
    """
    started = time.monotonic()
    folder = folder.expanduser().absolute()
    project = project or project_name(folder)
    cache = _stat_cache(session, project, folder)
    committed = _committed(session, folder, cache, project, branch, cancel)
    if committed is not None:
        return _nothing_changed(committed, project, branch, time.monotonic() - started)
    scan = _scan(session, folder, cache.load(), progress, cancel, plan=False)

    outcome = session.workspace.content.store_items(
        scan.items,
        _source(folder),
        progress=progress,
        cancel=cancel,
        on_durable=lambda stored: _remember(cache, stored),
    )
    skipped = (*scan.skipped, *outcome.skipped)
    commit, changed = session.workspace.content.commit(
        project,
        branch,
        outcome.stored,
        message=message or f"Brought in from {folder.name}",
        author=session.author,
        skipped=skipped,
        source=str(folder),
    )
    cache.forget_missing(item.path for item in scan.items)
    result = MigrationResult(
        project=project,
        branch=branch,
        commit=commit,
        changed=changed,
        files=commit.files,
        read_files=outcome.read_files,
        read_bytes=outcome.read_bytes,
        new_bytes=outcome.new_bytes,
        seconds=time.monotonic() - started,
        skipped=skipped,
    )
    if scan.state is not None and _is_all_there(outcome.stored, result):
        cache.remember_commit(branch, commit.id, scan.state)
    return result


def _committed(
    session: Session, folder: Path, cache: StatCache, project: str, branch: str, cancel: CancelToken
) -> Commit | None:
    """The head of ``branch`` when ``folder`` became just that and was not touched since."""
    from kronkers_studio.migration import state_of

    remembered = cache.committed(branch)
    if remembered is None:
        return None
    head = session.workspace.head(project, branch)
    if head is None or head.id != remembered.commit:
        return None
    state = state_of(folder, exclude=[session.directory], cancel=cancel)
    return head if state == remembered.state else None


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
    )


def _is_all_there(stored: Sequence[StoredItem], result: MigrationResult) -> bool:
    """Whether all that anybody would want kept is in the commit, as it was listed."""
    return not result.incomplete and all(
        each.size == each.item.size for each in stored if each.item.kind is EntryKind.FILE
    )


def project_name(folder: Path) -> str:
    """The project name proposed for a folder: its own name. Raises ``InvalidInput`` for a drive's root."""
    if not folder.name:
        raise InvalidInput(
            f"{folder} is a whole drive.", next_step="Choose a folder on it, or name the project yourself."
        )
    return folder.name


def _scan(
    session: Session,
    folder: Path,
    known: Mapping[str, KnownFile],
    progress: Progress,
    cancel: CancelToken,
    *,
    plan: bool = True,
) -> Scan:
    from kronkers_studio.migration import scan_folder

    progress.step("Looking through the folder", None, "files")
    # a workspace that lies inside the folder does not bring in itself
    return scan_folder(folder, known=known, exclude=[session.directory], plan=plan, progress=progress, cancel=cancel)


def _source(folder: Path) -> FolderSource:
    from kronkers_studio.migration import FolderSource

    return FolderSource(folder)


def _stat_cache(session: Session, project: str, folder: Path) -> StatCache:
    from kronkers_studio.migration import StatCache

    return StatCache(session.workspace.database, project, folder)


def _remember(cache: StatCache, stored: Sequence[StoredItem]) -> None:
    cache.remember(stored)


def _with_model_facts(folder: Path, scan: Scan, cancel: CancelToken) -> tuple[PlannedItem, ...]:
    """The planned items; a model file also says what it is exactly, and whether it can be packaged."""
    source = _source(folder)
    readable = {item.path: item for item in scan.items}
    items = []
    for planned in scan.planned:
        cancel.check()
        found = readable.get(planned.path)
        if planned.kind is FileKind.MODEL and planned.decision is not Decision.LEAVE_OUT and found is not None:
            items.append(_with_facts_of(planned, found, source))
        else:
            items.append(planned)
    return tuple(items)


def _with_facts_of(planned: PlannedItem, item: SourceItem, source: FolderSource) -> PlannedItem:
    from kronkers_studio.packaging import inspect_model

    try:
        with source.open(item) as stream:
            facts = inspect_model(planned.path.rpartition("/")[2], stream, {})
    except UnsupportedModel as reason:
        return replace(planned, why=planned.why or reason.message)
    except SourceProblem:  # it vanished or changes right now: bringing it in will say so
        return planned
    return replace(
        planned,
        description=f"Model, {facts.framework.label} {facts.framework_version}".rstrip(),
        why=planned.why or "Ready to package",
    )
