"""Reading tables in a process of their own, so that nothing that a file holds can take this one down.

A ``TableReader`` starts that process (``table_process``) when it is first needed, keeps it for what comes next, and has
another one made when it stopped, took too long or was taken over by what it read. At most two run at a time.
"""

from __future__ import annotations

import contextlib
import io
import logging
import os
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, NamedTuple, Self, TypeVar, cast

from kronkers_studio.confinement import Policy, confined_program, means_here
from kronkers_studio.domain.differences import TableFileDifference
from kronkers_studio.domain.errors import Cancelled, InvalidInput, StudioError, TableUnreadable
from kronkers_studio.domain.previews import TablePreview
from kronkers_studio.domain.progress import NEVER, CancelToken
from kronkers_studio.formats import table_messages as messages
from kronkers_studio.formats.table_columns import LONGEST_NAME, MOST_COLUMNS
from kronkers_studio.formats.table_files import table_format
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

_MOST_PROCESSES = 2
_START_SECONDS = 60.0
_HELLO_SECONDS = 2.0
_KEPT_SECONDS = IDLE_SECONDS * 0.8
"""A process that was idle for longer is not used any more: it may be about to end."""
_KEPT_BYTES = 64 << 20
"""After having read more the process is ended, so that its memory is free again."""
_LOOK_SECONDS = 0.05
_MERGED_SLACK = 64 << 20
_INHERITED = ("SYSTEMROOT", "WINDIR", "TEMP", "TMP", "LANG", "LC_ALL", "LC_CTYPE")
"""Variables of the environment that the process gets; none of them is a secret."""
_MOST_THREADS = 8
_LARGEST_WORD = 1 << 16
_BATCH, _BATCH_BYTES = 256, 8 << 20
_Answer = TypeVar("_Answer")

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Limits:
    """What reading one table may take: bytes of memory, and seconds."""

    memory: int = 2 << 30
    difference: float = 60.0
    merge: float = 60.0
    preview: float = 20.0
    columns: float = 10.0


class Merged(NamedTuple):
    """The merged file, with a sentence on what came from their side; without ``data``, why it cannot be merged."""

    data: bytes | None
    words: str
    no_key: bool = False  # nothing tells the rows of the table apart


class Source(NamedTuple):
    """A file whose columns are asked for: the end of its name, and its bytes, or what they can be read from."""

    suffix: str
    content: bytes | memoryview | BinaryIO

    @property
    def data(self) -> bytes | memoryview | None:
        """Its bytes; None where they are not here yet."""
        return self.content if isinstance(self.content, bytes | memoryview) else None


