"""The process that reads tables, as seen from this one: started, asked, watched while it answers, and ended."""

from __future__ import annotations

import contextlib
import io
import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, NamedTuple, Self, cast

from kronkers_studio.confinement import Policy, confined_program, means_here
from kronkers_studio.domain.errors import Cancelled, InvalidInput, StudioError, TableUnreadable
from kronkers_studio.domain.progress import NEVER, CancelToken
from kronkers_studio.formats import table_messages as messages
from kronkers_studio.formats.table_messages import (
    DONE,
    FAILED,
    FILE,
    LARGEST_PIECE,
    PIECE,
    READY,
    REQUEST,
    WANTED,
    Ended,
    Frame,
    Malformed,
    Pipe,
)
from kronkers_studio.formats.table_process import ARGUMENT, IDLE_SECONDS

LOOK_SECONDS = 0.05
"""How often somebody who waits looks whether that is still wanted."""
_START_SECONDS = 60.0
_HELLO_SECONDS = 2.0
_KEPT_SECONDS = IDLE_SECONDS * 0.8
"""A process that was idle for longer is not used any more: it may be about to end."""
_KEPT_BYTES = 64 << 20
"""After having read more the process is ended, so that its memory is free again."""
_INHERITED = ("SYSTEMROOT", "WINDIR", "TEMP", "TMP", "LANG", "LC_ALL", "LC_CTYPE")
"""Variables of the environment that the process gets; none of them is a secret."""
_MOST_THREADS = 8
_LARGEST_WORD = 1 << 16

_log = logging.getLogger(__name__)


class Source(NamedTuple):
    """A file whose columns are asked for: the end of its name, and its bytes, or what they can be read from."""

    suffix: str
    content: bytes | memoryview | BinaryIO

    @property
    def data(self) -> bytes | memoryview | None:
        """Its bytes; None where they are not here yet."""
        return self.content if isinstance(self.content, bytes | memoryview) else None


class TableProcessUnavailable(TableUnreadable):
    """No process can be had, whatever the table."""


@dataclass(frozen=True, slots=True)
class Job:
    """What is asked of it: ``options`` are those of ``table_process`` for ``what``. Memory in bytes."""

    what: str
    path: str
    seconds: float
    memory: int
    options: list[Any]


class Watch:
    """Ends a process when it is time or when that is asked for, whatever this thread is waiting for meanwhile."""

    def __init__(self, cancel: CancelToken) -> None:
        self._cancel = cancel
        self._deadline = time.monotonic() + _START_SECONDS
        self._process: TableWorker | None = None
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="table-watch", daemon=True)
        self._late = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()

    def over(self, process: TableWorker) -> None:
        """From now on ``process`` is watched."""
        self._process = process
        process.watch = self
        self._thread.start()

    def allow(self, seconds: float) -> None:
        """What comes now may take so long."""
        self._deadline = time.monotonic() + seconds

    def end(self) -> None:
        self._over.set()
        if self._thread.ident is not None:
            self._thread.join()

    def cause(self, job: Job, process: TableWorker, problem: Exception) -> StudioError:
        """Why the process is no more."""
        if self._cancel.cancelled:
            return Cancelled("Cancelled.", next_step="Nothing was changed.")
        name = f"“{job.path}”" if job.path else "This table"
        if self._late:
            return TableUnreadable(
                f"{name} could not be read: it took longer than {job.seconds:g} seconds.",
                next_step="The setting table_seconds says how long it may take.",
            )
        if isinstance(problem, Malformed):
            _log.warning("The process that reads tables sent what is no answer (%s)", job.what)
        return TableUnreadable(
            f"{name} could not be read: the program that reads it stopped. The file is damaged, or needs more than "
            f"{_gigabytes(job.memory)} of memory.",
            next_step="The setting table_memory says how much it may take.",
            details=process.end_words(),
        )

    def _run(self) -> None:
        while not self._over.wait(LOOK_SECONDS):
            self._late = time.monotonic() > self._deadline
            if (self._late or self._cancel.cancelled) and self._process is not None:
                self._process.kill()
                return


