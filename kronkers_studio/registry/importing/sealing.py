"""Reading a source's files and sealing their content: jobs of files become parts for the store's writer."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO, Protocol

from kronkers_studio.domain.content import ContentSource, SkippedItem, SkipReason, SourceItem, SourceProblem, StoredItem
from kronkers_studio.registry.store.chunking import cut
from kronkers_studio.registry.store.records import ObjectType, Record, Sealer

_PART_BYTES = 2 << 20


@dataclass(slots=True)
class Part:
    """What a reader hands to the writer. ``borrowed`` are objects that another part brings along."""

    records: list[Record] = field(default_factory=list)
    stored: list[StoredItem] = field(default_factory=list)
    skipped: list[SkippedItem] = field(default_factory=list)
    borrowed: set[bytes] = field(default_factory=set)
    read_bytes: int = 0
    job_done: bool = False
    failure: BaseException | None = None


class Claims(Protocol):
    """Who stores which object, so that none is stored twice."""

    def claim(self, ids: Iterable[bytes], borrowed: set[bytes]) -> set[bytes]:
        """Those ``ids`` that the caller must now store; adds to ``borrowed`` those that another is about to write."""


class Reader:
    """Turns one job into parts.

    Whatever can be is done for many files or chunks at once: between calls that let go of the interpreter's lock the
    threads wait for one another, so few long ones cost much less than many short ones.
    """

    def __init__(
        self,
        sealer: Sealer,
        source: ContentSource,
        claims: Claims,
        hand_over: Callable[[Part], None],
        stopping: threading.Event,
    ) -> None:
        self._sealer = sealer
        self._source = source
        self._claims = claims
        self._hand_over = hand_over
        self._stopping = stopping
        self._part = Part()
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
                self._hand_over(Part(records=self._part.records))
                self._part.records = []
                self._part_bytes = 0
