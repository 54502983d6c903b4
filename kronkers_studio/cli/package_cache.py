"""Commands for the cache that packages are built from."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kronkers_studio.cli.plain_text import plural, size, table
from kronkers_studio.cli.terminal import Terminal, command
from kronkers_studio.domain.errors import NotFound, WorkspaceError

if TYPE_CHECKING:
    from kronkers_studio.workflows.session import Session


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
    unsigned: Annotated[bool, typer.Option("--unsigned", help="Do not sign it: no workspace is needed then.")] = False,
) -> None:
    """Write the cache to a file, for a computer without a network. The workspace signs it."""
    from kronkers_studio.workflows.package_cache import export_cached

    without = "Without a workspace: --unsigned writes it; who takes it in gives --sha256 with what is printed here."
    with _session(terminal, needed=not unsigned, without=without) as session, terminal.progress() as progress:
        done = export_cached(session, file, wheels=not without_wheels, progress=progress, cancel=terminal.cancel)
    terminal.result(done, f"{plural(done.parts, 'part')}, {size(done.size)} written to {done.file}", done.digest)


def cache_import(
    terminal: Terminal,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What `kronkers cache export` wrote.")],
    sha256: Annotated[
        str, typer.Option("--sha256", help="What the export printed: this very file is taken, whoever signed it.")
    ] = "",
) -> None:
    """Take in what another computer exported, signed by this workspace or by somebody whom `kronkers key trust` named.

    Services run on what is in it. With --sha256 no workspace is needed.
    """
    from kronkers_studio.workflows.package_cache import import_cached

    without = "Without a workspace: --sha256 with what the export printed, told in another way than the file."
    with _session(terminal, needed=not sha256, without=without) as session, terminal.progress() as progress:
        done = import_cached(session, file, sha256=sha256, progress=progress, cancel=terminal.cancel)
    by = f", signed by {done.signer}" if done.signer else ""
    terminal.result(
        done,
        f"{plural(done.parts, 'part')}, {size(done.size)} verified{by}; {done.new} were not here before",
        done.digest,
    )


@contextmanager
def _session(terminal: Terminal, *, needed: bool, without: str) -> Iterator[Session | None]:
    """The open workspace where it is needed; when it cannot be opened, the error says what goes ``without`` one."""
    with ExitStack() as opened:
        session = None
        if needed:
            try:
                session = opened.enter_context(terminal.session())
            except (NotFound, WorkspaceError) as problem:
                problem.command = without
                raise
        yield session
