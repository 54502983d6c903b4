"""Progress bars for a terminal."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.progress import Progress as RichProgress


class TerminalProgress:
    """Shows the current step as one line that goes away at the end."""

    def __init__(self, bars: RichProgress) -> None:
        self._bars = bars
        self._task: TaskID | None = None
        self._lock = threading.Lock()  # the bar that one thread advances must not be one that another just removed

    def step(self, title: str, total: int | None = None, unit: str = "") -> None:
        with self._lock:
            if self._task is not None:
                self._bars.remove_task(self._task)
            self._task = self._bars.add_task(title, total=total)

    def expect(self, total: int) -> None:
        with self._lock:
            if self._task is not None:
                self._bars.update(self._task, total=total)

    def advance(self, amount: int = 1) -> None:
        with self._lock:
            if self._task is not None:
                self._bars.advance(self._task, amount)

    def note(self, text: str) -> None:
        self._bars.console.print(text, markup=False, highlight=False)


@contextmanager
def progress_bars() -> Iterator[TerminalProgress]:
    bars = RichProgress(
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    )
    with bars:
        yield TerminalProgress(bars)
