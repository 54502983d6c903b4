"""Bringing a source's items into the object store: sealed by a few threads, appended by one.

    items ─► jobs (a batch of small files, or a large one) ─► worker threads ─► parts (records, items) ─► writer

The writer is the caller's thread. Jobs in flight and parts waiting are bounded, so memory does not grow with the number
or the size of files. An item is acknowledged only when every object it needs is in the index.
"""

from __future__ import annotations

import contextlib
import os
import queue
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from kronkers_studio.domain.content import (
    WHOLE_LIMIT,
    ContentSource,
    EntryKind,
    SkippedItem,
    SkipReason,
    SourceElsewhere,
    SourceItem,
    StoredItem,
)
from kronkers_studio.domain.progress import CancelToken, Progress
from kronkers_studio.registry.importing.sealing import Part, Reader
from kronkers_studio.registry.importing.worker_process import OtherProcess
from kronkers_studio.registry.store.object_index import ObjectIndex
from kronkers_studio.registry.store.object_store import ObjectStore
from kronkers_studio.registry.store.object_writer import ObjectWriter
from kronkers_studio.registry.trees.tree_format import path_problem
from kronkers_studio.storage.process_pipe import ProcessEnded

OnDurable = Callable[[Sequence[StoredItem]], None]

_WORKERS = max(2, min(4, os.cpu_count() or 2))
_BATCH_FILES = 256
_BATCH_BYTES = 4 << 20
_JOBS_PER_WORKER = 6
_PARTS_WAITING = 16
_MANY_FILES = 2000
_MANY_BYTES = 64 << 20
_KNOWN_BATCH = 8192
_LONGEST_WAIT = 0.2  # seconds


@dataclass(frozen=True, slots=True)
class StoreOutcome:
    """``stored`` holds every item whose bytes are durable, ``skipped`` those that could not be read.

    ``read_files`` and ``read_bytes`` were read from the source, ``new_bytes`` were added to the packs. In the
    ``generation`` of the store all of ``stored`` is there: while it lasts, nothing is taken away.
    """

    stored: tuple[StoredItem, ...]
    skipped: tuple[SkippedItem, ...]
    read_files: int
    read_bytes: int
    new_bytes: int
    generation: int = 0


