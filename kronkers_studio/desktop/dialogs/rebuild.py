"""Asks before the index of the open workspace is made again."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtWidgets import QWidget

from kronkers_studio.desktop.localization import counted, tr
from kronkers_studio.desktop.widgets.dialog import Dialog
from kronkers_studio.desktop.work.tasks import TaskRunner


class RebuildDialog(Dialog):
    """``on_yes`` is called when the index is to be made again, and nothing else is under way by then."""

    of_workspace = False

    def __init__(self, parent: QWidget, runner: TaskRunner, on_yes: Callable[[], object]) -> None:
        super().__init__(
            parent,
            tr("Rebuild the index?"),
            tr(
                "The workspace closes meanwhile and opens again by itself. Everything stored is read once, which can "
                "take minutes; it can be cancelled at any time, and then nothing has changed."
            ),
        )
        self._runner, self._on_yes = runner, on_yes
        cancel = self.add_cancel()
        self.go = self.add_button(tr("Rebuild the index"), self._begin, "primary")
        cancel.setFocus()

    def _begin(self) -> None:
        running = len(self._runner.active)
        if running:
            still = counted(running, tr("{n} task is still running."), tr("{n} tasks are still running."))
            self.notice.say(still, tr("Wait until it is done, or cancel it in the Tasks panel."), "warn")
            return
        self.accept()
        self._on_yes()
