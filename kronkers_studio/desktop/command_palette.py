"""The command palette (Ctrl+K): everything that can be done or gone to, found by a few letters.

What the window knows is searched at once, on every letter. Files are looked for in the workspace's index, off the main
thread, a moment after the last letter; an answer to something typed before is thrown away.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import shiboken6
from PySide6.QtCore import (
    QAbstractListModel,
    QEvent,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QSize,
    Qt,
    QTimer,
    Signal,
)
from PySide6.QtGui import QFont, QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QListView,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from kronkers_studio.desktop.actions import Act, Action, FindAll, Kind, matching, words_of
from kronkers_studio.desktop.destinations import ShowContent
from kronkers_studio.desktop.localization import counted, tr
from kronkers_studio.desktop.look import icons, theme
from kronkers_studio.desktop.look.tokens import CAPTION, TEXT
from kronkers_studio.desktop.widgets.fields import LineField
from kronkers_studio.desktop.widgets.labels import label
from kronkers_studio.desktop.work.studio import Studio
from kronkers_studio.desktop.work.tasks import Task
from kronkers_studio.domain.content import DEFAULT_BRANCH
from kronkers_studio.domain.errors import Cancelled, StudioError
from kronkers_studio.domain.printable import printable
from kronkers_studio.domain.progress import CancelToken, Progress
from kronkers_studio.domain.search import SearchFilters, SearchHit, SearchKind, SearchPage

if TYPE_CHECKING:
    from kronkers_studio.workflows.session import Session

_NOWHERE = QModelIndex()
_WIDTH = 640
_ROW, _HEADING = 36, 28  # pixels
_HIGHEST = 480  # pixels of all rows
_AROUND, _GAP = 10, 6  # pixels between the frame and what is in it, and between its parts
_SCRIM = 0.4  # of what is behind, taken away
_PAUSE_MS = 80  # in typing, before files are looked for
_MOST = 6  # rows of a kind, where there are others
_FILES = 8
_RECENT = 5

Index = QModelIndex | QPersistentModelIndex
Row = str | Action
"""A heading, or what stands below it."""


class CommandPalette(QWidget):
    """Covers the window while it is open. Enter does what is chosen.

    chosen(act)   what is to be done, once it is closed
    """

    chosen = Signal(object)

    def __init__(self, studio: Studio, actions: Callable[[], Sequence[Action]], parent: QWidget) -> None:
        """``actions`` are all that there are now; those with the kind ``HERE`` come first."""
        super().__init__(parent)
        self._studio, self._actions, self._over = studio, actions, parent
        self._known: Sequence[Action] = ()
        self._recent: list[str] = []
        self._files: list[Action] = []
        self._asked = 0
        self._task: Task | None = None
        self._before: QWidget | None = None
        self._build()
        self._pause = QTimer(self, singleShot=True, interval=_PAUSE_MS)
        self._pause.timeout.connect(self._look_for_files)
        parent.installEventFilter(self)
        theme.current().changed.connect(self.update)
        self.hide()

    def _build(self) -> None:
        self.box = QFrame(self)
        self.box.setProperty("card", True)
        self.box.setAccessibleName(tr("Commands"))
        column = QVBoxLayout(self.box)
        column.setContentsMargins(_AROUND, _AROUND, _AROUND, _AROUND)
        column.setSpacing(_GAP)
        what = tr("Find an action, a page, a project, a model, a server, a file or a setting")
        self.search = LineField(what, placeholder=what)
        self.search.textChanged.connect(self._typed)
        self.search.installEventFilter(self)
        self._model = _Rows(self)
        self.list = _List()
        self.list.setAccessibleName(tr("What was found"))
        self.list.setModel(self._model)
        self.list.setItemDelegate(_Cells(self.list))
        self.list.clicked.connect(self._clicked)
        self.said = label("", "muted", wrap=True)
        self.said.setContentsMargins(6, 4, 6, 6)
        column.addWidget(self.search)
        column.addWidget(self.list)
        column.addWidget(self.said)

    @property
    def found(self) -> list[Action]:
        """What is shown, from the top, without headings."""
        return [row for row in self._model.rows if isinstance(row, Action)]

    @property
    def headings(self) -> list[str]:
        """The headings shown, from the top."""
        return [row for row in self._model.rows if isinstance(row, str)]

    def open(self) -> None:
        """Show it over the window, ready for typing."""
        self._before = self.window().focusWidget() if not self.isVisible() else self._before
        self._known = self._actions()
        self._files = []
        self.search.blockSignals(True)
        self.search.clear()
        self.search.blockSignals(False)
        self._show_found()
        self.setGeometry(self._over.rect())
        self.show()
        self.raise_()
        self._place()
        self.search.setFocus()

    def close_box(self) -> None:
        """The keyboard goes back to where it was."""
        before, self._before = self._before, None
        self._pause.stop()
        self._stop()
        if before is not None and shiboken6.isValid(before) and before.isVisible():
            before.setFocus(Qt.FocusReason.PopupFocusReason)
        self.hide()

    def show_changed(self) -> None:
        """What there is has changed: show it, if it is open."""
        if self.isVisible():
            self._known = self._actions()
            self._show_found()

    # Finding

    def _typed(self) -> None:
        self._asked += 1
        self._files = []
        self._stop()
        if self._can_look():
            self._pause.start()
        else:
            self._pause.stop()
        self._show_found()

    def _can_look(self) -> bool:
        return self._studio.session is not None and len("".join(words_of(self.search.text()))) > 1

    def _look_for_files(self) -> None:
        session, asked, words = self._studio.session, self._asked, self.search.text()
        if session is None or not self.isVisible():
            return

        def work(progress: Progress, cancel: CancelToken) -> SearchPage:
            return _search(session, words, progress, cancel)

        def show(page: SearchPage) -> None:
            if asked == self._asked:
                self._files = [_file(hit) for hit in page.hits]
                if page.total > len(page.hits):
                    more = counted(page.total, tr("{n} file"), tr("See all {n} files found"))
                    self._files.append(Action(Kind.FILE, more, FindAll(words), "search", shortcut="Ctrl+F"))
                self._show_found(keep=True)

        def failed(error: StudioError) -> None:
            if asked == self._asked and not isinstance(error, Cancelled):
                self.said.setText(f"{error.message} {error.next_step}".strip())
                self.said.setVisible(True)
                self._place()

        self._task = self._studio.runner.run("palette", work, done=show, failed=failed, owner=self, shown=False)
        self._task.ended.connect(self._looked)

    def _looked(self) -> None:
        if self.isVisible() and not self._looking:
            self._say()
            self._place()

    @property
    def _looking(self) -> bool:
        return self._pause.isActive() or (self._task is not None and not self._task.state.ended)

    def _stop(self) -> None:
        """What is no longer asked for need not be looked for."""
        if self._task is not None and not self._task.state.ended:
            self._task.cancel()

    def _show_found(self, *, keep: bool = False) -> None:
        """Show what is known for what is typed; with ``keep``, what was chosen by hand stays so."""
        words = self.search.text().strip()
        kept = self._chosen if keep and self.list.currentIndex().row() > 1 else None
        self._model.show_rows(self._rows_for(words) if words else self._rows_at_first())
        rows = self._model.rows
        at = next((place for place, row in enumerate(rows) if row is kept and kept is not None), None)
        if at is None:
            at = next((place for place, row in enumerate(rows) if isinstance(row, Action)), -1)
        self.list.setCurrentIndex(self._model.index(at))
        self._say()
        self._place()

    def _rows_for(self, words: str) -> list[Row]:
        groups: dict[Kind, list[Action]] = {}
        for action in matching(self._known, words):
            groups.setdefault(action.kind, []).append(action)
        if self._files:
            groups[Kind.FILE] = self._files
        most = _MOST if len(groups) > 1 else _MOST * 3
        rows: list[Row] = []
        for kind, actions in groups.items():
            rows += [kind.heading, *(actions if kind is Kind.FILE else actions[:most])]
        return rows

    def _rows_at_first(self) -> list[Row]:
        by_title = {action.title: action for action in self._known}
        recent = [by_title[title] for title in self._recent if title in by_title]
        here = [action for action in self._known if action.kind is Kind.HERE and action not in recent][:_MOST]
        useful = [action for action in self._known if action.useful and action not in recent]
        rows: list[Row] = []
        for heading, actions in ((tr("Used before"), recent), (Kind.HERE.heading, here), (tr("Often used"), useful)):
            if actions:
                rows += [heading, *actions]
        return rows

    def _say(self) -> None:
        words = ""
        if not self._model.rows:
            words = tr("Looking for files …")
            if not self._looking:
                words = tr(
                    "Nothing is called “{words}”. Actions, pages, projects, models, servers, files and settings are "
                    "found here by any of their words."
                ).format(words=printable(self.search.text().strip()))
        self.said.setText(words)
        self.said.setVisible(bool(words))

    # Choosing

    @property
    def _chosen(self) -> Action | None:
        row = self.list.currentIndex().row()
        found = self._model.rows[row] if 0 <= row < len(self._model.rows) else None
        return found if isinstance(found, Action) else None

    def _clicked(self, index: QModelIndex) -> None:
        if isinstance(self._model.rows[index.row()], Action):
            self.list.setCurrentIndex(index)
            self._do()

    def _do(self) -> None:
        action = self._chosen
        if action is None:
            return
        if action.kind is not Kind.FILE:
            self._recent = [action.title, *(title for title in self._recent if title != action.title)][:_RECENT]
        self.close_box()
        self.chosen.emit(action.act)

    def _step(self, step: int) -> None:
        rows, at = self._model.rows, self.list.currentIndex().row()
        places = [place for place, row in enumerate(rows) if isinstance(row, Action)]
        if not places:
            return
        now = places.index(at) if at in places else 0
        at = places[(now + step) % len(places)]
        if at == places[0]:
            self.list.scrollToTop()  # its heading too
        self.list.setCurrentIndex(self._model.index(at))

    # The keyboard, the mouse, the place

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self._over:
            if event.type() is QEvent.Type.Resize and self.isVisible():
                self.setGeometry(self._over.rect())
                self._place()
            return False
        if event.type() is QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
            return self._key(Qt.Key(event.key()))
        return super().eventFilter(watched, event)

    def _key(self, key: Qt.Key) -> bool:
        page = max(1, self.list.height() // _ROW - 1)
        steps = {
            Qt.Key.Key_Down: 1,
            Qt.Key.Key_Tab: 1,
            Qt.Key.Key_Up: -1,
            Qt.Key.Key_Backtab: -1,
            Qt.Key.Key_PageDown: min(page, max(1, len(self.found) - 1)),
            Qt.Key.Key_PageUp: -min(page, max(1, len(self.found) - 1)),
        }
        if key in steps:
            self._step(steps[key])
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._do()
        elif key == Qt.Key.Key_Escape:
            self.close_box()
        else:
            return False
        return True

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if not self.box.geometry().contains(event.position().toPoint()):
            self.close_box()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """What is behind steps back."""
        colour = theme.current().colour("scrim")
        colour.setAlphaF(_SCRIM)
        QPainter(self).fillRect(self.rect(), colour)

    def _place(self) -> None:
        """As high as what was found, up to a bound."""
        rows = sum(_height(row) for row in self._model.rows)
        top = max(20, self.height() // 8)
        most = max(3 * _ROW, min(_HIGHEST, self.height() - top - 120))
        self.list.setVisible(bool(rows))
        self.list.setFixedHeight(min(rows, most) if rows else 0)
        width = min(_WIDTH, self.width() - 40)
        height = 2 * _AROUND + self.search.sizeHint().height() + self.list.height() * bool(rows)
        if self.said.text():
            height += self.said.heightForWidth(width - 2 * _AROUND)
        gaps = sum(map(bool, (rows, self.said.text())))
        self.box.setGeometry((self.width() - width) // 2, top, width, height + gaps * _GAP)


class _List(QListView):
    """Chosen from by the keys of the field above it, and by the mouse."""

    def __init__(self) -> None:
        super().__init__()
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setMouseTracking(True)
        self.setUniformItemSizes(False)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setCursor(Qt.CursorShape.PointingHandCursor)


class _Rows(QAbstractListModel):
    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.rows: list[Row] = []

    def show_rows(self, rows: list[Row]) -> None:
        self.beginResetModel()
        self.rows = rows
        self.endResetModel()

    def rowCount(self, parent: Index = _NOWHERE) -> int:
        return 0 if parent.isValid() else len(self.rows)

    def flags(self, index: Index) -> Qt.ItemFlag:
        if isinstance(self.rows[index.row()], str):
            return Qt.ItemFlag.NoItemFlags
        return Qt.ItemFlag.ItemIsSelectable | Qt.ItemFlag.ItemIsEnabled

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        row = self.rows[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return printable(row if isinstance(row, str) else row.title)
        if role == Qt.ItemDataRole.AccessibleTextRole:
            parts = (row,) if isinstance(row, str) else (row.title, row.where, row.shown_shortcut)
            return printable(", ".join(part for part in parts if part))
        return None


def _height(row: Row) -> int:
    return _HEADING if isinstance(row, str) else _ROW


class _Cells(QStyledItemDelegate):
    """Headings; icon, title and what or where it is, and the shortcut at the right."""

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        model = index.model()
        row = model.rows[index.row()] if isinstance(model, _Rows) else ""
        return QSize(0, _height(row))

    def initStyleOption(self, option: QStyleOptionViewItem, index: Index) -> None:
        super().initStyleOption(option, index)
        option.text = ""

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        model = index.model()
        row = model.rows[index.row()] if isinstance(model, _Rows) else ""
        painter.save()
        if isinstance(row, str):
            painter.setFont(theme.font(CAPTION, QFont.Weight.Medium))
            painter.setPen(theme.current().colour("muted"))
            side = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignBottom
            painter.drawText(option.rect.adjusted(10, 0, -12, -5), side, row)
        else:
            super().paint(painter, option, index)
            _draw(painter, option, row)
        painter.restore()


def _draw(painter: QPainter, option: QStyleOptionViewItem, action: Action) -> None:
    rect = option.rect.adjusted(10, 0, -12, 0)
    picture = icons.pixmap(action.icon, "muted", 18, painter.device().devicePixelRatioF())
    painter.drawPixmap(rect.left(), rect.center().y() - 8, picture)
    middle = Qt.AlignmentFlag.AlignVCenter
    painter.setFont(theme.font(CAPTION))
    painter.setPen(theme.current().colour("muted"))
    shortcut = action.shown_shortcut
    if shortcut:
        painter.drawText(rect, middle | Qt.AlignmentFlag.AlignRight, shortcut)
        rect.adjust(0, 0, -painter.fontMetrics().horizontalAdvance(shortcut) - 16, 0)
    rect.adjust(30, 0, 0, 0)
    painter.setFont(theme.font(TEXT))
    painter.setPen(theme.current().colour("text"))
    title = painter.fontMetrics().elidedText(printable(action.title), Qt.TextElideMode.ElideMiddle, rect.width())
    painter.drawText(rect, middle, title)
    rect.adjust(painter.fontMetrics().horizontalAdvance(title) + 12, 0, 0, 0)
    if action.where and rect.width() > 40:
        painter.setFont(theme.font(CAPTION))
        painter.setPen(theme.current().colour("muted"))
        where = painter.fontMetrics().elidedText(printable(action.where), Qt.TextElideMode.ElideMiddle, rect.width())
        painter.drawText(rect, middle | Qt.AlignmentFlag.AlignRight, where)


def _search(session: Session, words: str, progress: Progress, cancel: CancelToken) -> SearchPage:
    from kronkers_studio.workflows.searching import search

    filters = SearchFilters(kinds=(SearchKind.FILE,))
    return search(session, words, filters, _FILES, progress=progress, cancel=cancel)


def _file(hit: SearchHit) -> Action:
    folder, _, name = hit.path.rpartition("/")
    where = " / ".join(part for part in (hit.project, *folder.split("/")) if part)
    branch = DEFAULT_BRANCH if DEFAULT_BRANCH in hit.branches else next(iter(hit.branches), "")
    act: Act = ShowContent(hit.project, folder, name, branch)
    return Action(Kind.FILE, name, act, "file", where=where)
