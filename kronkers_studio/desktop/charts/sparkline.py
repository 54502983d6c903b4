"""A line without axes, as high as a row: how something went, at a glance."""

from __future__ import annotations

import math
from collections.abc import Iterator

from PySide6.QtCore import QPointF, QSize
from PySide6.QtGui import QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from kronkers_studio.desktop.look import theme
from kronkers_studio.domain.series import Window

_HEIGHT = 34
_EDGE = 2  # pixels around the line


class Sparkline(QWidget):
    """Draws one window from ``start`` to ``end`` (seconds since the epoch), from 0 to its highest value."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(name)
        self._window: Window | None = None
        self._range = (0.0, 1.0)
        self._muted = False
        theme.current().changed.connect(self.update)

    def sizeHint(self) -> QSize:
        return QSize(160, _HEIGHT)

    def minimumSizeHint(self) -> QSize:
        return QSize(60, _HEIGHT)

    def show_window(self, window: Window, start: float, end: float, *, muted: bool) -> None:
        """``muted``: what it shows is over."""
        self._window, self._range, self._muted = window, (start, end), muted
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        tokens = theme.current()
        bottom = self.height() - _EDGE
        painter.setPen(QPen(tokens.colour("line"), 1))
        painter.drawLine(QPointF(0, bottom + 0.5), QPointF(self.width(), bottom + 0.5))
        if self._window is None:
            return
        start, end = self._range
        highest = max((value for value in self._window.high if math.isfinite(value)), default=0.0) or 1.0
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(tokens.colour("muted" if self._muted else "accent"), 1.4))
        for part in _unbroken(self._window):
            line = [
                QPointF(
                    _EDGE + (at - start) / (end - start) * (self.width() - 2 * _EDGE),
                    bottom - value / highest * (bottom - 2 * _EDGE),
                )
                for at, value in part
            ]
            if len(line) == 1:  # a line through one point cannot be seen
                line.append(line[0] + QPointF(1, 0))
            painter.drawPolyline(QPolygonF(line))


def _unbroken(window: Window) -> Iterator[list[tuple[float, float]]]:
    """The points between gaps; few enough to need no arrays, whose library would take longer to load than all else."""
    part: list[tuple[float, float]] = []
    for at, value in zip(window.times, window.high, strict=True):
        if math.isfinite(value):
            part.append((at, value))
        elif part:
            yield part
            part = []
    if part:
        yield part
