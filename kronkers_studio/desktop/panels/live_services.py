"""Everything that is live, one row each: how it does, and the way to its charts."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from kronkers_studio.desktop.localization import clock_of, tr
from kronkers_studio.desktop.panels.service_figures import ServiceFigures
from kronkers_studio.desktop.place_words import place_words, release_pill, silent_hint
from kronkers_studio.desktop.reachability import NOT_ASKED, Reachability, ReachabilityOf
from kronkers_studio.desktop.widgets.buttons import Button
from kronkers_studio.desktop.widgets.cards import Card
from kronkers_studio.desktop.widgets.hints import set_hint
from kronkers_studio.desktop.widgets.labels import ElidedLabel
from kronkers_studio.desktop.widgets.pills import Pill
from kronkers_studio.desktop.widgets.views import scrolling
from kronkers_studio.domain.series import LiveService

_NAME, _STATE = 200, 112  # pixels of a row's columns, of the first one at least


class LiveServices(QWidget):
    """``wanted`` carries the (model, place) whose charts a person asks for."""

    wanted = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.rows: dict[tuple[str, str], _Row] = {}
        inner = QWidget()
        self._column = QVBoxLayout(inner)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(10)
        self._column.addStretch(1)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(scrolling(inner, tr("All services")))

    def show_services(self, services: Sequence[LiveService], heard_of: ReachabilityOf) -> None:
        """One row for each of ``services``, in their order; rows that are there already stay what they are."""
        keys = [(each.release.model, each.release.place) for each in services]
        for gone in self.rows.keys() - set(keys):
            row = self.rows.pop(gone)
            row.hide()
            row.deleteLater()
        for index, (key, service) in enumerate(zip(keys, services, strict=True)):
            if key not in self.rows:
                self.rows[key] = _Row(*key)
                self.rows[key].wanted.connect(self.wanted)
            if self._column.indexOf(self.rows[key]) != index:
                self._column.insertWidget(index, self.rows[key])
            self.rows[key].show_service(service, heard_of(*key))


class _Row(Card):
    """One service; a click anywhere leads to its charts, as its button does."""

    wanted = Signal(object)

    def __init__(self, model: str, place: str) -> None:
        super().__init__()
        self._key = (model, place)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        row = QHBoxLayout()
        row.setSpacing(16)
        names = QVBoxLayout()
        names.setSpacing(2)
        names.addWidget(ElidedLabel(model, "heading"))
        self._where = ElidedLabel("", "caption")
        names.addWidget(self._where)
        holder = QWidget()
        holder.setLayout(names)
        names.setContentsMargins(0, 0, 0, 0)
        holder.setMinimumWidth(_NAME)
        holder.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        row.addWidget(holder, 3)
        self._pill = Pill("", "plain")
        state = QHBoxLayout()
        state.addWidget(self._pill)
        state.addStretch(1)
        state_holder = QWidget()  # as wide in each row, so that their lines begin below each other
        state_holder.setLayout(state)
        state.setContentsMargins(0, 0, 0, 0)
        state_holder.setFixedWidth(_STATE)
        row.addWidget(state_holder)
        self.figures = ServiceFigures(model)
        row.addWidget(self.figures, 4)
        name = tr("Charts of {model} on {place}").format(model=model, place=place_words(place))
        row.addWidget(Button("", self._want, kind="icon", icon="chevron-right", name=name))
        self.body.addLayout(row)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        super().mouseReleaseEvent(event)
        if event.button() is Qt.MouseButton.LeftButton and self.rect().contains(event.position().toPoint()):
            self._want()

    def show_service(self, service: LiveService, heard: Reachability = NOT_ASKED) -> None:
        release, state = service.release, service.state
        old = release.lost or heard.silent
        where = tr("version {n} · {place}").format(n=release.version, place=place_words(release.place))
        if old and state.as_of is not None:
            where = tr("{where} · as of {time}").format(where=where, time=clock_of(state.as_of))
        self._where.setText(where)
        self._pill.show_state(*release_pill(release, heard))
        set_hint(self, silent_hint(heard))
        self.figures.show_service(service, old=old)

    def _want(self) -> None:
        self.wanted.emit(self._key)
