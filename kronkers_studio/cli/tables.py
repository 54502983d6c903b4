"""A look at a table of a version: its rows, sorted and filtered, or what is in its columns."""

from __future__ import annotations

from typing import Annotated

import typer

from kronkers_studio.cli.plain_text import plural, size, table
from kronkers_studio.cli.terminal import Terminal, command
from kronkers_studio.domain.errors import InvalidInput
from kronkers_studio.domain.previews import ColumnFacts, TableQuery, TableView
from kronkers_studio.domain.references import parse_commit

_PROJECT = "A project, at a branch, a tag, the beginning of a commit's id, or a moment such as {yesterday 14:05}."
_FIND = 'Only rows with a cell that holds this; with --in also "> 5".'
_SHOWN = 20  # rows, unless more are asked for
_MOST = 1000


def add_commands(app: typer.Typer) -> None:
    command(app, "table")(show_table)


def show_table(  # noqa: PLR0917  # options are given by name
    terminal: Terminal,
    project: Annotated[str, typer.Argument(metavar="PROJECT[@VERSION]", help=_PROJECT)],
    path: Annotated[str, typer.Argument(help="A CSV, Parquet or Excel file in the project.")],
    sort: Annotated[str, typer.Option("--sort", metavar="COLUMN", help="Sort all rows by this column.")] = "",
    descending: Annotated[bool, typer.Option("--descending", help="From the largest to the smallest.")] = False,
    find: Annotated[str, typer.Option("--find", metavar="WORDS", help=_FIND)] = "",
    within: Annotated[str, typer.Option("--in", metavar="COLUMN", help="Where to find it; by default anywhere.")] = "",
    columns: Annotated[bool, typer.Option("--columns", help="Show what is in each column instead of rows.")] = False,
    limit: Annotated[int, typer.Option("--limit", min=1, max=_MOST, help="At most this many rows.")] = _SHOWN,
) -> None:
    """Look at a table as it was at a version, sorted and filtered over all its rows, or at what is in its columns."""
    from kronkers_studio.workflows.previews import table_facts, table_view

    if columns and (sort or descending or find or within):
        raise InvalidInput("--columns tells of all rows.", next_step="Leave out what sorts and filters.")
    with terminal.session() as session:
        name, ref = parse_commit(project)
        path = path.strip("/")
        if columns:
            facts = table_facts(session, name, ref, path, cancel=terminal.cancel)
            rows = [_column_row(each) for each in facts.columns]
            head = ["Column", "Type", "Empty", "Different", "Smallest, median, largest, or the commonest"]
            _say_bounds(terminal, facts.read, facts.width, len(facts.columns))
            terminal.result(facts, f"{plural(facts.total, 'row')}, {plural(facts.width, 'column')}", *table(head, rows))
            return
        query = TableQuery(descending=descending, words=find)
        if sort or within:
            names = table_view(session, name, ref, path, TableQuery(), cancel=terminal.cancel).columns
            query = TableQuery(_place(names, sort), descending, find, _place(names, within))
        view = table_view(session, name, ref, path, query, cancel=terminal.cancel)
        shown = view.rows[:limit]
        _say_bounds(terminal, view.read, view.width, len(view.columns))
        terminal.result(view, _counted(view, len(shown)), *table(view.columns, shown))


def _place(names: tuple[str, ...], wanted: str) -> int:
    """Where the column is; -1 for none. Raises ``InvalidInput`` for one that is not among those shown."""
    if not wanted:
        return -1
    if wanted not in names:
        some = ", ".join(names[:10]) + (" …" if len(names) > 10 else "")
        raise InvalidInput(f"There is no column “{wanted}”.", next_step=f"There are {some}.")
    return names.index(wanted)


def _column_row(facts: ColumnFacts) -> list[str]:
    values = [facts.smallest, facts.median, facts.largest] if facts.largest else []
    told = ", ".join(values or [f"{value} ({times:,})" for value, times in facts.commonest])
    return [facts.name, facts.type.value, f"{facts.empty:,}", f"{facts.distinct:,}", told]


def _counted(view: TableView, shown: int) -> str:
    found = plural(view.total, "row") if view.matched == view.total else f"{view.matched:,} of {view.total:,} rows"
    more = f"; the first {shown:,} are shown" if shown < view.matched else ""
    return f"{found}, {plural(view.width, 'column')}{more}"


def _say_bounds(terminal: Terminal, read: int, width: int, told: int) -> None:
    if read:
        terminal.note(f"Only the first {size(read)} of the file are looked through.")
    if told < width:
        terminal.note(f"Only the first {told:,} of {width:,} columns are shown.")
