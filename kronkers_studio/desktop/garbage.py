"""Python's cycle collection, between events of the main thread and nowhere else.

A collection can start at any allocation: in a worker thread, where it would destroy widgets outside of theirs, or amid
Qt's own work, where it frees what Qt is about to touch. Both end the program with a segmentation fault, rarely and
anywhere. So automatic collection is switched off and a timer collects when the event loop is at rest.
"""

from __future__ import annotations

import gc

from PySide6.QtCore import QObject, QTimer

_YOUNG_MS = 1_000
_YOUNG_ROUNDS = 20  # of the young, before all are looked at


class GarbageCollector(QObject):
    """Collects for as long as ``parent`` lives; at its first round what the start made is set aside for good."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        gc.disable()
        self._rounds = 0
        self._timer = QTimer(self, interval=_YOUNG_MS)
        self._timer.timeout.connect(self.collect)
        self._timer.start()

    def collect(self) -> None:
        """One round: mostly of young objects, which takes about a millisecond."""
        if self._rounds == 0:
            gc.collect()
            gc.freeze()  # modules and classes: looked through once, not at every full round
        elif self._rounds % _YOUNG_ROUNDS == 0:
            gc.collect()
        else:
            gc.collect(1)
        self._rounds += 1
