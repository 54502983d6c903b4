"""The drawing inside a chart card: lines on a quiet grid, markers, and a crosshair that tells values."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QContextMenuEvent, QFocusEvent, QKeyEvent, QMouseEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QWidget

from kronkers_studio.desktop.charts.lines import Line, Readout, highest, lowest, nearest, points
from kronkers_studio.desktop.charts.painting import BOTTOM, LEFT, RIGHT, TOP, Ground, Overlay
from kronkers_studio.desktop.charts.quantities import Quantity
from kronkers_studio.desktop.charts.shared_time import LONGEST, SHORTEST, SharedTime
from kronkers_studio.desktop.charts.ticks import value_axis, value_axis_between
from kronkers_studio.desktop.look import theme
from kronkers_studio.domain.series import Charted, Marker, Window

_SMOOTH_DISTANCE = 3  # pixels between points from which a line is drawn smooth; closer, that is dear and unseen
_SMOOTH_WIDTH = 1.4
_KEY_STEPS = 100
_TALL = 110  # pixels from which there is room for five labels
_HEADROOM = 1.14  # above the highest value, for the words of markers


class Plot(pg.GraphicsView):  # type: ignore[misc]  # pyqtgraph has no types
    """Lines over the shared time. Drag or use the wheel, or the arrow, plus and minus keys.

    ``menu_wanted`` carries the screen position at which a person asks for the plot's menu; ``described`` says that what
    assistive technology reads of it has changed.
    """

    menu_wanted = Signal(object)

    def __init__(self, lines: Sequence[Line], quantity: Quantity, time: SharedTime, parent: QWidget | None = None):
        super().__init__(parent, background=None)
        self.lines = tuple(lines)
        self.quantity = quantity
        self.time = time
        self.windows: dict[Charted, Window] = {}
        self.markers: list[Marker] = []
        self.gaps: list[tuple[float, float]] = []
        self.axis = value_axis(quantity.least)
        self.focused_by_key = False
        self._view = pg.ViewBox(enableMenu=False, defaultPadding=0)
        self._view.setMouseEnabled(x=True, y=False)
        self._view.setLimits(minXRange=SHORTEST, maxXRange=LONGEST)
        self._view.disableAutoRange()
        self._curves: dict[Charted, Any] = {}
        self._ground, self._overlay = Ground(self), Overlay(self)
        self.addItem(self._ground)
        self.addItem(self._view)
        self.addItem(self._overlay)
        self._make_curves()
        self._view.sigRangeChangedManually.connect(self._on_moved_by_hand)
        time.changed.connect(self._follow)
        time.pointed.connect(self._show_pointer)
        theme.current().changed.connect(self._recolour)
        self._recolour()
        self._follow()

    def sizeHint(self) -> QSize:
        return QSize(420, 170)

    def minimumSizeHint(self) -> QSize:
        return QSize(160, 110)

    @property
    def area(self) -> QRectF:
        """Where the lines are drawn."""
        return QRectF(LEFT, TOP, max(1.0, self.width() - LEFT - RIGHT), max(1.0, self.height() - TOP - BOTTOM))

    def show_lines(self, lines: Sequence[Line], quantity: Quantity) -> None:
        """Draw other lines from now on, which measure something else."""
        if (tuple(lines), quantity.unit) == (self.lines, self.quantity.unit):
            return
        self.lines, self.quantity = tuple(lines), quantity
        self.axis = value_axis(quantity.least)
        self._make_curves()
        self.show_windows({})

    def _make_curves(self) -> None:
        for curve in self._curves.values():
            self._view.removeItem(curve)
        self._curves = {line.metric: pg.PlotCurveItem(connect="finite") for line in self.lines}
        for line in reversed(self.lines):  # the first line lies on top
            self._view.addItem(self._curves[line.metric], ignoreBounds=True)

    def show_windows(self, windows: Mapping[Charted, Window]) -> None:
        """Draw ``windows``; a line without one is empty."""
        self.windows = {line.metric: windows[line.metric] for line in self.lines if line.metric in windows}
        for line in self.lines:
            window = self.windows.get(line.metric)
            times, values = points(window) if window is not None else (np.empty(0), np.empty(0))
            if not np.isfinite(values).any():
                times, values = np.empty(0), np.empty(0)
            smooth = len(times) * _SMOOTH_DISTANCE <= self.area.width()
            self._curves[line.metric].setData(times, values, antialias=smooth, pen=self._pen(line, smooth))
        self._fit_height()
        self._overlay.update()

    def show_markers(self, markers: Sequence[Marker]) -> None:
        """Mark ``markers`` on the time axis."""
        self.markers = list(markers)
        self._overlay.update()

    def show_gaps(self, gaps: Sequence[tuple[float, float]]) -> None:
        """Hatch from when to when nothing was recorded."""
        self.gaps = list(gaps)
        self._ground.update()

    def readouts(self) -> list[tuple[Line, Readout]]:
        """What each line says at the crosshair."""
        at = self.time.pointer
        if at is None:
            return []
        drawn = [line for line in self.lines if line.metric in self.windows]
        found = [(line, nearest(self.windows[line.metric], at)) for line in drawn]
        return [(line, readout) for line, readout in found if readout is not None]

    def x_of(self, at: float) -> float:
        """The pixel column of a time."""
        return self.area.left() + (at - self.time.start) / self.time.span * self.area.width()

    def y_of(self, value: float) -> float:
        """The pixel row of a stored value."""
        bottom, top = (edge * self.quantity.scale for edge in (self.axis.bottom, self.axis.top))
        return self.area.bottom() - (value - bottom) / (top - bottom) * self.area.height()

    def time_at(self, x: float) -> float:
        return self.time.start + (x - self.area.left()) / self.area.width() * self.time.span

    # Range ---------------------------------------------------------------------------------------------------------

    def _follow(self) -> None:
        self._view.setXRange(self.time.start, self.time.end, padding=0)
        self._fit_height()
        self._ground.update()
        self._overlay.update()

    def _on_moved_by_hand(self, *_: object) -> None:
        start, end = self._view.viewRange()[0]
        self.time.browse(start, end)

    def _fit_height(self) -> None:
        """Round values from 0, or from below the lowest one, to just above the highest one in view; steady while the
        line moves between them."""
        seen = max((highest(window, self.time.start, self.time.end) for window in self.windows.values()), default=0.0)
        scale, labels = self.quantity.scale, 5 if self.area.height() > _TALL else 3
        if self.quantity.from_zero:
            wanted = max(seen / scale * _HEADROOM, self.quantity.least)
            axis = value_axis(wanted if self.quantity.most is None else self.quantity.most, labels)
        else:
            found = (lowest(window, self.time.start, self.time.end) for window in self.windows.values())
            least = min((value for value in found if value is not None), default=0.0)
            axis = value_axis_between(least / scale, max(seen, least) / scale, labels)
        wanted_range = [axis.bottom * scale, axis.top * scale]
        if axis != self.axis or self._view.viewRange()[1] != wanted_range:
            self.axis = axis
            self._view.setYRange(*wanted_range, padding=0)
            self._ground.update()
            self._overlay.update()

    # Look ----------------------------------------------------------------------------------------------------------

    def _recolour(self) -> None:
        self.setBackground(theme.current().tokens.surface)
        for line in self.lines:
            curve = self._curves[line.metric]
            curve.setPen(self._pen(line, curve.opts["antialias"]))
        self._ground.update()
        self._overlay.update()

    def _pen(self, line: Line, smooth: bool) -> QPen:
        """One device pixel wide where there are many points: wider lines cost three times as much."""
        width = _SMOOTH_WIDTH * self.devicePixelRatioF() if smooth else 1.0
        pen: QPen = pg.mkPen(line.colour, width=width)
        if line.dash:
            pen.setDashPattern([length / (_SMOOTH_WIDTH if smooth else 1.0) for length in line.dash])
        return pen

    def _show_pointer(self, _at: float | None) -> None:
        self._overlay.update()

    # Events --------------------------------------------------------------------------------------------------------

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        super().resizeEvent(event)
        if hasattr(self, "_view"):  # pyqtgraph resizes while it is still being made
            self._view.setGeometry(self.area)
            self._ground.resized()
            self._overlay.resized()
            self._fit_height()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        super().mouseMoveEvent(event)
        position = event.position()
        self.time.point(self.time_at(position.x()) if self.area.contains(position) else None)

    def leaveEvent(self, event: Any) -> None:
        super().leaveEvent(event)
        self.time.point(None)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        self.menu_wanted.emit(event.globalPos())

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self.focused_by_key = event.reason() in (Qt.FocusReason.TabFocusReason, Qt.FocusReason.BacktabFocusReason)
        self._overlay.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.focused_by_key = False
        self.time.point(None)
        self._overlay.update()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        act = self._key_acts(event)
        if act is None:
            event.ignore()
            return
        act()
        event.accept()

    def _key_acts(self, event: QKeyEvent) -> Callable[[], None] | None:
        shifted = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        acts: dict[int, Callable[[], None]] = {
            Qt.Key.Key_Left: (lambda: self.time.move(-0.2)) if shifted else (lambda: self._step_pointer(-1)),
            Qt.Key.Key_Right: (lambda: self.time.move(0.2)) if shifted else (lambda: self._step_pointer(1)),
            Qt.Key.Key_Plus: lambda: self.time.zoom(0.5),
            Qt.Key.Key_Equal: lambda: self.time.zoom(0.5),
            Qt.Key.Key_Minus: lambda: self.time.zoom(2.0),
            Qt.Key.Key_Escape: lambda: self.time.point(None),
        }
        if event.key() == Qt.Key.Key_Escape and self.time.pointer is None:
            return None
        return acts.get(event.key())

    def _step_pointer(self, direction: int) -> None:
        at = self.time.pointer if self.time.pointer is not None else (self.time.start + self.time.end) / 2
        at += direction * self.time.span / _KEY_STEPS
        self.time.point(min(max(at, self.time.start), self.time.end))

    def pointed_here(self) -> bool:
        """Whether the crosshair is led from this plot, so that values are told here."""
        return bool(self.underMouse() or self.hasFocus())

    def plot_point(self, at: float, value: float) -> QPointF:
        return QPointF(self.x_of(at), self.y_of(value))
