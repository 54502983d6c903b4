"""Commands for the base images of services with R or Julia models."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kronkers_studio.cli.plain_text import size, table
from kronkers_studio.cli.terminal import Terminal, command

if TYPE_CHECKING:
    from kronkers_studio.workflows.language_bases import LanguageBase

Language = Annotated[str, typer.Argument(metavar="r|julia", help="The models' language.")]


def add_commands(app: typer.Typer) -> None:
    base = typer.Typer(help="Base images for models of R and Julia.", no_args_is_help=True)
    app.add_typer(base, name="base")
    command(base, "build")(build)
    command(base, "add")(add)
    command(base, "list")(list_)
    command(base, "dockerfile")(dockerfile_)


def build(
    terminal: Terminal,
    language: Language,
    *,
    on: Annotated[str, typer.Option("--on", metavar="SERVER", help="The server whose engine builds it.")],
    dockerfile: Annotated[
        Path | None, typer.Option("--dockerfile", metavar="FILE", help="Yours, with more packages for instance.")
    ] = None,
    proxy: Annotated[
        str, typer.Option("--proxy", metavar="URL", help="What the server reaches its package sources through.")
    ] = "",
) -> None:
    """Build a base image on a server's engine. Packages of that language stand on it from then on."""
    from kronkers_studio.workflows.language_bases import build_language_base, language_of

    chosen = language_of(language)
    with terminal.session() as session:
        with terminal.progress() as progress:
            base = build_language_base(
                session, chosen, on, dockerfile=dockerfile, proxy=proxy, progress=progress, cancel=terminal.cancel
            )
        terminal.result(base, *_lines([base]))


def add(
    terminal: Terminal,
    language: Language,
    archive: Annotated[Path, typer.Argument(metavar="FILE.tar", help="What `docker save` wrote, or an OCI layout.")],
) -> None:
    """Take a base image from an archive, for a network without package sources."""
    from kronkers_studio.workflows.language_bases import bring_language_base, language_of

    chosen = language_of(language)
    with terminal.session() as session:
        with terminal.progress() as progress:
            base = bring_language_base(session, chosen, archive, progress=progress, cancel=terminal.cancel)
        terminal.result(base, *_lines([base]))


def list_(terminal: Terminal) -> None:
    """List the base images for models of R and Julia that are kept on this computer."""
    from kronkers_studio.workflows.language_bases import list_language_bases

    found = list_language_bases()
    terminal.result(found, *_lines(found))


def dockerfile_(terminal: Terminal, language: Language) -> None:
    """Print the Dockerfile that a base image is built from, to add packages to."""
    from kronkers_studio.workflows.language_bases import dockerfile_of, language_of

    text = dockerfile_of(language_of(language))
    terminal.result({"dockerfile": text}, *text.splitlines())


def _lines(bases: list[LanguageBase]) -> list[str]:
    rows = [[each.language, each.platform, size(each.size), each.reference] for each in bases]
    return table(["Language", "Platform", "Size", "Base image"], rows)
