"""Reading and sealing in other processes of this program: the interpreter lets only one thread of a process compute.

    this process                                        the other one, on its standard input and output
    what to read from, the keys to seal with   ─────►
    a job: rows of its items                   ─────►
                                               ◄─────   ids of objects
    which of them are to be stored             ─────►
                                               ◄─────   records, some MB of them
                                               ◄─────   the job's end: what was stored, what was skipped

The other process writes nothing to the disk and decides nothing: when it ends, for whatever reason, the job that it had
is done here. It ends when its standard input does.
"""

from __future__ import annotations

import contextlib
import io
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from kronkers_studio.domain.content import (
    ContentSource,
    ItemRows,
    SkippedItem,
    SkipReason,
    SourceElsewhere,
    SourceItem,
    StoredItem,
)
from kronkers_studio.registry.importing.sealing import Claims, Part, Reader
from kronkers_studio.registry.store.records import HEADER_SIZE, ID_SIZE, HandedKeys, ObjectType, Record, Sealer
from kronkers_studio.storage.process_pipe import ProcessEnded, ProcessPipe, WorkerProcess

_SETUP, _READY, _JOB, _IDS, _WANTED, _RECORDS, _DONE = range(7)


class OtherProcess:
    """The end of this process: has the other one do jobs. Made, used and ended by one thread; any may ``kill`` it."""

    def __init__(self, elsewhere: SourceElsewhere, sealer: Sealer) -> None:
        """Starts it and does not wait for it. Raises ``OSError`` when it cannot be started."""
        self._rows = elsewhere.rows
        setup = elsewhere.setup, sealer.handed_over()

        def greet(pipe: ProcessPipe) -> None:
            pipe.send(_SETUP, setup)
            pipe.receive()

        self._worker = WorkerProcess(elsewhere.command, greet)

    @property
    def ready(self) -> bool:
        return self._worker.ready

    def run(self, job: Sequence[SourceItem], claims: Claims, hand_over: Callable[[Part], None]) -> None:
        """Have ``job`` done. Raises ``ProcessEnded``: then it may have claimed objects that nobody stores any more."""
        borrowed: set[bytes] = set()
        named: dict[bytes, bytes] = {}  # an id comes twice: one of the two is kept
        try:
            self._worker.pipe.send(_JOB, [self._rows.pack(item) for item in job])
            while (message := self._worker.pipe.receive())[0] != _DONE:
                kind, about, body = message
                if kind == _IDS:
                    ids = _split(bytes(body))
                    fresh = claims.claim(ids, borrowed)
                    named.update(zip(ids, ids, strict=True))
                    self._worker.pipe.send(_WANTED, None, bytes(id in fresh for id in ids))
                else:
                    hand_over(Part(records=_records(about, body)))
        except ProcessEnded:
            self._worker.fail()
            raise
        hand_over(self._done(job, borrowed, named, *message[1]))

    def kill(self) -> None:
        """Let whoever waits for it get ``ProcessEnded``."""
        self._worker.kill()

    def end(self) -> None:
        self._worker.end()

    def _done(
        self,
        job: Sequence[SourceItem],
        borrowed: set[bytes],
        named: Mapping[bytes, bytes],
        stored: Sequence[tuple[int, bytes, int, Any]],
        skipped: Sequence[tuple[str, str, str]],
        read_bytes: int,
    ) -> Part:
        return Part(
            stored=[
                StoredItem(self._rows.with_seen(job[number], seen), tuple(named[id] for id in _split(ids)), size)
                for number, ids, size, seen in stored
            ],
            skipped=[SkippedItem(path, SkipReason(reason), detail) for path, reason, detail in skipped],
            borrowed=borrowed,
            read_bytes=read_bytes,
            job_done=True,
        )


def serve(incoming: io.FileIO, outgoing: io.FileIO, source_of: Callable[[Any], tuple[ContentSource, ItemRows]]) -> None:
    """The end of the other process: do jobs until there are no more. ``source_of`` makes the source from the setup."""
    pipe = ProcessPipe(incoming, outgoing)
    with contextlib.suppress(ProcessEnded):
        _kind, (setup, keys), _body = pipe.receive()
        source, rows = source_of(setup)
        served = _Served(pipe, source, rows, Sealer(HandedKeys(keys)))
        pipe.send(_READY, None)
        while True:
            _kind, job, _body = pipe.receive()
            served.do(job)


class _Served:
    """Does jobs for the process at the other end of ``pipe``."""

    def __init__(self, pipe: ProcessPipe, source: ContentSource, rows: ItemRows, sealer: Sealer) -> None:
        self._pipe = pipe
        self._source = source
        self._rows = rows
        self._sealer = sealer
        self._job: list[SourceItem] = []
        self._numbers: dict[str, int] = {}
        self._never = threading.Event()

    def do(self, job: Sequence[Any]) -> None:
        self._job = [self._rows.unpack(row) for row in job]
        self._numbers = {item.path: number for number, item in enumerate(self._job)}  # a path is found only once
        Reader(self._sealer, self._source, self, self._hand_over, self._never).run(self._job)

    def claim(self, ids: Iterable[bytes], borrowed: set[bytes]) -> set[bytes]:
        """Asks the other end, which notes itself what is ``borrowed``."""
        wanted = list(dict.fromkeys(ids))
        if not wanted:
            return set()
        self._pipe.send(_IDS, None, b"".join(wanted))
        _kind, _about, flags = self._pipe.receive()
        return {id for id, flag in zip(wanted, flags, strict=True) if flag}

    def _hand_over(self, part: Part) -> None:
        if part.records:
            about = [(record.id, record.length, record.stored) for record in part.records]
            self._pipe.send(_RECORDS, about, b"".join([piece for record in part.records for piece in record.parts]))
        if part.job_done:
            stored = [self._stored_row(each) for each in part.stored]
            skipped = [(item.path, item.reason.value, item.detail) for item in part.skipped]
            self._pipe.send(_DONE, (stored, skipped, part.read_bytes))

    def _stored_row(self, stored: StoredItem) -> tuple[int, bytes, int, Any]:
        number = self._numbers[stored.item.path]
        seen = self._rows.seen(self._job[number], stored.item)
        return number, b"".join(stored.content), stored.size, seen


def _records(about: Sequence[tuple[bytes, int, int]], body: memoryview) -> list[Record]:
    records, at = [], 0
    for id, length, stored in about:
        end = at + HEADER_SIZE + stored
        records.append(Record(id, ObjectType.CHUNK, length, stored, (body[at:end],)))
        at = end
    return records


def _split(ids: bytes) -> list[bytes]:
    return [ids[at : at + ID_SIZE] for at in range(0, len(ids), ID_SIZE)]
