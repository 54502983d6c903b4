"""Commands for the workspace and what is in it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kronkers_studio.cli.numbers import MOST_ROWS
from kronkers_studio.cli.plain_text import moment, plural, size, skipped_lines, table
from kronkers_studio.cli.terminal import Terminal, ask, command
from kronkers_studio.domain.content import CheckReport, EntryKind
from kronkers_studio.domain.differences import ChangeKind, EntryChange
from kronkers_studio.domain.errors import InvalidInput
from kronkers_studio.domain.printable import printable
from kronkers_studio.domain.references import parse_commit
from kronkers_studio.settings.secrets import Secret
from kronkers_studio.workflows.opening import environment_passphrase

if TYPE_CHECKING:
    from kronkers_studio.workflows.session import Session

_VERSION = (
    "A project, at a branch, a tag, the beginning of a commit's id, or a moment such as {yesterday 14:05}; {14:05} is "
    "the last 14:05."
)
ProjectRef = Annotated[str, typer.Argument(metavar="PROJECT[@VERSION]", help=_VERSION)]


def add_commands(app: typer.Typer) -> None:
    command(app, "init")(init)
    command(app, "projects")(projects)
    command(app, "log")(log)
    command(app, "show")(show)
    command(app, "ls")(ls)
    command(app, "restore")(restore)
    command(app, "check")(check)


def init(
    terminal: Terminal,
    passphrase: Annotated[bool, typer.Option("--passphrase", help="Protect it with a passphrase.")] = False,
    keyring: Annotated[bool, typer.Option("--keyring", help="Keep the key in the system's keyring.")] = False,
    key_file: Annotated[Path | None, typer.Option("--key-file", help="Keep the key in this file.")] = None,
) -> None:
    """Make a workspace, and print its recovery key once."""
    from kronkers_studio.workflows.session import create_workspace, workspace_remark

    secret = _new_passphrase() if passphrase else None
    if not (passphrase or keyring or key_file):
        secret = environment_passphrase()
        keyring = secret is None
    session, recovery_key = create_workspace(terminal.workspace, passphrase=secret, key_file=key_file, keyring=keyring)
    session.close()
    if remark := workspace_remark(session.directory):
        terminal.note(remark)
    terminal.result(
        {"workspace": session.directory, "recovery_key": recovery_key.reveal()},
        f"The workspace is ready in {session.directory}.",
        "",
        f"Recovery key:  {recovery_key.reveal()}",
        "Print it or write it down and keep it in a safe place: it opens the workspace when everything else is lost,",
        "and it is not shown again.",
    )


def projects(terminal: Terminal) -> None:
    """List the projects."""
    from kronkers_studio.workflows.browsing import list_projects

    with terminal.session() as session:
        found = list_projects(session)
        rows = [
            [p.name, plural(p.head.files, "file"), size(p.head.size), moment(p.head.created)]
            if p.head
            else [p.name, "–", "–", "–"]
            for p in found
        ]
        lines = table(["Project", "Files", "Size", "Last version"], rows)
        terminal.result(found, *(lines if rows else ["No project yet: `kronkers migrate FOLDER` makes one."]))


def log(
    terminal: Terminal,
    project: ProjectRef,
    path: Annotated[
        str, typer.Argument(metavar="[PATH]", help="Only the versions in which this file or folder changed.")
    ] = "",
    limit: Annotated[int, typer.Option("--limit", min=1, max=MOST_ROWS, help="At most this many versions.")] = 100,
) -> None:
    """List a project's versions, newest first, or those in which one file changed."""
    from kronkers_studio.workflows.browsing import history

    with terminal.session() as session:
        if path.strip("/"):
            _file_log(terminal, session, *parse_commit(project), path.strip("/"), limit)
            return
        commits = history(session, *parse_commit(project), limit=limit)
        rows = [[c.id[:12], moment(c.created), c.author, plural(c.files, "file"), c.message] for c in commits]
        terminal.result(commits, *table(["Version", "When", "Who", "Files", "Message"], rows))


def _file_log(terminal: Terminal, session: Session, project: str, ref: str, path: str, limit: int) -> None:
    from kronkers_studio.workflows.versions import file_history

    found = file_history(session, project, path, ref, limit=limit, cancel=terminal.cancel)
    rows = [
        [
            state.commit.id[:12],
            moment(state.commit.created),
            state.commit.author,
            _became(state.change),
            size(state.change.after.size) if state.change.after else "–",
            state.commit.message,
        ]
        for state in found.states
    ]
    if not found.complete:
        terminal.note("There are older states than these; --limit shows more.")
    terminal.result(found, *table(["Version", "When", "Who", "What", "Size", "Message"], rows))


