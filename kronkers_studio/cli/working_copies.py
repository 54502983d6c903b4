"""Commands for working copies: a version's files in a folder, and the next version made of what was changed there."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from kronkers_studio.cli.content import ProjectRef
from kronkers_studio.cli.difference_text import difference_lines
from kronkers_studio.cli.plain_text import plural, size, skipped_lines, table
from kronkers_studio.cli.terminal import Terminal, command
from kronkers_studio.domain.content import SkippedItem
from kronkers_studio.domain.differences import Choice
from kronkers_studio.domain.errors import InvalidInput
from kronkers_studio.domain.printable import printable
from kronkers_studio.domain.references import parse_commit
from kronkers_studio.domain.working_copies import KnownWorkingCopy, SavedVersion, Unready, UpdatedCopy, WorkingCopyState

WithRepository = Annotated[
    bool,
    typer.Option(
        "--with-repository",
        help="Write .git and other folders of version control, too; prompts and editors run what these name.",
    ),
]
Folder = Annotated[str, typer.Argument(help="The working copy, or a folder in it; by default where you are.")]
_NAMED = 5
_UNREADY = {
    Unready.CHECKOUT: "checkout not finished",
    Unready.UPDATE: "update not finished",
    Unready.OTHER: "of another workspace",
}


def add_commands(app: typer.Typer) -> None:
    command(app, "checkout")(checkout)
    command(app, "checkouts")(checkouts)
    command(app, "commit")(commit)
    command(app, "update")(update)
    command(app, "open")(open_)


def checkout(
    terminal: Terminal,
    project: ProjectRef,
    folder: Annotated[str, typer.Argument(help="A new or an empty folder; by default one of the project's name.")] = "",
    *,
    with_repository: WithRepository = False,
) -> None:
    """Write a version's files into a folder, to be worked on there; `kronkers commit` saves what was changed."""
    from kronkers_studio.workflows.working_copies import check_out

    with terminal.session() as session:
        with terminal.progress() as progress:
            done = check_out(
                session,
                *parse_commit(project),
                Path(folder) if folder else None,
                version_control=with_repository,
                progress=progress,
                cancel=terminal.cancel,
            )
        report, copy = done.report, done.copy
        if done.remark:
            terminal.note(done.remark)
        terminal.result(
            done,
            f"{copy.folder} is a working copy of {copy.project}, branch {copy.branch}, at version {copy.commit[:12]}",
            *([f"{plural(report.files, 'file')}, {size(report.size)}, written and verified"] if report else []),
            *[f"  {name.path} is called {name.name} there: {name.why}" for name in (report.mapped if report else ())],
            *skipped_lines(report.skipped if report else ()),
            *_left_out_lines(done.left_out),
        )
        if report and report.skipped:
            terminal.incomplete()


def checkouts(
    terminal: Terminal,
    forget: Annotated[
        str, typer.Option("--forget", metavar="FOLDER", help="Let this be a working copy no more; its files stay.")
    ] = "",
) -> None:
    """List the working copies on this computer."""
    from kronkers_studio.workflows.working_copies import forget_working_copy, list_working_copies

    with terminal.session() as session:
        if forget:
            gone = forget_working_copy(session, Path(forget))
            terminal.result(gone, f"{gone.folder} is no longer a working copy; its files stay")
            return
        found = list_working_copies(session)
        rows = [[each.project, each.branch, _standing(each), each.folder] for each in found]
        lines = table(["Project", "Branch", "Version", "Folder"], rows)
        terminal.result(found, *(lines if rows else ["No working copy yet: `kronkers checkout PROJECT` makes one."]))


def _standing(known: KnownWorkingCopy) -> str:
    """The version of a working copy, or why it has none now."""
    if known.copy is not None:
        return known.copy.commit[:12]
    return "not there now" if known.unready is None else _UNREADY[known.unready]


def commit(
    terminal: Terminal,
    folder: Folder = ".",
    *,
    message: Annotated[str, typer.Option("-m", "--message", help="What changed, for the history.")] = "",
    branch: Annotated[str, typer.Option("--branch", help="Save it on this new branch.")] = "",
    merge: Annotated[
        bool, typer.Option("--merge", help="Put it together with what others saved on the branch meanwhile.")
    ] = False,
    ours: Annotated[
        bool, typer.Option("--keep-theirs", help="With --merge: where both changed the same, keep the branch's.")
    ] = False,
    theirs: Annotated[
        bool, typer.Option("--keep-mine", help="With --merge: where both changed the same, take this folder's.")
    ] = False,
) -> None:
    """Save what was changed in a working copy as a version of its project."""
    from kronkers_studio.workflows.saved_copies import save_version
    from kronkers_studio.workflows.update_copies import save_and_merge

    if not folder:
        raise InvalidInput("The folder has no name.", next_step="Name it; . is the one you are in.")
    if (branch and merge) or (ours and theirs):
        raise InvalidInput("These two options exclude each other.", next_step="Give one of them.")
    choice = Choice.OURS if ours else Choice.THEIRS if theirs else None
    with terminal.session() as session:
        with terminal.progress() as progress:
            if merge:
                saved = save_and_merge(
                    session, Path(folder), message, choice=choice, progress=progress, cancel=terminal.cancel
                )
            else:
                saved = save_version(
                    session, Path(folder), message, branch=branch, progress=progress, cancel=terminal.cancel
                )
        terminal.result(saved, *saved_lines(saved))
        if saved.skipped:
            terminal.incomplete()