class TableReader:
    """Has tables read elsewhere. Thread-safe. What reads raises ``Cancelled``, and ``TableUnreadable`` when the process
    stopped at the table, took too long or needed too much memory."""

    def __init__(self, limits: Callable[[], Limits] = Limits, command: Sequence[str] | None = None) -> None:
        """``limits`` are asked for at each request; ``command`` starts the process, else this program knows how to."""
        self._limits = limits
        self._command = command
        self._free = threading.Semaphore(_MOST_PROCESSES)
        self._lock = threading.Lock()
        self._idle: list[_Process] = []
        self._started: list[_Process] = []
        weakref.finalize(self, _end_all, self._started)

    def difference(
        self, path: str, old: bytes, new: bytes, *, key: Sequence[str] = (), cancel: CancelToken = NEVER
    ) -> TableFileDifference:
        """What differs between two versions of the CSV, Parquet or Excel file ``path``.

        Rows are matched by the columns ``key``, or by columns found to be unique in both. Raises ``InvalidInput`` when
        the file cannot be read, or ``key`` names columns that are not there or not unique.
        """
        limits = self._limits()
        job = _Job("difference", path, limits.difference, limits.memory, [path, list(key)])
        return self._one(job, (old, new), lambda answer: messages.unpack_difference(path, answer.about), cancel)

    def merge(self, path: str, base: bytes, ours: bytes, theirs: bytes, *, cancel: CancelToken = NEVER) -> Merged:
        """The file ``path`` with what both sides changed in it."""
        limits = self._limits()
        job = _Job("merge", path, limits.merge, limits.memory, [path])
        most = 2 * (len(base) + len(ours) + len(theirs)) + _MERGED_SLACK
        return self._one(job, (base, ours, theirs), _merged, cancel, most=most)

    def preview(self, path: str, data: bytes, *, cancel: CancelToken = NEVER) -> TablePreview:
        """The beginning of a Parquet file or workbook. Raises ``InvalidInput`` when it cannot be read."""
        format, limits = table_format(path), self._limits()
        job = _Job("preview", path, limits.preview, limits.memory, [format.value if format else ""])
        return self._one(job, (data,), lambda answer: messages.unpack_preview(answer.about), cancel)

    def columns(
        self, sources: Sequence[Source], *, cancel: CancelToken = NEVER
    ) -> Iterator[tuple[str, ...] | Exception]:
        """For each of ``sources`` its columns, or what keeps them from being known: what reading from the source
        raised, ``InvalidInput`` or ``TableUnreadable``. Whatever one of them holds, the others are read."""
        left = list(sources)
        while left:
            for answer in self._some_columns(left, cancel):
                yield answer
                left.pop(0)

    def close(self) -> None:
        """End the processes; what waits for one gets ``TableUnreadable``."""
        with self._lock:
            idle, self._idle = self._idle, []
            for process in self._started:
                process.kill()
        for process in idle:
            self._end(process)

    # ---- requests ----

    def _one(
        self,
        job: _Job,
        files: Sequence[bytes],
        unpack: Callable[[Frame], _Answer],
        cancel: CancelToken,
        *,
        most: int = 0,
    ) -> _Answer:
        sources = [Source("", file) for file in files]
        with self._process(job, cancel) as process:
            process.ask(job, sources)
            return unpack(process.answer(job, sources, most=most))

    def _some_columns(self, sources: Sequence[Source], cancel: CancelToken) -> list[tuple[str, ...] | Exception]:
        """The answers for the first of ``sources``, one at least: the last may be that the process stopped there."""
        limits = self._limits()
        batch = _batch(sources)
        job = _Job("columns", "", limits.columns, limits.memory, [limits.columns])
        answers: list[tuple[str, ...] | Exception] = []
        try:
            with self._process(job, cancel) as process:
                process.ask(job, batch)
                while len(answers) < len(batch) and not process.ended:
                    process.watch.allow(limits.columns)
                    answers.append(_columns_told(process, job, batch))
        except TableProcessUnavailable as error:
            return [error] * len(sources)
        except TableUnreadable as error:
            answers.append(error)
        return answers

    @contextlib.contextmanager
    def _process(self, job: _Job, cancel: CancelToken) -> Iterator[_Process]:
        """A process that is ready, for one request. It is ended when that fails in any way but one it told itself."""
        while not self._free.acquire(timeout=_LOOK_SECONDS):
            cancel.check()
        try:
            with _Watch(cancel) as watch:
                process = self._ready_process(job, watch)
                try:
                    watch.allow(job.seconds)
                    yield process
                except (Ended, Malformed) as problem:
                    process.usable = False
                    raise watch.cause(job, process, problem) from None
                except InvalidInput:
                    raise  # told by the process, which goes on
                except BaseException:
                    process.usable = False
                    raise
                finally:
                    watch.end()
                    self._give_back(process)
        finally:
            self._free.release()

    def _ready_process(self, job: _Job, watch: _Watch) -> _Process:
        process = self._idle_process(job.memory)
        if process is not None:
            watch.over(process)
            return process
        try:
            process = _Process(self._command or process_command(), job.memory)
        except OSError as error:
            raise TableProcessUnavailable("No program to read tables could be started.", details=str(error)) from None
        with self._lock:
            self._started.append(process)
        try:
            watch.over(process)
            process.begin()
        except (Ended, Malformed) as problem:
            self._end(process)
            if isinstance(cause := watch.cause(job, process, problem), Cancelled):
                raise cause from None
            raise TableProcessUnavailable(
                "The program that reads tables does not start.", next_step="Start Kronkers Studio again."
            ) from None
        except BaseException:
            self._end(process)
            raise
        return process

    def _idle_process(self, memory: int) -> _Process | None:
        while True:
            with self._lock:
                process = self._idle.pop() if self._idle else None
            if process is None or (process.memory == memory and process.is_fresh() and process.is_there()):
                return process
            self._end(process)

    def _give_back(self, process: _Process) -> None:
        if not process.usable or not process.is_fresh():
            self._end(process)
            return
        process.used = time.monotonic()
        with self._lock:
            self._idle.append(process)

    def _end(self, process: _Process) -> None:
        process.end()
        with self._lock, contextlib.suppress(ValueError):
            self._started.remove(process)


