"""A process in the model's own language that answers one question after the other over its pipes.

It is started once and holds the model. One that takes too long is ended.
"""

from __future__ import annotations

import logging
import os
import struct
import subprocess
import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from typing import IO

_log = logging.getLogger(__name__)

_LENGTH = struct.Struct("<i")
_LARGEST_ANSWER = 256 << 20
_SECONDS_TO_START = 300.0
_SECONDS_TO_STOP = 5.0
_LOOK_SECONDS = 0.5  # at most, between two looks at whether an answer is late
_KEPT_OF_ERRORS = 20  # lines
_ERRORS = 2


class WorkerDied(Exception):
    """The process ended without an answer, or was ended because it took too long; the text says which."""


class WorkerNotStarted(WorkerDied):
    """No process could be made; the text says why."""


class WorkerTooSlow(WorkerDied):
    """It was ended because it took too long."""


class WorkerGone(Exception):
    """The process had ended before the whole question had come to it."""


class WorkerProcess:
    """``command`` is started with ``setup`` as its first question, which it answers when it is ready.

    Questions may be asked from several threads; they are answered one by one, each within ``seconds``. With ``heard``
    what it writes as errors goes to this process's own.
    """

    def __init__(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        setup: bytes,
        *,
        seconds: float = 120.0,
        heard: bool = False,
    ) -> None:
        self._command = tuple(command)
        self._environment = dict(environment)
        self._setup = setup
        self._seconds = seconds
        self._heard = heard
        self._due: float | None = None  # when the answer that is waited for is late
        self._late = False
        self._closed = threading.Event()
        self._turn = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._errors: deque[bytes] = deque(maxlen=_KEPT_OF_ERRORS)

    def start(self) -> bytes:
        """What it says of itself once it is ready. Raises ``WorkerDied``, and where there can be none
        ``WorkerNotStarted``."""
        with self._turn:
            return self._started()

    def ask(self, question: bytes) -> bytes:
        """The answer. Raises ``WorkerGone``, and ``WorkerDied`` when it ended, or was ended, without one."""
        with self._turn:
            if self._process is None or self._process.poll() is not None:
                raise WorkerGone
            return self._asked(question, self._seconds)

    @property
    def process_id(self) -> int:
        """0 before the start and after the end."""
        return self._process.pid if self._process is not None else 0

    def wait_until_ended(self) -> None:
        process = self._process
        if process is not None:
            process.wait()

    def end(self) -> None:
        """End the process, if there is one, whatever it is doing; who waits for its answer gets ``WorkerDied``."""
        if self._turn.acquire(blocking=False):
            try:
                self.close()
            finally:
                self._turn.release()
        elif (process := self._process) is not None:
            process.kill()

    def close(self) -> None:
        """End the process, if there is one, which is doing nothing."""
        self._closed.set()
        process, self._process = self._process, None
        if process is None:
            return
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                try:
                    pipe.close()
                except OSError:  # what was not written before it died
                    continue
        try:
            process.wait(_SECONDS_TO_STOP if process.poll() is None else 0)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    @property
    def last_errors(self) -> str:
        """The last lines that it wrote as errors: for the log, when it does not start."""
        return b"".join(self._errors).decode("utf-8", "replace")[-2000:]

    def _started(self) -> bytes:
        self._errors.clear()
        try:
            self._process = subprocess.Popen(  # noqa: S603 — what the service itself runs
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env={**_without_own(os.environ), **self._environment},
            )
        except OSError as error:
            raise WorkerNotStarted(f"{self._command[0]} cannot be started: {error.strerror}") from None
        assert self._process.stderr is not None  # noqa: S101 — as it was asked for
        threading.Thread(target=self._drain, args=(self._process.stderr,), name="worker errors", daemon=True).start()
        threading.Thread(target=self._end_when_late, args=(self._process,), name="worker watch", daemon=True).start()
        _log.info("worker started", extra={"fields": {"worker": self._process.pid}})
        return self._asked(self._setup, _SECONDS_TO_START)

    def _asked(self, question: bytes, seconds: float) -> bytes:
        process = self._process
        assert process is not None and process.stdin is not None and process.stdout is not None  # noqa: S101
        self._due = time.monotonic() + seconds
        asked = False
        try:
            process.stdin.write(_LENGTH.pack(len(question)))
            process.stdin.write(question)
            process.stdin.flush()
            asked = True
            return _answer(process.stdout)
        except (OSError, EOFError, ValueError) as problem:
            process.kill()
            self.close()
            if self._late:
                raise WorkerTooSlow(f"it took longer than {seconds:g} seconds") from None
            if not asked and question is not self._setup:
                raise WorkerGone from None
            raise WorkerDied(f"it ended ({problem})") from None
        finally:
            self._due = None

    def _end_when_late(self, process: subprocess.Popen[bytes]) -> None:
        """One thread for all questions: to start a timer for each takes longer than a quick model."""
        while not self._closed.wait(min(_LOOK_SECONDS, self._seconds / 4)):
            if (due := self._due) is not None and time.monotonic() > due:
                self._late = True
                process.kill()
                return

    def _drain(self, errors: IO[bytes]) -> None:
        """A full pipe would stop it, whether anybody reads what a model prints or not."""
        with errors:
            while line := errors.readline(1000):
                self._errors.append(line)
                if self._heard:
                    self._heard = _written(line)


def _without_own(environment: Mapping[str, str]) -> dict[str, str]:
    """What the model's own program has no use for is not handed on."""
    return {name: value for name, value in environment.items() if not name.startswith("KRONKERS_")}


def _written(line: bytes) -> bool:
    """Whether it could be, to what this process writes as errors."""
    try:
        os.write(_ERRORS, line)
    except OSError:
        return False
    return True


def _answer(pipe: IO[bytes]) -> bytes:
    """Raises ``EOFError`` when the process says no whole frame, ``ValueError`` for one that is too large."""
    (length,) = _LENGTH.unpack(_whole(pipe, _LENGTH.size))
    if not 0 <= length <= _LARGEST_ANSWER:
        raise ValueError("its answer is larger than any")
    return _whole(pipe, length)


def _whole(pipe: IO[bytes], count: int) -> bytes:
    found = pipe.read(count)
    if len(found) < count:
        raise EOFError("without a whole answer")
    return found
