"""The command for what a live release recorded of the rows that it was asked."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from kronkers_studio.cli.plain_text import moment, plural
from kronkers_studio.cli.terminal import Terminal, command
from kronkers_studio.domain.recording import RecordedRows
from kronkers_studio.domain.time_expressions import parse_duration
from kronkers_studio.settings.paths import from_home


def add_commands(app: typer.Typer) -> None:
    command(app, "rows")(rows)


def rows(
    terminal: Terminal,
    model: Annotated[str, typer.Argument(metavar="NAME", help="The model.")],
    place: Annotated[str, typer.Option("--in", metavar="PLACE", help="this-computer or a server's name.")],
    since: Annotated[
        str | None, typer.Option("--since", metavar="1h", help="Only the last of them: 30m, 12h, 7d; by default all.")
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", metavar="FILE", help="Save them: as .parquet, .csv or .jsonl. Without it they are counted."
        ),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Let the output replace a file.")] = False,
    remove: Annotated[
        bool, typer.Option("--remove", help="Remove them there, after they are saved; without --output at once.")
    ] = False,
) -> None:
    """Fetch the rows that a live release recorded (`kronkers release … --record-rows 5%`), with what it answered."""
    from kronkers_studio.workflows.recorded_rows import fetch_recorded_rows, remove_recorded_rows

    with terminal.session() as session:
        if remove and output is None and since is None:
            removed = remove_recorded_rows(session, model, place)
            terminal.result({"removed": removed}, f"{plural(removed, 'recorded row')} of {model} removed in {place}.")
            return
        earliest = None if since is None else datetime.now(UTC) - timedelta(seconds=parse_duration(since))
        with terminal.progress() as progress:
            fetched = fetch_recorded_rows(
                session,
                model,
                place,
                since=earliest,
                file=None if output is None else from_home(output).absolute(),
                overwrite=overwrite,
                remove=remove,
                progress=progress,
                cancel=terminal.cancel,
            )
        for note in _notes(fetched, remove=remove):
            terminal.note(note)
        terminal.result(fetched, *_lines(fetched))


def _notes(fetched: RecordedRows, *, remove: bool) -> list[str]:
    notes = [fetched.problem] if fetched.problem else []
    if fetched.unreadable:
        rows = plural(fetched.unreadable, "row")
        notes.append(f"{rows} could not be opened: they were recorded for another workspace, or changed there.")
        if remove:
            notes.append(
                "They were not removed with the others, nor was what came after them; "
                "--remove without --output removes all of it."
            )
    if fetched.guarded:
        texts = plural(fetched.guarded, "text")
        notes.append(f"An apostrophe was put before {texts} that would be a formula; Parquet keeps them as they are.")
    return notes


def _lines(fetched: RecordedRows) -> list[str]:
    if not fetched.rows:
        return [f"{fetched.model} has recorded nothing in {fetched.place} yet."]
    lines = [
        f"{plural(fetched.rows, 'row')} of {plural(fetched.requests, 'request')}, answered from "
        f"{moment(fetched.first)} to {moment(fetched.last)}"
    ]
    lines += [f"Saved in {fetched.file}"] if fetched.file else ["Save them with --output FILE.parquet"]
    if fetched.removed:
        lines.append(f"{plural(fetched.removed, 'row')} removed in {fetched.place}")
    return lines
