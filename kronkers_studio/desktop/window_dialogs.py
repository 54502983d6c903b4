"""The dialogs that the window opens from anywhere, whatever page is in view."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtWidgets import QApplication, QWidget

from kronkers_studio.desktop.actions import Action
from kronkers_studio.desktop.dialogs.crash import CrashDialog
from kronkers_studio.desktop.work.log_in_questions import OpenQuestions
from kronkers_studio.desktop.work.studio import Studio
from kronkers_studio.settings.logs import log_fault


class WindowDialogs:
    """Opens each before ``window``; ``actions`` gives what can be done now, which Help lists."""

    def __init__(self, window: QWidget, studio: Studio, actions: Callable[[], Sequence[Action]]) -> None:
        self._window, self._studio, self._actions = window, studio, actions

    def find(self, words: str = "") -> None:
        """Look for something by its name; for ``words`` at once. Nothing opens without a workspace."""
        from kronkers_studio.desktop.dialogs.search import SearchDialog

        if self._studio.session is not None:
            dialog = SearchDialog(self._window, self._studio)
            dialog.words.setText(words)
            dialog.open()

    def show_help(self) -> None:
        from kronkers_studio.desktop.dialogs.help import HelpDialog

        HelpDialog(self._window, self._actions()).open()

    def show_log(self) -> None:
        from kronkers_studio.desktop.dialogs.log import LogDialog

        LogDialog(self._window, self._studio).open()

    def show_diagnostics(self) -> None:
        from kronkers_studio.desktop.dialogs.diagnostics import DiagnosticsDialog

        DiagnosticsDialog(self._window, self._studio).open()

    def check_package(self, file: str = "") -> None:
        """Check a package in a file, or in a registry; nothing opens without a workspace, whose key it may have."""
        from kronkers_studio.desktop.dialogs.check_package import CheckPackageDialog

        if self._studio.session is not None:
            CheckPackageDialog(self._window, self._studio, file).open()

    def ask_log_in(self, asked: OpenQuestions) -> None:
        """A server asks something of whoever logs in; before whatever dialog is open, which may be what logs in."""
        from kronkers_studio.desktop.dialogs.answer_log_in import AnswerLogInDialog

        front = QApplication.activeModalWidget()
        parent = front if front is not None and self._window.isAncestorOf(front) else self._window
        AnswerLogInDialog(parent, asked).open()

    def show_crash(self, during: str, details: str) -> None:
        """A bug came to light: say so, with everything to copy; while one is being read, no other is put before it."""
        log_fault(during, details)
        if not any(dialog.isVisible() for dialog in self._window.findChildren(CrashDialog)):
            CrashDialog(self._window, during, details, self.show_diagnostics).open()
