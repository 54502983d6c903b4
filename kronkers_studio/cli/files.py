"""Commands for one file of a project: read it, save it, without a folder."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO, cast

import typer

from kronkers_studio.cli.plain_text import size
from kronkers_studio.cli.terminal import Terminal, command
from kronkers_studio.domain.content import DEFAULT_BRANCH
from kronkers_studio.domain.errors import InvalidInput, OutputUnwritable
from kronkers_studio.domain.models import ContentRef
from kronkers_studio.domain.references import parse_content
from kronkers_studio.settings.paths import from_home

if TYPE_CHECKING:
    from kronkers_studio.workflows.session import Session

_MOST_PIPED = 1 << 30
_PIECE = 1 << 20


def add_commands(app: typer.Typer) -> None:
    command(app, "read")(read)
    command(app, "save")(save)


def read(
    terminal: Terminal,
    source: Annotated[str, typer.Argument(metavar="PROJECT[@VERSION]:PATH", help="The file.")],
    output: Annotated[Path | None, typer.Option("--output", metavar="FILE", help="Write it there instead.")] = None,
) -> None:
    """Print one file of a project as it is, verified; with --json the rows of a table, as a program reads them."""
    from kronkers_studio.workflows.browsing import save_file, show_commit

    content = parse_content(source)
    with terminal.session() as session:
        commit = show_commit(session, content.project, content.commit)
        content = ContentRef(content.project, commit.id, content.path)
        about = {"project": content.project, "commit": content.commit, "path": content.path}
        if output is not None:
            target = from_home(output).absolute()
            with terminal.progress() as progress:
                written = save_file(
                    session,
                    content.project,
                    content.commit,
                    content.path,
                    target,
                    progress=progress,
                    cancel=terminal.cancel,
                )
            terminal.result({**about, "size": written, "saved": target}, f"{size(written)} written to {target}")
        elif terminal.as_json:
            terminal.result({**about, **_rows(session, content, terminal)})
        else:
            _print_bytes(session, content, terminal)


def _rows(session: Session, content: ContentRef, terminal: Terminal) -> dict[str, object]:
    """What ``predict`` would send of the table, row by row."""
    from kronkers_studio.workflows.row_files import plain_rows, read_registry_rows

    table = read_registry_rows(session, content, (), terminal.cancel)
    for remark in table.remarks:
        terminal.note(remark)
    return {"columns": [column.strip() for column in table.columns], "rows": plain_rows(table)}


def _print_bytes(session: Session, content: ContentRef, terminal: Terminal) -> None:
    entry = session.workspace.content.find(content.project, content.commit, content.path)
    out = sys.stdout.buffer
    with session.workspace.content.open(entry) as stream:
        try:
            while piece := stream.read(_PIECE):
                terminal.cancel.check()
                out.write(piece)
            out.flush()
        except BrokenPipeError:
            raise
        except OSError as error:
            raise OutputUnwritable(f"The file cannot be printed: {error.strerror or error}.") from None


def save(
    terminal: Terminal,
    target: Annotated[str, typer.Argument(metavar="PROJECT:PATH", help="Where it is kept.")],
    file: Annotated[str, typer.Argument(metavar="FILE", help="A file on this computer; - takes what is piped in.")],
    message: Annotated[str, typer.Option("--message", "-m", help="What changed.")] = "",
    branch: Annotated[str, typer.Option("--branch", help="The branch that gets it.")] = DEFAULT_BRANCH,
    create: Annotated[bool, typer.Option("--create", help="Make the project or branch if there is none.")] = False,
    expect: Annotated[
        str, typer.Option("--expect", metavar="VERSION", help="Only if the branch is still at this version.")
    ] = "",
) -> None:
    """Save one file into a project, without a folder: one version, in which all else stays as it was."""
    from kronkers_studio.workflows.file_commits import save_files

    content = parse_content(target)
    if content.commit:
        raise InvalidInput(
            f"“{target}” names a version, which cannot change.", next_step="Write PROJECT:PATH, and --branch."
        )
    with terminal.session() as session, _opened(file) as stream, terminal.progress() as progress:
        commit, changed = save_files(
            session,
            content.project,
            {content.path: stream},
            message=message,
            branch=branch,
            create=create,
            expect=expect,
            progress=progress,
            cancel=terminal.cancel,
        )
    told = f"{content.path} is in version {commit.id[:12]}" if changed else f"{content.path} was like that before"
    terminal.result({"commit": commit, "changed": changed, "path": content.path}, told)


def _opened(file: str) -> BinaryIO:
    import io

    if file == "-":
        piped = sys.stdin.buffer.read(_MOST_PIPED + 1)
        if len(piped) > _MOST_PIPED:
            raise InvalidInput(f"More than {size(_MOST_PIPED)} is piped in.", next_step="Save it from a file.")
        return io.BytesIO(piped)
    path = from_home(Path(file))
    try:
        return cast(BinaryIO, path.open("rb"))
    except OSError as error:
        raise InvalidInput(f"{path} cannot be read: {error.strerror}.", next_step="Check the path.") from None
