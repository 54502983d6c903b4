"""Commands for those who help: diagnostics, and what model services log."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kronkers_studio.cli.plain_text import size, table
from kronkers_studio.cli.releases import ModelName, PlaceOption
from kronkers_studio.cli.terminal import Terminal, command
from kronkers_studio.domain.errors import StudioError
from kronkers_studio.settings.paths import from_home

if TYPE_CHECKING:
    from kronkers_studio.workflows.diagnostics import Part


def add_commands(app: typer.Typer) -> None:
    command(app, "diagnostics")(diagnostics)
    command(app, "logs")(logs)


def diagnostics(
    terminal: Terminal,
    file: Annotated[Path, typer.Argument(metavar="FILE.zip", help="The file to write.")],
    names: Annotated[
        bool, typer.Option("--names", help="With names of files, models, servers and people as they are.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only list what would be in it.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a file that is there.")] = False,
) -> None:
    """Write what whoever helps needs to know into a zip file: versions, settings, the log, figures. No secrets, and
    nothing is sent."""
    from kronkers_studio.workflows.diagnostics import write_diagnostics

    parts = _collected(terminal, names=names)
    rows = [[part.name, size(len(part.text.encode("utf-8"))), part.about] for part in parts]
    listed = table(["", "Size", "What it is"], rows)
    written = None if dry_run else write_diagnostics(parts, from_home(file), overwrite=overwrite)
    contents = [{"name": part.name, "bytes": len(part.text.encode("utf-8")), "about": part.about} for part in parts]
    document = {"file": None if written is None else os.fspath(written), "names": names, "contents": contents}
    end = f"Written to {written}. Look into it before you hand it on." if written else "Nothing was written."
    terminal.result(document, *listed, end)


def logs(terminal: Terminal, model: ModelName, place: PlaceOption) -> None:
    """Show what the service of a model logged last, oldest first."""
    from kronkers_studio.settings.logs import parse_line
    from kronkers_studio.workflows.service_logs import service_log

    with terminal.session() as session:
        lines = service_log(session, model, place)
        parsed = [parse_line(line) for line in lines]
        document = [{"at": each.at, "level": each.level, "text": each.text, "more": each.more} for each in parsed]
        texts = [
            " ".join(filter(None, (each.at.isoformat(" ", "seconds") if each.at else "", each.level, each.text)))
            for each in parsed
        ]
        terminal.result(document, *texts)


def _collected(terminal: Terminal, *, names: bool) -> list[Part]:
    """With the figures of the workspace where it opens; help may be wanted because it does not."""
    from kronkers_studio.settings.configuration import load_settings
    from kronkers_studio.workflows.diagnostics import collect_diagnostics

    settings = load_settings()
    try:
        with terminal.session() as session:
            return collect_diagnostics(settings, session, names=names)
    except StudioError as problem:
        terminal.note(f"{problem.message} The diagnostics are without its figures.")
        return collect_diagnostics(settings, why_closed=f"{type(problem).__name__}: {problem.message}", names=names)
