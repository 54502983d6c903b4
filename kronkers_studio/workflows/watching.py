"""Keep a project in step with folders, until told to stop."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from kronkers_studio.domain.content import DEFAULT_BRANCH, Commit, SkipReason
from kronkers_studio.domain.errors import BranchChanged, InvalidInput, NotFound, SourceUnavailable, WorkspaceBusy
from kronkers_studio.domain.migration import MigrationOptions, MigrationResult, WatchReason, WatchState, WatchStatus
from kronkers_studio.domain.progress import CancelToken
from kronkers_studio.migration.folder_paths import absolute_folder
from kronkers_studio.workflows.migrating import migrate_folder, migrate_folders, project_name
from kronkers_studio.workflows.migration.folder_access import never_brought_in
from kronkers_studio.workflows.session import Session

_NOT_AT_REST = (SkipReason.CHANGED_WHILE_READ, SkipReason.VANISHED)


def _nobody(_state: WatchState) -> None:
    """The default of ``on_state``."""


def _at_once(_cancel: CancelToken) -> AbstractContextManager[None]:
    """The default of ``turn``."""
    return nullcontext()


@dataclass(frozen=True, slots=True)
class BroughtIn:
    """A project with the folders it is made of, at the top of its default branch."""

    project: str
    folders: tuple[Path, ...]
    head: Commit | None


def brought_in(session: Session) -> list[BroughtIn]:
    """The projects that are made of folders."""
    from kronkers_studio.workflows.browsing import list_projects
    from kronkers_studio.workflows.migration.sources import project_sources

    found = []
    for project in list_projects(session):
        folders = tuple(Path(source.folder) for source in project_sources(session, project.name))
        if folders:
            found.append(BroughtIn(project.name, folders, project.head))
    return found


def watch_folders(
    session: Session,
    folders: Sequence[Path],
    project: str = "",
    *,
    branch: str = DEFAULT_BRANCH,
    into: str | None = None,
    options: MigrationOptions | None = None,
    replace_others: bool = False,
    settle_seconds: float = 2.0,
    on_sync: Callable[[MigrationResult], None],
    on_state: Callable[[WatchState], None] = _nobody,
    turn: Callable[[CancelToken], AbstractContextManager[None]] = _at_once,
    cancel: CancelToken,
) -> None:
    """Bring ``folders`` in now, and again whenever they have changed and then been left alone for ``settle_seconds``.

    ``on_sync`` gets each result, also when nothing had changed; ``on_state`` is told what is going on. Both are called
    in this thread. ``turn`` is entered for each run, which writes to the workspace: it may wait for others of the same
    program to have written. Ends only by raising: ``Cancelled`` when told to stop, ``NotFound`` when the project or the
    branch was removed, ``WouldUndo`` when a merge brought something that the folders have not, ``StorageFull`` and
    other failures of the workspace as they come. A folder that goes away is waited for; a workspace that somebody else
    writes to, too.
    """
    from kronkers_studio.migration.folder_watch import Watch

    if not project and len(folders) != 1:
        raise InvalidInput("Several folders need a name for their project.", next_step="Give one with --project.")
    project = project or project_name(absolute_folder(folders[0]))
    with Watch(folders, exclude=never_brought_in(session), settle_seconds=settle_seconds) as watch:

        def say(status: WatchStatus, reason: WatchReason = WatchReason.NONE) -> None:
            away = tuple(str(folder) for folder in watch.away)
            on_state(WatchState(WatchStatus.AWAY if away and not reason else status, reason, away, watch.limited))

        def sync(there: Sequence[Path]) -> MigrationResult:
            if begun:
                _require_still_there(session, project, branch)
            if len(folders) == 1:
                return migrate_folder(
                    session,
                    there[0],
                    project,
                    branch=branch,
                    into=into,
                    options=options,
                    replace_others=replace_others,
                    watching=True,
                    cancel=cancel,
                )
            return migrate_folders(
                session,
                there,
                project,
                branch=branch,
                options=options,
                replace_others=replace_others,
                watching=True,
                cancel=cancel,
            )

        begun = False
        if watch.away:
            say(WatchStatus.AWAY)
        while True:
            changes = watch.wait(
                cancel,
                on_away=lambda: say(WatchStatus.WATCHING),
                on_settling=lambda: say(WatchStatus.SETTLING),
            )
            say(WatchStatus.SYNCING, changes.reason)
            try:
                with turn(cancel):
                    result = sync(changes.folders)
            except SourceUnavailable:
                watch.check_folders()
                watch.again()
                say(WatchStatus.WATCHING)
                continue
            except (WorkspaceBusy, BranchChanged):
                watch.again()
                say(WatchStatus.BUSY)
                continue
            begun = True
            if any(item.reason in _NOT_AT_REST for item in result.skipped):
                watch.again()  # it may be at rest by then
            on_sync(result)
            say(WatchStatus.WATCHING)


def _require_still_there(session: Session, project: str, branch: str) -> None:
    """Raises ``NotFound`` when what is watched was removed: it would be made again, beside what is in the trash."""
    if session.workspace.head(project, branch) is None:
        raise NotFound(
            f"Branch “{branch}” of “{project}” was removed: the folder is no longer brought in.",
            next_step="`kronkers trash list` shows what can be brought back; then watch it again. Or bring the folder "
            "in anew, which begins a new history.",
        )
