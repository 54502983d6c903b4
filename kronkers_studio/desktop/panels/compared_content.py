"""One file at two versions beside each other, in the way that suits it: rows and cells, lines, or only its sizes."""

from __future__ import annotations

from PySide6.QtWidgets import QVBoxLayout, QWidget

from kronkers_studio.desktop.difference_rows import (
    ComparedRow,
    SideBySide,
    column_title,
    compared_columns,
    compared_rows,
    side_by_side,
    table_words,
    text_words,
)
from kronkers_studio.desktop.localization import file_size, tr
from kronkers_studio.desktop.widgets.cards import clear
from kronkers_studio.desktop.widgets.labels import label
from kronkers_studio.desktop.widgets.states import EmptyState
from kronkers_studio.desktop.widgets.tables import Column, Table
from kronkers_studio.domain.content import Entry
from kronkers_studio.domain.differences import TableDifference, TableFileDifference, TextDifference, TreeDifference

Content = TableFileDifference | TextDifference | TreeDifference | None

_COLUMN = 128
_CODE_ROW = 24


class ComparedContent(QWidget):
    """Shows the differences of one file after another."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._place = QVBoxLayout(self)
        self._place.setContentsMargins(0, 0, 0, 0)
        self._place.setSpacing(8)

    def show_content(self, before: Entry | None, after: Entry | None, content: Content) -> None:
        """Show what differs; None stands for a file that is not there."""
        clear(self._place)
        if isinstance(content, TableFileDifference):
            for table in [table for table in content.tables if table] or content.tables[:1]:
                self._add_table(table, typed=content.typed)
        elif isinstance(content, TextDifference):
            self._place.addWidget(label(text_words(content), "caption", wrap=True))
            self._place.addWidget(_text_table(content), 1)
        else:
            words = _sizes(before, after)
            self._place.addWidget(EmptyState("file", tr("It is neither a table nor a text"), words), 1)

    def _add_table(self, difference: TableDifference, *, typed: bool) -> None:
        words = table_words(difference)
        sheet = tr("Sheet “{name}”").format(name=difference.sheet) if difference.sheet else ""
        self._place.addWidget(label(f"{sheet} · {words}" if sheet else words, "caption", wrap=True))
        self._place.addWidget(_rows_table(difference, typed=typed), 1)


def _sizes(before: Entry | None, after: Entry | None) -> str:
    old, new = (file_size(entry.size) if entry else tr("nothing") for entry in (before, after))
    return tr("Its size: {before} before, {after} now.").format(before=old, after=new)


def _rows_table(difference: TableDifference, *, typed: bool) -> Table[ComparedRow]:
    columns: list[Column[ComparedRow]] = [Column("", lambda row: row.sign, 28, tone=lambda row: row.sign_tone)]
    names = compared_columns(difference)
    columns += [_cell_column(column_title(difference, name), place) for place, name in enumerate(names)]
    made: Table[ComparedRow] = Table(tr("Rows that differ"), columns, wide=True)
    made.content.show_rows(compared_rows(difference, typed=typed))
    return made


def _cell_column(title: str, place: int) -> Column[ComparedRow]:
    return Column(
        title,
        lambda row: row.cells[place],
        _COLUMN,
        tone=lambda row: row.tone(place),
        faint=lambda row: place in row.same,
    )


def _text_table(difference: TextDifference) -> Table[SideBySide]:
    columns: list[Column[SideBySide]] = [
        Column("", lambda row: _number(row.old_number), 44, right=True, muted=True, code=True),
        Column(
            tr("Before"),
            lambda row: row.old_words,
            code=True,
            tone=lambda row: "bad" if row.changed and row.old is not None else None,
        ),
        Column("", lambda row: _number(row.new_number), 44, right=True, muted=True, code=True),
        Column(
            tr("After"),
            lambda row: row.new_words,
            code=True,
            tone=lambda row: "ok" if row.changed and row.new is not None else None,
        ),
    ]
    made: Table[SideBySide] = Table(tr("Lines that differ"), columns, row_height=_CODE_ROW)
    made.content.show_rows(side_by_side(difference))
    return made


def _number(value: int | None) -> str:
    return "" if value is None else str(value)
