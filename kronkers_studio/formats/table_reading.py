"""Reading tables in a process of their own, so that nothing that a file holds can take this one down.

A ``TableReader`` starts that process (``table_process``) when it is first needed, keeps it for what comes next, and has
another one made when it stopped, took too long or was taken over by what it read. At most two run at a time.
"""

from __future__ import annotations

import contextlib
import threading
import time
import weakref
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO, NamedTuple, TypeVar

from kronkers_studio.domain.column_tables import MOST_TABLE_BYTES, ColumnTable
from kronkers_studio.domain.differences import TableFileDifference
from kronkers_studio.domain.errors import Cancelled, InvalidInput, StudioError, TableUnreadable
from kronkers_studio.domain.feature_profiles import ProfileQuestion, TableProfile
from kronkers_studio.domain.previews import TableFacts, TablePreview, TableQuery, TableView
from kronkers_studio.domain.progress import NEVER, CancelToken
from kronkers_studio.domain.row_tables import Grid
from kronkers_studio.formats import profile_messages
from kronkers_studio.formats import table_messages as messages
from kronkers_studio.formats.column_messages import unpack_columns_of
from kronkers_studio.formats.table_columns import LONGEST_NAME, MOST_COLUMNS
from kronkers_studio.formats.table_files import table_format
from kronkers_studio.formats.table_messages import Ended, Frame, Malformed
from kronkers_studio.formats.table_worker import (
    LOOK_SECONDS,
    Job,
    Source,
    TableProcessUnavailable,
    TableWorker,
    Watch,
    process_command,
)

__all__ = ["Limits", "Merged", "Source", "TableProcessUnavailable", "TableReader"]

MOST_VIEWED, MOST_TOLD = 1000, 500
"""Rows that a query answers at once, and columns that are told of."""
_MOST_PROCESSES = 2
_MERGED_SLACK = 64 << 20
_BATCH, _BATCH_BYTES = 256, 8 << 20
_Answer = TypeVar("_Answer")


@dataclass(frozen=True, slots=True)
class Limits:
    """What reading one table may take: bytes of memory, and seconds."""

    memory: int = 2 << 30
    difference: float = 60.0
    merge: float = 60.0
    preview: float = 20.0
    view: float = 60.0
    columns: float = 10.0
    rows: float = 120.0
    profile: float = 300.0


class Merged(NamedTuple):
    """The merged file, with a sentence on what came from their side; without ``data``, why it cannot be merged."""

    data: bytes | None
    words: str
    no_key: bool = False  # nothing tells the rows of the table apart


