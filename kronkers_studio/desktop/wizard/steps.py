"""The way through the wizard: its stations at the left, with what is done and what is to come."""

from __future__ import annotations

from enum import Enum, auto

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QFont, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from kronkers_studio.desktop.localization import number, tr
from kronkers_studio.desktop.look import icons, theme
from kronkers_studio.desktop.look.icons import IconLabel
from kronkers_studio.desktop.look.tokens import CAPTION
from kronkers_studio.desktop.widgets.labels import label, restyle

_WIDTH = 236
_MARK = 22  # pixels


class State(Enum):
    DONE = auto()
    HERE = auto()
    AHEAD = auto()


class Way(QFrame):
    """Marks one station as the present one; those before it are done."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("rail")
        self.setFixedWidth(_WIDTH)
        column = QVBoxLayout(self)
        column.setContentsMargins(22, 18, 18, 18)
        column.setSpacing(6)
        brand = QHBoxLayout()
        brand.setSpacing(8)
        brand.addWidget(IconLabel("logo", "accent", 20))
        brand.addWidget(label("Kronkers Studio", "name"))
        brand.addStretch(1)
        column.addLayout(brand)
        column.addSpacing(22)
        self._stations: list[tuple[tuple[str, ...], StationMark, QLabel]] = []
        for position, (steps, words) in enumerate(_stations(), 1):
            row = QHBoxLayout()
            row.setSpacing(10)
            mark, name = StationMark(position), label(words, "muted")
            row.addWidget(mark)
            row.addWidget(name, 1)
            column.addLayout(row)
            column.addSpacing(6)
            self._stations.append((steps, mark, name))
        column.addStretch(1)
        column.addWidget(label(tr("You can run this guide again at any time, from Home."), "caption", wrap=True))

    def show_step(self, step: str, *, finished: bool = False) -> None:
        """Mark the station that ``step`` belongs to; when all is ``finished``, it is done as well."""
        here = next(index for index, (steps, _, _) in enumerate(self._stations) if step in steps)
        for index, (_, mark, name) in enumerate(self._stations):
            done = index < here or finished
            mark.show_state(State.DONE if done else State.HERE if index == here else State.AHEAD)
            name.setProperty("role", "strong" if index == here else "text" if done else "muted")
            restyle(name)

    @property
    def states(self) -> list[State]:
        """How each station is marked, in order."""
        return [mark.state for _, mark, _ in self._stations]


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


def _stations() -> list[tuple[tuple[str, ...], str]]:
    """(steps, words) of each station, in order."""
    return [
        (("folder",), tr("Choose a folder")),
        (("protect", "recovery"), tr("Protect your workspace")),
        (("plan",), tr("See what was found")),
        (("outcome",), tr("Bring it in")),
        (("live",), tr("Put its model live")),
    ]
