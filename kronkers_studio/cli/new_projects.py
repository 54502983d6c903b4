"""The command that makes a project."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from kronkers_studio.cli.terminal import Terminal, command
from kronkers_studio.domain.new_projects import Language


def add_commands(app: typer.Typer) -> None:
    command(app, "new")(new)


def new(
    terminal: Terminal,
    language: Annotated[Language, typer.Argument(help="The language of its scripts.")],
    name: Annotated[str, typer.Argument(help="What the model, and the project's folder, is called.")],
    *,
    within: Annotated[
        str, typer.Option("--in", metavar="FOLDER", help="The folder to make it in; by default the settings' place.")
    ] = "",
    project: Annotated[str, typer.Option("--project", help="The project; by default called as the model.")] = "",
) -> None:
    """Make a small project that works: train, test, environment, settings of editors. It is tracked from the start."""
    from kronkers_studio.workflows.new_projects import new_project

    with terminal.session() as session:
        with terminal.progress() as progress:
            made = new_project(
                session,
                language,
                name,
                within=Path(within) if within else None,
                project=project,
                progress=progress,
                cancel=terminal.cancel,
            )
        if made.remark:
            terminal.note(made.remark)
        terminal.result(
            made,
            f"{made.copy.folder} is a project in {language.label}, and a working copy of {made.copy.project}",
            "Next:",
            *[f"  {step}" for step in made.steps],
        )
