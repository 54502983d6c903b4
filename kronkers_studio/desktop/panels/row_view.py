"""Rows of a table as they were given, and the same with a model's answers; both can be copied into a spreadsheet."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, overload

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtGui import QFontMetrics, QGuiApplication, QKeyEvent, QKeySequence
from PySide6.QtWidgets import QAbstractItemView, QMenu

from kronkers_studio.desktop.localization import number, tr
from kronkers_studio.desktop.look import theme
from kronkers_studio.desktop.widgets.tables import Column, Table
from kronkers_studio.domain.printable import printable
from kronkers_studio.domain.row_tables import Cell, MatchedRows, RowTable, ScoredRows, cell_words, is_blank

SHOWN_ROWS = 200
"""Rows of a table that are shown before it is sent."""
MOST_COPIED = 50_000
"""Rows that go onto the clipboard at once."""
MOST_COLUMNS = 100
"""Columns that are shown; all of them are sent and saved."""

_NARROWEST, _WIDEST = 64, 300  # pixels of a column
_MARGINS = 24  # pixels beside the text in a cell
_MEASURED = 3  # longest cells of a column whose widths are looked at
_NUMBER = re.compile(r"[+-]?([0-9]+([.,][0-9]+)*|[.,][0-9]+)([eE][+-]?[0-9]+)?")
_CODE = re.compile(r"[+-]?0[0-9]+")

Line = list[str]


class RowView(Table[Line]):
    """Several rows can be selected; Ctrl+C copies them, and so does the menu, with the columns' names if wanted.

    ``copied`` carries how many rows were copied, and how many were selected.
    """

    copied = Signal(int, int)

    def __init__(self, name: str, columns: Sequence[Column[Line]]) -> None:
        super().__init__(name, columns, wide=True)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.customContextMenuRequested.connect(self._show_menu)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.matches(QKeySequence.StandardKey.Copy):
            self.copy_rows()
            return
        super().keyPressEvent(event)

    def copy_rows(self, *, headers: bool = False) -> None:
        """Put the selected rows onto the clipboard, cells separated by tabs as spreadsheets take them."""
        selection = self.selectionModel().selection()
        parts = [selection.at(place) for place in range(selection.count())]
        ranges = sorted((part.top(), part.bottom()) for part in parts)
        selected = sum(bottom - top + 1 for top, bottom in ranges)
        if not selected:
            return
        lines = ["\t".join(_clipped(column.title) for column in self.content.columns)] if headers else []
        copied = 0
        for top, bottom in ranges:
            for row in range(top, min(bottom, top + MOST_COPIED - copied - 1) + 1):
                line = self.content.row(row)
                lines.append("\t".join(_clipped(column.text(line)) for column in self.content.columns))
            copied += max(0, min(bottom - top + 1, MOST_COPIED - copied))
        QGuiApplication.clipboard().setText("\n".join(lines))
        self.copied.emit(copied, selected)

    def menu(self) -> QMenu:
        """What can be done with the rows."""
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        some = self.selectionModel().hasSelection()
        copy = menu.addAction(tr("Copy"), self.copy_rows)
        copy.setShortcut(QKeySequence.StandardKey.Copy)
        with_names = menu.addAction(tr("Copy with headers"), lambda: self.copy_rows(headers=True))
        for action in (copy, with_names):
            action.setEnabled(some)
        everything = menu.addAction(tr("Select all"), self.selectAll)
        everything.setShortcut(QKeySequence.StandardKey.SelectAll)
        return menu

    def _show_menu(self, at: QPoint) -> None:
        self.menu().popup(self.viewport().mapToGlobal(at))


def _clipped(text: str) -> str:
    """``text`` as one cell of what is pasted; never a formula."""
    plain = " ".join(re.split(r"[\t\r\n]+", text))
    return f"'{plain}" if plain.startswith(("=", "+", "-", "@")) and not _NUMBER.fullmatch(plain) else plain


def given_rows(table: RowTable, matched: MatchedRows | None) -> RowView:
    """The first rows of ``table``, with the columns marked that the model gets."""
    used = set(matched.used) if matched is not None else set()
    columns = []
    for place, name in enumerate(_shown_names(table)):
        title = f"✓ {name}" if place in used else name
        columns.append(_given_column(table, place, title, muted=bool(used) and place not in used))
    view = RowView(tr("Rows of {file}").format(file=table.name), columns)
    view.content.show_rows(_Lines(min(len(table.rows), SHOWN_ROWS), lambda row: _given(table, row)))
    return view


def answered_rows(scored: ScoredRows, *, every_class: bool = False) -> RowView:
    """The answers, their certainty, and beside them the rows as they were given."""
    table = scored.table
    columns, texts = _answer_columns(scored, every_class=every_class)
    before = len(columns)
    for place, name in enumerate(_shown_names(table)):
        columns.append(_given_column(table, place, name, muted=True, before=before))
    view = RowView(tr("Answers"), columns)

    def line(row: int) -> Line:
        return [*(text(row) for text in texts), *_given(table, row)]

    view.content.show_rows(_Lines(len(scored.outputs), line))
    return view


def _answer_columns(scored: ScoredRows, *, every_class: bool) -> tuple[list[Column[Line]], list[Callable[[int], str]]]:
    texts: list[Callable[[int], str]] = [_output_text(scored.outputs)]
    titles = [tr("Answer")]
    if scored.probabilities:
        titles.append(tr("Certainty"))
        texts.append(lambda row: _percent(scored.certainty(row)))
        for name in scored.classes if every_class else ():
            titles.append(name)
            texts.append(_chance_text(scored, name))
    figures = all(isinstance(output, int | float) for output in scored.outputs[:SHOWN_ROWS])
    shown = range(min(len(scored.outputs), SHOWN_ROWS))
    return [
        _column(title, place, [text(row) for row in shown], right=place > 0 or figures, muted=place > 0)
        for place, (title, text) in enumerate(zip(titles, texts, strict=True))
    ], texts


def _chance_text(scored: ScoredRows, name: str) -> Callable[[int], str]:
    return lambda row: _percent(scored.probabilities[row].get(name))


def _percent(chance: float | None) -> str:
    return "" if chance is None else tr("{percent} %").format(percent=number(100 * chance, 1))


def _output_text(outputs: Sequence[Any]) -> Callable[[int], str]:
    """How answers read: fractions all with the same number of decimals."""
    fractions = [output for output in outputs if isinstance(output, float)]
    largest = max(map(abs, fractions), default=0.0)
    decimals = 0 if all(map(float.is_integer, fractions)) else 3 if largest < 1000 else 1

    def text(row: int) -> str:
        output = outputs[row]
        return number(output, decimals) if isinstance(output, float) else cell_words(output)

    return text


class _Lines(Sequence[Line]):
    """Lines that are made when they are looked at."""

    def __init__(self, length: int, line: Callable[[int], Line]) -> None:
        self._length = length
        self._line = line

    def __len__(self) -> int:
        return self._length

    @overload
    def __getitem__(self, index: int) -> Line: ...
    @overload
    def __getitem__(self, index: slice) -> list[Line]: ...
    def __getitem__(self, index: int | slice) -> Line | list[Line]:
        if isinstance(index, slice):
            return [self._line(at) for at in range(*index.indices(self._length))]
        if not -self._length <= index < self._length:
            raise IndexError(index)
        return self._line(index % self._length)


def _shown_names(table: RowTable) -> list[str]:
    return [name.strip() or f"{place + 1}" for place, name in enumerate(table.columns[:MOST_COLUMNS])]


def _given(table: RowTable, row: int) -> Line:
    return [cell_words(cell) for cell in table.rows[row][:MOST_COLUMNS]]


def _given_column(table: RowTable, place: int, title: str, *, muted: bool, before: int = 0) -> Column[Line]:
    cells = [row[place] for row in table.rows[:SHOWN_ROWS]]
    return _column(title, before + place, list(map(cell_words, cells)), right=_are_figures(cells), muted=muted)


def _are_figures(cells: Sequence[Cell]) -> bool:
    """Whether all of them are numbers, besides missing ones; what begins with a 0 is a code."""
    filled = [cell for cell in cells if not is_blank(cell)]
    return bool(filled) and all(
        isinstance(cell, int | float) and not isinstance(cell, bool)
        if not isinstance(cell, str)
        else bool(_NUMBER.fullmatch(cell.strip())) and not _CODE.fullmatch(cell.strip())
        for cell in filled
    )


def _column(title: str, place: int, shown: Sequence[str], *, right: bool, muted: bool) -> Column[Line]:
    """As wide as what it holds; figures are never cut, what is left of one would be another figure."""
    measure = QFontMetrics(theme.font())
    longest = sorted(shown, key=len)[-_MEASURED:]
    wanted = _MARGINS + max(measure.horizontalAdvance(printable(words)) for words in (title, *longest))
    widest = max(_WIDEST, wanted) if right else _WIDEST
    width = max(_NARROWEST, min(wanted, widest))
    return Column(title, lambda line: line[place], width, right=right, muted=muted)
