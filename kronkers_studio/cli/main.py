"""The root command."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Annotated

import typer
from typer.exceptions import TyperException

from kronkers_studio import __version__
from kronkers_studio.cli.json_output import json_text
from kronkers_studio.cli.streams import give_up_output, print_in_utf8, print_note, print_result
from kronkers_studio.cli.terminal import EXIT_CANCELLED, Terminal, command, error_document
from kronkers_studio.domain.errors import OutputUnwritable

if TYPE_CHECKING:
    from kronkers_studio.workflows.demo import RenderMonitor


GROUPS = {
    "content": ("init", "projects", "log", "show", "ls", "restore", "check"),
    "files": ("read", "save"),
    "migrating": ("migrate", "status", "folder"),
    "versions": ("diff", "branch", "merge", "tag"),
    "working_copies": ("checkout", "checkouts", "commit", "update", "open"),
    "new_projects": ("new",),
    "tables": ("table",),
    "maintenance": ("gc", "trash", "registry"),
    "keys": ("key",),
    "models": ("model", "package", "verify", "search"),
    "image_registries": ("image-registry",),
    "package_cache": ("cache",),
    "language_bases": ("base",),
    "servers": ("server",),
    "gateways": ("gateway", "consumer"),
    "releases": ("release", "releases", "rollback", "stop", "start", "autostart", "predict", "address"),
    "live_metrics": ("metrics",),
    "recorded_rows": ("rows",),
    "diagnostics": ("diagnostics", "logs"),
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


def run(app: typer.Typer, arguments: Sequence[str]) -> int:
    """Run the command that ``arguments`` (without the program's name) say; gives the exit code.

    How a command was used wrongly is said like other failures: with --json as the one document on standard output.
    """
    out = sys.stdout
    try:
        code = app(arguments, prog_name="kronkers", standalone_mode=False)
        sys.stdout.flush()
    except TyperException as problem:
        if "--json" in arguments:
            print_in_utf8()
            try:
                print_result(json_text(error_document("UsageError", problem.format_message(), _help_of(problem))))
            except (OutputUnwritable, BrokenPipeError):
                problem.show()  # type: ignore[attr-defined]
        else:
            problem.show()  # type: ignore[attr-defined]  # each that Typer raises has it
        return problem.exit_code
    except typer.Abort:
        print_note("Cancelled.")
        return EXIT_CANCELLED
    except SystemExit:  # Typer's own way of ending when nobody reads the help, as with `--help | head -1`
        if sys.stdout is out:
            raise
        give_up_output()
        return 0
    except BrokenPipeError:
        give_up_output()
        return 0
    except OSError as error:  # help, or a version, that cannot be printed
        give_up_output()
        print_note(f"This cannot be written: {error.strerror or error}.")
        return 1
    return int(code or 0)


def _help_of(problem: TyperException) -> str:
    context = getattr(problem, "ctx", None)
    return f"`{context.command_path} --help` shows how it is used." if context is not None else ""


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
