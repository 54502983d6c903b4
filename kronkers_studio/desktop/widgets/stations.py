"""The stations of a way through several steps: done, present, to come."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum, auto

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QFont, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QHBoxLayout, QLabel, QWidget

from kronkers_studio.desktop.localization import number, tr
from kronkers_studio.desktop.look import icons, theme
from kronkers_studio.desktop.look.tokens import CAPTION
from kronkers_studio.desktop.widgets.labels import label, restyle, rule

_MARK = 22  # pixels


class State(Enum):
    DONE = auto()
    HERE = auto()
    AHEAD = auto()


class StationMark(QWidget):
    """A station's number in a circle, filled where one is; a check where it is done."""

    def __init__(self, position: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._position = position
        self.state = State.AHEAD
        self.setFixedSize(_MARK, _MARK)
        self.show_state(State.AHEAD)
        theme.current().changed.connect(self.update)

    def show_state(self, state: State) -> None:
        self.state = state
        words = {
            State.DONE: tr("Step {n}, done"),
            State.HERE: tr("Step {n}, now"),
            State.AHEAD: tr("Step {n}, to come"),
        }[state]
        self.setAccessibleName(words.format(n=number(self._position)))
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        look = theme.current()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self.state is State.DONE:
            painter.drawPixmap(0, 0, icons.pixmap("done", "ok", _MARK, max(1.0, self.devicePixelRatioF())))
            return
        circle = QRectF(self.rect()).adjusted(1.75, 1.75, -1.75, -1.75)
        here = self.state is State.HERE
        painter.setPen(Qt.PenStyle.NoPen if here else QPen(look.colour("disabled"), 1.25))
        painter.setBrush(look.colour("accent") if here else Qt.BrushStyle.NoBrush)
        painter.drawEllipse(circle)
        painter.setPen(look.colour("on_accent" if here else "muted"))
        painter.setFont(theme.font(CAPTION - 1, QFont.Weight.DemiBold))
        painter.drawText(QRectF(self.rect()), Qt.AlignmentFlag.AlignCenter, number(self._position))


class StationRow(QWidget):
    """Stations beside each other, with a line from each to the next."""

    def __init__(self, titles: Sequence[str], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        self._stations: list[tuple[StationMark, QLabel]] = []
        for position, words in enumerate(titles, 1):
            if position > 1:
                row.addWidget(rule(), 1)
            mark, name = StationMark(position), label(words, "muted")
            row.addWidget(mark)
            row.addWidget(name)
            self._stations.append((mark, name))

    def show_station(self, here: int, *, finished: bool = False) -> None:
        """Mark the station at ``here``; when all is ``finished``, it is done as well."""
        for index, (mark, name) in enumerate(self._stations):
            done = index < here or finished
            mark.show_state(State.DONE if done else State.HERE if index == here else State.AHEAD)
            name.setProperty("role", "strong" if index == here else "text" if done else "muted")
            restyle(name)

    @property
    def states(self) -> list[State]:
        """How each station is marked, in order."""
        return [mark.state for mark, _ in self._stations]
