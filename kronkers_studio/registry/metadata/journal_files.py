"""The journal a second time, outside of the database: ``journal/NNNNNNNN.pack``, files of the same format as packs.

Each record holds the entries of one transaction, sealed like an object, and is on the disk itself before the database
commits. So whatever was acknowledged can be read from here when ``metadata.db`` is lost, and every table made again.

A record names the entry it follows. One that follows an entry which is not the last takes the place of all behind that
entry: a process that died between this file and the database leaves a record that was never acknowledged. No file is
gone on with after anything unusual; the next record then starts a new one, because what a failed fsync left behind
cannot be trusted.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from itertools import islice
from typing import Any, NamedTuple

from kronkers_studio.domain.changes import JournalEntry
from kronkers_studio.domain.errors import IndexDamaged, StoreDamaged
from kronkers_studio.registry.store.pack_scan import Damage, reread
from kronkers_studio.registry.store.packs import PACK_HEADER_SIZE, PackFolder, PackWriter
from kronkers_studio.registry.store.records import ObjectType, Sealer
from kronkers_studio.storage.files import disk_failures, flush_folder
from kronkers_studio.storage.json_form import canonical, to_json

_BATCH = 500


class Position(NamedTuple):
    """A place in the journal: after entry ``number``, whose hash is ``hash`` (0 and "" before the first)."""

    number: int
    hash: str


_START = Position(0, "")


class LoggedJournal(NamedTuple):
    """What the log holds. ``torn``: the last file ends in bytes that are no record, which a process that died may have
    left, or damage. Not ``complete``: entries are lost, and ``entries`` are those before the gap."""

    entries: tuple[JournalEntry, ...]
    problems: tuple[str, ...]
    torn: bool
    complete: bool
    unacknowledged_from: int  # only entries above this number may be unknown to the database: the last transaction's


class _Record(NamedTuple):
    after: Position
    entries: tuple[JournalEntry, ...]

    @property
    def end(self) -> Position:
        return Position(self.entries[-1].number, self.entries[-1].hash) if self.entries else self.after


class _Tail(NamedTuple):
    """The last record that can be read, and the file to go on with (0: start a new one)."""

    record: _Record | None
    pack: int
    size: int


class JournalLog:
    """The files of one workspace. Appending is done within a write transaction of the database, which excludes other
    processes and threads."""

    def __init__(self, packs: PackFolder, sealer: Sealer) -> None:
        self._packs = packs
        self._sealer = sealer
        self._last: tuple[list[int], int, _Tail] | None = None  # files and length of the last one, and what was found

    @property
    def exists(self) -> bool:
        """False when the files are gone, and in a workspace from before there were any, until its next change."""
        return self._packs.folder.is_dir() and bool(self._packs.numbers())

    def append(
        self,
        before: Position,
        entries: Sequence[JournalEntry],
        everything: Callable[[], Iterable[JournalEntry]],
    ) -> None:
        """Make ``entries``, which follow ``before``, durable. ``everything`` gives all entries up to the last of them,
        for a log that is behind.

        Raises ``StorageFull``; or ``IndexDamaged`` when the log knows changes that the database does not.
        """
        self._make_folder()
        tail = self._tail()
        last = tail.record.end if tail.record else _START
        if last == before:
            records = [_Record(before, tuple(entries))]
        elif tail.record is not None and tail.record.after == before:  # written, but never acknowledged
            records, tail = [_Record(before, tuple(entries))], tail._replace(pack=0)
        elif last.number < before.number:
            records, tail = list(_batches(everything())), tail._replace(pack=0)
        else:
            raise IndexDamaged(
                f"The database is older than the journal: {last.number - before.number} changes are missing from it.",
                missing=False,
                next_step="Run `kronkers registry rebuild`, which brings them back.",
            )
        self._write(records, tail)

    def settle(self, position: Position, everything: Callable[[], Iterable[JournalEntry]]) -> None:
        """Let the log hold nothing above ``position``, where the database's journal ends. Raises as ``append``."""
        tail = self._tail()
        if tail.record is not None and tail.record.end != position:
            self.append(position, (), everything)

    def read(self) -> LoggedJournal:
        """All that can be read. Raises ``StorageFull`` when the disk fails."""
        kept: list[JournalEntry] = []
        problems: list[str] = []
        torn, start, gap = False, 0, ""
        numbers = self._packs.numbers() if self._packs.folder.is_dir() else []
        for number in numbers:
            stretches: list[Damage] = []
            records = list(self._records(number, stretches))
            if records and records[0].after == _START:  # all is written anew: what came before has no say
                problems = []
            if records and self._packs.read(number, 0, PACK_HEADER_SIZE) != self._packs.header(number):
                problems.append(f"The first bytes of journal file {number:08d} are damaged.")
            for record in records:
                if record.after.number > len(kept):
                    gap = gap or f"Entries {len(kept) + 1} to {record.after.number} of the journal are lost."
                    continue
                gap, start = "", record.after.number
                del kept[start:]
                kept.extend(record.entries)
            torn = number == numbers[-1] and bool(stretches)
        return LoggedJournal(tuple(kept), (*problems, *filter(None, [gap])), torn, not gap, start)

    def write_anew(self, entries: Iterable[JournalEntry]) -> None:
        """Write all ``entries`` to a new file; those before count no more. Raises ``StorageFull``."""
        self._make_folder()
        self._write(list(_batches(entries)), _Tail(None, 0, 0))

    def close(self) -> None:
        self._last = None
        self._packs.close()

    def _make_folder(self) -> None:
        with disk_failures("writing the journal"):
            if not self._packs.folder.is_dir():
                self._packs.folder.mkdir(mode=0o700)
                flush_folder(self._packs.folder.parent)

    def _records(self, pack: int, stretches: list[Damage]) -> Iterator[_Record]:
        for found in reread(self._packs, self._sealer, pack, stretches.append):
            if found.header.type is ObjectType.JOURNAL:
                yield _decoded(bytes(found.data))

    def _write(self, records: list[_Record], tail: _Tail) -> None:
        writer = PackWriter(self._packs, {tail.pack: tail.size} if tail.pack else {})
        self._last = None
        try:
            for record in records:
                sealed = [[e.number, to_json(e.at), e.author, e.kind, e.change, e.hash] for e in record.entries]
                data = canonical({"after": list(record.after), "entries": sealed}).encode("ascii")
                id = self._sealer.name(ObjectType.JOURNAL, data)
                writer.append([self._sealer.seal(ObjectType.JOURNAL, id, data)])
            grown = writer.flush()
        finally:
            writer.close()
        if grown:
            pack, size = max(grown.items())
            self._last = (self._packs.numbers(), size, _Tail(records[-1], pack, size))

    def _tail(self) -> _Tail:
        """The last readable record; looked for only when another process may have written."""
        numbers = self._packs.numbers() if self._packs.folder.is_dir() else []
        if not numbers:
            return _Tail(None, 0, 0)
        size = self._packs.size(numbers[-1])
        if self._last is not None and self._last[:2] == (numbers, size):
            return self._last[2]
        for number in reversed(numbers):
            stretches: list[Damage] = []
            last = b""
            for found in reread(self._packs, self._sealer, number, stretches.append):
                last = bytes(found.data)
            if last:
                whole = number == numbers[-1] and not stretches
                return _Tail(_decoded(last), number if whole else 0, size)
        return _Tail(None, 0, 0)


def _decoded(data: bytes) -> _Record:
    try:
        document: dict[str, Any] = json.loads(data)
        entries = tuple(
            JournalEntry(number, datetime.fromisoformat(at), author, kind, change, hash)
            for number, at, author, kind, change, hash in document["entries"]
        )
        return _Record(Position(*document["after"]), entries)
    except (ValueError, KeyError, TypeError) as error:
        raise StoreDamaged("A record of the journal cannot be read.", details=str(error)) from None


def _batches(entries: Iterable[JournalEntry]) -> Iterator[_Record]:
    rest, after = iter(entries), _START
    while batch := tuple(islice(rest, _BATCH)):
        record = _Record(after, batch)
        yield record
        after = record.end