class Import:
    """One run of ``store_items``."""

    def __init__(
        self,
        store: ObjectStore,
        source: ContentSource,
        *,
        progress: Progress,
        cancel: CancelToken,
        on_durable: OnDurable,
        known_in: int | None,
        elsewhere: SourceElsewhere | None = None,
    ) -> None:
        self._elsewhere = elsewhere
        self._store = store
        self._known_in = known_in
        self._source = source
        self._progress = progress
        self._cancel = cancel
        self._on_durable = on_durable
        self._stopping = threading.Event()
        self._is_much = threading.Event()  # so much is to be read that other processes are worth their start
        self._others: list[OtherProcess] = []
        self._jobs: queue.SimpleQueue[list[SourceItem] | None] = queue.SimpleQueue()
        self._parts: queue.Queue[Part] = queue.Queue(_PARTS_WAITING)
        self._stored: list[StoredItem] = []
        self._skipped: list[SkippedItem] = []
        self._finished: list[StoredItem] = []  # written, not yet acknowledged
        self._borrowing: list[Part] = []  # finished, but for objects that other parts bring
        self._read_files = self._read_bytes = self._new_bytes = 0

    def run(self, items: Iterable[SourceItem]) -> StoreOutcome:
        """Store all ``items``. Raises ``Cancelled``, ``StorageFull`` or ``WorkspaceBusy``."""
        with self._store.writing() as writer:
            generation = self._store.index.generation()  # nobody can take anything away now
            self._all_known = generation == self._known_in
            self._claims = _Claims(self._store.index)  # now that nobody else can store anything
            threads = [threading.Thread(target=self._work, name=f"store-{n}", daemon=True) for n in range(_WORKERS)]
            for thread in threads:
                thread.start()
            try:
                self._feed_and_write(self._planned(items), writer)
                self._acknowledge(writer)
                while self._borrowing:
                    self._feed_and_write(self._once_more(), writer)
                    self._acknowledge(writer)
            except BaseException:
                self._stopping.set()
                raise
            finally:
                self._stop(threads)
        return StoreOutcome(
            tuple(self._stored),
            tuple(self._skipped),
            self._read_files,
            self._read_bytes,
            self._new_bytes,
            generation,
        )

    # ---- the caller's thread ----

    def _feed_and_write(self, jobs: Iterator[list[SourceItem]], writer: ObjectWriter) -> None:
        in_flight, more = 0, True
        while more or in_flight:
            if self._cancel.cancelled:
                self._acknowledge(writer)
                self._cancel.check()
            while more and in_flight < _JOBS_PER_WORKER * _WORKERS:
                job = next(jobs, None)
                if job is None:
                    more = False
                else:
                    self._jobs.put(job)
                    in_flight += 1
            if in_flight:
                try:
                    part = self._parts.get(timeout=_LONGEST_WAIT)
                except queue.Empty:  # whoever reads may wait for a disk: cancelling does not
                    continue
                if part.failure is not None:
                    raise part.failure
                self._write(part, writer)
                in_flight -= part.job_done
            if writer.due:
                self._acknowledge(writer)

    def _write(self, part: Part, writer: ObjectWriter) -> None:
        if part.records:
            writer.append(part.records)
            self._claims.written(record.id for record in part.records)
            self._new_bytes += sum(record.size for record in part.records)
        self._read_bytes += part.read_bytes
        self._read_files += len(part.stored)
        self._skipped.extend(part.skipped)
        if part.borrowed:
            self._borrowing.append(part)
        else:
            self._finished.extend(part.stored)
        self._progress.advance(len(part.stored) + len(part.skipped))

    def _acknowledge(self, writer: ObjectWriter) -> None:
        """Make what was written durable, then say so."""
        waiting = []
        for part in self._borrowing:
            if self._claims.are_written(part.borrowed):
                self._finished.extend(part.stored)
            else:
                waiting.append(part)
        self._borrowing = waiting
        writer.checkpoint()
        if self._finished:
            durable, self._finished = self._finished, []
            self._stored.extend(durable)
            self._on_durable(durable)

    def _once_more(self) -> Iterator[list[SourceItem]]:
        """Jobs for the files that wait for what nobody is going to write: a process that claimed it has ended."""
        self._claims.give_up_unwritten()
        waiting, self._borrowing = self._borrowing, []
        for part in waiting:
            self._read_files -= len(part.stored)  # what is read twice counts once
            self._read_bytes -= sum(stored.size for stored in part.stored)
            yield [stored.item for stored in part.stored]

    def _planned(self, items: Iterable[SourceItem]) -> Iterator[list[SourceItem]]:
        """Group what must be read into jobs; what needs no reading is finished at once."""
        batch: list[SourceItem] = []
        size = files = in_all = 0
        for item in self._unread(items):
            files += 1
            in_all += item.size
            if files == _MANY_FILES or in_all - item.size < _MANY_BYTES <= in_all:
                self._is_much.set()
            if item.size > WHOLE_LIMIT:
                yield [item]
                continue
            batch.append(item)
            size += item.size
            if len(batch) >= _BATCH_FILES or size >= _BATCH_BYTES:
                yield batch
                batch, size = [], 0
        if batch:
            yield batch

    def _unread(self, items: Iterable[SourceItem]) -> Iterator[SourceItem]:
        """The files whose bytes are needed; links, folders, impossible names and known files are dealt with here."""
        known: list[SourceItem] = []
        for item in items:
            problem = path_problem(item.path)
            if problem:
                self._skipped.append(SkippedItem(item.path, SkipReason.NOT_UTF8, problem))
                self._progress.advance()
            elif item.kind is not EntryKind.FILE:
                self._finished.append(StoredItem(item, (), 0))
                self._progress.advance()
            elif item.known is None:
                yield item
            else:
                known.append(item)
                if len(known) >= _KNOWN_BATCH:
                    yield from self._lost(known)
                    known = []
        yield from self._lost(known)

    def _lost(self, items: list[SourceItem]) -> Iterator[SourceItem]:
        """Finish the files that the store still has; the others (they were cleaned up) are to be read."""
        wanted = () if self._all_known else (id for item in items for id in item.known or ())
        present = self._store.index.known(wanted)
        for item in items:
            if item.known is not None and (self._all_known or present.issuperset(item.known)):
                self._finished.append(StoredItem(item, item.known, item.size))
                self._progress.advance()
            else:
                yield item

    def _stop(self, threads: list[threading.Thread]) -> None:
        """End the workers; those that wait for room to hand over a part get it, and those that wait for another process
        only as long as it is wanted."""
        for _ in threads:
            self._jobs.put(None)
        while any(thread.is_alive() for thread in threads):
            if self._stopping.is_set():  # each time: one may just have been started
                for other in tuple(self._others):
                    other.kill()
            try:
                self._parts.get(timeout=0.02)
            except queue.Empty:
                continue

    # ---- the workers' threads ----

    def _work(self) -> None:
        with contextlib.ExitStack() as ending:
            other: OtherProcess | None = None
            while (job := self._jobs.get()) is not None:
                if self._stopping.is_set():
                    continue
                try:
                    if other is None and self._is_much.is_set():
                        other = self._start_other(ending)
                    if other is None or not other.ready or not self._done_by(other, job):
                        reader = Reader(self._store.sealer, self._source, self._claims, self._parts.put, self._stopping)
                        reader.run(job)
                except BaseException as error:  # noqa: BLE001  # raised again in the caller's thread
                    self._parts.put(Part(failure=error))

    def _start_other(self, ending: contextlib.ExitStack) -> OtherProcess | None:
        """A process to which jobs can be given, None where there is to be none, or cannot be."""
        if self._elsewhere is None:
            return None
        try:
            other = OtherProcess(self._elsewhere, self._store.sealer)
        except OSError:  # the system has no room for more of them: it goes on without
            self._elsewhere = None
            return None
        self._others.append(other)
        ending.callback(other.end)
        return other

    def _done_by(self, other: OtherProcess, job: list[SourceItem]) -> bool:
        """Whether ``other`` has done the job; where not, it is done here."""
        try:
            other.run(job, self._claims, self._parts.put)
        except ProcessEnded:
            return self._stopping.is_set()
        return True


