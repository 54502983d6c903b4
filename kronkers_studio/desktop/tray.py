"""The icon in the system's tray: how everything is at one look, what is live and watched, and notifications."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from typing import Any, Protocol

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QAction, QGuiApplication, QIcon
from PySide6.QtWidgets import QMenu, QSystemTrayIcon

from kronkers_studio.desktop.attention import Attention, Entry, Message
from kronkers_studio.desktop.destinations import Destination, ToPage
from kronkers_studio.desktop.incidents import Condition
from kronkers_studio.desktop.localization import counted, tr
from kronkers_studio.desktop.look import icons
from kronkers_studio.desktop.look.tokens import DARK, LIGHT
from kronkers_studio.desktop.widgets.buttons import unmarked
from kronkers_studio.desktop.work.folder_watches import Watchers
from kronkers_studio.domain.printable import printable

_LISTED = 8  # services, and folders; the rest is counted
_SHOWN_MS = 10_000
_SIZES = (16, 22, 24, 32, 48, 64)  # pixels; which one the system takes is its own affair


class SystemIcon(Protocol):
    """What is used of ``QSystemTrayIcon``."""

    activated: Any
    messageClicked: Any  # Qt's name

    def setIcon(self, icon: QIcon) -> None: ...
    def setToolTip(self, tip: str) -> None: ...
    def setContextMenu(self, menu: QMenu) -> None: ...
    def show(self) -> None: ...
    def hide(self) -> None: ...
    def showMessage(self, title: str, msg: str, icon: QSystemTrayIcon.MessageIcon, msecs: int) -> None: ...


def tray_available() -> bool:
    """Whether this system has a tray now; some have none, and some lose it."""
    return QSystemTrayIcon.isSystemTrayAvailable()


def system_icon(parent: QObject) -> SystemIcon:
    """The system's own; nothing is shown yet."""
    return QSystemTrayIcon(parent)


class Tray(QObject):
    """``open_wanted`` asks for the window, at a ``Destination`` or (None) as it was left; ``quit_wanted`` for the end
    of the program."""

    open_wanted = Signal(object)
    quit_wanted = Signal()

    def __init__(self, attention: Attention, watchers: Watchers, icon: SystemIcon, parent: QObject) -> None:
        super().__init__(parent)
        self._attention = attention
        self._watchers = watchers
        self._icon = icon
        self._last: Message | None = None
        self.menu = QMenu()
        self._icon.setContextMenu(self.menu)
        self._icon.activated.connect(self._activated)
        self._icon.messageClicked.connect(self._message_clicked)
        attention.changed.connect(self.refresh)
        attention.said.connect(self.show_message)
        watchers.changed.connect(self.refresh)
        QGuiApplication.styleHints().colorSchemeChanged.connect(self.refresh)
        self.refresh()
        self._icon.show()

    def refresh(self) -> None:
        """Show how everything is now."""
        overview = self._attention.overview
        self._icon.setIcon(tray_icon(overview.condition))
        self._icon.setToolTip(printable(tr("Kronkers Studio: {state}").format(state=overview.sentence)))
        self._fill_menu()

    def show_message(self, message: Message) -> None:
        """Have the system show a notification."""
        self._last = message
        kind = QSystemTrayIcon.MessageIcon.Warning if message.bad else QSystemTrayIcon.MessageIcon.Information
        self._icon.showMessage(printable(message.title), printable(message.words, lines=True), kind, _SHOWN_MS)

    def end(self) -> None:
        """Take the icon away."""
        self._icon.hide()

    def _fill_menu(self) -> None:
        overview, menu = self._attention.overview, self.menu
        menu.clear()
        words = f"{condition_words(overview.condition)}: {overview.sentence}"
        state = menu.addAction(unmarked(printable(words)))
        state.setEnabled(False)
        self._add(tr("Open Kronkers Studio"), lambda: self.open_wanted.emit(None))
        self._add_entries(tr("Live"), overview.services, "deploy")
        self._add_entries(tr("Kept in sync"), overview.folders, "migrate")
        if self._watchers.paused:
            self._add(tr("Continue keeping folders in sync"), self._watchers.go_on)
        elif self._watchers.projects:
            self._add(tr("Pause keeping folders in sync"), self._watchers.pause)
        menu.addSeparator()
        self._add(tr("Quit Kronkers Studio"), self.quit_wanted.emit)

    def _add_entries(self, heading: str, entries: Iterable[Entry], page: str) -> None:
        every = list(entries)
        if every:
            self.menu.addSection(heading)
        for entry in every[:_LISTED]:
            self._add(entry.words, self._opens(entry.where))
        more = len(every) - _LISTED
        if more > 0:
            self._add(counted(more, tr("{n} more …"), tr("{n} more …")), self._opens(ToPage(page)))

    def _add(self, words: str, act: Callable[[], object]) -> QAction:
        """``words`` as they are: an ampersand in a name is none of a shortcut, and a name may be of any bytes."""
        action = self.menu.addAction(unmarked(printable(words)))

        def do(_checked: bool) -> None:
            act()

        action.triggered.connect(do)
        return action

    def _opens(self, where: Destination) -> Callable[[], None]:
        return lambda: self.open_wanted.emit(where)

    def _activated(self, reason: QSystemTrayIcon.ActivationReason) -> None:
        """A click opens the window; on macOS it opens the menu."""
        clicks = (QSystemTrayIcon.ActivationReason.Trigger, QSystemTrayIcon.ActivationReason.DoubleClick)
        if reason in clicks and sys.platform != "darwin":
            self.open_wanted.emit(None)

    def _message_clicked(self) -> None:
        self.open_wanted.emit(self._last.where if self._last is not None else None)


def condition_words(condition: Condition) -> str:
    return {
        Condition.IDLE: tr("Nothing to do"),
        Condition.WORKING: tr("Working"),
        Condition.OFFLINE: tr("Offline"),
        Condition.ATTENTION: tr("Needs a look"),
    }[condition]


def tray_icon(condition: Condition) -> QIcon:
    """Each condition has a shape of its own; the colour is that of the system's own bar, whatever the window's theme
    is."""
    dark = QGuiApplication.styleHints().colorScheme() is Qt.ColorScheme.Dark
    tokens = DARK if dark else LIGHT
    ink = {
        Condition.IDLE: tokens.text,
        Condition.WORKING: tokens.accent,
        Condition.OFFLINE: tokens.muted,
        Condition.ATTENTION: tokens.warn,
    }[condition]
    made = QIcon()
    for size in _SIZES:
        made.addPixmap(icons.drawn(f"tray-{condition.value}", ink, size))
    made.setIsMask(sys.platform == "darwin")
    return made
