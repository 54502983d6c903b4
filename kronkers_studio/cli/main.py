"""The root command."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Annotated

import typer

from kronkers_studio import __version__
from kronkers_studio.cli.terminal import Terminal, command

if TYPE_CHECKING:
    from kronkers_studio.workflows.demo import RenderMonitor


GROUPS = {
    "content": ("init", "projects", "log", "show", "ls", "restore", "check"),
    "migrating": ("migrate", "status"),
    "versions": ("diff", "branch", "merge", "tag"),
    "care": ("gc", "trash", "registry", "key"),
    "models": ("model", "package", "search"),
    "servers": ("server",),
    "releases": ("release", "releases", "rollback", "stop", "predict", "metrics"),
}
"""The modules of this room that hold commands, in the order in which help lists them, and their first words."""


def build(render_monitor: RenderMonitor, first_word: str = "") -> typer.Typer:
    """The command line: all of it, or no more than ``first_word`` needs when that is a command.

    Loading all commands takes longer than many of them run. ``render_monitor`` draws the window's Monitor page, which
    this room does not know.
    """
    app = typer.Typer(
        name="kronkers",
        help="From a OneDrive folder to a monitored model service on your own servers.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )
    app.callback()(_root)

    def demo(terminal: Terminal) -> None:
        """Do the main job on the bundled sample, without a screen, a server or Docker."""
        from kronkers_studio.workflows.demo import run_demo

        say = terminal.note if terminal.as_json else print
        report = run_demo(render_monitor, say=say, cancel=terminal.cancel)
        terminal.result(report)

    command(app, "demo")(demo)
    wanted = [group for group, words in GROUPS.items() if first_word in words]
    for group in wanted or GROUPS:
        import_module(f"kronkers_studio.cli.{group}").add_commands(app)
    return app


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"kronkers {__version__}")
        raise typer.Exit()


def _root(
    version: Annotated[
        bool, typer.Option("--version", help="Show the version and leave.", is_eager=True, callback=_print_version)
    ] = False,
) -> None:
    """What stands before the command."""
