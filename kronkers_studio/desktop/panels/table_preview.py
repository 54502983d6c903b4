"""A look at a table: its first rows at once; then all of it sorted, found by words, and told of by column."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QTimer, Signal
from PySide6.QtGui import QFontMetrics, QKeyEvent, QKeySequence
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from kronkers_studio.desktop.actions import Act, CopyText
from kronkers_studio.desktop.localization import counted, file_size, number, tr
from kronkers_studio.desktop.look import theme
from kronkers_studio.desktop.offers.content import copy_cells
from kronkers_studio.desktop.row_menus import do_on_computer, give_menu
from kronkers_studio.desktop.widgets.fields import ComboBox, LineField
from kronkers_studio.desktop.widgets.labels import label
from kronkers_studio.desktop.widgets.pills import FilterPills
from kronkers_studio.desktop.widgets.tables import Column, Table
from kronkers_studio.desktop.widgets.views import Views
from kronkers_studio.desktop.work.studio import Studio
from kronkers_studio.domain.content import Commit, Entry
from kronkers_studio.domain.errors import StudioError
from kronkers_studio.domain.previews import (
    ColumnFacts,
    ColumnType,
    TableFacts,
    TablePreview,
    TableQuery,
    TableView,
)
from kronkers_studio.domain.printable import printable
from kronkers_studio.domain.progress import CancelToken

if TYPE_CHECKING:
    from kronkers_studio.workflows.session import Session

_NARROWEST, _WIDEST = 64, 300  # pixels of a table's column; one of figures is as wide as its widest
_MARGINS = 24  # pixels beside the text in a cell
_MEASURED = 3  # longest cells of a column whose widths are looked at
_PAUSE_MS = 250  # in typing, before what was typed is looked for
_NAME = 30  # characters of a column's name in a choice

Line = tuple[str, ...]


class TableLook(QWidget):
    """Shows ``preview``, the beginning of the table ``entry`` at ``commit``. ``counted`` carries what there is to say
    of the whole table, as soon as that is known."""

    counted = Signal(str)

    def __init__(self, studio: Studio, commit: Commit, entry: Entry, preview: TablePreview) -> None:
        super().__init__()
        self._studio, self._commit, self._entry = studio, commit, entry
        self._preview = preview
        self._query = TableQuery()
        self._facts: TableFacts | None = None
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(8)
        self.sides = FilterPills([("rows", tr("Rows")), ("columns", tr("Columns"))], tr("Show"))
        self.sides.chosen.connect(self.show_side)
        self.words = LineField(tr("Find rows"), placeholder=tr("Find rows, or > 100 in a column"))
        names = [(_short(name or str(place + 1)), place) for place, name in enumerate(preview.columns)]
        self.column = ComboBox(tr("Where to find"), [(tr("in any column"), -1), *names])
        self.column.setMaximumWidth(170)
        self.found = label("", "caption")
        self._tools = QWidget()
        tools = QHBoxLayout(self._tools)
        tools.setContentsMargins(0, 0, 0, 0)
        tools.setSpacing(8)
        tools.addWidget(self.words, 1)
        tools.addWidget(self.column)
        kept = self._tools.sizePolicy()
        kept.setRetainSizeWhenHidden(True)  # so that nothing moves
        self._tools.setSizePolicy(kept)
        head = QHBoxLayout()
        head.setSpacing(8)
        head.addWidget(self.sides)
        head.addWidget(self._tools, 1)
        whole.addLayout(head)
        whole.addWidget(self.found)
        self.table = _rows_table(entry, preview)
        self.table.sort_wanted.connect(self._sort)
        give_menu(self.table, lambda row: [copy_cells(row)], self._copy)
        self.columns: Table[ColumnFacts] = Table(tr("Columns of {file}").format(file=entry.name), _facts_columns())
        self.columns.opened.connect(self._find_in)
        self.views = Views({"rows": lambda: self.table, "columns": lambda: self.columns})
        self.views.show_view("rows")
        whole.addWidget(self.views, 1)
        self.setFocusProxy(self.table)
        self._typed = QTimer(self, singleShot=True, interval=_PAUSE_MS)
        self._typed.timeout.connect(self.look)
        self.words.textChanged.connect(lambda _words: self._typed.start())
        self.column.currentIndexChanged.connect(self._column_chosen)
        self.found.setVisible(False)
        if not preview.complete and preview.total is None:
            self.look()  # how many rows there are

    def _copy(self, act: Act) -> None:
        if isinstance(act, CopyText):
            do_on_computer(act, self._studio.runner, self, lambda _error: None)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Ctrl+C copies the chosen row."""
        row = self.table.chosen
        if event.matches(QKeySequence.StandardKey.Copy) and row is not None and self.views.shown == "rows":
            self._copy(copy_cells(row).act)
            return
        super().keyPressEvent(event)

    # Rows

    def look(self) -> None:
        """Find and sort rows as it is asked for; the answer to an older wish is given up."""
        self._typed.stop()
        column = self.column.value
        query = TableQuery(
            self._query.sort,
            self._query.descending,
            self.words.text(),
            column if isinstance(column, int) else -1,
        )
        self._query = query
        commit, path = self._commit, self._entry.path
        asked_for = query != TableQuery()

        def work(session: Session, cancel: CancelToken) -> TableView:
            from kronkers_studio.workflows.previews import table_view

            return table_view(session, commit.project, commit.id, path, query, cancel=cancel)

        def show(view: TableView) -> None:
            if query == self._query:
                self._show(view)

        if asked_for:
            self._say(tr("Looking through all rows …"))
        self._studio.look(work, show, owner=self, failed=lambda error: self._failed(error, asked_for=asked_for))

    def _show(self, view: TableView) -> None:
        width = len(self._preview.columns)
        self.table.content.show_rows([fitted(row, width) for row in view.rows])
        self.table.show_sorted(self._query.sort, descending=self._query.descending)
        self.table.scrollToTop()
        self.counted.emit(whole_words(view.total, view.width, view.read))
        self._say(_found_words(view, self._query))

    def _say(self, words: str) -> None:
        self.found.setText(words)
        self.found.setVisible(bool(words))

    def _failed(self, error: StudioError, *, asked_for: bool) -> None:
        if asked_for:
            self._say(f"{error.message} {error.next_step}".strip())

    def _sort(self, position: int) -> None:
        """First from the smallest, then from the largest, then as it is written."""
        before = self._query
        if before.sort != position:
            self._query = TableQuery(position)
        else:
            self._query = TableQuery() if before.descending else TableQuery(position, True)
        self.look()

    def _column_chosen(self) -> None:
        if self.words.text().strip():
            self.look()

    # Columns

    def show_side(self, key: str) -> None:
        """Show the rows, or what is in each column, which is found out when it is first asked for."""
        self.sides.select(key)
        self.views.show_view(key)
        self._tools.setVisible(key == "rows")
        self.setFocusProxy(self.table if key == "rows" else self.columns)
        if key == "rows":
            self._say("")
            return
        if self._facts is not None:
            self._show_facts(self._facts)
            return
        commit, path = self._commit, self._entry.path

        def work(session: Session, cancel: CancelToken) -> TableFacts:
            from kronkers_studio.workflows.previews import table_facts

            return table_facts(session, commit.project, commit.id, path, cancel=cancel)

        self._say(tr("Looking through all columns …"))
        self._studio.look(
            work, self._show_facts, owner=self.columns, failed=lambda error: self._failed(error, asked_for=True)
        )

    def _show_facts(self, facts: TableFacts) -> None:
        self._facts = facts
        self.columns.content.show_rows(facts.columns)
        told = ""
        if facts.width > len(facts.columns):
            words = tr("The first {n} of {total} columns.")
            told = words.format(n=number(len(facts.columns)), total=number(facts.width))
        self.counted.emit(whole_words(facts.total, facts.width, facts.read))
        if self.sides.key == "columns":
            self._say(told)

    def _find_in(self, facts: ColumnFacts) -> None:
        """Back to the rows, sorted by the column."""
        place = next((at for at, name in enumerate(self._preview.columns) if name == facts.name), -1)
        if place < 0:
            words = tr("Rows are shown with their first {n} columns only.")
            self._say(words.format(n=number(len(self._preview.columns))))
            return
        self.show_side("rows")
        self._query = TableQuery(place)
        self.look()


