"""A chart on a card: heading, legend, plot, and a menu to keep what it shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import QLineF, QPoint, QSize, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QMenu, QSizePolicy, QWidget

from kronkers_studio.desktop.charts.export import ask_and_save_picture, ask_and_save_values
from kronkers_studio.desktop.charts.lines import Line, newest
from kronkers_studio.desktop.charts.plot import Plot
from kronkers_studio.desktop.charts.quantities import Quantity
from kronkers_studio.desktop.charts.shared_time import SharedTime
from kronkers_studio.desktop.localization import tr
from kronkers_studio.desktop.look import theme
from kronkers_studio.desktop.look.tokens import PADDING_X
from kronkers_studio.desktop.widgets.cards import Card, clear
from kronkers_studio.desktop.widgets.hints import set_hint
from kronkers_studio.desktop.widgets.labels import label
from kronkers_studio.domain.series import Charted, Marker, Window

_NARROWEST = 220  # pixels of a card
_BESIDE_LEGEND = PADDING_X + PADDING_X + 24  # pixels of a heading's row that neither heading nor legend have


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
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)  # so that columns are equal
        self.setMinimumWidth(_NARROWEST)
        self.body.setSpacing(8)
        self.body.setContentsMargins(PADDING_X, 14, 12, 8)
        self.head.setContentsMargins(0, 0, PADDING_X - 12, 0)
        self.legend = Legend(lines, "" if quantity.unit in heading else quantity.unit)
        self.add_to_head(self.legend)
        self.body.addWidget(self.plot, 1)
        self.plot.setAccessibleName(heading)
        self.plot.viewport().setAccessibleName(heading)
        self.plot.menu_wanted.connect(self._show_menu)
        self._describe()

    def show_lines(self, lines: Sequence[Line], quantity: Quantity, names: Mapping[Line, str]) -> None:
        """Draw other lines from now on; ``names`` is what the legend says of each."""
        self.plot.show_lines(lines, quantity)
        self.legend.show_lines(lines, "", names)

    def show_windows(self, windows: Mapping[Charted, Window]) -> None:
        """Draw what ``windows`` holds of this chart's metrics."""
        self.plot.show_windows(windows)
        self._describe()

    def show_markers(self, markers: Sequence[Marker]) -> None:
        self.plot.show_markers(markers)

    def show_gaps(self, gaps: Sequence[tuple[float, float]]) -> None:
        """Hatch from when to when nothing was recorded, in seconds since the epoch."""
        self.plot.show_gaps(gaps)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.legend.fit(self.width() - self.heading.sizeHint().width() - _BESIDE_LEGEND)

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


_STROKE = 14  # pixels of a piece of a line


class Legend(QWidget):
    """Each line's name in its colour, with a piece of the line before it, and the unit."""

    def __init__(self, lines: Sequence[Line], unit: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(0, 0, 0, 0)
        self._row.setSpacing(5)
        self._names: list[tuple[QLabel, Line, str]] = []  # each with its whole name
        self._shown: tuple[object, ...] = ()
        self._room = 1 << 20
        self._unit: QLabel | None = None
        theme.current().changed.connect(self._recolour)
        self.show_lines(lines, unit)

    def show_lines(self, lines: Sequence[Line], unit: str, names: Mapping[Line, str] | None = None) -> None:
        """Name ``lines``, as they are called or as ``names`` says."""
        said = tuple((line, names[line] if names else line.name) for line in lines)
        if (said, unit) == self._shown:
            return
        self._shown = (said, unit)
        clear(self._row)
        self._names, self._unit = [], None
        if len(lines) > 1 or names:
            for line, words in said:
                name = label(words)
                set_hint(name, line.hint)
                self._names.append((name, line, words))
                self._row.addWidget(_Stroke(line))
                self._row.addWidget(name)
                if line is not lines[-1] or unit:
                    self._row.addSpacing(2)
        if unit:
            self._unit = label(unit, "muted")
            self._row.addWidget(self._unit)
        self._recolour()
        self.fit(self._room)

    def fit(self, room: int) -> None:
        """Say short names where the whole ones take more than ``room`` pixels, and no unit where these do."""
        self._room = room
        measure = self.fontMetrics()
        strokes = len(self._names) * (_STROKE + 14)
        whole = strokes + sum(measure.horizontalAdvance(words) for _, _, words in self._names)
        short = strokes + sum(measure.horizontalAdvance(line.short or words) for _, line, words in self._names)
        unit = 0
        if self._unit is not None:
            unit = measure.horizontalAdvance(self._unit.text()) + 6
            self._unit.setVisible(not self._names or short + unit <= room)
        for name, line, words in self._names:
            name.setText(line.short or words if whole + unit > room else words)

    def _recolour(self) -> None:
        for name, line, _ in self._names:
            name.setStyleSheet(f"color: {line.ink};")


class _Stroke(QWidget):
    """A piece of a line."""

    def __init__(self, line: Line) -> None:
        super().__init__()
        self._line = line
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        theme.current().changed.connect(self.update)

    def sizeHint(self) -> QSize:
        return QSize(_STROKE, 12)

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        pen = QPen(QColor(self._line.colour), 2)
        if self._line.dash:
            pen.setDashPattern([length / 2 for length in self._line.dash])
            pen.setCapStyle(Qt.PenCapStyle.FlatCap)
        painter.setPen(pen)
        painter.drawLine(QLineF(0, 6, _STROKE, 6))
