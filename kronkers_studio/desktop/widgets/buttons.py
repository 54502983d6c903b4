"""Buttons: at most one primary per page; icons follow the theme."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QPushButton, QWidget

from kronkers_studio.desktop.look import icons, theme
from kronkers_studio.desktop.widgets.hints import set_hint
from kronkers_studio.desktop.widgets.keyboard import is_enter
from kronkers_studio.desktop.widgets.labels import restyle
from kronkers_studio.domain.printable import printable

Kind = Literal["secondary", "primary", "danger", "quiet", "link", "icon", "rail", "bar"]


def unmarked(text: str) -> str:
    """``text`` for Qt to show as it is, which would take a single & for the mark of a key."""
    return text.replace("&", "&&")


class Button(QPushButton):
    """A push button in one of the window's kinds, with an optional icon of the theme's colours."""

    def __init__(
        self,
        text: str,
        on_click: Callable[[], object] | None = None,
        *,
        kind: Kind = "secondary",
        icon: str = "",
        name: str = "",
        hint: str = "",
        parent: QWidget | None = None,
    ) -> None:
        """``name`` is the accessible name where the text alone does not say enough; ``hint`` the tooltip."""
        super().__init__(parent)
        self.setText(text)
        self.setProperty("kind", kind)
        self.setAccessibleName(printable(name or text))
        set_hint(self, hint or (name if kind == "icon" else ""))
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setAutoDefault(False)
        self._kind = kind
        self._icon = icon
        if icon:
            self._draw_icon()
            theme.current().changed.connect(self._draw_icon)
            self.toggled.connect(self._draw_icon)
        self._on_click = on_click
        self.clicked.connect(self._clicked)

    def text(self) -> str:
        """As it is read."""
        return super().text().replace("&&", "&")

    def setText(self, text: str) -> None:
        super().setText(unmarked(printable(text)))

    def show_icon(self, name: str) -> None:
        """Change the icon."""
        self._icon = name
        self._draw_icon()

    def set_kind(self, kind: Kind) -> None:
        """Look like a button of another kind."""
        if kind != self._kind:
            self._kind = kind
            self.setProperty("kind", kind)
            restyle(self)
            if self._icon:
                self._draw_icon()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter presses the button that has the keyboard: in a dialog, Qt would press the default one."""
        if is_enter(event) and not event.isAutoRepeat():
            self.click()
        else:
            super().keyPressEvent(event)

    def _clicked(self) -> None:
        if self._on_click is not None:
            self._on_click()

    @property
    def icon_name(self) -> str:
        """The icon's, or "" without one."""
        return self._icon

    def _draw_icon(self) -> None:
        token = {"primary": "on_accent", "danger": "bad", "link": "accent_text", "secondary": "text"}.get(
            self._kind, "accent_text" if self.isChecked() else "muted"
        )
        size = 16 if self._kind in ("bar", "link") else 18
        self.setIcon(icons.icon(self._icon, token, size))
        self.setIconSize(QSize(size, size))