class TableWorker:
    """The end of this process: has the other one read tables. Used by one thread at a time; any may ``kill`` it."""

    watch: Watch

    def __init__(self, command: Sequence[str], memory: int) -> None:
        """Starts it and does not wait for it. Raises ``OSError`` when it cannot be started."""
        self.memory = memory
        self.usable = True
        self.ended = False  # it said so
        self.used = time.monotonic()
        self._process = subprocess.Popen(  # noqa: S603  # this very program
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
            cwd=Path(sys.executable).anchor or None,
            env=_environment(),
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
        incoming, outgoing = cast(io.FileIO, self._process.stdout), cast(io.FileIO, self._process.stdin)
        self._streams = (incoming, outgoing)
        self._pipe = Pipe(incoming, outgoing)

    @property
    def id(self) -> int:
        return self._process.pid

    def begin(self) -> None:
        """Wait until it takes requests."""
        self._pipe.send(REQUEST, [self.memory])
        if self._pipe.receive(most=_LARGEST_WORD).kind != READY:
            raise Malformed

    def ask(self, job: Job, sources: Sequence[Source]) -> None:
        self._pipe.send(REQUEST, [job.what, len(sources), job.seconds, job.options])
        sent = 0
        for source in sources:
            if source.data is not None:
                self._pipe.send(FILE, [source.suffix, None], source.data)
                sent += len(source.data)
            else:
                self._pipe.send(FILE, [source.suffix, cast(BinaryIO, source.content).seek(0, os.SEEK_END)])
        self.usable = sent <= _KEPT_BYTES

    def answer(self, job: Job, sources: Sequence[Source], *, most: int = 0) -> Frame:
        """The next answer. Raises what the process tells of a table, and what reading from a source does."""
        failure: Exception | None = None
        while True:
            frame = self._pipe.receive(body=most)
            if frame.kind == WANTED and failure is None:
                failure = self._hand_over(frame, sources)
            elif failure is not None and frame.kind in (DONE, FAILED):
                raise failure
            elif frame.kind == FAILED:
                raise self._failure(job, frame.about)
            elif frame.kind == DONE:
                return frame
            else:
                raise Malformed

    def _hand_over(self, frame: Frame, sources: Sequence[Source]) -> Exception | None:
        """Send a piece of a source. What reading it raises is returned, and the process told that there is none."""
        number, at, length = map(messages.count, messages.fields(frame.about, 3))
        if number >= len(sources) or length > LARGEST_PIECE or sources[number].data is not None:
            raise Malformed
        stream = cast(BinaryIO, sources[number].content)
        try:
            stream.seek(at)
            piece = stream.read(length)
        except (StudioError, OSError) as error:
            self._pipe.send(FAILED, [])
            return error
        self._pipe.send(PIECE, [], piece)
        return None

    def _failure(self, job: Job, about: Any) -> StudioError:
        kind, message, next_step, details = map(messages.sentence, messages.fields(about, 4))
        if kind == "invalid":
            return InvalidInput(message, next_step=next_step, details=details)
        self.usable, self.ended = False, True
        name = f"“{job.path}”" if job.path else "This table"
        if kind == "damaged":
            words = f"{name} cannot be read as a table: it is damaged, or written in a way that is not known here."
            return InvalidInput(words, details=details)
        if kind == "memory":
            return TableUnreadable(
                f"{name} could not be read: it needs more than {_gigabytes(job.memory)} of memory.",
                next_step="The setting table_memory says how much it may take.",
            )
        _log.warning("Reading a table failed: %s", details)
        return TableUnreadable(
            f"{name} could not be read: it holds what the program that reads it cannot cope with.", details=details
        )

    def is_fresh(self) -> bool:
        return self._process.poll() is None and time.monotonic() - self.used < _KEPT_SECONDS

    def is_there(self) -> bool:
        """Whether it answers: it may have been ended or stopped meanwhile, or be about to end."""
        with Watch(NEVER) as watch:
            watch.allow(_HELLO_SECONDS)
            watch.over(self)
            try:
                self._pipe.send(REQUEST, ["hello", 0, _HELLO_SECONDS, None])
                return self._pipe.receive(most=_LARGEST_WORD).kind == DONE
            except (Ended, Malformed):
                return False

    def kill(self) -> None:
        """Let whoever waits for it get ``Ended``."""
        self._process.kill()

    def end(self) -> None:
        self._process.kill()
        self._process.wait()
        for stream in self._streams:
            stream.close()

    def end_words(self) -> str:
        with contextlib.suppress(subprocess.TimeoutExpired):
            return f"The process ended with {self._process.wait(timeout=1.0)}."
        return ""


def process_command() -> tuple[str, ...]:
    """What starts the process that reads tables. It confines itself; on some systems something does so before."""
    if getattr(sys, "frozen", False):
        program = Path(sys.executable)
        command = [str(program.with_name("kronkers" + program.suffix)), ARGUMENT]  # the one with a console
    else:
        command = [sys.executable, "-I", "-X", "utf8", "-m", "kronkers_studio.formats.table_process"]
    modules = [Path(folder) for folder in sys.path if folder]
    return tuple(confined_program(command, python_path=modules, policy=Policy(), means=means_here()))


def _environment() -> dict[str, str]:
    kept = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    threads = min(os.cpu_count() or 1, _MOST_THREADS)
    return {**kept, "POLARS_MAX_THREADS": str(threads), "RUST_BACKTRACE": "0"}


def _gigabytes(memory: int) -> str:
    return f"{memory / (1 << 30):.3g} GB"
