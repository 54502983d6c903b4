"""What every page is: a header, content, and a state that survives a restart."""

from __future__ import annotations

from typing import ClassVar

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget

from kronkers_studio.desktop.actions import Act, CopyText, ShowInFileManager
from kronkers_studio.desktop.destinations import Destination
from kronkers_studio.desktop.look.tokens import GAP, MARGIN_X, MARGIN_Y, SCROLL_BAR, WIDEST
from kronkers_studio.desktop.remedies import remedy_of
from kronkers_studio.desktop.row_menus import do_on_computer
from kronkers_studio.desktop.widgets.header import PageHeader
from kronkers_studio.desktop.widgets.keyboard import press_primary
from kronkers_studio.desktop.widgets.states import Notice
from kronkers_studio.desktop.work.studio import State, Studio
from kronkers_studio.domain.errors import StudioError


class Page(QWidget):
    """One entry of the rail. Made at its first visit; lives as long as the window.

    Subclasses fill ``content`` below the header and override what they need of ``enter``, ``leave``, ``refresh``,
    ``state`` and ``restore``. ``notice`` is the place for what went wrong here.
    """

    key: ClassVar[str] = ""
    changes: ClassVar[tuple[str, ...]] = ()
    """The kinds of change after which the page shows itself anew."""
    widest: ClassVar[int] = WIDEST
    """Pixels of content at most: fields and cards that are wider are hard to read. 0 for tables and charts, which use
    all the room there is."""

    scrolls: ClassVar[bool] = False
    """Its content scrolls as a whole: the scroll bar is in the page's margin, so that cards end where those of other
    pages do."""

    def __init__(self, studio: Studio, title: str, sentence: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.studio = studio
        self.setProperty("page", True)
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setAccessibleName(title)
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)  # nothing is marked until somebody uses the keyboard
        whole = self._whole = QVBoxLayout(self)
        self._bar = SCROLL_BAR if self.scrolls else 0
        whole.setContentsMargins(MARGIN_X, MARGIN_Y, MARGIN_X - self._bar, MARGIN_Y - 4)
        whole.setSpacing(GAP)
        self.header = PageHeader(title, sentence)
        self.notice = Notice()
        self.content = QVBoxLayout()
        self.content.setSpacing(GAP)
        whole.addWidget(self.header)
        whole.addLayout(self.content, 1)
        below = QVBoxLayout()
        below.setContentsMargins(0, 0, self._bar, 0)
        below.addWidget(self.notice)  # below the content, so that nothing moves under the mouse when it speaks
        whole.addLayout(below)
        self.header.setContentsMargins(0, 0, self._bar, 0)
        self.entered = False
        self._stale = True
        studio.opened.connect(self.become_stale)
        studio.changed.connect(self._on_change)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if not press_primary(self, event):
            super().keyPressEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        spare = max(0, self.width() - 2 * MARGIN_X - self.widest) if self.widest else 0
        self._whole.setContentsMargins(MARGIN_X, MARGIN_Y, MARGIN_X + spare - self._bar, MARGIN_Y - 4)

    def enter(self) -> None:
        """The page comes into view."""
        self.entered = True
        if self._stale:
            self._stale = False
            self.refresh()

    def leave(self) -> None:
        """The page goes out of view."""
        self.entered = False

    def refresh(self) -> None:
        """Show anew what is there; called at the first view and after each change of the page's kinds."""

    def state(self) -> State:
        """What must come back after a restart: JSON values."""
        return {}

    def restore(self, state: State) -> None:
        """Take up ``state`` again; anything in it may be missing or no longer exist."""

    def visit(self, destination: Destination) -> None:
        """Show or ask what a person was sent here for; called before ``enter``."""

    def do(self, act: Act) -> None:
        """Do what a menu of this page says: here on this computer, or where it leads to."""
        if isinstance(act, CopyText | ShowInFileManager):
            do_on_computer(act, self.studio.runner, self, self.notice.show_error)
        elif hasattr(act, "page"):
            self.studio.go.emit(act)

    def show_error(self, error: StudioError) -> None:
        """Say what went wrong here, with what can be done about it."""
        self.notice.show_error(error, remedy_of(self.studio, error))

    def _on_change(self, kind: str) -> None:
        if kind in self.changes:
            self.become_stale()

    def _in_view(self) -> bool:
        """Whether the page is in view; where it is not, it shows itself anew when it comes back."""
        self._stale = self._stale or not self.entered
        return self.entered

    def become_stale(self) -> None:
        """Show itself anew: now, or when it comes into view."""
        if self.entered:
            self.refresh()
        else:
            self._stale = True
