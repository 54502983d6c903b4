"""A chart on a card: heading, legend, plot, and a menu to keep what it shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import QLineF, QPoint, QSize, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QHBoxLayout, QLabel, QMenu, QSizePolicy, QWidget

from kronkers_studio.desktop.charts.export import ask_and_save_picture, ask_and_save_values
from kronkers_studio.desktop.charts.lines import Line, newest
from kronkers_studio.desktop.charts.plot import Plot
from kronkers_studio.desktop.charts.quantities import Quantity
from kronkers_studio.desktop.charts.shared_time import SharedTime
from kronkers_studio.desktop.localization import tr
from kronkers_studio.desktop.look import theme
from kronkers_studio.desktop.look.tokens import PADDING_X
from kronkers_studio.desktop.widgets.cards import Card
from kronkers_studio.desktop.widgets.labels import label
from kronkers_studio.domain.series import Marker, Metric, Window


class ChartCard(Card):
    """One chart of several that share ``time``. ``not_kept`` carries the ``StudioError`` of a file not written."""

    not_kept = Signal(object)

    def __init__(
        self,
        heading: str,
        lines: Sequence[Line],
        quantity: Quantity,
        time: SharedTime,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(heading, parent)
        self._title = heading
        self.plot = Plot(lines, quantity, time)
        self.body.setSpacing(8)
        self.body.setContentsMargins(PADDING_X, 14, 12, 8)
        self.head.setContentsMargins(0, 0, PADDING_X - 12, 0)
        self.add_to_head(Legend(lines, "" if quantity.unit in heading else quantity.unit))
        self.body.addWidget(self.plot, 1)
        self.plot.setAccessibleName(heading)
        self.plot.viewport().setAccessibleName(heading)
        self.plot.menu_wanted.connect(self._show_menu)
        self._describe()

    def show_windows(self, windows: Mapping[Metric, Window]) -> None:
        """Draw what ``windows`` holds of this chart's metrics."""
        self.plot.show_windows(windows)
        self._describe()

    def show_markers(self, markers: Sequence[Marker]) -> None:
        self.plot.show_markers(markers)

    def show_gaps(self, gaps: Sequence[tuple[float, float]]) -> None:
        """Hatch from when to when nothing was recorded, in seconds since the epoch."""
        self.plot.show_gaps(gaps)

    def _describe(self) -> None:
        """What a screen reader says: the newest values, and how the chart is used."""
        plot = self.plot
        values = [
            f"{line.name} {plot.quantity.words(value)}"
            for line in plot.lines
            if line.metric in plot.windows and (value := newest(plot.windows[line.metric])) is not None
        ]
        usage = tr("Arrow keys move the crosshair, Shift and arrow keys the time range, plus and minus zoom.")
        said = tr("Newest: {values}.").format(values=", ".join(values)) if values else tr("Nothing recorded here.")
        plot.setAccessibleDescription(f"{said} {usage}")

    def _show_menu(self, at: QPoint) -> None:
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        failed = self.not_kept.emit
        menu.addAction(tr("Save as a picture (PNG)…"), lambda: ask_and_save_picture(self, self._title, failed))
        menu.addAction(
            tr("Save the values (CSV)…"),
            lambda: ask_and_save_values(self, self._title, list(self.plot.windows.values()), failed),
        )
        menu.popup(at)


class Legend(QWidget):
    """Each line's name in its colour, with a piece of the line before it, and the unit."""

    def __init__(self, lines: Sequence[Line], unit: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(5)
        self._names: list[tuple[QLabel, Line]] = []
        if len(lines) > 1:
            for line in lines:
                name = label(line.name)
                self._names.append((name, line))
                row.addWidget(_Stroke(line))
                row.addWidget(name)
                if line is not lines[-1] or unit:
                    row.addSpacing(2)
        if unit:
            row.addWidget(label(unit, "muted"))
        theme.current().changed.connect(self._recolour)
        self._recolour()

    def _recolour(self) -> None:
        for name, line in self._names:
            name.setStyleSheet(f"color: {line.ink};")


class _Stroke(QWidget):
    """A piece of a line."""

    def __init__(self, line: Line) -> None:
        super().__init__()
        self._line = line
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        theme.current().changed.connect(self.update)

    def sizeHint(self) -> QSize:
        return QSize(14, 12)

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        pen = QPen(QColor(self._line.colour), 2)
        if self._line.dash:
            pen.setDashPattern([length / 2 for length in self._line.dash])
            pen.setCapStyle(Qt.PenCapStyle.FlatCap)
        painter.setPen(pen)
        painter.drawLine(QLineF(0, 6, 14, 6))
