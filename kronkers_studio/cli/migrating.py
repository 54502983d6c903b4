"""Commands that bring folders in."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kronkers_studio.cli.json_output import document
from kronkers_studio.cli.migration_text import plan_lines, result_lines, status_lines
from kronkers_studio.cli.numbers import finite
from kronkers_studio.cli.plain_text import table
from kronkers_studio.cli.terminal import Terminal, command
from kronkers_studio.domain.content import EntryKind
from kronkers_studio.domain.errors import Cancelled, InvalidInput
from kronkers_studio.domain.migration import (
    MigrationOptions,
    MigrationResult,
    OnlineOnly,
    WatchState,
    WatchStatus,
)

if TYPE_CHECKING:
    from kronkers_studio.workflows.session import Session

_WATCHING = {
    WatchStatus.WATCHING: "Watching.",
    WatchStatus.SYNCING: "Looking …",
    WatchStatus.BUSY: "Another program is writing to the workspace; trying again soon.",
}


def add_commands(app: typer.Typer) -> None:
    command(app, "migrate")(migrate)
    command(app, "status")(status)
    folder = typer.Typer(help="The folders that projects are brought in from.", no_args_is_help=True)
    app.add_typer(folder, name="folder")
    command(folder, "list")(list_folders)
    command(folder, "forget")(forget_folder)


def migrate(
    terminal: Terminal,
    folders: Annotated[
        list[str] | None,
        typer.Argument(
            help="The OneDrive (or any other) folders to bring in; several go into one project, each in a folder of "
            "its own. By default those that the project was made of the last time."
        ),
    ] = None,
    *,
    project: Annotated[str, typer.Option("--project", help="The project; by default the folder's name.")] = "",
    branch: Annotated[str, typer.Option("--branch", help="The branch.")] = "main",
    message: Annotated[str, typer.Option("-m", "--message", help="What changed, for the history.")] = "",
    into: Annotated[
        str | None, typer.Option("--into", help="The project's folder to put it in; the rest of the project stays.")
    ] = None,
    include: Annotated[
        list[str] | None,
        typer.Option("--include", help="Bring in only what matches, as in a .gitignore file; remembered. Repeatable."),
    ] = None,
    exclude: Annotated[
        list[str] | None, typer.Option("--exclude", help="Leave out what matches; remembered. Repeatable.")
    ] = None,
    no_rules: Annotated[bool, typer.Option("--no-rules", help="Forget the rules of --include and --exclude.")] = False,
    online_only: Annotated[
        OnlineOnly | None,
        typer.Option("--online-only", help="Skip files that are only in the cloud, or fetch them; remembered."),
    ] = None,
    fold_conflicts: Annotated[
        bool | None,
        typer.Option(
            "--fold-conflicts/--keep-conflicts",
            help="Keep the copies that OneDrive made when two people saved as older versions of their file, or as "
            "files; remembered.",
        ),
    ] = None,
    read_limit: Annotated[
        float | None,
        typer.Option(
            "--read-limit",
            metavar="MB",
            min=0,
            max=1_000_000,
            callback=finite,
            help="Read at most so many megabytes per second; 0: no limit.",
        ),
    ] = None,
    low_priority: Annotated[
        bool | None,
        typer.Option("--low-priority/--normal-priority", help="Give way to other programs; by default with --watch."),
    ] = None,
    replace: Annotated[
        bool,
        typer.Option(
            "--replace",
            help="Let the folder alone count, also where a merge or another folder brought something since it was last "
            "brought in; without it that is refused. Earlier versions keep everything.",
        ),
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would be done.")] = False,
    watch: Annotated[
        bool, typer.Option("--watch", help="Go on: bring in each change as it comes to rest, until Ctrl+C.")
    ] = False,
    settle: Annotated[
        float,
        typer.Option(
            "--settle", min=0.1, max=600.0, callback=finite, help="With --watch: seconds of rest after a change."
        ),
    ] = 2.0,
) -> None:
    """Bring folders into a project as a new version. The folders themselves are never changed."""
    if "" in (folders or ()):
        raise InvalidInput("One of the folders has no name.", next_step="Name it; . is the one you are in.")
    chosen = [Path(folder) for folder in folders or ()]
    if dry_run and watch:
        raise InvalidInput("--dry-run shows one moment, --watch goes on.", next_step="Give one of them.")
    if len(chosen) != 1 and into is not None:
        raise InvalidInput("--into places one folder.", next_step="Name the folder it is for.")
    if no_rules:
        include, exclude = include or [], exclude or []
    with terminal.session() as session:
        _set_pace(session, read_limit, low_priority)
        name = project or _proposed_name(chosen)
        options = _options(session, name, chosen, include, exclude, online_only, fold_conflicts)
        if dry_run:
            _show_plans(terminal, session, chosen, project=name, branch=branch, into=into, options=options)
        elif watch:
            _watch(
                terminal,
                session,
                chosen,
                project=name,
                branch=branch,
                into=into,
                options=options,
                replace=replace,
                settle=settle,
            )
        else:
            _bring_in(
                terminal,
                session,
                chosen,
                project=name,
                branch=branch,
                message=message,
                into=into,
                options=options,
                replace=replace,
            )


def status(
    terminal: Terminal,
    project: Annotated[str, typer.Argument(metavar="[PROJECT]", help="The project; none for a working copy.")],
    folder: Annotated[
        Path | None, typer.Argument(metavar="FOLDER", help="The folder it was brought in from, or a working copy.")
    ] = None,
    branch: Annotated[str, typer.Option("--branch", help="The branch to compare with.")] = "main",
) -> None:
    """Show what a migration would bring in now and what it would take out, or what was changed in a working copy."""
    if folder is None:
        from kronkers_studio.cli.working_copies import show_state

        show_state(terminal, project)
        return
    from kronkers_studio.workflows.migrating import folder_status
    from kronkers_studio.workflows.versions import list_branches

    with terminal.session() as session:
        list_branches(session, project)  # raises NotFound
        with terminal.progress() as progress:
            found = folder_status(session, folder, project, branch=branch, progress=progress, cancel=terminal.cancel)
        terminal.result(
            {
                "project": found.project,
                "branch": found.branch,
                "folder": found.folder,
                "new_or_changed": found.fresh,
                "gone": found.gone,
                "skipped": found.skipped,
                "undone": found.undone,
            },
            *status_lines(found),
        )


def list_folders(
    terminal: Terminal,
    project: Annotated[str, typer.Argument(help="Only this project's.")] = "",
) -> None:
    """List the folders that projects are brought in from, and where in the project each is."""
    from kronkers_studio.workflows.browsing import list_projects
    from kronkers_studio.workflows.sources import project_sources
    from kronkers_studio.workflows.versions import list_branches

    with terminal.session() as session:
        if project:
            list_branches(session, project)  # raises NotFound
        names = [project] if project else [each.name for each in list_projects(session)]
        found = [(name, source) for name in names for source in project_sources(session, name)]
        rows = [[name, source.folder, source.into or "its top"] for name, source in found]
        terminal.result(
            [{"project": name, **document(source)} for name, source in found],
            *table(["Project", "Folder", "In the project"], rows),
        )


def forget_folder(
    terminal: Terminal,
    project: Annotated[str, typer.Argument(help="The project.")],
    folder: Annotated[Path, typer.Argument(help="One of the folders it is brought in from.")],
) -> None:
    """Bring a folder into a project no more. Nothing is deleted, neither in the folder nor in the project."""
    from kronkers_studio.workflows.sources import forget_source

    with terminal.session() as session:
        source = forget_source(session, project, folder)
        terminal.result(
            {"project": project, "forgotten": source},
            f"{source.folder} is no longer brought into {project}; its versions stay",
        )


def _set_pace(session: Session, read_limit: float | None, low_priority: bool | None) -> None:
    """What is asked for goes before the settings, for this run."""
    changes: dict[str, Any] = {}
    if read_limit is not None:
        changes["read_limit"] = read_limit
    if low_priority is not None:
        changes["low_priority"] = "always" if low_priority else "never"
    if changes:
        session.settings = replace(session.settings, **changes)


def _proposed_name(folders: list[Path]) -> str:
    from kronkers_studio.workflows.migrating import project_name

    if len(folders) != 1:
        raise InvalidInput(
            "A project needs a name when it is made of several folders, or of those of the last time.",
            next_step="Give one with --project.",
        )
    return project_name(folders[0])


def _options(
    session: Session,
    project: str,
    folders: list[Path],
    include: list[str] | None,
    exclude: list[str] | None,
    online_only: OnlineOnly | None,
    fold_conflicts: bool | None,
) -> MigrationOptions | None:
    """What is asked for, beside what is remembered; None to go on as the last time."""
    if include is None and exclude is None and online_only is None and fold_conflicts is None:
        return None
    from kronkers_studio.workflows.sources import changed_options, project_sources

    first = folders[0] if folders else next((Path(each.folder) for each in project_sources(session, project)), None)
    if first is None:
        return None
    return changed_options(
        session,
        project,
        first,
        include=include,
        exclude=exclude,
        online_only=online_only,
        fold_conflicts=fold_conflicts,
    )


def _bring_in(
    terminal: Terminal,
    session: Session,
    folders: list[Path],
    *,
    project: str,
    branch: str,
    message: str,
    into: str | None,
    options: MigrationOptions | None,
    replace: bool,
) -> None:
    from kronkers_studio.workflows.migrating import migrate_folder, migrate_folders

    with terminal.progress() as progress:
        if len(folders) == 1:
            result = migrate_folder(
                session,
                folders[0],
                project,
                branch=branch,
                message=message,
                into=into,
                options=options,
                replace_others=replace,
                progress=progress,
                cancel=terminal.cancel,
            )
        else:
            result = migrate_folders(
                session,
                folders,
                project,
                branch=branch,
                message=message,
                options=options,
                replace_others=replace,
                progress=progress,
                cancel=terminal.cancel,
            )
    terminal.result(result, *result_lines(result, _changed_lines(session, result)))
    if result.incomplete:
        terminal.incomplete()


def _watch(
    terminal: Terminal,
    session: Session,
    folders: list[Path],
    *,
    project: str,
    branch: str,
    into: str | None,
    options: MigrationOptions | None,
    replace: bool,
    settle: float,
) -> None:
    from kronkers_studio.workflows.sources import project_sources
    from kronkers_studio.workflows.watching import watch_folders

    said: list[str] = []

    def say(state: WatchState) -> None:
        lines = [state.limited] if state.limited else []
        if state.status is WatchStatus.AWAY:
            lines.append("Waiting for " + ", ".join(state.away) + ", which is not there.")
        elif state.status not in (WatchStatus.SYNCING, WatchStatus.SETTLING):
            lines.append(_WATCHING[state.status])
        for line in lines:
            if line not in said:
                terminal.note(line)
        if lines:
            said[:] = lines

    def show(result: MigrationResult) -> None:
        terminal.result(result, *(result_lines(result) if result.changed else ()))

    try:
        watch_folders(
            session,
            folders or [Path(source.folder) for source in project_sources(session, project)],
            project,
            branch=branch,
            into=into,
            options=options,
            replace_others=replace,
            settle_seconds=settle,
            on_sync=show,
            on_state=say,
            cancel=terminal.cancel,
        )
    except Cancelled as end:
        raise Cancelled("No longer watching.", next_step="What had come to rest is kept.") from end


def _show_plans(
    terminal: Terminal,
    session: Session,
    folders: list[Path],
    *,
    project: str,
    branch: str,
    into: str | None,
    options: MigrationOptions | None,
) -> None:
    from kronkers_studio.workflows.migrating import plan_migration
    from kronkers_studio.workflows.sources import project_sources

    folders = folders or [Path(source.folder) for source in project_sources(session, project)]
    with terminal.progress() as progress:
        plans = [
            plan_migration(
                session,
                folder,
                project,
                branch=branch,
                into=into,
                options=options,
                progress=progress,
                cancel=terminal.cancel,
            )
            for folder in folders
        ]
    terminal.result(
        plans[0] if len(plans) == 1 else {"plans": plans}, *[line for plan in plans for line in plan_lines(plan)]
    )


def _changed_lines(session: Session, result: MigrationResult) -> list[str]:
    """How the version differs from the one before, in numbers: also what is no longer there is said."""
    from kronkers_studio.workflows.migrating import changes_of

    difference = changes_of(session, result)
    if difference is None:
        return []
    from kronkers_studio.domain.differences import ChangeKind

    counts = Counter(
        each.kind
        for each in difference.changes
        if (entry := each.after or each.before) and entry.kind is not EntryKind.FOLDER
    )
    kinds = (ChangeKind.ADDED, ChangeKind.MODIFIED, ChangeKind.RENAMED, ChangeKind.REMOVED)
    said = [f"{counts[kind]:,} {kind.value}" for kind in kinds if counts[kind]]
    which = f"; `kronkers diff` shows which, from {result.before[:12]} to {result.commit.id[:12]}"
    return [f"Since the version before: {', '.join(said)}{which}"] if said else []