def fitted(row: Line, width: int) -> Line:
    """``row`` with as many cells as there are columns: lines of a CSV file may have more or fewer."""
    return row if len(row) == width else (*row[:width], *("" for _ in range(width - len(row))))


def whole_words(rows: int, columns: int, read: int) -> str:
    """ "5,000 rows · 5 columns", and how much of the file that is when it is not all."""
    words = " · ".join(
        [counted(rows, tr("{n} row"), tr("{n} rows")), counted(columns, tr("{n} column"), tr("{n} columns"))]
    )
    if not read:
        return words
    return tr("{what} in its first {size}, which are looked through").format(what=words, size=file_size(read))


def _found_words(view: TableView, query: TableQuery) -> str:
    shown, words = len(view.rows), query.words.strip()
    if words[:1] in ("<", ">", "=") and query.column < 0 and not view.matched:
        return tr("No cell holds that text. To compare figures, choose their column.")
    if words:
        found = tr("{n} of {total} rows").format(n=number(view.matched), total=number(view.total))
        more = tr("the first {n} are shown").format(n=number(shown)) if shown < view.matched else ""
        return f"{found}; {more}" if more else found
    return tr("The first {n} are shown.").format(n=number(shown)) if shown < view.total else ""


def _short(name: str) -> str:
    words = printable(name)
    return words if len(words) <= _NAME else f"{words[: _NAME - 1]}…"


