"""Working so that the computer stays usable: a limit to reading, and threads that give way to others."""

from __future__ import annotations

import ctypes
import os
import sys
import threading
import time
from collections.abc import Callable

from kronkers_studio.domain.progress import NEVER, CancelToken

_NICE = 10
_WINDOWS_BELOW_NORMAL = -1
_MAC_THREAD, _MAC_BACKGROUND = 3, 0x1000  # PRIO_DARWIN_THREAD, PRIO_DARWIN_BG of sys/resource.h
_LONGEST_WAIT = 0.1
_BURST_SECONDS = 0.25


class Pace:
    """How gently files are read. Thread-safe; one for all the threads of a migration.

    ``bytes_per_second`` limits all of them together (0: no limit); with ``give_way`` each thread that reads gets a
    lower priority, for good: use it only where threads are made for the work and end with it.
    """

    def __init__(
        self,
        bytes_per_second: float = 0,
        *,
        give_way: bool = False,
        cancel: CancelToken = NEVER,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._rate = bytes_per_second
        self._give_way = give_way
        self._cancel = cancel
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()
        self._free_at = clock()
        self._lowered = threading.local()

    def enter(self) -> None:
        """Called by a thread that is about to read."""
        if self._give_way and not getattr(self._lowered, "done", False):
            self._lowered.done = True
            lower_thread_priority()

    def took(self, count: int) -> None:
        """Called after ``count`` bytes were read; returns when the next may be. Cancelling ends the wait."""
        if not self._rate:
            return
        with self._lock:
            now = self._clock()
            self._free_at = max(self._free_at, now - _BURST_SECONDS) + count / self._rate
            until = self._free_at
        while (left := until - self._clock()) > 0 and not self._cancel.cancelled:
            self._sleep(min(left, _LONGEST_WAIT))


def lower_thread_priority(platform: str = sys.platform) -> bool:
    """Let this thread, and on Linux those that it starts, give way to all others; False when the system refuses."""
    try:
        if platform == "win32":
            kernel = ctypes.WinDLL("kernel32")  # type: ignore[attr-defined]  # exists only there
            return bool(kernel.SetThreadPriority(kernel.GetCurrentThread(), _WINDOWS_BELOW_NORMAL))
        if platform == "darwin":
            os.setpriority(_MAC_THREAD, 0, _MAC_BACKGROUND)
        else:  # Linux keeps a nice value for each thread
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICE)
    except OSError:
        return False
    return True
