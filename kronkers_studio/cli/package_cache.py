"""Commands for the cache that packages are built from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from kronkers_studio.cli.plain_text import plural, size, table
from kronkers_studio.cli.terminal import Terminal, command


def add_commands(app: typer.Typer) -> None:
    cache = typer.Typer(help="Base images, libraries and layers that packages are built from.", no_args_is_help=True)
    app.add_typer(cache, name="cache")
    command(cache, "list")(cache_list)
    command(cache, "export")(cache_export)
    command(cache, "import")(cache_import)


def cache_list(terminal: Terminal) -> None:
    """List what is in the cache. Libraries marked as known are downloaded by an export."""
    from kronkers_studio.workflows.package_cache import list_cached

    found = list_cached()
    rows = [[each.kind, size(each.size), each.name, "" if each.present else "known"] for each in found]
    terminal.result(found, *table(["What", "Size", "", ""], rows))


def cache_export(
    terminal: Terminal,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The archive to write.")],
    without_wheels: Annotated[
        bool, typer.Option("--without-wheels", help="Leave out the libraries' own files: nothing is downloaded then.")
    ] = False,
) -> None:
    """Write the cache to a file, for a computer without a network."""
    from kronkers_studio.workflows.package_cache import export_cached

    with terminal.progress() as progress:
        done = export_cached(file, wheels=not without_wheels, progress=progress, cancel=terminal.cancel)
    terminal.result(done, f"{plural(done.parts, 'part')}, {size(done.size)} written to {done.file}", done.digest)


def cache_import(
    terminal: Terminal,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What `kronkers cache export` wrote.")],
) -> None:
    """Take in what another computer exported. Only from somebody you trust: services run on what is in it."""
    from kronkers_studio.workflows.package_cache import import_cached

    with terminal.progress() as progress:
        done = import_cached(file, progress=progress, cancel=terminal.cancel)
    terminal.result(
        done, f"{plural(done.parts, 'part')}, {size(done.size)} verified; {done.new} were not here before", done.digest
    )
