"""Containers of contents: one of several shown, content that scrolls, content that wraps."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

from PySide6.QtCore import QObject, QRect, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QFrame, QScrollArea, QSplitter, QSplitterHandle, QStackedLayout, QWidget

from kronkers_studio.desktop.look import theme
from kronkers_studio.desktop.look.tokens import GAP, SCROLL_BAR

_MOST_SHARE, _SHARE_STEP = 0.8, 0.05  # of the width


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


class Split(QSplitter):
    """Two contents side by side, with a handle between them that mouse and arrow keys move; ``moved`` then."""

    moved = Signal()

    def __init__(self, left: QWidget, right: QWidget, name: str, *, share: float) -> None:
        """``share`` is how much of the width the left one takes; ``name`` says what the handle divides."""
        super().__init__(Qt.Orientation.Horizontal)
        self._share = share
        self.setChildrenCollapsible(False)
        self.setHandleWidth(GAP)
        self.addWidget(left)
        self.addWidget(right)
        self.handle(1).setAccessibleName(name)
        self.handle(1).setObjectName("split_handle")  # not one of Qt's own parts, which nobody meets
        self.splitterMoved.connect(self._take)

    @property
    def share(self) -> float:
        """How much of the width the left content has, or is to have again."""
        return self._share

    def set_share(self, share: float) -> None:
        """Give the left content ``share`` of the width, as far as what is in both leaves room."""
        self._share = min(_MOST_SHARE, max(1 - _MOST_SHARE, share))
        room = self.width() - self.handleWidth()
        if room > 0:
            self.setSizes([round(room * self._share), room - round(room * self._share)])

    def step(self, by: float) -> None:
        """Move the handle by a share of the width."""
        self.set_share(self._share + by)
        self.moved.emit()

    def createHandle(self) -> QSplitterHandle:
        return _Handle(self.orientation(), self)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.set_share(self._share)

    def _take(self) -> None:
        sizes = self.sizes()
        if sum(sizes) and all(sizes):
            self._share = sizes[0] / sum(sizes)
            self.moved.emit()


class _Handle(QSplitterHandle):
    """Shows that it can be moved when the mouse or the keyboard is on it."""

    def __init__(self, orientation: Qt.Orientation, split: Split) -> None:
        super().__init__(orientation, split)
        self._split = split
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Left, Qt.Key.Key_Right):
            self._split.step(_SHARE_STEP if event.key() == Qt.Key.Key_Right else -_SHARE_STEP)
        else:
            super().keyPressEvent(event)

    def paintEvent(self, _event: QPaintEvent) -> None:
        token = "accent" if self.hasFocus() else "handle" if self.underMouse() else ""
        if token:
            painter = QPainter(self)
            bar = QRect(self.rect().center().x() - 1, self.rect().center().y() - 20, 3, 40)
            painter.fillRect(bar, theme.current().colour(token))


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
