"""Commands for branches, tags, differences and merges."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Annotated

import typer

from kronkers_studio.cli.difference_text import NO_DIFFERENCE, difference_lines
from kronkers_studio.cli.plain_text import moment, plural, table
from kronkers_studio.cli.terminal import Terminal, command
from kronkers_studio.domain.content import DEFAULT_BRANCH, Commit
from kronkers_studio.domain.differences import (
    Choice,
    Conflict,
    ConflictKind,
    MergeConflicts,
    MergePlan,
    TableFileDifference,
    TextDifference,
    TreeDifference,
)
from kronkers_studio.domain.errors import InvalidInput
from kronkers_studio.domain.paths import parent

if TYPE_CHECKING:
    from kronkers_studio.workflows.session import Session

ProjectName = Annotated[str, typer.Argument(metavar="PROJECT", help="The project.")]
_REFERENCE = "a branch, a tag, the beginning of a commit's id, or a moment as in {yesterday 14:05}"
_KINDS = {TreeDifference: "tree", TableFileDifference: "table", TextDifference: "text"}


def add_commands(app: typer.Typer) -> None:
    command(app, "diff")(diff)
    command(app, "branch")(branch)
    command(app, "merge")(merge)
    command(app, "tag")(tag)


def diff(
    terminal: Terminal,
    project: ProjectName,
    old: Annotated[str, typer.Argument(metavar="A", help=f"The one version: {_REFERENCE}.")],
    new: Annotated[str, typer.Argument(metavar="B", help="The other version.")],
    path: Annotated[str, typer.Argument(metavar="[PATH]", help="Only this folder, or the content of this file.")] = "",
    key: Annotated[
        list[str] | None, typer.Option("--key", metavar="COLUMN", help="A column that tells a table's rows apart.")
    ] = None,
) -> None:
    """Show what differs between two versions: files, the rows of a table, or the lines of a text."""
    from kronkers_studio.workflows.browsing import show_commit
    from kronkers_studio.workflows.versions import diff_path

    with terminal.session() as session:
        path = path.strip("/")
        difference = diff_path(session, project, old, new, path, key=key or (), cancel=terminal.cancel)
        document = {
            "project": project,
            "old": show_commit(session, project, old).id,
            "new": show_commit(session, project, new).id,
            "path": path,
            "kind": _KINDS.get(type(difference), "other"),
            "difference": difference,
        }
        lines = difference_lines(difference, path)
        if difference is None and not _differs(session, project, old, new, path):
            lines = [NO_DIFFERENCE]
        terminal.result(document, *lines)


def branch(
    terminal: Terminal,
    project: ProjectName,
    name: Annotated[str, typer.Argument(metavar="[NAME]", help="The branch to make; without, all are listed.")] = "",
    start: Annotated[str, typer.Option("--from", metavar="REF", help=f"Where it begins: {_REFERENCE}.")] = "",
) -> None:
    """List a project's branches, or make one. `kronkers trash branch` removes one."""
    from kronkers_studio.workflows.versions import create_branch, list_branches

    if not name and start:
        raise InvalidInput("No branch is named.", next_step="Write kronkers branch PROJECT NAME.")
    with terminal.session() as session:
        if not name:
            branches = list_branches(session, project)
            terminal.result(branches, *_commit_table("Branch", [(b.name, b.head) for b in branches]))
        else:
            made = create_branch(session, project, name, start)
            terminal.result(made, f"Branch {name} begins at version {made.head.id[:12]}")


def tag(
    terminal: Terminal,
    project: ProjectName,
    name: Annotated[str, typer.Argument(metavar="[NAME]", help="The name to give; without, all are listed.")] = "",
    ref: Annotated[str, typer.Argument(metavar="[REF]", help=f"What to name: {_REFERENCE}.")] = "",
    move: Annotated[bool, typer.Option("--move", help="Move the tag when it names something else.")] = False,
    remove: Annotated[bool, typer.Option("--remove", help="Remove the tag; the version stays.")] = False,
) -> None:
    """List a project's tags, or give a version a name."""
    from kronkers_studio.workflows.versions import list_tags, remove_tag, set_tag

    if not name and (move or remove):
        raise InvalidInput("No tag is named.", next_step="Write kronkers tag PROJECT NAME.")
    with terminal.session() as session:
        if not name:
            tags = list_tags(session, project)
            terminal.result(tags, *_commit_table("Tag", [(t.name, t.commit) for t in tags]))
        elif remove:
            gone = remove_tag(session, project, name)
            terminal.result(gone, f"Tag {name} is removed; it named version {gone.commit.id[:12]}")
        else:
            made = set_tag(session, project, name, ref, move=move)
            terminal.result(made, f"Tag {name} names version {made.commit.id[:12]}")


