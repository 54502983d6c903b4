"""How long the main thread works, and stands still."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from PySide6.QtCore import QEventLoop, QTimer
from PySide6.QtWidgets import QApplication

from kronkers_studio.desktop.work.tasks import TaskRunner


@dataclass
class Blocking:
    """What an operation took of the main thread, in seconds of its own time; and its longest piece, by the clock."""

    thread: float = 0.0
    longest: float = 0.0


@contextmanager
def main_thread_counted() -> Iterator[Blocking]:
    """Count how long the main thread works, and how long its event loop stands still, until the block ends."""
    counted = Blocking()
    last = time.perf_counter()

    def beat() -> None:
        nonlocal last
        now = time.perf_counter()
        counted.longest = max(counted.longest, now - last)
        last = now

    timer = QTimer(interval=20)  # more often would itself be much of what is counted
    timer.timeout.connect(beat)
    timer.start()
    began = time.thread_time()
    yield counted
    counted.thread = time.thread_time() - began
    timer.stop()


def live_until_idle(runner: TaskRunner, pending: QTimer | None = None) -> None:
    """As the program does: handle what there is, sleep until there is more; until nothing runs or waits."""
    loop = QEventLoop()

    def look() -> None:
        if runner.idle and not (pending is not None and pending.isActive()):
            loop.quit()

    timer = QTimer(interval=25)
    timer.timeout.connect(look)
    timer.start()
    loop.exec()
    QApplication.processEvents()
