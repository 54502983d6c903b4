"""What differs between two versions as a list: by kind, by words, in folders that open and close."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import cast

from PySide6.QtCore import QModelIndex, QRect, Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from kronkers_studio.desktop.actions import Action
from kronkers_studio.desktop.changed_tree import ChangedTree, ChangeGroup, ChangeRow
from kronkers_studio.desktop.difference_rows import ADDED, CHANGED, REMOVED, change_path, change_words
from kronkers_studio.desktop.file_icons import path_icon
from kronkers_studio.desktop.localization import counted, file_size, number, path_words, tr
from kronkers_studio.desktop.look import icons
from kronkers_studio.desktop.look.tokens import Tone
from kronkers_studio.desktop.row_menus import Do, give_menu
from kronkers_studio.desktop.widgets.fields import LineField
from kronkers_studio.desktop.widgets.labels import label
from kronkers_studio.desktop.widgets.pills import FilterPills
from kronkers_studio.desktop.widgets.tables import Column, Table
from kronkers_studio.desktop.work.studio import Studio
from kronkers_studio.domain.differences import ChangeKind, EntryChange

_PAUSE_MS = 120  # in typing, before what was typed is looked for
_LOOKED_THROUGH = 12  # changes from which on finding one is worth the room
_INDENT, _CHEVRON = 16, 16  # pixels of a step into a folder, and of what opens it
_SIGNS = {
    ChangeKind.ADDED: ADDED,
    ChangeKind.MODIFIED: CHANGED,
    ChangeKind.REMOVED: REMOVED,
    ChangeKind.RENAMED: "→",
}


class ChangeList(QWidget):
    """``opened`` carries the ``EntryChange`` of a file that was double-clicked or entered."""

    opened = Signal(object)

    def __init__(self, studio: Studio, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._studio = studio
        self._changes: Sequence[EntryChange] = ()
        self._tree = ChangedTree(())
        self._open: frozenset[str] = frozenset()
        self._asked = 0
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(8)
        self.filter = FilterPills(
            [
                ("all", tr("All")),
                ("new", tr("Added")),
                ("changed", tr("Changed")),
                ("moved", tr("Renamed")),
                ("gone", tr("Removed")),
            ],
            tr("Show"),
        )
        self.filter.chosen.connect(self.arrange)
        self.words = LineField(tr("Find in what changed"), placeholder=tr("Find a file or folder"))
        self._typed = QTimer(self, singleShot=True, interval=_PAUSE_MS)
        self._typed.timeout.connect(self.arrange)
        self.words.textChanged.connect(lambda _words: self._typed.start())
        self._tools = QWidget()
        tools = QHBoxLayout(self._tools)
        tools.setContentsMargins(0, 0, 0, 0)
        tools.setSpacing(8)
        tools.addWidget(self.filter)
        tools.addWidget(self.words, 1)
        whole.addWidget(self._tools)
        self._none = label(tr("Nothing of that kind changed."), "muted")
        self.table: _ChangeTable = _ChangeTable(tr("Changes"), change_columns())
        self.table.opened.connect(self.open_row)
        self.table.turned.connect(self._turn)
        whole.addWidget(self._none)
        whole.addWidget(self.table, 1)

    @property
    def files(self) -> int:
        """How many files are listed, also in folders that are closed."""
        return self._tree.files

    def give_menu(self, offers: Callable[[EntryChange], Sequence[Action]], do: Do) -> None:
        """Let each file, and each folder that came or went, have a menu of what ``offers`` gives for it."""
        give_menu(self.table, lambda row: offers(row.change) if row.change is not None else (), do)

    def show_changes(self, changes: Sequence[EntryChange]) -> None:
        """Show ``changes``, those aside of which only the time is another; all of them first."""
        self._changes = changes
        self.filter.select("all")
        self.words.blockSignals(True)
        self.words.clear()
        self.words.blockSignals(False)
        self.table.content.show_rows([])
        self.arrange()

    def arrange(self) -> None:
        """Show what is of the chosen kind and holds the words."""
        self._asked += 1
        asked, changes = self._asked, self._changes
        group, words = cast("ChangeGroup", self.filter.key), self.words.text()

        def work(*_: object) -> tuple[ChangedTree, frozenset[str], Sequence[ChangeRow]]:
            tree = ChangedTree(changes, group, words)
            first = tree.open_at_first
            return tree, first, tree.rows(first)

        def show(answer: tuple[ChangedTree, frozenset[str], Sequence[ChangeRow]]) -> None:
            if asked == self._asked:
                self._tree, self._open, rows = answer
                self._tools.setVisible(len(self._changes) >= _LOOKED_THROUGH)
                self._none.setVisible(not rows)
                self.table.setVisible(bool(rows))
                self._show(rows)

        self._studio.runner.run("arrange", work, done=show, owner=self, shown=False)

    def open_row(self, row: ChangeRow) -> None:
        """Open or close a folder; ask for a file to be compared."""
        if row.is_folder:
            self._turn(row, not row.is_open)
        elif row.change is not None:
            self.opened.emit(row.change)

    def _turn(self, row: ChangeRow, wanted: bool) -> None:
        if row.is_open == wanted or not row.files:
            return
        opened = self._open | {row.path} if wanted else self._open - {row.path}
        self._asked += 1
        asked, tree = self._asked, self._tree

        def show(rows: Sequence[ChangeRow]) -> None:
            if asked == self._asked:
                self._open = opened
                self._show(rows, row.path)

        self._studio.runner.run("arrange", lambda *_: tree.rows(opened), done=show, owner=self, shown=False)

    def _show(self, rows: Sequence[ChangeRow], chosen: str | None = None) -> None:
        place = self.table.verticalScrollBar().value()
        self.table.content.show_rows(rows)
        if chosen is None:
            self.table.scrollToTop()
            return
        self.table.verticalScrollBar().setValue(place)
        at = next((at for at, row in enumerate(rows) if row.path == chosen and row.is_folder), -1)
        if at >= 0:
            self.table.choose(at)


class _ChangeTable(Table[ChangeRow]):
    """``turned`` asks for a folder (a row) to be open, or not: by the arrow keys, or its own arrow."""

    turned = Signal(object, bool)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        row = self.chosen
        if event.key() in (Qt.Key.Key_Left, Qt.Key.Key_Right) and row is not None and row.is_folder:
            self.turned.emit(row, event.key() == Qt.Key.Key_Right)
            return
        super().keyPressEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        super().mouseReleaseEvent(event)
        index = self.indexAt(event.position().toPoint())
        if event.button() is Qt.MouseButton.LeftButton and index.isValid() and index.column() == 1:
            row = self.content.row(index.row())
            if row.is_folder and event.position().x() < self._text_begins(index, row):
                self.turned.emit(row, not row.is_open)

    def _text_begins(self, index: QModelIndex, row: ChangeRow) -> int:
        return self.visualRect(index).left() + 8 + row.depth * _INDENT + _CHEVRON


def change_columns() -> list[Column[ChangeRow]]:
    """What became of it, which file or folder it is, and its size."""
    return [
        Column(tr("What"), _what, 124, pill=_tone),
        Column(tr("File"), _name, middle=True, icon=_icon, lead=_draw_arrow, hint=_whole_path, spoken=_spoken),
        Column(tr("Size"), _size, 84, right=True, needs=360),
    ]


def _what(row: ChangeRow) -> str:
    if row.change is not None and not row.files:
        return change_words(row.change)[0]
    counts = dict(row.kinds)
    return "  ".join(f"{sign} {number(counts[kind])}" for kind, sign in _SIGNS.items() if counts.get(kind))


def _tone(row: ChangeRow) -> Tone:
    return "plain" if row.files else change_words(row.change)[1] if row.change is not None else "plain"


def _name(row: ChangeRow) -> str:
    if row.change is not None and row.change.kind is ChangeKind.RENAMED and not row.files:
        return change_path(row.change)
    return path_words(row.name)


def _icon(row: ChangeRow) -> str:
    return "folder" if row.is_folder else path_icon(row.path)


def _draw_arrow(painter: QPainter, rect: QRect, row: ChangeRow) -> int:
    taken = row.depth * _INDENT
    if row.files:
        name = "chevron-down" if row.is_open else "chevron-right"
        picture = icons.pixmap(name, "muted", 12, painter.device().devicePixelRatioF())
        painter.drawPixmap(rect.left() + taken, rect.center().y() - 5, picture)
    return taken + _CHEVRON


def _whole_path(row: ChangeRow) -> str:
    if row.change is not None and not row.files:
        return change_path(row.change)
    return f"{path_words(row.path)}\n{_files_words(row)}"


def _files_words(row: ChangeRow) -> str:
    return counted(row.files, tr("{n} changed file"), tr("{n} changed files"))


def _spoken(row: ChangeRow) -> str:
    """What the arrow and the signs show, in words."""
    if not row.is_folder:
        return _name(row)
    state = tr("open") if row.is_open else tr("closed")
    return tr("Folder {name}, {files}, {state}").format(name=path_words(row.name), files=_files_words(row), state=state)


def _size(row: ChangeRow) -> str:
    entry = (row.change.after or row.change.before) if row.change is not None else None
    return "" if row.is_folder or entry is None else file_size(entry.size)