class TableProcessUnavailable(TableUnreadable):
    """No process can be had, whatever the table."""


@dataclass(frozen=True, slots=True)
class _Job:
    what: str
    path: str
    seconds: float
    memory: int
    options: list[Any]


class _Watch:
    """Ends a process when it is time or when that is asked for, whatever this thread is waiting for meanwhile."""

    def __init__(self, cancel: CancelToken) -> None:
        self._cancel = cancel
        self._deadline = time.monotonic() + _START_SECONDS
        self._process: _Process | None = None
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="table-watch", daemon=True)
        self._late = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()

    def over(self, process: _Process) -> None:
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

    def cause(self, job: _Job, process: _Process, problem: Exception) -> StudioError:
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
        while not self._over.wait(_LOOK_SECONDS):
            self._late = time.monotonic() > self._deadline
            if (self._late or self._cancel.cancelled) and self._process is not None:
                self._process.kill()
                return


class _Process:
    """The end of this process: has the other one read tables. Used by one thread at a time; any may ``kill`` it."""

    watch: _Watch

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

    def ask(self, job: _Job, sources: Sequence[Source]) -> None:
        self._pipe.send(REQUEST, [job.what, len(sources), job.seconds, job.options])
        sent = 0
        for source in sources:
            if source.data is not None:
                self._pipe.send(FILE, [source.suffix, None], source.data)
                sent += len(source.data)
            else:
                self._pipe.send(FILE, [source.suffix, cast(BinaryIO, source.content).seek(0, os.SEEK_END)])
        self.usable = sent <= _KEPT_BYTES

    def answer(self, job: _Job, sources: Sequence[Source], *, most: int = 0) -> Frame:
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

    def _failure(self, job: _Job, about: Any) -> StudioError:
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
        with _Watch(NEVER) as watch:
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


def _end_all(processes: list[_Process]) -> None:
    for process in processes:
        process.end()


def _batch(sources: Sequence[Source]) -> list[Source]:
    """As many of the first as are sent together."""
    batch: list[Source] = []
    size = 0
    for source in sources[:_BATCH]:
        size += len(source.data or b"")
        if batch and size > _BATCH_BYTES:
            break
        batch.append(source)
    return batch


def _columns_told(process: _Process, job: _Job, batch: Sequence[Source]) -> tuple[str, ...] | Exception:
    try:
        about = process.answer(job, batch).about
    except (InvalidInput, OSError) as error:
        return error
    except StudioError as error:
        if isinstance(error, TableUnreadable):
            raise
        return error
    return messages.unpack_columns(about, most=MOST_COLUMNS, longest=LONGEST_NAME)


def _merged(answer: Frame) -> Merged:
    is_merged, no_key, words = messages.fields(answer.about, 3)
    data = answer.body if messages.truth(is_merged) else None
    return Merged(data, messages.sentence(words), messages.truth(no_key))


def _gigabytes(memory: int) -> str:
    return f"{memory / (1 << 30):.3g} GB"