def merge(  # noqa: PLR0917  # options are given by name
    terminal: Terminal,
    project: ProjectName,
    source: Annotated[str, typer.Argument(metavar="FROM", help=f"What to merge: {_REFERENCE}.")],
    into: Annotated[str, typer.Option("--into", metavar="BRANCH", help="The branch to merge into.")] = DEFAULT_BRANCH,
    ours: Annotated[
        list[str] | None, typer.Option("--ours", metavar="PATH", help="Keep the branch's version; * stands for any.")
    ] = None,
    theirs: Annotated[list[str] | None, typer.Option("--theirs", metavar="PATH", help="Take the other.")] = None,
    both: Annotated[
        list[str] | None, typer.Option("--both", metavar="PATH", help="Keep both, the other under a second name.")
    ] = None,
    message: Annotated[str, typer.Option("-m", "--message", help="What was merged, for the history.")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would be done.")] = False,
) -> None:
    """Merge a branch into another. Files that both changed are put together where that is safe; you decide the rest."""
    from kronkers_studio.workflows.versions import list_branches, merge_branches, plan_merge

    with terminal.session() as session:
        list_branches(session, project)  # so that a mistyped project is not said to lack a branch
        plan = plan_merge(session, project, source, into, cancel=terminal.cancel)
        wanted = {Choice.OURS: ours or [], Choice.THEIRS: theirs or [], Choice.BOTH: both or []}
        choices = _decided(plan, {choice: patterns for choice, patterns in wanted.items() if patterns})
        if dry_run:
            terminal.result(plan, *_plan_lines(plan, choices))
            return
        try:
            result = merge_branches(
                session, project, source, into, choices=choices, message=message, plan=plan, cancel=terminal.cancel
            )
        except MergeConflicts as problem:
            _print_conflicts(terminal, problem)
            return
        head = f"{into} is at version {result.commit.id[:12]}"
        if not result.changed:
            head = f"{into} has everything of {source} already"
        kept = [f"  {path}: theirs is kept as {other}" for path, other in result.kept_as.items()]
        terminal.result(result, head, *_merged_lines(plan), *kept)


def _differs(session: Session, project: str, old: str, new: str, path: str) -> bool:
    """Whether a file that is neither table nor text is another one in the other version."""
    from kronkers_studio.workflows.versions import diff_path

    folder = diff_path(session, project, old, new, parent(path))
    return not isinstance(folder, TreeDifference) or any(change.path == path for change in folder.changes)


def _decided(plan: MergePlan, wanted: dict[Choice, list[str]]) -> dict[str, Choice]:
    """The choice for each conflict that a pattern names. Raises ``InvalidInput`` for a pattern that names none, and
    for a path with two choices."""
    choices: dict[str, Choice] = {}
    for choice, patterns in wanted.items():
        for pattern in patterns:
            paths = [c.path for c in plan.conflicts if c.path == pattern.strip("/") or fnmatchcase(c.path, pattern)]
            if not paths:
                raise InvalidInput(
                    f"“{pattern}” is in no conflict.", next_step="Decide only what is listed as a conflict."
                )
            for path in paths:
                if choices.setdefault(path, choice) is not choice:
                    raise InvalidInput(f"There are two decisions about “{path}”.", next_step="Decide it once.")
    return choices


def _print_conflicts(terminal: Terminal, problem: MergeConflicts) -> None:
    terminal.exit_code = problem.exit_code
    error = {"kind": type(problem).__name__, "message": problem.message, "next_step": problem.next_step}
    if terminal.as_json:
        terminal.result({"error": error, "conflicts": problem.undecided})
        return
    terminal.note(problem.message, *_conflict_lines(problem.undecided), problem.next_step)
    terminal.note("  with --ours PATH, --theirs PATH or --both PATH, as often as needed; * stands for any characters")


def _plan_lines(plan: MergePlan, choices: dict[str, Choice]) -> list[str]:
    if plan.up_to_date:
        return [f"{plan.branch} has everything of {plan.source} already"]
    lines = [f"{plan.source} into {plan.branch}: {plural(len(plan.incoming.changes), 'change')} to take over"]
    return lines + _merged_lines(plan) + _conflict_lines(plan.conflicts, choices)


def _merged_lines(plan: MergePlan) -> list[str]:
    return [f"  {file.path}: both versions put together. {file.detail}".rstrip() for file in plan.merged]


def _conflict_lines(conflicts: tuple[Conflict, ...], choices: dict[str, Choice] | None = None) -> list[str]:
    return [
        " ".join(filter(None, (f"  {c.path}: {_CONFLICTS[c.kind]}", c.detail, _chosen(c.path, choices))))
        for c in conflicts
    ]


def _chosen(path: str, choices: dict[str, Choice] | None) -> str:
    if choices is None:
        return ""
    return f"Decided: {choices[path].value}." if path in choices else "To be decided."


_CONFLICTS = {
    ConflictKind.BOTH_CHANGED: "changed on both sides.",
    ConflictKind.BOTH_ADDED: "added on both sides.",
    ConflictKind.REMOVED_BY_OURS: "removed by ours, changed by theirs.",
    ConflictKind.REMOVED_BY_THEIRS: "changed by ours, removed by theirs.",
    ConflictKind.DIFFERENT_KINDS: "a folder on one side, a file on the other.",
}


def _commit_table(title: str, named: list[tuple[str, Commit]]) -> list[str]:
    rows = [[name, commit.id[:12], moment(commit.created), commit.author, commit.message] for name, commit in named]
    return table([title, "Version", "When", "Who", "Message"], rows)
