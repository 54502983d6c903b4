"""Going on without the window: the tray, and what closing the window means where there is one."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Literal

import shiboken6
from PySide6.QtCore import QObject, Qt, QTimer, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication, QWidget

from kronkers_studio.desktop import tray
from kronkers_studio.desktop.attention import Attention
from kronkers_studio.desktop.dialogs.keep_running import KeepRunningDialog
from kronkers_studio.desktop.tray import Tray
from kronkers_studio.desktop.work.folder_watches import Watchers
from kronkers_studio.desktop.work.studio import Studio
from kronkers_studio.settings.configuration import change_settings

_LOOK_MS = 3000  # between looks whether the tray is still there, while nothing else of the program is


class Background(QObject):
    """Of a window on a system that has a tray; ``begin`` makes one.

    opened   the window is in view again, and is to show a ``Destination``, or (None) what it showed before
    ended    the program is to end
    """

    opened = Signal(object)
    ended = Signal()

    @classmethod
    def begin(cls, studio: Studio, window: QWidget) -> Background | None:
        """None where there is no tray: everything is then as if there were no such thing."""
        return cls(studio, window) if tray.tray_available() else None

    def __init__(self, studio: Studio, window: QWidget) -> None:
        super().__init__(window)
        self._studio = studio
        self._window = window
        self.attention = Attention(studio, self._in_front, self)
        self.tray = Tray(self.attention, Watchers.of(studio), tray.system_icon(self), self)
        self.tray.open_wanted.connect(self.show_window)
        self.tray.quit_wanted.connect(self.ended)
        self.attention.look()
        self._timer = QTimer(self)
        self._timer.setInterval(_LOOK_MS)
        self._timer.timeout.connect(self._look_for_tray)
        application = QApplication.instance()
        if isinstance(application, QApplication):
            application.applicationStateChanged.connect(self._on_application)

    def on_close(self, quit_now: Callable[[], object]) -> bool:
        """The window is being closed: True when it goes on without being seen, or the person is being asked, who may
        decide for ``quit_now``."""
        self.attention.look()
        application = QApplication.instance()
        if isinstance(application, QApplication) and application.isSavingSession():  # the person logs out
            return False
        if not self.attention.overview.worth_keeping or not tray.tray_available():
            return False
        match self._studio.settings.when_closed:
            case "quit":
                return False
            case "tray":
                self.hide_window()
            case _:
                self._ask(quit_now)
        return True

    def hide_window(self) -> None:
        """Go on without the window."""
        QApplication.setQuitOnLastWindowClosed(False)
        self._window.hide()
        self._timer.start()

    def show_window(self, where: object = None) -> None:
        """Bring the window to the front."""
        self._timer.stop()
        QApplication.setQuitOnLastWindowClosed(True)
        minimized = self._window.isMinimized()
        self._window.showNormal() if minimized else self._window.show()
        self._window.raise_()
        self._window.activateWindow()
        self.opened.emit(where)

    def end(self) -> None:
        """The window closes for good."""
        self._timer.stop()
        QApplication.setQuitOnLastWindowClosed(True)
        self.tray.end()
        self.deleteLater()

    def _ask(self, quit_now: Callable[[], object]) -> None:
        def decide(choice: Literal["tray", "quit"]) -> None:
            self._studio.reload_settings(change_settings(when_closed=choice))
            if choice == "tray":
                self.hide_window()
            else:
                quit_now()

        if self._window.isMinimized():  # closed from the task bar: nobody would see the question
            self._window.showNormal()
        if not any(dialog.isVisible() for dialog in self._window.findChildren(KeepRunningDialog)):
            KeepRunningDialog(self._window, self.attention.overview, decide).open()

    def _in_front(self) -> bool:
        """Also when one of its dialogs is."""
        if not shiboken6.isValid(self._window) or not self._window.isVisible():
            return False
        return QGuiApplication.focusWindow() is not None and not self._window.isMinimized()

    def _on_application(self, state: Qt.ApplicationState) -> None:
        """A click on the program's icon in macOS's Dock wants its window."""
        if sys.platform == "darwin" and state is Qt.ApplicationState.ApplicationActive and self._timer.isActive():
            self.show_window()

    def _look_for_tray(self) -> None:
        """Without a tray nobody could come back to a window that is not seen."""
        if not tray.tray_available():
            self.show_window()
