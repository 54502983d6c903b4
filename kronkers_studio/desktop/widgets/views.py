"""Containers of contents: one of several shown, content that scrolls, content that wraps."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

from PySide6.QtCore import QObject, QSize, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QScrollArea, QStackedLayout, QWidget


class Views(QWidget):
    """Several contents of which one is shown; each is made when it is first needed."""

    def __init__(self, makers: Mapping[str, Callable[[], QWidget]], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._makers = makers
        self._made: dict[str, QWidget] = {}
        self._stack = QStackedLayout(self)
        self.shown = ""

    @property
    def keys(self) -> Collection[str]:
        """What the contents are called."""
        return self._makers.keys()

    @property
    def made(self) -> Collection[str]:
        """The contents made so far."""
        return self._made.keys()

    def view(self, key: str) -> QWidget:
        """The content called ``key``."""
        if key not in self._made:
            self._made[key] = self._makers[key]()
            self._stack.addWidget(self._made[key])
        return self._made[key]

    def show_view(self, key: str) -> None:
        self._stack.setCurrentWidget(self.view(key))
        self.shown = key


class WrappedContent(QWidget):
    """Needs the height that wrapped words take at its width, not at their narrowest: else it scrolls for nothing."""

    def minimumSizeHint(self) -> QSize:
        hint, layout = super().minimumSizeHint(), self.layout()
        return hint if layout is None else QSize(hint.width(), layout.totalHeightForWidth(self.width()))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if event.size().width() != event.oldSize().width():
            self.updateGeometry()


def scrolling(content: QWidget, name: str, parent: QObject | None = None) -> QScrollArea:
    """``content`` in an area that scrolls up and down."""
    area = QScrollArea()
    area.setWidgetResizable(True)
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    area.setAccessibleName(name)
    area.setWidget(content)
    return area
