"""A mouse that counts its clicks."""

from __future__ import annotations

from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QDialogButtonBox, QFileDialog, QPushButton, QTableView, QWidget
from pytestqt.qtbot import QtBot

_WITHIN = 30_000  # milliseconds


class Mouse:
    """Clicks as a person does, and counts them; what is to be clicked must be in view and enabled by then."""

    def __init__(self, qtbot: QtBot) -> None:
        self._qtbot = qtbot
        self.clicks = 0

    def click(self, widget: QWidget, at: QPoint | None = None, *, within: int = _WITHIN) -> None:
        """``at`` is in pixels of ``widget``, its middle by default; ``within`` milliseconds it can be clicked."""
        self._qtbot.waitUntil(lambda: widget.isVisible() and widget.isEnabled(), timeout=within)
        self.clicks += 1
        self._qtbot.mouseClick(widget, Qt.MouseButton.LeftButton, pos=at or widget.rect().center())

    def click_row(self, table: QTableView, row: int) -> None:
        self.click(table.viewport(), table.visualRect(table.model().index(row, 0)).center())

    def click_in_dialog(self, dialog: QFileDialog, name: str) -> None:
        """Choose or name a file by keyboard, and press the dialog's own button."""
        dialog.selectFile(name)
        box = dialog.findChild(QDialogButtonBox)
        assert box is not None
        self.click(box.buttons()[0])


def file_dialog(window: QWidget, qtbot: QtBot) -> QFileDialog:
    """The file dialog in view, once there is one."""
    qtbot.waitUntil(lambda: any(d.isVisible() for d in window.findChildren(QFileDialog)), timeout=_WITHIN)
    return next(d for d in window.findChildren(QFileDialog) if d.isVisible())


def button_of(widget: QWidget, text: str) -> QPushButton:
    """The button in view that says ``text``."""
    buttons = (b for b in widget.findChildren(QPushButton) if b.isVisibleTo(widget))
    return next(b for b in buttons if text in (b.text().strip(), b.accessibleName()))
