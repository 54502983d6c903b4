"""What is stored of everything that is live, for a page that shows it while it is looked at."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from kronkers_studio.desktop.charts.recorder import Recorder
from kronkers_studio.desktop.work.studio import Studio
from kronkers_studio.domain.series import LiveService

if TYPE_CHECKING:
    from kronkers_studio.domain.errors import StudioError
    from kronkers_studio.workflows.session import Session

Services = dict[tuple[str, str], LiveService]
"""By model and place."""
_OFTEN = 4.0  # seconds: a line of an hour changes no more often


class ServiceReader(QObject):
    """Reads when it is asked to, and after a measurement where ``looked_at`` says so; never twice at once.

    found    ``services`` were read
    failed   a ``StudioError``: they could not be
    """

    found = Signal()
    failed = Signal(object)

    def __init__(self, studio: Studio, looked_at: Callable[[], bool], parent: QObject) -> None:
        super().__init__(parent)
        self.services: Services = {}
        self._studio, self._looked_at = studio, looked_at
        self._reading = False
        self._last = 0.0
        Recorder.of(studio).measured.connect(self._on_measured)
        studio.closed.connect(self._forget)

    def read(self) -> None:
        """Read what is stored now."""
        if not self._reading:
            self._last = time.monotonic()
            task = self._studio.read(_live_services, self._show, owner=self, failed=self._not_read)
            self._reading = task is not None

    def _on_measured(self, _state: object) -> None:
        if self._looked_at() and time.monotonic() - self._last >= _OFTEN:
            self.read()

    def _show(self, services: Sequence[LiveService]) -> None:
        self._reading = False
        self.services = {(each.release.model, each.release.place): each for each in services}
        self.found.emit()

    def _not_read(self, error: StudioError) -> None:
        self._reading = False
        self.failed.emit(error)

    def _forget(self) -> None:
        self._reading, self.services = False, {}


def _live_services(session: Session) -> Sequence[LiveService]:
    from kronkers_studio.workflows.metrics import live_services

    return live_services(session)