class _Claims:
    """Which worker stores which object, so that none is stored twice. Thread-safe."""

    def __init__(self, index: ObjectIndex) -> None:
        self._index = index
        self._nothing_stored = index.is_empty()  # the writer lock is held: it stays so but for our own claims
        self._lock = threading.Lock()
        self._claimed: set[bytes] = set()
        self._unwritten: set[bytes] = set()

    def claim(self, ids: Iterable[bytes], borrowed: set[bytes]) -> set[bytes]:
        """Those ``ids`` that the caller must now store; adds to ``borrowed`` those that another is about to write."""
        wanted = set(ids)
        with self._lock:
            unclaimed = wanted - self._claimed
        stored = set() if self._nothing_stored or not unclaimed else self._index.known(unclaimed)
        with self._lock:
            fresh = unclaimed - stored - self._claimed
            borrowed |= self._unwritten & (wanted - fresh)
            self._claimed |= fresh
            self._unwritten |= fresh
        return fresh

    def written(self, ids: Iterable[bytes]) -> None:
        with self._lock:
            self._unwritten.difference_update(ids)

    def give_up_unwritten(self) -> None:
        """What is not written now is not going to be, unless somebody claims it anew."""
        with self._lock:
            self._claimed -= self._unwritten
            self._unwritten.clear()

    def are_written(self, ids: set[bytes]) -> bool:
        with self._lock:
            return self._unwritten.isdisjoint(ids)
