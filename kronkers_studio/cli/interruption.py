"""Being told to stop: by Ctrl+C, by ``kill`` (systemd, docker stop, timeout), by the terminal being closed, by Windows.

All of them ask the work to stop at a safe point, where it takes back what it had half done; a second one interrupts it.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Iterator
from types import FrameType

from kronkers_studio.domain.progress import CancelSource

_NAMES = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")
"""No platform has all of them."""

_PROMPTS = ("getpass", "click.termui")
"""While one of these waits for what somebody types, there is no work to reach a safe point."""

_CLOSING_EVENTS = (2, 5, 6)  # CTRL_CLOSE_EVENT, CTRL_LOGOFF_EVENT, CTRL_SHUTDOWN_EVENT
_SECONDS_TO_CLOSE = 4.5


@contextlib.contextmanager
def stopped_by_signals(cancel: CancelSource) -> Iterator[None]:
    """Within it, the first signal cancels and each further one raises ``KeyboardInterrupt``; while something is asked
    for, the first does that too."""

    def stop(number: int, frame: FrameType | None) -> None:
        if number == getattr(signal, "SIGHUP", None):
            _give_up_terminal()
        if cancel.cancelled or _is_asking(frame):
            cancel.cancel()
            raise KeyboardInterrupt
        cancel.cancel()

    before = {}
    for number in (getattr(signal, name) for name in _NAMES if hasattr(signal, name)):
        if signal.getsignal(number) is not signal.SIG_IGN:  # as under nohup
            before[number] = signal.signal(number, stop)
    try:
        with _console_closing(cancel):
            yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _is_asking(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_globals.get("__name__") in _PROMPTS:
            return True
        frame = frame.f_back
    return False


def _give_up_terminal() -> None:
    """Let output go nowhere: the terminal is gone, and writing to it would fail in the middle of tidying up."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError, AttributeError):
            if os.isatty(stream.fileno()):
                os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


if sys.platform == "win32":

    @contextlib.contextmanager
    def _console_closing(cancel: CancelSource) -> Iterator[None]:
        """The console's window is closed, the user logs off, the system shuts down: Windows gives five seconds."""
        import ctypes

        ended = threading.Event()

        def closing(event: int) -> bool:
            if event not in _CLOSING_EVENTS:
                return False
            cancel.cancel()
            ended.wait(_SECONDS_TO_CLOSE)
            return True

        handler = ctypes.WINFUNCTYPE(ctypes.c_int, ctypes.c_uint)(closing)
        kernel = ctypes.windll.kernel32
        kernel.SetConsoleCtrlHandler(handler, True)
        try:
            yield
        finally:
            ended.set()
            kernel.SetConsoleCtrlHandler(handler, False)

else:

    @contextlib.contextmanager
    def _console_closing(cancel: CancelSource) -> Iterator[None]:
        """Elsewhere that is a signal."""
        yield
