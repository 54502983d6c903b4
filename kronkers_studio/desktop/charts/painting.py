"""What a plot paints besides its lines: below them grid and labels, above them markers, crosshair and values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QFont, QFontMetricsF, QPainter, QPen
from PySide6.QtWidgets import QGraphicsItem, QStyleOptionGraphicsItem, QWidget

from kronkers_studio.desktop.charts.lines import Line, Readout
from kronkers_studio.desktop.charts.quantities import Quantity
from kronkers_studio.desktop.charts.shared_time import SharedTime
from kronkers_studio.desktop.charts.ticks import ValueAxis, clock, day_and_clock, time_ticks
from kronkers_studio.desktop.localization import tr
from kronkers_studio.desktop.look import theme
from kronkers_studio.domain.series import Marker

LEFT, RIGHT, TOP, BOTTOM = 40, 4, 8, 22  # pixels around the lines
_AXIS_TEXT = 11
_LABEL_ROOM = 64  # pixels per label of the time axis
_GRID = 0.12
_NUDGE = 12  # pixels that the last label may be moved to stay inside
_HATCH = 0.25
_MARKER_LINE, _MOST_MARKER_LINES = 16, 3  # pixels of a line of words of markers, and how many lines there are
_NARROWEST_GAP = 3  # pixels; a narrower one cannot be told from the distance of two measurements
_DAY = 86_400


class Painted(Protocol):
    """What the layers paint: what they need to know of a plot. Positions are pixels, times seconds since the epoch."""

    quantity: Quantity
    time: SharedTime
    axis: ValueAxis
    markers: Sequence[Marker]
    gaps: Sequence[tuple[float, float]]
    focused_by_key: bool

    @property
    def area(self) -> QRectF: ...
    def width(self) -> int: ...
    def height(self) -> int: ...
    def x_of(self, at: float) -> float: ...
    def y_of(self, value: float) -> float: ...
    def plot_point(self, at: float, value: float) -> QPointF: ...
    def readouts(self) -> list[tuple[Line, Readout]]: ...
    def pointed_here(self) -> bool: ...


class _Layer(QGraphicsItem):
    """Covers the whole plot; takes no part in what the mouse does."""

    def __init__(self, plot: Painted, height: int) -> None:
        super().__init__()
        self._plot = plot
        self.setZValue(height)
        self.setAcceptedMouseButtons(Qt.MouseButton.NoButton)

    def resized(self) -> None:
        self.prepareGeometryChange()
        self.update()

    def boundingRect(self) -> QRectF:
        return QRectF(0, 0, self._plot.width(), self._plot.height())


class Ground(_Layer):
    """The horizontal grid, the values beside it and the times below."""

    def __init__(self, plot: Painted) -> None:
        super().__init__(plot, -100)

    def paint(
        self, painter: QPainter, _option: QStyleOptionGraphicsItem | None, _widget: QWidget | None = None
    ) -> None:
        plot, area, tokens = self._plot, self._plot.area, theme.current()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        painter.setFont(theme.font(_AXIS_TEXT))
        grid, words = tokens.colour("text"), tokens.colour("muted")
        grid.setAlphaF(_GRID)
        for value in plot.axis.values:
            row = round(plot.y_of(value * plot.quantity.scale))
            painter.setPen(QPen(grid, 1))
            painter.drawLine(QLineF(area.left(), row, area.right(), row))
            painter.setPen(words)
            box = QRectF(0, row - 8, LEFT - 8, 16)
            painter.drawText(box, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter,
                             plot.quantity.tick(value, plot.axis.step))  # fmt: skip
        self._paint_gaps(painter, area, words)
        self._paint_times(painter, area, words)

    def _paint_gaps(self, painter: QPainter, area: QRectF, words: QColor) -> None:
        """Hatched, so that nobody takes it for a time without requests."""
        plot, text = self._plot, tr("not recorded")
        hatch = theme.current().colour("muted")
        hatch.setAlphaF(_HATCH)
        for start, end in plot.gaps:
            left, right = max(area.left(), plot.x_of(start)), min(area.right(), plot.x_of(end))
            if right - left < _NARROWEST_GAP:
                continue
            box = QRectF(left, area.top(), right - left, area.height())
            painter.fillRect(box, QBrush(hatch, Qt.BrushStyle.BDiagPattern))
            if painter.fontMetrics().horizontalAdvance(text) + 8 < box.width():
                painter.setPen(words)
                painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)

    def _paint_times(self, painter: QPainter, area: QRectF, words: QColor) -> None:
        plot = self._plot
        painter.setPen(words)
        free = 0.0
        for at, text in time_ticks(plot.time.start, plot.time.end, max(1, int(area.width() // _LABEL_ROOM))):
            width = painter.fontMetrics().horizontalAdvance(text)
            centred = plot.x_of(at) - width / 2
            left = min(centred, plot.width() - width)
            if left < free or centred - left > _NUDGE:
                continue
            painter.drawText(QPointF(left, plot.height() - 5), text)
            free = left + width + 8


def marker_boxes(columns: Sequence[float], widths: Sequence[float], area: QRectF) -> list[QRectF | None]:
    """Where the words of markers at ``columns`` are written, so that none lies on another's: the newest is placed
    first, and one for which there is no room has none (all words are in the page's list)."""
    lines = max(1, min(_MOST_MARKER_LINES, int(area.height() // 2 // _MARKER_LINE)))
    taken: list[QRectF] = []
    boxes: list[QRectF | None] = []
    for x, width in reversed(list(zip(columns, widths, strict=True))):
        sides = [left for left in (x + 5, x - 5 - width) if area.left() <= left and left + width <= area.right()]
        tops = [area.top() + 1 + line * _MARKER_LINE for line in range(lines)]
        free = (
            box
            for box in (QRectF(left, top, width, _MARKER_LINE) for top in tops for left in sides)
            if not any(box.adjusted(-6, 0, 6, 0).intersects(other) for other in taken)
        )
        box = next(free, None)
        boxes.append(box)
        if box is not None:
            taken.append(box)
    return boxes[::-1]


class Overlay(_Layer):
    """Markers, crosshair, and the box that tells the values."""

    def __init__(self, plot: Painted) -> None:
        super().__init__(plot, 100)

    def paint(
        self, painter: QPainter, _option: QStyleOptionGraphicsItem | None, _widget: QWidget | None = None
    ) -> None:
        self._paint_markers(painter)
        if self._plot.time.pointer is not None:
            self._paint_crosshair(painter)
        if self._plot.focused_by_key:
            painter.setPen(QPen(theme.current().colour("accent"), 1))
            painter.drawRoundedRect(self.boundingRect().adjusted(0.5, 0.5, -0.5, -0.5), 6, 6)

    def _paint_markers(self, painter: QPainter) -> None:
        """A dashed line each, and its words beside it, below each other where they would lie on others' words."""
        plot, area = self._plot, self._plot.area
        painter.setFont(theme.font(12))
        metrics = QFontMetricsF(painter.font())
        shown = [m for m in plot.markers if plot.time.start <= m.at.timestamp() <= plot.time.end]
        shown.sort(key=lambda marker: marker.at)
        columns = [round(plot.x_of(marker.at.timestamp())) + 0.5 for marker in shown]
        for marker, x in zip(shown, columns, strict=True):
            colour = theme.current().colour("bad" if marker.kind == "failure" else "muted")
            pen = QPen(colour, 1)
            pen.setDashPattern([4, 3])
            painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
            painter.setPen(pen)
            painter.drawLine(QLineF(x, area.top(), x, area.bottom()))
        widths = [metrics.horizontalAdvance(marker.text) for marker in shown]
        for marker, box in zip(shown, marker_boxes(columns, widths, area), strict=True):
            if box is not None:
                colour = theme.current().colour("bad" if marker.kind == "failure" else "muted")
                self._paint_words(painter, box, marker.text, colour)

    def _paint_words(self, painter: QPainter, box: QRectF, text: str, colour: QColor) -> None:
        ground = theme.current().colour("surface")
        ground.setAlphaF(0.8)
        painter.fillRect(box.adjusted(-2, 0, 2, 0), ground)
        painter.setPen(colour)
        painter.drawText(box, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, text)

    def _paint_crosshair(self, painter: QPainter) -> None:
        plot, area, tokens = self._plot, self._plot.area, theme.current()
        at = plot.time.pointer
        if at is None or not plot.time.start <= at <= plot.time.end:
            return
        readouts = plot.readouts()
        if readouts:
            at = min((readout.at for _, readout in readouts), key=lambda found: abs(found - (plot.time.pointer or 0)))
        x = min(max(plot.x_of(at), area.left()), area.right())
        line = tokens.colour("muted")
        line.setAlphaF(0.6)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        painter.setPen(QPen(line, 1))
        painter.drawLine(QLineF(round(x), area.top(), round(x), area.bottom()))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for of_line, readout in readouts:
            painter.setPen(QPen(tokens.colour("surface"), 1.5))
            painter.setBrush(QColor(of_line.colour))
            painter.drawEllipse(plot.plot_point(readout.at, readout.mean), 3.5, 3.5)
        if plot.pointed_here():
            self._paint_box(painter, x, at, readouts)

    def _paint_box(self, painter: QPainter, x: float, at: float, readouts: list[tuple[Line, Readout]]) -> None:
        """Time and values beside the crosshair, on the side that has room."""
        plot, area, tokens = self._plot, self._plot.area, theme.current()
        title = (day_and_clock if plot.time.span > _DAY else clock)(at, seconds=plot.time.span < 2 * _DAY)
        rows = [(line.name, _value_words(plot, readout), line.ink) for line, readout in readouts]
        strong, plain = theme.font(12, QFont.Weight.DemiBold), theme.font(12)
        measure, measure_strong = QFontMetricsF(plain), QFontMetricsF(strong)
        names = max((measure.horizontalAdvance(name) for name, _, _ in rows), default=0.0)
        values = max((measure_strong.horizontalAdvance(value) for _, value, _ in rows), default=0.0)
        width = max(measure.horizontalAdvance(title), names + 14 + values) + 20
        height = 18 * (len(rows) + 1) + 10
        left = x + 10 if x + 10 + width <= area.right() else x - 10 - width
        box = QRectF(max(0.0, left), area.top() + 2, width, height)
        painter.setPen(QPen(tokens.colour("line"), 1))
        painter.setBrush(tokens.colour("surface"))
        painter.drawRoundedRect(box.adjusted(0.5, 0.5, -0.5, -0.5), 6, 6)
        line_box = QRectF(box.left() + 10, box.top() + 5, width - 20, 18)
        painter.setFont(plain)
        painter.setPen(tokens.colour("muted"))
        painter.drawText(line_box, Qt.AlignmentFlag.AlignVCenter, title)
        for name, value, ink in rows:
            line_box.translate(0, 18)
            painter.setFont(plain)
            painter.setPen(QColor(ink))
            painter.drawText(line_box, Qt.AlignmentFlag.AlignVCenter, name)
            painter.setFont(strong)
            painter.setPen(tokens.colour("text"))
            painter.drawText(line_box, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, value)


def _value_words(plot: Painted, readout: Readout) -> str:
    words = plot.quantity.words(readout.mean)
    if not readout.reduced or readout.low == readout.high:
        return words
    low, high = (plot.quantity.words(value) for value in (readout.low, readout.high))
    return words if low == high else f"{words}  ({low} – {high})"
