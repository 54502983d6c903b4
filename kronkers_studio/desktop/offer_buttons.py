"""Buttons and menus made of actions, so that whatever has a button on a page is found in the palette too."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtWidgets import QWidget

from kronkers_studio.desktop.actions import Action
from kronkers_studio.desktop.row_menus import Do, open_menu
from kronkers_studio.desktop.widgets.buttons import Button, Kind


class OfferButton(Button):
    """Does ``action``: its words on the button, all of its title as the accessible name."""

    def __init__(
        self,
        action: Action,
        do: Do,
        *,
        kind: Kind = "secondary",
        icon: bool = True,
        words: str = "",
        hint: str = "",
        parent: QWidget | None = None,
    ) -> None:
        """``words`` are said where those of the action do not fit the place."""
        super().__init__(
            "" if kind == "icon" else words or action.words,
            lambda: do(self.action.act),
            kind=kind,
            icon=action.icon if icon else "",
            name=action.title,
            hint=hint,
            parent=parent,
        )
        self.action = action


class OfferMenuButton(Button):
    """Opens a menu of the actions that ``offers`` gives then."""

    def __init__(
        self,
        text: str,
        offers: Callable[[], Sequence[Action]],
        do: Do,
        *,
        name: str,
        icon: str,
        kind: Kind = "secondary",
    ) -> None:
        super().__init__(text, self._open, kind=kind, icon=icon, name=name)
        self.offers = offers
        self._do = do

    def _open(self) -> None:
        open_menu(self, self.offers(), self._do, self.mapToGlobal(self.rect().bottomLeft()))
