"""The left rail: the way to every page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QButtonGroup, QFrame, QHBoxLayout, QVBoxLayout, QWidget

from kronkers_studio.desktop.actions import native
from kronkers_studio.desktop.localization import tr
from kronkers_studio.desktop.look.icons import IconLabel
from kronkers_studio.desktop.widgets.buttons import Button
from kronkers_studio.desktop.widgets.hints import set_hint
from kronkers_studio.desktop.widgets.labels import label

_WIDTH = 196


@dataclass(frozen=True, slots=True)
class Stop:
    """One entry: the page's key, its title and its icon. ``apart`` puts it at the bottom end."""

    key: str
    title: str
    icon: str
    apart: bool = False


class Rail(QFrame):
    """``chosen`` carries the key of the page that was clicked; ``back_wanted`` and ``forward_wanted`` are about the
    pages seen before, ``find_wanted`` about the command palette."""

    chosen = Signal(str)
    back_wanted = Signal()
    forward_wanted = Signal()
    find_wanted = Signal()

    def __init__(self, stops: Sequence[Stop], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("rail")
        self.setFixedWidth(_WIDTH)
        self.setAccessibleName(tr("Pages"))
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 18, 12, 12)
        column.setSpacing(2)
        column.addLayout(self._brand())
        column.addSpacing(8)
        column.addLayout(self._ways())
        column.addSpacing(8)
        self._group = QButtonGroup(self)
        self._buttons: dict[str, Button] = {}
        for stop in (stop for stop in stops if not stop.apart):
            column.addWidget(self._button(stop, stops.index(stop) + 1))
        column.addStretch(1)
        for stop in (stop for stop in stops if stop.apart):
            column.addWidget(self._button(stop, stops.index(stop) + 1))

    def show_chosen(self, key: str) -> None:
        """Mark ``key`` as the page in view."""
        if key in self._buttons:
            self._buttons[key].setChecked(True)
            if any(button.hasFocus() for button in self._buttons.values()):
                self._buttons[key].setFocus()

    def show_ways(self, *, back: str, forward: str) -> None:
        """Which page is next on the way back and forward; "" where there is none."""
        for button, name, shortcut, page in (
            (self.back_button, tr("Back"), "Alt+Left", back),
            (self.forward_button, tr("Forward"), "Alt+Right", forward),
        ):
            button.setEnabled(bool(page))
            words = tr("{way} to {page}").format(way=name, page=page) if page else name
            set_hint(button, f"{words}  ({native(shortcut)})")

    def _ways(self) -> QHBoxLayout:
        self.back_button = Button("", self.back_wanted.emit, kind="icon", icon="back", name=tr("Back"))
        self.forward_button = Button("", self.forward_wanted.emit, kind="icon", icon="forward", name=tr("Forward"))
        hint = tr("Find anything and do anything")
        self.find_button = Button(
            native("Ctrl+K"), self.find_wanted.emit, icon="search", name=hint, hint=f"{hint}  ({native('Ctrl+K')})"
        )
        row = QHBoxLayout()
        row.setContentsMargins(4, 0, 4, 0)
        row.setSpacing(2)
        row.addWidget(self.back_button)
        row.addWidget(self.forward_button)
        row.addSpacing(6)
        row.addWidget(self.find_button, 1)
        for button in (self.back_button, self.forward_button, self.find_button):
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.show_ways(back="", forward="")
        return row

    def _brand(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setContentsMargins(10, 0, 0, 0)
        row.setSpacing(8)
        row.addWidget(IconLabel("logo", "accent", 20))
        row.addWidget(label("Kronkers Studio", "name"))
        row.addStretch(1)
        return row

    def _button(self, stop: Stop, position: int) -> Button:
        hint = tr("{page}  (Ctrl+{n})").format(page=stop.title, n=position)
        button = Button(f" {stop.title}", self._told(stop.key), kind="rail", icon=stop.icon, name=stop.title, hint=hint)
        button.setCheckable(True)
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._group.addButton(button)
        self._buttons[stop.key] = button
        return button

    def _told(self, key: str) -> Callable[[], None]:
        return lambda: self.chosen.emit(key)
