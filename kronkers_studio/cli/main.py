"""The root command."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from kronkers_studio import __version__
from kronkers_studio.cli import care, content, migrating, models, releases, servers, versions
from kronkers_studio.cli.terminal import Terminal, command

if TYPE_CHECKING:
    from kronkers_studio.workflows.demo import RenderMonitor


def build(render_monitor: RenderMonitor) -> typer.Typer:
    """The whole command line. ``render_monitor`` draws the window's Monitor page, which this room does not know."""
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
    for group in (content, migrating, versions, care, models, servers, releases):
        group.add_commands(app)
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