def update(
    terminal: Terminal,
    folder: Folder = ".",
    branch: Annotated[str, typer.Option("--branch", help="Go on to the newest version of this branch.")] = "",
) -> None:
    """Bring a working copy to the newest version of its branch. What was changed in it stays."""
    from kronkers_studio.workflows.update_copies import update_working_copy

    with terminal.session() as session:
        with terminal.progress() as progress:
            done = update_working_copy(session, Path(folder), branch=branch, progress=progress, cancel=terminal.cancel)
        terminal.result(done, *_updated_lines(done))
        if done.skipped:
            terminal.incomplete()


def open_(
    terminal: Terminal,
    project: Annotated[
        str, typer.Argument(metavar="PROJECT[@VERSION]|FOLDER", help="A version, or a working copy that there is.")
    ] = "",
    *,
    editor: Annotated[
        str, typer.Option("--in", metavar="EDITOR", help="vscode, rstudio …, or the whole path of a program.")
    ] = "",
    folder: Annotated[
        str, typer.Option("--folder", help="Where the working copy is made; by default the settings' place.")
    ] = "",
    with_repository: WithRepository = False,
    list_editors: Annotated[bool, typer.Option("--list", help="Only list the editors that are found.")] = False,
) -> None:
    """Open a version's files in an editor, in a working copy. `kronkers commit` saves what is changed there.

    VS Code, VSCodium, Positron and PyCharm ask whether you trust a folder before they run anything in it. Cursor does
    so only where its setting “Workspace Trust” is on. RStudio does not ask: R runs a folder's .Rprofile as soon as it
    opens. Jupyter and Spyder do not ask: what their notebooks and consoles load may come from the folder. Open only
    files whose makers you know.
    """
    from kronkers_studio.workflows.editors import find_editors, open_version, open_working_copy

    with terminal.session() as session:
        if list_editors:
            found = find_editors(session)
            rows = [[each.key, each.label, each.trust.value, each.command[0]] for each in found]
            terminal.result(
                [
                    {"key": each.key, "label": each.label, "program": each.command[0], "trust": each.trust.value}
                    for each in found
                ],
                *table(["Name", "Editor", "Asks before it runs anything", "Program"], rows),
            )
            return
        if not project:
            raise InvalidInput("It is not said what to open.", next_step="Name a project, or a working copy's folder.")
        if project in (".", "..") or ({"/", os.sep} & {*project} and Path(project).exists()):
            opened = open_working_copy(session, Path(project), editor)
        else:
            with terminal.progress() as progress:
                opened = open_version(
                    session,
                    *parse_commit(project),
                    editor,
                    Path(folder) if folder else None,
                    version_control=with_repository,
                    progress=progress,
                    cancel=terminal.cancel,
                )
        report, copy = opened.copied.report, opened.copy
        terminal.result(
            {"working_copy": copy, "editor": opened.editor.key, "report": report},
            f"{copy.folder} is open in {opened.editor.label}",
            f"{copy.project}, branch {copy.branch}, version {copy.commit[:12]}",
            opened.editor.trust.sentence,
            *skipped_lines(report.skipped if report else ()),
            *_left_out_lines(opened.copied.left_out),
        )
        if report and report.skipped:
            terminal.incomplete()


def show_state(terminal: Terminal, folder: str) -> None:
    """Print what was changed in a working copy."""
    from kronkers_studio.workflows.working_copies import working_copy_state

    with terminal.session() as session:
        with terminal.progress() as progress:
            state = working_copy_state(session, Path(folder), progress=progress, cancel=terminal.cancel)
        terminal.result(state, *_state_lines(state))


def saved_lines(saved: SavedVersion) -> list[str]:
    """What became of a working copy's changes."""
    copy = saved.copy
    if not saved.changed:
        head = f"Nothing was changed: {copy.branch} of {copy.project} stays at version {saved.commit.id[:12]}"
    else:
        merged = ", put together with what others saved" if saved.merged else ""
        head = f"Saved as version {saved.commit.id[:12]} of {copy.project}, branch {copy.branch}{merged}"
    return [head, *_stays_lines(saved.skipped)]


def _updated_lines(done: UpdatedCopy) -> list[str]:
    counts = f"{plural(done.written, 'file')} written, {done.removed:,} removed, {done.kept:,} of yours kept"
    return [
        f"{done.copy.folder} is at version {done.commit.id[:12]} of {done.copy.project}, branch {done.copy.branch}",
        counts,
        *skipped_lines(done.skipped),
        *_left_out_lines(done.left_out),
    ]


def _left_out_lines(paths: tuple[str, ...]) -> list[str]:
    if not paths:
        return []
    named = ", ".join(printable(path) for path in paths[:_NAMED]) + (" …" if len(paths) > _NAMED else "")
    return [
        f"Left out: {named}. Prompts and editors run what these name without asking; they stay in the version as they "
        "were. --with-repository of checkout and open writes them, too."
    ]


def _state_lines(state: WorkingCopyState) -> list[str]:
    copy = state.copy
    lines = [f"{copy.project}, branch {copy.branch}, version {copy.commit[:12]}: {copy.folder}"]
    lines += difference_lines(state.changes, "") if state.changes else ["Nothing was changed"]
    lines.append(f"{state.unchanged:,} unchanged")
    if state.newer is not None:
        lines.append(
            f"“{copy.branch}” is at version {state.newer.id[:12]} by now ({printable(state.newer.message)}): "
            "`kronkers update` brings it here."
        )
    return [*lines, *_stays_lines(state.skipped)]


def _stays_lines(skipped: tuple[SkippedItem, ...]) -> list[str]:
    lines = skipped_lines(skipped)
    return [*lines, "These stay in the version as they were."] if lines else []
