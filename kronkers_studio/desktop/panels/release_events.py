"""What happened to one model in one place, newest first."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from kronkers_studio.desktop.charts.ticks import when
from kronkers_studio.desktop.localization import tr
from kronkers_studio.desktop.release_words import event_hint, event_pill, event_words
from kronkers_studio.desktop.widgets.cards import Card, clear
from kronkers_studio.desktop.widgets.hints import set_hint
from kronkers_studio.desktop.widgets.labels import ElidedLabel, label
from kronkers_studio.desktop.widgets.pills import Pill
from kronkers_studio.desktop.widgets.views import scrolling
from kronkers_studio.domain.release_events import ReleaseEvent

_MOST = 30
_ROOM_FOR_PILLS = 300  # pixels


class Happened(Card):
    """A card with a line for each event: when, what, and one word for it."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(tr("What happened"), parent)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)  # as wide as what is beside it
        inner = QWidget()
        self._rows = QVBoxLayout(inner)
        self._rows.setContentsMargins(0, 0, 0, 0)
        self._rows.setSpacing(8)
        self.body.addWidget(scrolling(inner, tr("What happened")), 1)
        self._shown: tuple[ReleaseEvent, ...] | None = None

    def show_events(self, events: Sequence[ReleaseEvent]) -> None:
        """List ``events``, which come newest first."""
        latest = tuple(events[:_MOST])
        if latest == self._shown:
            return
        self._shown = latest
        clear(self._rows)
        for event in latest:
            self._rows.addWidget(_row(event))
        if not latest:
            self._rows.addWidget(label(tr("Nothing yet."), "muted"))
        self._rows.addStretch(1)
        self._show_pills()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._show_pills()

    def _show_pills(self) -> None:
        """Where there is no room for both, the sentence says it."""
        for pill in self.findChildren(Pill):
            pill.setVisible(self.width() >= _ROOM_FOR_PILLS)


def _row(event: ReleaseEvent) -> QWidget:
    made = QWidget()
    row = QHBoxLayout(made)
    row.setContentsMargins(0, 0, 0, 0)
    row.setSpacing(10)
    time = label(when(event.at), "muted")
    time.setMinimumWidth(44)
    set_hint(made, event_hint(event))
    row.addWidget(time)
    row.addWidget(ElidedLabel(event_words(event)), 1)
    row.addWidget(Pill(*event_pill(event)))
    return made
