"""How a call of the library runs: with the workspace that this process opened, interrupted by Ctrl+C, told in lines."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, NamedTuple

from kronkers_studio.domain.errors import Cancelled, WorkspaceError
from kronkers_studio.domain.printable import printable
from kronkers_studio.domain.progress import SILENT, CancelSource, Progress
from kronkers_studio.workflows.session import Session


class Call(NamedTuple):
    """What a workflow is given besides what it works on."""

    session: Session
    progress: Progress
    cancel: CancelSource


class Calls:
    """Begins calls on one open workspace; used by any thread."""

    def __init__(self, session: Session) -> None:
        self._session: Session | None = session
        self._process = os.getpid()
        self.directory = session.directory

    @property
    def session(self) -> Session:
        """The open workspace. Raises ``WorkspaceError`` after it was closed, and in a process that was forked from the
        one that opened it: two processes cannot share its database."""
        if self._session is None:
            raise WorkspaceError("The workspace is closed.", next_step="Open it again: ws = kronkers_studio.open()")
        if os.getpid() != self._process:
            raise WorkspaceError(
                "The workspace was opened before this process was forked, and cannot be shared with it.",
                next_step="Open it in this process: ws = kronkers_studio.open()",
            )
        return self._session

    @contextmanager
    def call(self, *, told: bool = False) -> Iterator[Call]:
        """One call, ``told`` in lines on standard error. Ctrl+C ends it at the next safe point, and then raises
        ``KeyboardInterrupt``, also when it was done by then; pressed once more, at once."""
        cancel = CancelSource()
        call = Call(self.session, _Lines() if told else SILENT, cancel)
        with _interrupting(cancel):
            try:
                yield call
            except Cancelled as ended:
                raise KeyboardInterrupt(str(ended)) from None
        if cancel.cancelled:  # too late to end it; but a loop around it ends
            raise KeyboardInterrupt("It was done before it could be cancelled.")

    def close(self) -> None:
        session, self._session = self._session, None
        if session is not None and os.getpid() == self._process:
            session.close()

    @property
    def is_open(self) -> bool:
        return self._session is not None


@contextmanager
def _interrupting(cancel: CancelSource) -> Iterator[None]:
    """Signals reach the main thread alone; where Ctrl+C does something of its own, as in a server, that stays."""
    usual: Any = signal.default_int_handler
    if threading.current_thread() is not threading.main_thread() or signal.getsignal(signal.SIGINT) is not usual:
        yield
        return

    def interrupted(number: int, frame: FrameType | None) -> None:
        if cancel.cancelled:
            signal.default_int_handler(number, frame)
        cancel.cancel()

    before: Callable[..., Any] | int | None = signal.signal(signal.SIGINT, interrupted)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


class _Lines:
    """Tells each step in a line."""

    def step(self, title: str, total: int | None = None, unit: str = "") -> None:
        size = f" ({total:,} {unit})" if total and unit not in ("", "bytes") else ""
        self.note(f"{title}{size} …")

    def expect(self, total: int) -> None:
        pass

    def advance(self, amount: int = 1) -> None:
        pass

    def note(self, text: str) -> None:
        sys.stderr.write(f"{printable(text)}\n")
