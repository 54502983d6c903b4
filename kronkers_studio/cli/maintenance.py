"""Commands for looking after the workspace: gc, trash, registry and key."""

from __future__ import annotations

from typing import Annotated

import typer

from kronkers_studio.cli.numbers import MOST_DAYS, finite
from kronkers_studio.cli.plain_text import moment, plural, size, table
from kronkers_studio.cli.terminal import Terminal, command, with_key
from kronkers_studio.domain.maintenance import CleanUpReport, RebuildReport
from kronkers_studio.domain.references import parse_model_version
from kronkers_studio.workflows.opening import Key

_MOST_LINES = 50


def add_commands(app: typer.Typer) -> None:
    command(app, "gc")(gc)
    trash = typer.Typer(help="Remove projects, branches and model versions, and bring them back.", no_args_is_help=True)
    app.add_typer(trash, name="trash")
    command(trash, "list")(trash_list)
    command(trash, "project")(trash_project)
    command(trash, "branch")(trash_branch)
    command(trash, "model")(trash_model)
    command(trash, "restore")(trash_restore)
    command(trash, "empty")(trash_empty)
    registry = typer.Typer(help="Mend the workspace.", no_args_is_help=True)
    app.add_typer(registry, name="registry")
    command(registry, "rebuild")(registry_rebuild)


def gc(
    terminal: Terminal,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would be freed, and why.")] = False,
    grace_days: Annotated[
        float,
        typer.Option(
            "--grace-days",
            min=0,
            max=MOST_DAYS,
            callback=finite,
            help="Keep what is younger, and what was in use so recently.",
        ),
    ] = 14.0,
) -> None:
    """Free the space of what no version needs any more."""
    from kronkers_studio.workflows.maintenance import clean_up

    with terminal.session() as session:
        with terminal.progress() as progress:
            report = clean_up(
                session, dry_run=dry_run, grace_days=grace_days, progress=progress, cancel=terminal.cancel
            )
        terminal.result(report, *_clean_up_lines(report))


def trash_list(terminal: Terminal) -> None:
    """List what can be brought back."""
    from kronkers_studio.workflows.trash import list_trash

    with terminal.session() as session:
        items = list_trash(session)
        rows = [[item.id, item.label, moment(item.removed), item.author] for item in items]
        terminal.result(items, *table(["Id", "What", "Removed", "Who"], rows))


def trash_project(terminal: Terminal, project: Annotated[str, typer.Argument(help="The project.")]) -> None:
    """Put a project into the trash."""
    from kronkers_studio.workflows.trash import remove_project

    with terminal.session() as session:
        item = remove_project(session, project)
        terminal.result(item, f"{item.label} is in the trash; `kronkers trash restore {item.id}` brings it back.")


def trash_branch(
    terminal: Terminal,
    project: Annotated[str, typer.Argument(help="The project.")],
    branch: Annotated[str, typer.Argument(help="The branch.")],
) -> None:
    """Put a branch into the trash."""
    from kronkers_studio.workflows.trash import remove_branch

    with terminal.session() as session:
        item = remove_branch(session, project, branch)
        terminal.result(item, f"{item.label} is in the trash; `kronkers trash restore {item.id}` brings it back.")


def trash_model(
    terminal: Terminal, model: Annotated[str, typer.Argument(metavar="NAME:V", help="The model version.")]
) -> None:
    """Put a model version into the trash, with its packages and past releases."""
    from kronkers_studio.workflows.trash import remove_model_version

    name, version = parse_model_version(model)
    with terminal.session() as session:
        item = remove_model_version(session, name, version)
        terminal.result(item, f"{item.label} is in the trash; `kronkers trash restore {item.id}` brings it back.")


def trash_restore(terminal: Terminal, id: Annotated[str, typer.Argument(metavar="ID", help="As listed.")]) -> None:
    """Bring something back from the trash."""
    from kronkers_studio.workflows.trash import restore_from_trash

    with terminal.session() as session:
        item = restore_from_trash(session, id)
        terminal.result(item, f"{item.label} is back.")


def trash_empty(
    terminal: Terminal,
    ids: Annotated[list[str] | None, typer.Argument(metavar="[ID]...", help="Only these.")] = None,
    older_than_days: Annotated[
        float,
        typer.Option(
            "--older-than-days", min=0, max=MOST_DAYS, callback=finite, help="Only what was removed so long ago."
        ),
    ] = 0.0,
) -> None:
    """Give up what lies in the trash; `kronkers gc` then frees its space after the grace period."""
    from kronkers_studio.workflows.trash import empty_trash

    with terminal.session() as session:
        gone = empty_trash(session, ids or (), older_than_days=older_than_days)
        terminal.result(gone, f"{plural(len(gone), 'item')} given up", *[f"  {item.label}" for item in gone])


def registry_rebuild(
    terminal: Terminal,
    accept_loss: Annotated[
        bool, typer.Option("--accept-loss", help="Give up the changes after lost entries of the journal.")
    ] = False,
) -> None:
    """Make the metadata database again, from the packs and the journal's files alone."""
    from kronkers_studio.workflows.maintenance import rebuild_registry

    def run(key: Key) -> RebuildReport:
        with terminal.progress() as progress:
            return rebuild_registry(
                terminal.workspace, **key, accept_loss=accept_loss, progress=progress, cancel=terminal.cancel
            )

    report = with_key(run)
    aside = [f"What was left of the old database lies in {report.set_aside}."] if report.set_aside else []
    terminal.result(
        report,
        f"{plural(report.packs, 'pack')}, {plural(report.objects, 'object')} ({size(report.bytes_read)}) and "
        f"{plural(report.journal_entries, 'change')} read; the database is made again.",
        *aside,
        *[f"  {problem}" for problem in report.problems],
    )
    if report.problems:
        terminal.incomplete()


def _clean_up_lines(report: CleanUpReport) -> list[str]:
    would = "would be " if report.dry_run else ""
    unused = report.objects - report.used_objects
    lines = [
        f"{size(report.freed)} {would}freed: {plural(report.freed_objects, 'object')} of {report.objects:,}",
        f"{plural(len(report.forgotten), 'version')} that nothing leads to {would}forgotten",
    ]
    if report.kept:
        lines.append(
            f"{size(report.kept)} unused, but kept for now ({plural(unused - report.freed_objects, 'object')})"
        )
    if report.resting:
        days = f"{report.grace_days:g} day{'' if report.grace_days == 1 else 's'}"
        lines.append(f"{plural(report.resting, 'version')} kept for now: in use within the last {days} (--grace-days)")
    if report.trashed:
        lines.append(f"{plural(report.trashed, 'item')} kept in the trash; `kronkers trash empty` gives them up")
    shown = report.packs[:_MOST_LINES]
    if shown:
        rows = [[f"{pack.pack:08d}", size(pack.size), size(pack.unused), pack.decision] for pack in shown]
        lines += ["", *table(["Pack", "Size", "Unused", "What becomes of it"], rows)]
    if len(report.packs) > len(shown):
        lines.append(f"… and {len(report.packs) - len(shown):,} packs more; --json lists all.")
    return lines