class TableReader:
    """Has tables read elsewhere. Thread-safe. What reads raises ``Cancelled``, and ``TableUnreadable`` when the process
    stopped at the table, took too long or needed too much memory."""

    def __init__(self, limits: Callable[[], Limits] = Limits, command: Sequence[str] | None = None) -> None:
        """``limits`` are asked for at each request; ``command`` starts the process, else this program knows how to."""
        self._limits = limits
        self._command = command
        self._free = threading.Semaphore(_MOST_PROCESSES)
        self._lock = threading.Lock()
        self._idle: list[TableWorker] = []
        self._started: list[TableWorker] = []
        weakref.finalize(self, _end_all, self._started)

    def difference(
        self, path: str, old: bytes, new: bytes, *, key: Sequence[str] = (), cancel: CancelToken = NEVER
    ) -> TableFileDifference:
        """What differs between two versions of the CSV, Parquet or Excel file ``path``.

        Rows are matched by the columns ``key``, or by columns found to be unique in both. Raises ``InvalidInput`` when
        the file cannot be read, or ``key`` names columns that are not there or not unique.
        """
        limits = self._limits()
        job = Job("difference", path, limits.difference, limits.memory, [path, list(key)])
        return self._one(job, (old, new), lambda answer: messages.unpack_difference(path, answer.about), cancel)

    def merge(self, path: str, base: bytes, ours: bytes, theirs: bytes, *, cancel: CancelToken = NEVER) -> Merged:
        """The file ``path`` with what both sides changed in it."""
        limits = self._limits()
        job = Job("merge", path, limits.merge, limits.memory, [path])
        most = 2 * (len(base) + len(ours) + len(theirs)) + _MERGED_SLACK
        return self._one(job, (base, ours, theirs), _merged, cancel, most=most)

    def preview(self, path: str, data: bytes, *, cancel: CancelToken = NEVER) -> TablePreview:
        """The beginning of a Parquet file or workbook. Raises ``InvalidInput`` when it cannot be read."""
        format, limits = table_format(path), self._limits()
        job = Job("preview", path, limits.preview, limits.memory, [format.value if format else ""])
        return self._one(job, (data,), lambda answer: messages.unpack_preview(answer.about), cancel)

    def view(self, path: str, data: bytes, query: TableQuery, *, cancel: CancelToken = NEVER) -> TableView:
        """The first rows that ``query`` finds in the whole CSV, Parquet or Excel file. Raises ``InvalidInput`` when it
        cannot be read."""
        limits = self._limits()
        options = [path, query.sort, query.descending, query.words, query.column]
        job = Job("view", path, limits.view, limits.memory, options)
        return self._one(job, (data,), lambda answer: messages.unpack_view(answer.about, most=MOST_VIEWED), cancel)

    def facts(self, path: str, data: bytes, *, cancel: CancelToken = NEVER) -> TableFacts:
        """What is in each of the first columns of the whole file. Raises ``InvalidInput`` when it cannot be read."""
        limits = self._limits()
        job = Job("facts", path, limits.view, limits.memory, [path])
        return self._one(job, (data,), lambda answer: messages.unpack_facts(answer.about, most=MOST_TOLD), cancel)

    def rows(
        self, path: str, data: bytes, *, wanted: Collection[str] = (), sheet: str = "", cancel: CancelToken = NEVER
    ) -> Grid:
        """All cells of a Parquet file or workbook, each as what it is: of its ``sheet``, else of its first one whose
        columns have the names ``wanted``, else of its first one with cells. Raises ``InvalidInput`` when it cannot be
        read or is too large, or has no such sheet."""
        limits = self._limits()
        job = Job("rows", path, limits.rows, limits.memory, [path, list(wanted), sheet])
        most = messages.MOST_ROW_BYTES
        return self._one(
            job, (data,), lambda answer: messages.unpack_grid(answer.about, answer.body), cancel, most=most
        )

    def profile(
        self, path: str, stream: BinaryIO, question: ProfileQuestion, *, cancel: CancelToken = NEVER
    ) -> TableProfile:
        """What is in the columns of the whole CSV, Parquet or Excel file ``path`` that a model takes. It is read from
        ``stream`` piece by piece. Raises ``InvalidInput`` when it cannot be read, and what reading raises."""
        limits = self._limits()
        job = Job("profile", path, limits.profile, limits.memory, [path, profile_messages.pack_question(question)])
        sources = [Source("", stream)]
        with self._process(job, cancel) as process:
            process.ask(job, sources)
            try:
                return profile_messages.unpack_profile(process.answer(job, sources).about)
            finally:
                process.usable = False  # its memory is free again

    def table(
        self,
        path: str,
        data: bytes,
        *,
        delimiter: str = "",
        encoding: str = "",
        as_text: bool = False,
        header: bool | None = None,
        cancel: CancelToken = NEVER,
    ) -> ColumnTable:
        """All of a CSV, Parquet or Arrow file as columns of values; of CSV, ``delimiter`` and ``encoding`` are found
        where they are "", and ``header`` where it is None. Raises ``InvalidInput`` when it cannot be read or is too
        large."""
        limits = self._limits()
        job = Job("table", path, limits.rows, limits.memory, [path, delimiter, encoding, as_text, header])
        return self._one(
            job, (data,), lambda answer: unpack_columns_of(answer.about, answer.body), cancel, most=MOST_TABLE_BYTES
        )

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
        job: Job,
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
        job = Job("columns", "", limits.columns, limits.memory, [limits.columns])
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
    def _process(self, job: Job, cancel: CancelToken) -> Iterator[TableWorker]:
        """A process that is ready, for one request. It is ended when that fails in any way but one it told itself."""
        while not self._free.acquire(timeout=LOOK_SECONDS):
            cancel.check()
        try:
            with Watch(cancel) as watch:
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

    def _ready_process(self, job: Job, watch: Watch) -> TableWorker:
        process = self._idle_process(job.memory)
        if process is not None:
            watch.over(process)
            return process
        try:
            process = TableWorker(self._command or process_command(), job.memory)
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

    def _idle_process(self, memory: int) -> TableWorker | None:
        while True:
            with self._lock:
                process = self._idle.pop() if self._idle else None
            if process is None or (process.memory == memory and process.is_fresh() and process.is_there()):
                return process
            self._end(process)

    def _give_back(self, process: TableWorker) -> None:
        if not process.usable or not process.is_fresh():
            self._end(process)
            return
        process.used = time.monotonic()
        with self._lock:
            self._idle.append(process)

    def _end(self, process: TableWorker) -> None:
        process.end()
        with self._lock, contextlib.suppress(ValueError):
            self._started.remove(process)


def _end_all(processes: list[TableWorker]) -> None:
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


def _columns_told(process: TableWorker, job: Job, batch: Sequence[Source]) -> tuple[str, ...] | Exception:
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
