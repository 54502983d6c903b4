"""Small things beside each other, in as many lines as they need."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QObject, QRect, QSize
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

_GAP_X, _GAP_Y = 8, 6  # pixels


class FlowRow(QWidget):
    """Places what is in it itself: a layout of our own would need items, which Qt deletes behind PySide's back
    (``layout_items``)."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._things: list[QWidget] = []
        policy = QSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)

    def show_things(self, widgets: Sequence[QWidget]) -> None:
        """Show ``widgets``, in their order, instead of what was there, which is deleted."""
        for widget in self._things:
            widget.hide()
            widget.setParent(None)
            widget.deleteLater()
        self._things = list(widgets)
        for widget in widgets:
            widget.setParent(self)
            widget.installEventFilter(self)
            widget.show()
        self._place()

    def eventFilter(self, _watched: QObject, event: QEvent) -> bool:
        if event.type() is QEvent.Type.LayoutRequest:
            self._place()
        return False

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._place()

    def hasHeightForWidth(self) -> bool:
        return True

    def heightForWidth(self, width: int) -> int:
        places = self._places(width)
        return max((place.bottom() + 1 for place in places), default=0)

    def sizeHint(self) -> QSize:
        hints = [each.sizeHint() for each in self._things]
        width = sum(hint.width() + _GAP_X for hint in hints)
        return QSize(width, max((hint.height() for hint in hints), default=0))

    def minimumSizeHint(self) -> QSize:
        return QSize(0, self.heightForWidth(self.width()))

    def _place(self) -> None:
        for widget, place in zip(self._things, self._places(self.width()), strict=True):
            widget.setGeometry(place)
        self.updateGeometry()

    def _places(self, width: int) -> list[QRect]:
        """Where each goes in ``width`` pixels; those of one line have one middle."""
        places: list[QRect] = []
        line: list[QRect] = []
        x = y = 0
        for widget in self._things:
            hint = widget.sizeHint()
            size = QSize(min(hint.width(), max(1, width)), hint.height())
            if line and x + size.width() > width:
                y += _aligned(line) + _GAP_Y
                line, x = [], 0
            place = QRect(x, y, size.width(), size.height())
            places.append(place)
            line.append(place)
            x += size.width() + _GAP_X
        _aligned(line)
        return places


def _aligned(line: list[QRect]) -> int:
    """The height of ``line``, whose places are moved to its middle."""
    height = max((place.height() for place in line), default=0)
    for place in line:
        place.moveTop(place.top() + (height - place.height()) // 2)
    return height
