"""A damaged index: it is said on the page in view, made again when somebody wants that, and what came of it is said."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget

from kronkers_studio.desktop.destinations import CheckWorkspace
from kronkers_studio.desktop.unlock_gate import Gate
from kronkers_studio.desktop.widgets.states import Notice
from kronkers_studio.desktop.work.studio import Key, Studio
from kronkers_studio.domain.errors import IndexDamaged
from kronkers_studio.domain.maintenance import RebuildReport


class Mending(QObject):
    """``notice`` gives that of the page in view; ``show_gate`` brings ``gate`` there, which shows how it goes."""

    def __init__(
        self,
        window: QWidget,
        studio: Studio,
        gate: Gate,
        notice: Callable[[], Notice],
        show_gate: Callable[[], object],
    ) -> None:
        super().__init__(window)
        self._window, self._studio, self._gate = window, studio, gate
        self._notice, self._show_gate = notice, show_gate
        studio.damaged.connect(self._say_damaged)
        studio.rebuild_wanted.connect(self.ask)
        gate.rebuilt.connect(self._say_rebuilt)

    def ask(self) -> None:
        """Ask whether the index is to be made again; the workspace is closed for that. Nothing opens without one."""
        from kronkers_studio.desktop.dialogs.rebuild import RebuildDialog

        if self._studio.session is not None:
            RebuildDialog(self._window, self._studio.runner, self._mend).open()

    def _mend(self) -> None:
        directory = self._studio.directory
        self._gate.show_closing(directory)
        self._studio.leave(lambda: self._gate.mend(directory, Key()))
        self._show_gate()

    def _say_damaged(self, error: IndexDamaged) -> None:
        from kronkers_studio.desktop.panels.rebuild import say_damaged

        say_damaged(self._notice(), error, self.ask)

    def _say_rebuilt(self, report: RebuildReport) -> None:
        from kronkers_studio.desktop.panels.rebuild import say_rebuilt

        say_rebuilt(self._notice(), report, lambda: self._studio.go.emit(CheckWorkspace()))
