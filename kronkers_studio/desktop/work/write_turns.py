"""One at a time: what this window writes to the workspace, whoever asked for it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from kronkers_studio.domain.progress import CancelToken

_LOOK_SECONDS = 0.1  # between looks whether the waiting was cancelled


class Turns:
    """The workspace refuses a second writer, so those of one window take turns. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()

    @contextmanager
    def take(self, cancel: CancelToken) -> Iterator[None]:
        """Wait until nobody else writes. Raises ``Cancelled``."""
        while not self._lock.acquire(timeout=_LOOK_SECONDS):
            cancel.check()
        try:
            yield
        finally:
            self._lock.release()
