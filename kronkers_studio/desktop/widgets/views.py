"""Containers of contents: one of several shown, content that scrolls, content that wraps."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

from PySide6.QtCore import QObject, QSize, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QScrollArea, QStackedLayout, QWidget

from kronkers_studio.desktop.look.tokens import SCROLL_BAR


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


def scrolling(content: QWidget, name: str, parent: QObject | None = None, *, in_margin: bool = False) -> QScrollArea:
    """``content`` in an area that scrolls up and down. Where the area goes on into the page's margin, as on pages that
    ``scrolls``, the content does not (``in_margin``): its right edge is the same with a scroll bar and without."""
    area = QScrollArea()
    area.setWidgetResizable(True)
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    area.setAccessibleName(name)
    area.setWidget(content)
    if in_margin:
        bar = area.verticalScrollBar()

        def keep_edge(_least: int, most: int) -> None:
            content.setContentsMargins(0, 0, 0 if most > 0 else SCROLL_BAR, 0)

        bar.rangeChanged.connect(keep_edge)
        keep_edge(0, bar.maximum())
    return area
