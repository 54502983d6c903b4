"""Bringing a source's items into the object store: sealed by a few threads, appended by one.

    items ─► jobs (a batch of small files, or a large one) ─► worker threads ─► parts (records, items) ─► writer

The writer is the caller's thread. Jobs in flight and parts waiting are bounded, so memory does not grow with the number
or the size of files. An item is acknowledged only when every object it needs is in the index.
"""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO

from kronkers_studio.domain.content import (
    WHOLE_LIMIT,
    ContentSource,
    EntryKind,
    SkippedItem,
    SkipReason,
    SourceItem,
    SourceProblem,
    StoredItem,
)
from kronkers_studio.domain.progress import CancelToken, Progress
from kronkers_studio.registry.chunking import cut
from kronkers_studio.registry.index import ObjectIndex
from kronkers_studio.registry.objects import ObjectStore, ObjectWriter
from kronkers_studio.registry.records import ObjectType, Record, Sealer
from kronkers_studio.registry.trees import path_problem

OnDurable = Callable[[Sequence[StoredItem]], None]

_WORKERS = max(2, min(4, os.cpu_count() or 2))
_BATCH_FILES = 64
_BATCH_BYTES = 2 << 20
_PART_BYTES = 2 << 20
_PARTS_WAITING = 8
_KNOWN_BATCH = 8192


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


@dataclass(slots=True)
class _Part:
    """What a worker hands to the writer. ``borrowed`` are objects that another part brings along."""

    records: list[Record] = field(default_factory=list)
    stored: list[StoredItem] = field(default_factory=list)
    skipped: list[SkippedItem] = field(default_factory=list)
    borrowed: set[bytes] = field(default_factory=set)
    read_bytes: int = 0
    job_done: bool = False
    failure: BaseException | None = None


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
    ) -> None:
        self._store = store
        self._known_in = known_in
        self._source = source
        self._progress = progress
        self._cancel = cancel
        self._on_durable = on_durable
        self._stopping = threading.Event()
        self._jobs: queue.SimpleQueue[list[SourceItem] | None] = queue.SimpleQueue()
        self._parts: queue.Queue[_Part] = queue.Queue(_PARTS_WAITING)
        self._stored: list[StoredItem] = []
        self._skipped: list[SkippedItem] = []
        self._finished: list[StoredItem] = []  # written, not yet acknowledged
        self._borrowing: list[_Part] = []  # finished, but for objects that other parts bring
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
            while more and in_flight < 2 * _WORKERS:
                job = next(jobs, None)
                if job is None:
                    more = False
                else:
                    self._jobs.put(job)
                    in_flight += 1
            if in_flight:
                part = self._parts.get()
                if part.failure is not None:
                    raise part.failure
                self._write(part, writer)
                in_flight -= part.job_done
            if writer.due:
                self._acknowledge(writer)

    def _write(self, part: _Part, writer: ObjectWriter) -> None:
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

    def _planned(self, items: Iterable[SourceItem]) -> Iterator[list[SourceItem]]:
        """Group what must be read into jobs; what needs no reading is finished at once."""
        batch: list[SourceItem] = []
        size = 0
        for item in self._unread(items):
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
        """End the workers; those that wait for room to hand over a part get it."""
        for _ in threads:
            self._jobs.put(None)
        while any(thread.is_alive() for thread in threads):
            try:
                self._parts.get(timeout=0.02)
            except queue.Empty:
                continue

    # ---- the workers' threads ----

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            if self._stopping.is_set():
                continue
            reader = _Reader(self._store.sealer, self._source, self._claims, self._parts.put, self._stopping)
            try:
                reader.run(job)
            except BaseException as error:  # noqa: BLE001  # raised again in the caller's thread
                self._parts.put(_Part(failure=error))


class _Reader:
    """Turns one job into parts.

    Whatever can be is done for many files or chunks at once: between calls that let go of the interpreter's lock the
    threads wait for one another, so few long ones cost much less than many short ones.
    """

    def __init__(
        self,
        sealer: Sealer,
        source: ContentSource,
        claims: _Claims,
        hand_over: Callable[[_Part], None],
        stopping: threading.Event,
    ) -> None:
        self._sealer = sealer
        self._source = source
        self._claims = claims
        self._hand_over = hand_over
        self._stopping = stopping
        self._part = _Part()
        self._part_bytes = 0
        self._borrowed = self._part.borrowed
        self._small: list[tuple[SourceItem, bytes]] = []  # item, content

    def run(self, job: list[SourceItem]) -> None:
        for item in job:
            if self._stopping.is_set():
                return
            self._read_or_list(item)
        self._seal_small_files()
        self._part.job_done = True
        self._hand_over(self._part)

    def _read_or_list(self, item: SourceItem) -> None:
        """Read one file; one that changes meanwhile is read once more, and listed when it changes again."""
        for last_try in (False, True):
            try:
                self._read(item)
                return
            except SourceProblem as problem:
                if last_try or problem.skipped.reason is not SkipReason.CHANGED_WHILE_READ:
                    self._part.skipped.append(problem.skipped)
                    return
            except OSError as error:
                detail = f"It cannot be read: {error.strerror or error}."
                self._part.skipped.append(SkippedItem(item.path, SkipReason.READ_ERROR, detail))
                return

    def _read(self, item: SourceItem) -> None:
        """What was read counts only after the source has said that the file did not change meanwhile."""
        whole = self._source.read_whole(item)
        if whole is not None:
            self._small.append(whole)
            self._part.read_bytes += len(whole[1])
            return
        with self._source.open(item) as stream:
            ids, size = self._store_chunks(stream, compress=not item.compressed)
        self._part.stored.append(StoredItem(item, ids, size))
        self._part.read_bytes += size

    def _store_chunks(self, stream: BinaryIO, *, compress: bool) -> tuple[tuple[bytes, ...], int]:
        """The ids and the size of a large file whose chunks are handed over as they come."""
        ids: list[bytes] = []
        size = 0
        for chunks in cut(stream):
            named = [(self._sealer.name(ObjectType.CHUNK, chunk), chunk) for chunk in chunks]
            self._seal(named, compress=compress)
            ids += [id for id, _chunk in named]
            size += sum(map(len, chunks))
            if self._stopping.is_set():
                break
        return tuple(ids), size

    def _seal_small_files(self) -> None:
        name = self._sealer.name
        ids = [name(ObjectType.CHUNK, content) if content else b"" for _item, content in self._small]
        for compress in (True, False):
            named = [
                (id, content)
                for id, (item, content) in zip(ids, self._small, strict=True)
                if id and item.compressed is not compress
            ]
            self._seal(named, compress=compress)
        self._part.stored += [
            StoredItem(item, (id,) if id else (), len(content))
            for id, (item, content) in zip(ids, self._small, strict=True)
        ]

    def _seal(self, named: Sequence[tuple[bytes, bytes | memoryview]], *, compress: bool) -> None:
        """Make records of those objects that nobody has stored yet.

        They travel in parts of some MB; the items that need them come in the last, with all they borrowed.
        """
        fresh = self._claims.claim((id for id, _content in named), self._borrowed)
        new = [(id, content) for id, content in dict(named).items() if id in fresh]
        for record in self._sealer.seal_all(ObjectType.CHUNK, new, compress=compress):
            self._part.records.append(record)
            self._part_bytes += record.size
            if self._part_bytes >= _PART_BYTES:
                self._hand_over(_Part(records=self._part.records))
                self._part.records = []
                self._part_bytes = 0


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

    def are_written(self, ids: set[bytes]) -> bool:
        with self._lock:
            return self._unwritten.isdisjoint(ids)
