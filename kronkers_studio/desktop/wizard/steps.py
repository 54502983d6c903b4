"""The way through the wizard: its stations at the left, with what is done and what is to come."""

from __future__ import annotations

from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from kronkers_studio.desktop.localization import tr
from kronkers_studio.desktop.look.icons import IconLabel
from kronkers_studio.desktop.widgets.labels import label, restyle
from kronkers_studio.desktop.widgets.stations import State, StationMark

_WIDTH = 236


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


def _stations() -> list[tuple[tuple[str, ...], str]]:
    """(steps, words) of each station, in order."""
    return [
        (("folder",), tr("Choose a folder")),
        (("protect", "recovery"), tr("Protect your workspace")),
        (("plan",), tr("See what was found")),
        (("outcome",), tr("Bring it in")),
        (("live",), tr("Put its model live")),
    ]
