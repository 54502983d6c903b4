"""A text to read, with the numbers of its lines."""

from __future__ import annotations

from PySide6.QtCore import QRect, QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QPlainTextEdit, QWidget

from kronkers_studio.desktop.look import theme
from kronkers_studio.domain.printable import printable

_MARGIN = 10


class CodeView(QPlainTextEdit):
    """Read-only; the numbers stand beside the lines and are not copied with them."""

    def __init__(self, name: str, parent: QWidget | None = None, *, height: int = 0) -> None:
        """``height`` in pixels is what it would like to have; the style sheet says how low it may be."""
        super().__init__(parent)
        self._height = height
        self.setAccessibleName(printable(name))
        self.setProperty("role", "code")
        self.setReadOnly(True)
        self.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self._numbers = _Numbers(self)
        self.blockCountChanged.connect(self._make_room)
        self.updateRequest.connect(self._numbers_move)
        theme.current().changed.connect(self._numbers.update)
        self._make_room()

    def sizeHint(self) -> QSize:
        hint = super().sizeHint()
        return QSize(hint.width(), self._height or hint.height())

    def show_text(self, text: str) -> None:
        self.setPlainText(text)
        self.verticalScrollBar().setValue(0)

    def numbers_width(self) -> int:
        """Pixels that the largest number needs."""
        return self.fontMetrics().horizontalAdvance("9" * max(2, len(str(self.blockCount())))) + 2 * _MARGIN

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        inside = self.contentsRect()
        self._numbers.setGeometry(QRect(inside.left(), inside.top(), self.numbers_width(), inside.height()))

    def paint_numbers(self, painter: QPainter, height: int) -> None:
        """Draw the numbers of the lines in view."""
        painter.setPen(theme.current().colour("muted"))
        painter.setFont(self.font())
        block = self.firstVisibleBlock()
        while block.isValid():
            place = self.blockBoundingGeometry(block).translated(self.contentOffset())
            if place.top() > height:
                break
            beside = QRectF(
                0, place.top() + self.viewport().y() - self._numbers.y(), self.numbers_width() - _MARGIN, place.height()
            )
            painter.drawText(
                beside, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignTop, f"{block.blockNumber() + 1}"
            )
            block = block.next()

    def _make_room(self) -> None:
        self.setViewportMargins(self.numbers_width(), 0, 0, 0)

    def _numbers_move(self, _rect: QRect, moved: int) -> None:
        if moved:
            self._numbers.scroll(0, moved)
        self._numbers.update()


class _Numbers(QWidget):
    def __init__(self, view: CodeView) -> None:
        super().__init__(view)
        self._view = view

    def sizeHint(self) -> QSize:
        return QSize(self._view.numbers_width(), 0)

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        self._view.paint_numbers(painter, self.height())
