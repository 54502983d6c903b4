"""Differences as rows to be shown: a table's with its changed cells, a text's lines side by side.

Signs say what colours say.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest

from kronkers_studio.desktop.localization import counted, path_words, tr
from kronkers_studio.desktop.look.tokens import Tone
from kronkers_studio.domain.cell_text import column_words
from kronkers_studio.domain.content import EntryKind
from kronkers_studio.domain.differences import (
    Cell,
    CellChange,
    ChangeKind,
    ColumnChange,
    EntryChange,
    Hunk,
    TableDifference,
    TextDifference,
    TreeDifference,
)

ADDED, REMOVED, CHANGED = "+", "−", "±"
_MIDNIGHT = " 00:00:00"
_TONES: dict[str, Tone] = {ADDED: "ok", REMOVED: "bad", CHANGED: "warn"}


# Trees


def change_words(change: EntryChange) -> tuple[str, Tone]:
    """What became of an entry, with its sign."""
    words: dict[ChangeKind, tuple[str, Tone]] = {
        ChangeKind.ADDED: (f"{ADDED} {tr('Added')}", "ok"),
        ChangeKind.REMOVED: (f"{REMOVED} {tr('Removed')}", "bad"),
        ChangeKind.MODIFIED: (f"{CHANGED} {tr('Changed')}", "warn"),
        ChangeKind.RENAMED: (f"→ {tr('Renamed')}", "accent"),
        ChangeKind.MODE: (tr("Rights"), "plain"),
        ChangeKind.TOUCHED: (tr("Time"), "plain"),
    }
    return words[change.kind]


def change_path(change: EntryChange) -> str:
    """Where the entry is; for a renamed one, where it was too."""
    if change.kind is ChangeKind.RENAMED and change.before is not None:
        return f"{path_words(change.before.path)} → {path_words(change.path)}"
    return path_words(change.path)


def tree_words(difference: TreeDifference) -> str:
    """ "2 added, 1 changed": without those of which only the time is another."""
    counts = [
        (ChangeKind.ADDED, tr("{n} added"), tr("{n} added")),
        (ChangeKind.REMOVED, tr("{n} removed"), tr("{n} removed")),
        (ChangeKind.MODIFIED, tr("{n} changed"), tr("{n} changed")),
        (ChangeKind.RENAMED, tr("{n} renamed"), tr("{n} renamed")),
    ]
    found = [(_files(difference.of_kind(kind)), one, many) for kind, one, many in counts]
    return ", ".join(counted(number, one, many) for number, one, many in found if number)


def _files(changes: Sequence[EntryChange]) -> int:
    """How many of them are files; where none is, how many there are: folders that are empty, or have another name."""
    entries = [change.after or change.before for change in changes]
    return sum(entry is not None and entry.kind is not EntryKind.FOLDER for entry in entries) or len(entries)


# Tables


@dataclass(frozen=True, slots=True)
class ComparedRow:
    """A row of a compared table: its sign, its cells, and which of them changed."""

    sign: str
    cells: tuple[str, ...]
    changed: frozenset[int] = frozenset()
    same: frozenset[int] = frozenset()  # of a changed row: the cells of which nothing more is known

    @property
    def sign_tone(self) -> Tone:
        return _TONES[self.sign]

    def tone(self, place: int) -> Tone | None:
        """The tone of the cell at ``place``: of all cells of an added or removed row, of the changed ones of others."""
        return _TONES[self.sign] if self.sign != CHANGED or place in self.changed else None


def compared_columns(difference: TableDifference) -> tuple[str, ...]:
    """The columns to show: the key first, then those that changed, then the others."""
    every = difference.sample_columns or difference.columns
    first = [*difference.key, *(name for name in every if name in difference.cells_changed)]
    return tuple(dict.fromkeys([*first, *every]))


def compared_rows(difference: TableDifference, *, typed: bool = False) -> list[ComparedRow]:
    """Changed rows, then added, then removed ones; a changed cell reads "before → after".

    In a file with ``typed`` cells, what reads as a time is one: of a column of dates, midnight is left out.
    """
    columns = compared_columns(difference)
    places = {name: place for place, name in enumerate(columns)}
    spelling = _Spelling(difference, typed=typed)
    rows = []
    for change in difference.changed:
        known = {name: spelling.words(name, value) for name, value in zip(difference.key, change.key, strict=True)}
        known |= {cell.column: spelling.both(cell) for cell in change.cells}
        same = [name for name in difference.columns if name in places and name not in known]
        cells = known | dict.fromkeys(same, tr("same"))
        rows.append(
            ComparedRow(
                CHANGED,
                tuple(cells.get(name, "") for name in columns),
                frozenset(places[cell.column] for cell in change.cells if cell.column in places),
                frozenset(places[name] for name in same),
            )
        )
    for sign, sample in ((ADDED, difference.added), (REMOVED, difference.removed)):
        for values in sample:
            by_name = dict(zip(difference.sample_columns, values, strict=True))
            rows.append(ComparedRow(sign, tuple(spelling.words(name, by_name.get(name)) for name in columns)))
    return rows


class _Spelling:
    """How the cells of a difference read: as in a preview, and exactly where two that differ would read the same."""

    def __init__(self, difference: TableDifference, *, typed: bool) -> None:
        self._several: set[tuple[str, str]] = set()
        others: set[str] = set()  # columns with a text that is no date
        first: dict[tuple[str, str], Cell] = {}
        for column, value in _sampled(difference):
            if isinstance(value, str) and not value.endswith(_MIDNIGHT):
                others.add(column)
            elif isinstance(value, float) and first.setdefault((column, _cell(value)), value) != value:
                self._several.add((column, _cell(value)))
        self._dates = set(compared_columns(difference)) - others if typed else set()

    def words(self, column: str, value: Cell) -> str:
        words = _cell(value)
        if isinstance(value, float) and (column, words) in self._several:
            return repr(value)
        return words.removesuffix(_MIDNIGHT) if column in self._dates else words

    def both(self, change: CellChange) -> str:
        before, after = (self.words(change.column, value) for value in (change.before, change.after))
        if before == after:  # they differ in their kind only
            before, after = repr(change.before), repr(change.after)
        return f"{before} → {after}"


def _sampled(difference: TableDifference) -> Iterator[tuple[str, Cell]]:
    """Every cell that a difference shows, with its column."""
    for change in difference.changed:
        yield from zip(difference.key, change.key, strict=True)
        for cell in change.cells:
            yield cell.column, cell.before
            yield cell.column, cell.after
    for row in (*difference.added, *difference.removed):
        yield from zip(difference.sample_columns, row, strict=True)


def column_title(difference: TableDifference, name: str) -> str:
    """A column's name; with its sign, when only one of the tables has it."""
    for change in difference.column_changes:
        if change.name == name and not (change.before and change.after):
            return f"{REMOVED if change.before else ADDED} {name}"
    return name