def _rows_table(entry: Entry, preview: TablePreview) -> Table[Line]:
    columns = [_cell_column(title, place, preview) for place, title in enumerate(preview.columns)]
    made: Table[Line] = Table(tr("Rows of {file}").format(file=entry.name), columns, wide=True, sortable=True)
    made.content.show_rows(preview.rows)
    return made


def _cell_column(title: str, place: int, preview: TablePreview) -> Column[Line]:
    """As wide as what it holds. Figures stand below one another, at the right, and are never cut: what is left of one
    would be another figure."""
    figures = place in preview.figures
    title = title or f"{place + 1}"
    longest = sorted({row[place] for row in preview.rows}, key=len)[-_MEASURED:]
    measure = QFontMetrics(theme.font())
    wanted = _MARGINS + max(measure.horizontalAdvance(printable(words)) for words in (f"{title} ↓", *longest))
    widest = max(_WIDEST, wanted) if figures else _WIDEST
    return Column(title, lambda row: row[place], max(_NARROWEST, min(wanted, widest)), right=figures)


def _facts_columns() -> list[Column[ColumnFacts]]:
    return [
        Column(tr("Column"), lambda row: row.name, stretch=2),
        Column(tr("What it is"), _type_words, 84, muted=True),
        Column(tr("Empty"), lambda row: number(row.empty), 72, right=True),
        Column(tr("Different"), lambda row: number(row.distinct), 88, right=True),
        Column(tr("Smallest · median · largest, or the commonest"), _values, stretch=4, hint=_values),
    ]


def _type_words(row: ColumnFacts) -> str:
    return {
        ColumnType.NUMBER: tr("Numbers"),
        ColumnType.TEXT: tr("Texts"),
        ColumnType.TIME: tr("Dates"),
        ColumnType.TRUTH: tr("Yes or no"),
        ColumnType.NOTHING: tr("Nothing"),
    }[row.type]


def _values(row: ColumnFacts) -> str:
    if row.type in (ColumnType.NUMBER, ColumnType.TIME):
        return " · ".join((row.smallest, row.median, row.largest))
    return ", ".join(f"{value} ({number(times)})" for value, times in row.commonest)
