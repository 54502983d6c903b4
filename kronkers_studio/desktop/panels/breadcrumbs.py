"""Where one is in a tree of folders, each step of which leads back to its folder."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QMenu, QSizePolicy, QWidget

from kronkers_studio.desktop.localization import tr
from kronkers_studio.desktop.look.tokens import CONTROL_HEIGHT
from kronkers_studio.desktop.widgets.buttons import Button, unmarked
from kronkers_studio.desktop.widgets.cards import clear
from kronkers_studio.desktop.widgets.labels import ElidedLabel, label
from kronkers_studio.domain.printable import printable

_BEFORE = 4  # pixels before the last name: those of a link's padding
_NAME = 22  # characters of a folder's name on the way
_STEPS = 2  # folders on the way that are shown: the last ones; a menu has those before


class Trail(QWidget):
    """``wanted`` carries the path of the folder that is to be shown. However deep and long, it takes one line."""

    wanted = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFixedHeight(CONTROL_HEIGHT)
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(0, 0, 0, 0)
        self._row.setSpacing(2)

    def show_path(self, top: str, path: str) -> None:
        """Show the way from ``top``, which stands for the path "", down to ``path``."""
        clear(self._row)
        parts = path.split("/") if path else []
        way = [(top, "")] + [(part, "/".join(parts[: depth + 1])) for depth, part in enumerate(parts)]
        between = way[1 : max(1, len(way) - 1 - _STEPS)]
        for name, at in way[:-1]:
            if (name, at) in between[1:]:
                continue
            self._row.addWidget(self._more(between) if (name, at) in between else self._step(name, at))
            self._row.addWidget(label("/", "muted"))
        here = ElidedLabel(way[-1][0], "strong", middle=True)
        here.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self._row.addSpacing(_BEFORE)
        self._row.addWidget(here, 1)

    def _step(self, name: str, path: str) -> Button:
        words = printable(name)
        shown = words if len(words) <= _NAME else f"{words[: _NAME // 2]}…{words[1 - _NAME // 2 :]}"
        return Button(
            shown,
            self._goes(path),
            kind="link",
            name=tr("Open {f}").format(f=name),
            hint="" if shown == words else name,
        )

    def _more(self, steps: list[tuple[str, str]]) -> Button:
        button = Button("…", kind="link", name=tr("Folders on the way"))
        menu = QMenu(button)
        for name, path in steps:
            menu.addAction(unmarked(printable(name)), self._goes(path))
        button.setMenu(menu)
        return button

    def _goes(self, path: str) -> Callable[[], None]:
        return lambda: self.wanted.emit(path)
