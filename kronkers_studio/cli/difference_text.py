"""Differences as lines of text."""

from __future__ import annotations

from kronkers_studio.cli.plain_text import plural, table
from kronkers_studio.domain.content import EntryKind
from kronkers_studio.domain.differences import (
    ChangeKind,
    EntryChange,
    TableDifference,
    TableFileDifference,
    TextDifference,
    TreeDifference,
)
from kronkers_studio.domain.paths import parent

_MARKS = {
    ChangeKind.ADDED: "+",
    ChangeKind.REMOVED: "-",
    ChangeKind.MODIFIED: "M",
    ChangeKind.RENAMED: "R",
    ChangeKind.MODE: "X",
}
NO_DIFFERENCE = "No difference"
_SHOWN_ROWS = 20
_WIDEST_CELL = 40


def difference_lines(difference: TreeDifference | TableFileDifference | TextDifference | None, path: str) -> list[str]:
    """What a person reads of a difference."""
    if difference is None:
        return [f"{path} differs, but is neither a table nor a text: its bytes are not compared."]
    if not difference:
        return [NO_DIFFERENCE]
    if isinstance(difference, TreeDifference):
        return _tree_lines(difference)
    if isinstance(difference, TextDifference):
        return _text_lines(difference)
    lines = [f"+ sheet {name}" for name in difference.sheets_added]
    lines += [f"- sheet {name}" for name in difference.sheets_removed]
    for each in difference.tables:
        lines += _table_lines(each) if each else []
    return lines


def _tree_lines(difference: TreeDifference) -> list[str]:
    touched = len(difference.of_kind(ChangeKind.TOUCHED))
    holding = {parent(change.path) for change in difference.changes}
    lines = [
        _change_line(change)
        for change in difference.changes
        if change.kind is not ChangeKind.TOUCHED and not (_is_new_folder(change) and change.path in holding)
    ]
    return lines + ([f"{plural(touched, 'item')} with only another time of modification"] if touched else [])


def _is_new_folder(change: EntryChange) -> bool:
    """A folder that was added or removed; it needs no line when what it holds has one."""
    entry = change.after or change.before
    return change.kind in (ChangeKind.ADDED, ChangeKind.REMOVED) and bool(entry and entry.kind is EntryKind.FOLDER)


def _change_line(change: EntryChange) -> str:
    entry = change.after or change.before
    slash = "/" if entry and entry.kind is EntryKind.FOLDER else ""
    if change.kind is ChangeKind.RENAMED and change.before:
        share = "" if change.similarity == 1 else f"  ({change.similarity:.0%} the same)"
        return f"R {change.before.path}{slash} → {change.path}{slash}{share}"
    if change.kind is ChangeKind.MODE and change.after:
        return f"X {change.path} is {'now' if change.after.executable else 'no longer'} executable"
    return f"{_MARKS[change.kind]} {change.path}{slash}"


def _text_lines(difference: TextDifference) -> list[str]:
    lines = [f"{plural(difference.lines_added, 'line')} added, {difference.lines_removed:,} removed", *difference.notes]
    for hunk in difference.hunks:
        lines += [f"@@ line {hunk.old_start} → line {hunk.new_start} @@", *hunk.lines]
    return lines if difference.complete else [*lines, "… and more"]


def _table_lines(difference: TableDifference) -> list[str]:
    key = "by " + ", ".join(difference.key) if difference.key else "counted, as no column tells them apart"
    lines = [f"Sheet {difference.sheet}"] if difference.sheet else []
    lines.append(
        f"Rows ({key}): {difference.rows_added:,} added, {difference.rows_removed:,} removed, "
        f"{difference.rows_changed:,} changed"
    )
    for column in difference.column_changes:
        if not column.before:
            lines.append(f"+ column {column.name} ({column.after})")
        elif not column.after:
            lines.append(f"- column {column.name} ({column.before})")
        else:
            lines.append(f"M column {column.name}: {column.before} → {column.after}")
    rows = [
        [", ".join(_cell(value) for value in row.key), cell.column, _cell(cell.before), _cell(cell.after)]
        for row in difference.changed[:_SHOWN_ROWS]
        for cell in row.cells
    ]
    if rows:
        lines += ["", *table([", ".join(difference.key), "Column", "Before", "After"], rows)]
    for title, sample in (("Added", difference.added), ("Removed", difference.removed)):
        if sample:
            cells = [[_cell(value) for value in row] for row in sample[:_SHOWN_ROWS]]
            lines += ["", f"{title}:", *table(list(difference.sample_columns), cells)]
    return lines


def _cell(value: object) -> str:
    text = "" if value is None else str(value)
    return text if len(text) <= _WIDEST_CELL else text[: _WIDEST_CELL - 1] + "…"