def _became(change: EntryChange) -> str:
    if change.kind is ChangeKind.RENAMED and change.before is not None:
        return f"was {change.before.path}"
    return change.kind.value


def show(terminal: Terminal, project: ProjectRef) -> None:
    """Show one version: who, when, what, and what was left out."""
    from kronkers_studio.workflows.browsing import show_commit

    with terminal.session() as session:
        commit = show_commit(session, *parse_commit(project))
        terminal.result(
            commit,
            f"Version {commit.id}",
            f"{commit.author}, {moment(commit.created)}",
            *commit.message.splitlines(),
            *(
                [f"Merged from versions {' and '.join(each[:12] for each in commit.parents)}"]
                if commit.parents[1:]
                else []
            ),
            f"{plural(commit.files, 'file')}, {size(commit.size)}",
            *skipped_lines(commit.skipped),
        )


def ls(
    terminal: Terminal,
    project: ProjectRef,
    path: Annotated[str, typer.Argument(help="A folder in the project.")] = "",
) -> None:
    """List a folder of a project as it was at a version."""
    from kronkers_studio.workflows.browsing import list_folder

    with terminal.session() as session:
        entries = list_folder(session, *parse_commit(project), path.strip("/"))
        rows = [
            [e.name + ("/" if e.kind is EntryKind.FOLDER else ""), size(e.size) if e.kind is EntryKind.FILE else ""]
            for e in entries
        ]
        terminal.result(entries, *table(["Name", "Size"], rows)[1:])


def restore(
    terminal: Terminal,
    project: ProjectRef,
    target: Annotated[str, typer.Argument(help="The folder to write to.")],
    paths: Annotated[list[str] | None, typer.Argument(help="Only these files and folders.")] = None,
) -> None:
    """Write a project, or parts of it, as they were at a version. Every file is verified.

    What lies in the folder already is left as it is and listed, unless it is the same.
    """
    from kronkers_studio.workflows import browsing

    if not target:  # as from a variable that is not set: not the folder one happens to be in
        raise InvalidInput("No folder to write to is named.", next_step="Name one; . is the one you are in.")
    with terminal.session() as session:
        with terminal.progress() as progress:
            report = browsing.restore(
                session,
                *parse_commit(project),
                Path(target),
                [path.strip("/") for path in paths or ()],
                progress=progress,
                cancel=terminal.cancel,
            )
        terminal.result(
            report,
            f"{plural(report.files, 'file')}, {size(report.size)}, written to {report.target} and verified",
            *[f"  {mapped.path} is called {mapped.name} there: {mapped.why}" for mapped in report.mapped],
            *skipped_lines(report.skipped),
        )
        if report.skipped:
            terminal.incomplete()


def check(
    terminal: Terminal,
    read_data: Annotated[bool, typer.Option("--read-data", help="Read and verify every byte.")] = False,
) -> None:
    """Check that the workspace is sound."""
    from kronkers_studio.domain.errors import StoreDamaged
    from kronkers_studio.workflows.browsing import check_workspace

    with terminal.session() as session, terminal.progress() as progress:
        report = check_workspace(session, read_data=read_data, progress=progress, cancel=terminal.cancel)
    seen = f"{plural(report.packs, 'pack')}, {plural(report.objects, 'object')}, {plural(report.commits, 'version')}"
    if not report.healthy:
        terminal.exit_code = StoreDamaged.exit_code
        if terminal.as_json:
            terminal.result(report)
            return
        problems = [f"  {problem}" for problem in report.problems]
        terminal.note(*_affected_lines(report), f"Problems found in {seen}:", *problems, report.next_step)
        return
    what = f"every byte ({size(report.bytes_read)})" if read_data else "the structure; --read-data reads every byte"
    terminal.result(report, f"Sound: {seen}. Checked {what}.")


def _affected_lines(report: CheckReport) -> list[str]:
    """The files that the problems concern, which is what people know."""
    if not report.affected:
        return []
    more = report.affected_count - len(report.affected)
    return [
        f"{plural(report.affected_count, 'file or folder is', 'files and folders are')} damaged or missing:",
        *[
            f"  {each.project}: {printable(each.path) or 'all of it'}  (newest version that has it: {each.commit[:12]})"
            for each in report.affected
        ],
        *([f"  and {more:,} more"] if more else []),
    ]


def _new_passphrase() -> Secret:
    given = environment_passphrase()
    if given is not None:
        return given
    first = ask("New passphrase", otherwise="Give it as KRONKERS_PASSPHRASE.", twice=True)
    if not first:
        raise InvalidInput("An empty passphrase protects nothing.", next_step="Choose a longer one.")
    return Secret(first)
