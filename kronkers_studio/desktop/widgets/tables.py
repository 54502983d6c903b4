"""Tables that stay quick however long they are: rows are asked for as they come into view, never copied or proxied."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeVar, cast

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QContextMenuEvent, QFocusEvent, QFont, QKeyEvent, QPainter
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QWidget,
)

from kronkers_studio.desktop.look import icons, theme
from kronkers_studio.desktop.look.tokens import CAPTION, ROW_HEIGHT, Tone
from kronkers_studio.desktop.widgets.hints import plain_hint
from kronkers_studio.desktop.widgets.passing_time import PassingTime
from kronkers_studio.domain.printable import printable

Row = TypeVar("Row")
Index = QModelIndex | QPersistentModelIndex
_WIDENED = 100  # pixels from which on a column of a wide table takes a share of what is left
_FOCUS_BAR = 3  # pixels, at the left of the chosen row of the table that has the keyboard
_NOWHERE = QModelIndex()


@dataclass(frozen=True, slots=True)
class Column(Generic[Row]):
    """One column: its title and how a row reads in it.

    ``width`` in pixels at 100 %, or 0 to share what is left by ``stretch``; ``pill`` gives a tone when the text is to
    be shown as a pill; ``icon`` the name of an icon before the text. ``lead`` draws something of its own before the
    text and gives the pixels it took; ``spoken`` says all of it in words. ``tone`` colours the whole cell, ``faint``
    mutes its text. In a table narrower than ``needs`` pixels the column is left out.
    """

    title: str
    text: Callable[[Row], str]
    width: int = 0
    stretch: int = 1
    right: bool = False
    muted: bool = False
    middle: bool = False  # what is too long is cut in its middle, as a path's end says most
    pill: Callable[[Row], Tone] | None = None
    icon: Callable[[Row], str] | None = None
    hint: Callable[[Row], str] | None = None
    lead: Callable[[QPainter, QRect, Row], int] | None = None
    spoken: Callable[[Row], str] | None = None
    tone: Callable[[Row], Tone | None] | None = None
    faint: Callable[[Row], bool] | None = None
    code: bool = False
    needs: int = 0


def shown_text(column: Column[Row], row: Row) -> str:
    """How ``row`` reads in ``column``: names may be of any bytes, and become here what Qt can show."""
    return printable(column.text(row), lines=column.code)


class RowsModel(QAbstractTableModel, Generic[Row]):
    """Rows of any sequence, or pages of a source that are asked for only when they are scrolled to.

    With ``fetch``, ``fetch(offset)`` is called to ask for the next page; whoever answers calls ``add_page``.
    """

    def __init__(self, columns: Sequence[Column[Row]], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.columns = tuple(columns)
        self._rows: Sequence[Row] = ()
        self._pages: list[Row] = []  # what is shown of a paged source
        self._fetch: Callable[[int], None] | None = None
        self._more = False
        self._asked = False
        self._sorted: tuple[int, bool] | None = None

    @property
    def rows(self) -> Sequence[Row]:
        return self._rows

    def show_rows(self, rows: Sequence[Row]) -> None:
        """Show exactly ``rows``; the sequence is held, not copied."""
        self.beginResetModel()
        self._rows, self._fetch, self._more = rows, None, False
        self.endResetModel()

    def show_pages(self, fetch: Callable[[int], None]) -> None:
        """Start anew from a paged source; ``fetch`` is called at once for the first page."""
        self.beginResetModel()
        self._rows = self._pages = []
        self._fetch, self._more, self._asked = fetch, True, True
        self.endResetModel()
        fetch(0)

    def add_page(self, rows: Sequence[Row], *, more: bool) -> None:
        """The answer to ``fetch``: the next ``rows``, and whether there are ``more`` after them."""
        self._asked, self._more = False, more
        if rows:
            self.beginInsertRows(QModelIndex(), len(self._rows), len(self._rows) + len(rows) - 1)
            if self._rows is not self._pages:  # they are somebody else's
                self._rows = self._pages = list(self._rows)
            self._pages.extend(rows)
            self.endInsertRows()

    def row(self, index: int) -> Row:
        return self._rows[index]

    def show_sorted(self, position: int, *, descending: bool) -> None:
        """Mark the column by which whoever gives the rows has sorted them."""
        self._sorted = (position, descending)
        self.headerDataChanged.emit(Qt.Orientation.Horizontal, 0, len(self.columns) - 1)

    # What Qt asks

    def rowCount(self, parent: Index = _NOWHERE) -> int:
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: Index = _NOWHERE) -> int:
        return 0 if parent.isValid() else len(self.columns)

    def canFetchMore(self, parent: Index = _NOWHERE) -> bool:
        return self._more and not self._asked and not parent.isValid()

    def fetchMore(self, _parent: Index = _NOWHERE) -> None:
        if self._fetch is not None and self.canFetchMore():
            self._asked = True
            self._fetch(len(self._rows))

    def flags(self, index: Index) -> Qt.ItemFlag:
        return super().flags(index) | Qt.ItemFlag.ItemIsDragEnabled

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if orientation is not Qt.Orientation.Horizontal:
            return None
        column = self.columns[section]
        if role == Qt.ItemDataRole.DisplayRole:
            title = printable(column.title)
            if self._sorted is not None and self._sorted[0] == section:
                return f"{title} {'↓' if self._sorted[1] else '↑'}"
            return title
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _aligned(column)
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        column, row = self.columns[index.column()], self._rows[index.row()]
        answer = self._ANSWERS.get(role)
        return answer(column, row) if answer is not None else None

    _ANSWERS: ClassVar[dict[int, Callable[[Column[Any], Any], Any]]] = {
        Qt.ItemDataRole.DisplayRole: shown_text,
        Qt.ItemDataRole.AccessibleTextRole: lambda column, row: printable((column.spoken or column.text)(row)),
        Qt.ItemDataRole.ToolTipRole: lambda column, row: plain_hint((column.hint or column.text)(row)),
        Qt.ItemDataRole.TextAlignmentRole: lambda column, _row: _aligned(column),
    }


class Table(QTableView, Generic[Row]):
    """A table of rows as they come. ``opened`` carries the row that was double-clicked or entered, ``menu_wanted`` the
    row whose menu is asked for and where on the screen."""

    opened = Signal(object)
    menu_wanted = Signal(object, object)
    picked = Signal(object)
    sort_wanted = Signal(int)
    drag_wanted = Signal(object)

    def __init__(
        self,
        name: str,
        columns: Sequence[Column[Row]],
        parent: QWidget | None = None,
        *,
        sortable: bool = False,
        wide: bool = False,
        draggable: bool = False,
        row_height: int = ROW_HEIGHT,
    ) -> None:
        """``sortable``: a click on a column's title asks to sort by it; whoever gives the rows does so. ``wide``: the
        columns keep their widths and scroll sideways when there are many."""
        super().__init__(parent)
        self.setAccessibleName(printable(name))
        self.content: RowsModel[Row] = RowsModel(columns)
        self.content.setParent(self)
        self.setModel(self.content)
        self.setItemDelegate(_Cells(self))
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self._wide = wide
        sideways = Qt.ScrollBarPolicy.ScrollBarAsNeeded if wide else Qt.ScrollBarPolicy.ScrollBarAlwaysOff
        self.setHorizontalScrollBarPolicy(sideways)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setDragEnabled(draggable)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)
        self.setCornerButtonEnabled(False)
        vertical = self.verticalHeader()
        vertical.setVisible(False)
        vertical.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        vertical.setMinimumSectionSize(row_height)
        vertical.setDefaultSectionSize(row_height)
        header = self.horizontalHeader()
        header.setHighlightSections(False)
        header.setSectionsClickable(sortable)
        header.sectionClicked.connect(self.sort_wanted)
        header.setMinimumSectionSize(24)
        header.setTextElideMode(Qt.TextElideMode.ElideRight)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self.doubleClicked.connect(lambda index: self.opened.emit(self.content.row(index.row())))
        self.selectionModel().currentRowChanged.connect(self._tell_picked)
        self._share_width()
        theme.current().changed.connect(self.viewport().update)
        PassingTime.of_program().passed.connect(self.viewport().update)  # cells may say how long ago something was

    @property
    def chosen(self) -> Row | None:
        """The selected row, or None."""
        index = self.currentIndex()
        return self.content.row(index.row()) if index.isValid() and self.selectionModel().hasSelection() else None

    def show_sorted(self, position: int, *, descending: bool) -> None:
        """Mark the column by which the rows are sorted."""
        self.content.show_sorted(position, descending=descending)

    def choose(self, position: int) -> None:
        """Select the row at ``position``."""
        self.selectRow(position)

    def fit_rows(self, most: int = 12) -> None:
        """Take the height of the rows there are, up to ``most``."""
        shown = max(1, min(most, self.content.rowCount()))
        self.setFixedHeight((shown + 1) * ROW_HEIGHT + 4)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.chosen is not None:
            self.opened.emit(self.chosen)
            return
        super().keyPressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Who comes by the keyboard sees where they are: on the first row, when none was chosen."""
        super().focusInEvent(event)
        by_keyboard = event.reason() in (Qt.FocusReason.TabFocusReason, Qt.FocusReason.BacktabFocusReason)
        if by_keyboard and self.chosen is None and self.content.rowCount():
            self.selectRow(0)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """By the mouse, of the row below it; by the keyboard, of the chosen one."""
        by_mouse = event.reason() == QContextMenuEvent.Reason.Mouse
        index = self.indexAt(event.pos()) if by_mouse else self.currentIndex()
        if not index.isValid():
            return
        self.selectRow(index.row())
        below = self.visualRect(index).bottomLeft()
        self.menu_wanted.emit(
            self.content.row(index.row()), event.globalPos() if by_mouse else self.viewport().mapToGlobal(below)
        )

    def startDrag(self, _actions: Qt.DropAction) -> None:
        if self.chosen is not None:
            self.drag_wanted.emit(self.chosen)

    def resizeEvent(self, event: Any) -> None:
        super().resizeEvent(event)
        self._share_width()

    def _tell_picked(self, index: QModelIndex) -> None:
        if index.isValid():
            self.picked.emit(self.content.row(index.row()))

    def _share_width(self) -> None:
        whole = self.viewport().width()
        for position, column in enumerate(self.content.columns):
            if self.isColumnHidden(position) is not (whole < column.needs):
                self.setColumnHidden(position, whole < column.needs)
        shown = [(at, column) for at, column in enumerate(self.content.columns) if whole >= column.needs]
        left = whole - sum(column.width for _, column in shown)
        shares = sum(column.stretch for _, column in shown if not column.width) or 1
        widened = sum(_takes_more(column) for _, column in shown) if self._wide and left > 0 else 0
        for position, column in shown:
            width = column.width or max(60, left * column.stretch // shares)
            if widened and _takes_more(column):
                width += left // widened
            self.setColumnWidth(position, width)


def _takes_more(column: Column[Any]) -> bool:
    """Whether it takes a share of the room that a wide table has left; figures would stand far from what is before."""
    return column.width >= _WIDENED and not column.right


class _Cells(QStyledItemDelegate):
    """Draws a cell's text, its icon, or its pill."""

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(super().sizeHint(option, index).width(), ROW_HEIGHT)

    def initStyleOption(self, option: QStyleOptionViewItem, index: Index) -> None:
        """Nothing: what the view says of the cell is enough, text and icon are drawn below, so that every column starts
        at the same distance from its edge; and asking the model for ten things a cell is what painting would take."""

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        model = cast("RowsModel[Any]", index.model())
        column, row = model.columns[index.column()], model.row(index.row())
        tone = column.tone(row) if column.tone else None
        if tone:
            painter.fillRect(option.rect.adjusted(0, 0, 0, -1), QColor(theme.current().tokens.pair(tone)[1]))
        super().paint(painter, option, index)
        painter.save()
        if index.column() == 0 and _has_keyboard(option):
            bar = QRect(option.rect.left(), option.rect.top(), _FOCUS_BAR, option.rect.height() - 1)
            painter.fillRect(bar, theme.current().colour("accent"))
        if column.code:
            painter.setFont(theme.code_font())
        pill = column.pill(row) if column.pill else None
        if pill:
            self._draw_pill(painter, option, shown_text(column, row), pill)
        else:
            self._draw_text(painter, option, column, row)
        painter.restore()

    def _draw_pill(self, painter: QPainter, option: QStyleOptionViewItem, text: str, tone: Tone) -> None:
        ink, ground = theme.current().tokens.pair(tone)
        font = theme.font(CAPTION, QFont.Weight.DemiBold)
        painter.setFont(font)
        rect = QRectF(option.rect)
        width = min(painter.fontMetrics().horizontalAdvance(text) + 24, rect.width() - 12)
        pill = QRectF(rect.left() + 8, rect.center().y() - 9.5, width, 19)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(ground))
        painter.drawRoundedRect(pill, 9, 9)
        painter.setPen(QColor(ink))
        shown = painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, int(width - 12))
        painter.drawText(pill, Qt.AlignmentFlag.AlignCenter, shown)

    def _draw_text(self, painter: QPainter, option: QStyleOptionViewItem, column: Column[Any], row: Any) -> None:
        rect = option.rect.adjusted(8, 0, -8, 0)
        if column.lead is not None:
            rect = rect.adjusted(column.lead(painter, rect, row), 0, 0, 0)
        if column.icon is not None:
            picture = icons.pixmap(column.icon(row), "muted", 16, painter.device().devicePixelRatioF())
            painter.drawPixmap(rect.left(), rect.center().y() - 7, picture)
            rect = rect.adjusted(24, 0, 0, 0)
        text = shown_text(column, row)
        if text:
            muted = column.muted or (column.faint is not None and column.faint(row))
            painter.setPen(theme.current().colour("muted" if muted else "text"))
            mode = Qt.TextElideMode.ElideMiddle if column.middle else Qt.TextElideMode.ElideRight
            painter.drawText(rect, _aligned(column), painter.fontMetrics().elidedText(text, mode, rect.width()))


def _has_keyboard(option: QStyleOptionViewItem) -> bool:
    """Whether it is the chosen row of the table that the keyboard is in."""
    wanted = QStyle.StateFlag.State_Selected
    return bool(option.state & wanted) and isinstance(option.widget, QWidget) and option.widget.hasFocus()


def _aligned(column: Column[Any]) -> Qt.AlignmentFlag:
    side = Qt.AlignmentFlag.AlignRight if column.right else Qt.AlignmentFlag.AlignLeft
    return side | Qt.AlignmentFlag.AlignVCenter
