"""How work reports to whoever watches, and how it is told to stop. The core knows no printer and no Qt."""

from __future__ import annotations

import threading
from typing import Protocol

from kronkers_studio.domain.errors import Cancelled


class Progress(Protocol):
    """What a workflow reports. Methods are called from any thread, often; implementations must be cheap."""

    def step(self, title: str, total: int | None = None, unit: str = "") -> None:
        """A new step begins; ``total`` in ``unit`` ("files", "bytes", "") or None when unknown."""

    def expect(self, total: int) -> None:
        """The current step began without a total, and now has one."""

    def advance(self, amount: int = 1) -> None:
        """``amount`` more units of the current step are done."""

    def note(self, text: str) -> None:
        """A sentence worth showing, e.g. what is being skipped."""


class NoProgress:
    """Reports to nobody: the default."""

    def step(self, title: str, total: int | None = None, unit: str = "") -> None:
        pass

    def expect(self, total: int) -> None:
        pass

    def advance(self, amount: int = 1) -> None:
        pass

    def note(self, text: str) -> None:
        pass


class CancelToken(Protocol):
    """Asked by long work at safe points."""

    @property
    def cancelled(self) -> bool: ...

    def check(self) -> None:
        """Raise ``Cancelled`` when cancelling was asked for."""


class NeverCancelled:
    """The default token."""

    @property
    def cancelled(self) -> bool:
        return False

    def check(self) -> None:
        pass


class CancelSource:
    """A token that somebody can pull; thread-safe."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def cancel(self) -> None:
        self._event.set()

    @property
    def cancelled(self) -> bool:
        return self._event.is_set()

    def check(self) -> None:
        if self._event.is_set():
            raise Cancelled("Cancelled.", next_step="Everything acknowledged so far is kept; run it again to finish.")

    def wait(self, seconds: float) -> bool:
        """Sleep up to ``seconds``; True when cancelled meanwhile."""
        return self._event.wait(seconds)


SILENT: Progress = NoProgress()
NEVER: CancelToken = NeverCancelled()
