"""What can be done from the window as it is: what the palette finds, and Help lists."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QPushButton, QWidget

from kronkers_studio.desktop.actions import Action, Kind, Press
from kronkers_studio.desktop.offer_buttons import OfferButton, OfferMenuButton
from kronkers_studio.desktop.offers.settings import settings_actions
from kronkers_studio.desktop.offers.window import Things, actions_of, distinct, page_action, read_things, window_actions
from kronkers_studio.desktop.page_list import stops
from kronkers_studio.desktop.page_titles import page_purpose
from kronkers_studio.desktop.widgets.buttons import Button
from kronkers_studio.desktop.widgets.keyboard import reading_order
from kronkers_studio.desktop.work.studio import Studio
from kronkers_studio.domain.errors import StudioError

if TYPE_CHECKING:
    from kronkers_studio.workflows.session import Session


class WindowActions(QObject):
    """``in_view`` gives what the keyboard is kept in: its buttons can be pressed from anywhere.

    things_changed   what is in the workspace was read anew
    """

    things_changed = Signal()

    def __init__(self, studio: Studio, in_view: Callable[[], QWidget], parent: QObject) -> None:
        super().__init__(parent)
        self._studio = studio
        self._in_view = in_view
        self.things = Things()
        self._with_things: list[Action] = []
        self._stale = True
        studio.changed.connect(self._forget)
        studio.opened.connect(self._forget_all)
        studio.closed.connect(self._forget_all)

    def now(self) -> list[Action]:
        """Everything that can be done or gone to from here."""
        return distinct([*self._on_this_page(), *self.always(), *self._with_things])

    def always(self) -> list[Action]:
        """What does not depend on what is in the workspace."""
        pages = [
            page_action(stop.key, stop.title, stop.icon, position, *page_purpose(stop.key))
            for position, stop in enumerate(stops(), 1)
        ]
        return [*window_actions(), *pages, *settings_actions()]

    def read_things(self) -> None:
        """Read off the main thread what is in the workspace, when that is not known."""
        if self._stale and self._studio.session is not None:
            self._stale = False
            self._studio.read(_read, self._show, owner=self, failed=self._not_read)

    def _on_this_page(self) -> list[Action]:
        """The buttons of the page in view, and what is in its menus; those made of an action stand for the action."""
        found = []
        for button in reading_order(self._in_view()):
            if isinstance(button, OfferButton):
                found.append(replace(button.action, kind=Kind.HERE))
            elif isinstance(button, OfferMenuButton):
                found += [replace(action, kind=Kind.HERE) for action in button.offers()]
            elif isinstance(button, QPushButton):
                words = button.accessibleName() or button.text()
                found.append(Action(Kind.HERE, words, Press(button), _icon_of(button)))
        return found

    def _show(self, read: tuple[Things, list[Action]]) -> None:
        self.things, self._with_things = read
        self.things_changed.emit()

    def _not_read(self, _error: StudioError) -> None:
        """The page in view says what is wrong with the workspace; the palette goes on without what is in it."""
        self._stale = True

    def _forget(self) -> None:
        self._stale = True

    def _forget_all(self) -> None:
        """Another workspace, or none."""
        self.things, self._with_things, self._stale = Things(), [], True


def _read(session: Session) -> tuple[Things, list[Action]]:
    """Also what can be done with each thing: of thousands of versions that takes longer than a click may."""
    things = read_things(session)
    return things, actions_of(things)


def _icon_of(button: QPushButton) -> str:
    return (button.icon_name if isinstance(button, Button) else "") or "forward"
