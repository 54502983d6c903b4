"""How one live service does, at a glance: its requests in the last hour as a line, and three figures of now."""

from __future__ import annotations

import time

from PySide6.QtWidgets import QBoxLayout, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from kronkers_studio.desktop.charts.quantities import digits, response_time
from kronkers_studio.desktop.charts.sparkline import Sparkline
from kronkers_studio.desktop.localization import number, tr
from kronkers_studio.desktop.widgets.hints import set_hint
from kronkers_studio.desktop.widgets.labels import label, restyle
from kronkers_studio.domain.series import LiveService, Metric

_HOUR = 3600.0
_FIGURE = 96  # pixels
_GAP = 16


class ServiceFigures(QWidget):
    """``stacked``: the line above the figures, for a narrow place; else before them."""

    def __init__(self, model: str, *, stacked: bool = False, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        direction = QBoxLayout.Direction.TopToBottom if stacked else QBoxLayout.Direction.LeftToRight
        whole = QBoxLayout(direction, self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(8 if stacked else _GAP)
        self.line = Sparkline(tr("Requests of {model} in the last hour").format(model=model))
        set_hint(self.line, tr("Requests in the last hour"))
        whole.addWidget(self.line, 1)
        row = QHBoxLayout()
        row.setSpacing(8 if stacked else _GAP)
        self.requests, self.errors, self.response = (
            _Figure(caption, None if stacked else _FIGURE)
            for caption in (tr("per second"), tr("errors"), tr("slowest 5 %"))
        )
        for figure in (self.requests, self.errors, self.response):
            row.addWidget(figure, 1)
        whole.addLayout(row)

    def show_service(self, service: LiveService, *, old: bool) -> None:
        """Show what was measured of ``service``; ``old``: it does not answer now."""
        now = time.time()
        self.line.show_window(service.requests, now - _HOUR, now, muted=old)
        values, share = service.state.values, service.errors
        rate, slow = values.get(Metric.REQUEST_RATE), values.get(Metric.LATENCY_P95)
        self.requests.show_figure("–" if rate is None else digits(rate), old=old)
        errors = "–" if share is None else tr("{n} %").format(n=number(100 * share, 1 if share else 0))
        self.errors.show_figure(errors, old=old)
        self.response.show_figure("–" if slow is None else response_time(slow), old=old)


class _Figure(QWidget):
    """A figure above what it says."""

    def __init__(self, caption: str, width: int | None) -> None:
        super().__init__()
        if width is not None:
            self.setFixedWidth(width)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        self.figure: QLabel = label("–", "name")
        column.addWidget(self.figure)
        column.addWidget(label(caption, "caption"))
        self.setAccessibleName(caption)

    def show_figure(self, text: str, *, old: bool) -> None:
        self.figure.setText(text)
        self.setAccessibleDescription(text)
        if bool(self.figure.property("old")) != old:
            self.figure.setProperty("old", old)
            restyle(self.figure)