def table_words(difference: TableDifference) -> str:
    """What differs, counted."""
    counts = [
        (difference.rows_changed, tr("± {n} row changed"), tr("± {n} rows changed")),
        (difference.rows_added, tr("+ {n} row added"), tr("+ {n} rows added")),
        (difference.rows_removed, tr("− {n} row removed"), tr("− {n} rows removed")),
    ]
    parts = [counted(*count) for count in counts if count[0]] or [tr("every row is the same")]
    if difference.key:
        parts.append(tr("rows matched by {key}").format(key=", ".join(difference.key)))
    else:
        parts.append(tr("rows have no key, so a changed one is removed and added"))
    return " · ".join([*parts, *map(_column_words, difference.column_changes)])


def _column_words(change: ColumnChange) -> str:
    if not change.before:
        return tr("+ column {name}").format(name=change.name)
    if not change.after:
        return tr("− column {name}").format(name=change.name)
    return tr("column {name}: {before} → {after}").format(name=change.name, before=change.before, after=change.after)


def _cell(value: Cell) -> str:
    return column_words([value])[0]


# Texts


@dataclass(frozen=True, slots=True)
class SideBySide:
    """A line before and after; None where a side has no such line. ``cut`` stands for lines that are left out."""

    old_number: int | None = None
    old: str | None = None
    new_number: int | None = None
    new: str | None = None
    changed: bool = False
    cut: bool = False

    @property
    def old_words(self) -> str:
        return "⋯" if self.cut else "" if self.old is None else f"{REMOVED if self.changed else ' '} {self.old}"

    @property
    def new_words(self) -> str:
        return "⋯" if self.cut else "" if self.new is None else f"{ADDED if self.changed else ' '} {self.new}"


def side_by_side(difference: TextDifference) -> list[SideBySide]:
    """The hunks one below the other, changed lines beside what they became."""
    rows: list[SideBySide] = []
    for hunk in difference.hunks:
        if rows or hunk.old_start > 1 or hunk.new_start > 1:
            rows.append(SideBySide(cut=True))
        rows += _paired(hunk)
    if not difference.complete:
        rows.append(SideBySide(cut=True))
    return rows


def text_words(difference: TextDifference) -> str:
    """What differs, counted."""
    parts = [
        counted(difference.lines_added, tr("+ {n} line"), tr("+ {n} lines")),
        counted(difference.lines_removed, tr("− {n} line"), tr("− {n} lines")),
        *difference.notes,
    ]
    return " · ".join(parts)


def _paired(hunk: Hunk) -> Iterator[SideBySide]:
    old_number, new_number = hunk.old_start, hunk.new_start
    for removed, added, same in _runs(hunk.lines):
        for old, new in zip_longest(removed, added):
            yield SideBySide(
                None if old is None else old_number, old, None if new is None else new_number, new, changed=True
            )
            old_number, new_number = old_number + (old is not None), new_number + (new is not None)
        if same is not None:
            yield SideBySide(old_number, same, new_number, same)
            old_number, new_number = old_number + 1, new_number + 1


def _runs(lines: Sequence[str]) -> Iterator[tuple[list[str], list[str], str | None]]:
    """Removed and added lines that belong together, each with the unchanged one that follows."""
    removed: list[str] = []
    added: list[str] = []
    for line in lines:
        if line.startswith("-"):
            removed.append(line[1:])
        elif line.startswith("+"):
            added.append(line[1:])
        else:
            yield removed, added, line[1:]
            removed, added = [], []
    yield removed, added, None
