"""Everything that can be done from anywhere, with its shortcut; the command palette that finds it (Ctrl+K)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QAbstractListModel, QEvent, QModelIndex, QObject, QPersistentModelIndex, QSize, Qt
from PySide6.QtGui import QKeyEvent, QKeySequence, QPainter
from PySide6.QtWidgets import QFrame, QListView, QStyledItemDelegate, QStyleOptionViewItem, QVBoxLayout, QWidget

from kronkers_studio.desktop.localization import tr
from kronkers_studio.desktop.look import icons, theme
from kronkers_studio.desktop.widgets.fields import LineField

_NOWHERE = QModelIndex()
_WIDTH, _HEIGHT = 560, 420


@dataclass(frozen=True, slots=True)
class Action:
    """``shortcut`` in Qt's portable form ("Ctrl+K"), or empty."""

    key: str
    title: str
    run: Callable[[], object]
    icon: str = "forward"
    shortcut: str = ""

    @property
    def shown_shortcut(self) -> str:
        """As the platform writes it."""
        return QKeySequence(self.shortcut).toString(QKeySequence.SequenceFormat.NativeText) if self.shortcut else ""


def matching(actions: Sequence[Action], words: str) -> list[Action]:
    """The actions whose title holds every word of ``words``; those that begin with it first."""
    wanted = words.casefold().split()
    found = [action for action in actions if all(word in action.title.casefold() for word in wanted)]
    return sorted(found, key=lambda action: not action.title.casefold().startswith(words.casefold().strip()))


class CommandPalette(QFrame):
    """Type a few letters of what you want to do; Enter does it."""

    def __init__(self, actions: Callable[[], Sequence[Action]], parent: QWidget) -> None:
        super().__init__(parent)
        self._actions = actions
        self._over = parent
        self.setProperty("card", True)
        self.setAccessibleName(tr("Commands"))
        self.setFixedSize(_WIDTH, _HEIGHT)
        column = QVBoxLayout(self)
        column.setContentsMargins(10, 10, 10, 10)
        self.search = LineField(tr("Search commands"), placeholder=tr("What do you want to do?"))
        self.search.textChanged.connect(self._filter)
        self.search.installEventFilter(self)
        self._model = _ActionsModel(self)
        self._list = QListView()
        self._list.setAccessibleName(tr("Commands found"))
        self._list.setModel(self._model)
        self._list.setItemDelegate(_ActionCells(self._list))
        self._list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._list.clicked.connect(lambda index: self._run(index.row()))
        column.addWidget(self.search)
        column.addWidget(self._list, 1)
        self.hide()

    def open(self) -> None:
        """Show it over the middle of the window, ready for typing."""
        parent = self._over
        self.move((parent.width() - self.width()) // 2, max(20, parent.height() // 8))
        self.search.clear()
        self._filter("")
        self.show()
        self.raise_()
        self.search.setFocus()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() is QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
            return self._key(event.key())
        if event.type() is QEvent.Type.FocusOut:
            self.hide()
        return super().eventFilter(watched, event)

    def _key(self, key: int) -> bool:
        row = self._list.currentIndex().row()
        if key in (Qt.Key.Key_Down, Qt.Key.Key_Up):
            step = 1 if key == Qt.Key.Key_Down else -1
            last = self._model.rowCount() - 1
            self._list.setCurrentIndex(self._model.index(max(0, min(last, row + step))))
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._run(row)
        elif key == Qt.Key.Key_Escape:
            self.hide()
        else:
            return False
        return True

    def _filter(self, words: str) -> None:
        self._model.show_actions(matching(self._actions(), words))
        self._list.setCurrentIndex(self._model.index(0))

    def _run(self, row: int) -> None:
        action = self._model.action(row)
        self.hide()
        if action is not None:
            action.run()


class _ActionsModel(QAbstractListModel):
    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._actions: Sequence[Action] = ()

    def show_actions(self, actions: Sequence[Action]) -> None:
        self.beginResetModel()
        self._actions = actions
        self.endResetModel()

    def action(self, row: int) -> Action | None:
        return self._actions[row] if 0 <= row < len(self._actions) else None

    def rowCount(self, parent: QModelIndex | QPersistentModelIndex = _NOWHERE) -> int:
        return 0 if parent.isValid() else len(self._actions)

    def data(self, index: QModelIndex | QPersistentModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return self._actions[index.row()].title
        return None


class _ActionCells(QStyledItemDelegate):
    """Icon, title, and the shortcut at the right."""

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        return QSize(super().sizeHint(option, index).width(), 36)

    def initStyleOption(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> None:
        super().initStyleOption(option, index)
        option.text = ""

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        super().paint(painter, option, index)
        model = index.model()
        action = model.action(index.row()) if isinstance(model, _ActionsModel) else None
        if action is None:
            return
        rect = option.rect.adjusted(10, 0, -12, 0)
        painter.save()
        picture = icons.pixmap(action.icon, "muted", 18, painter.device().devicePixelRatioF())
        painter.drawPixmap(rect.left(), rect.center().y() - 8, picture)
        painter.setPen(theme.current().colour("text"))
        painter.drawText(rect.adjusted(30, 0, 0, 0), Qt.AlignmentFlag.AlignVCenter, action.title)
        painter.setPen(theme.current().colour("muted"))
        side = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight
        painter.drawText(rect, side, action.shown_shortcut)
        painter.restore()
