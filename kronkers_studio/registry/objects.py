"""The object store: immutable bytes by name, read from packs and verified each time, appended by one writer."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterable, Iterator

from kronkers_studio.domain.errors import StoreDamaged
from kronkers_studio.registry.index import Location, ObjectIndex
from kronkers_studio.registry.packs import PackFolder, PackInUse, PackWriter
from kronkers_studio.registry.records import HEADER_SIZE, ObjectType, Record, Sealer, read_header
from kronkers_studio.registry.salvage import find_leftovers, salvage
from kronkers_studio.storage.lock import WriterLock

_CHECKPOINT_BYTES = 64 << 20
_CHECKPOINT_SECONDS = 1.0
_LOCK_WAIT_SECONDS = 2.0


class ObjectStore:
    """Objects of one workspace. Reading is thread-safe and needs no lock; ``writing`` gives the one writer."""

    def __init__(self, sealer: Sealer, packs: PackFolder, index: ObjectIndex, new_lock: Callable[[], WriterLock]):
        self.sealer = sealer
        self.packs = packs
        self.index = index
        self._new_lock = new_lock

    def locate(self, ids: Iterable[bytes]) -> dict[bytes, Location]:
        """Where each object lies. Raises ``StoreDamaged`` when one is not in the store."""
        wanted = list(ids)
        found = self.index.locate(wanted)
        for id in wanted:
            if id not in found:
                raise StoreDamaged(
                    f"Object {id.hex()[:16]} is missing from the store.",
                    next_step="Run `kronkers check --read-data`, and restore the workspace from a backup.",
                )
        return found

    def read(self, id: bytes, type: ObjectType) -> bytes:
        """An object's verified bytes. Raises ``StoreDamaged``."""
        return self.read_at(id, self.locate((id,))[id], type)

    def read_at(self, id: bytes, at: Location, type: ObjectType) -> bytes:
        """``read`` for an object that has been located, perhaps before cleaning up moved it to another pack."""
        try:
            return self._read_at(id, at, type)
        except StoreDamaged:
            moved = self.index.locate((id,)).get(id, at)
            if moved == at:
                raise
        return self._read_at(id, moved, type)

    def _read_at(self, id: bytes, at: Location, type: ObjectType) -> bytes:
        record = self.packs.read(at.pack, at.offset, HEADER_SIZE + at.stored)
        header = read_header(record)
        if header.id != id or header.type is not type or header.stored != at.stored:
            raise StoreDamaged(
                f"Object {id.hex()[:16]} is not where the index says.",
                next_step="Run `kronkers check --read-data`, and restore the workspace from a backup.",
            )
        return self.sealer.open(header, memoryview(record)[HEADER_SIZE:])

    @contextlib.contextmanager
    def writing(self) -> Iterator[ObjectWriter]:
        """The right to append, until the block is left; what was appended and not checkpointed is then dropped.

        Raises ``WorkspaceBusy`` when somebody else has it.
        """
        with self.exclusive(), self._writer() as writer:
            yield writer

    @contextlib.contextmanager
    def exclusive(self) -> Iterator[None]:
        """Nobody else writes until the block is left. What a killed writer or cleaning up left is dealt with first.

        Raises ``WorkspaceBusy`` when somebody else writes.
        """
        lock = self._new_lock()
        lock.acquire(wait=_LOCK_WAIT_SECONDS)
        try:
            retired = self.remove_retired()
            leftovers = find_leftovers(self.packs, self.index.packs(), retired)
            if leftovers:
                with self._writer() as writer:
                    salvage(leftovers, self, writer)
            yield
        finally:
            lock.release()

    def new_packs(self) -> PackWriter:
        """A writer that goes on with no pack that is there already; for the holder of the lock."""
        return PackWriter(self.packs, {}, last=max((*self.index.packs(), *self.index.retired()), default=0))

    def remove_retired(self) -> set[int]:
        """Delete the files of retired packs, and give all numbers of such packs. On Windows a file that another
        program has open stays for the next time."""
        retired = self.index.retired()
        for number in sorted(retired.intersection(self.packs.numbers())):
            with contextlib.suppress(PackInUse):
                self.packs.remove(number)
        return retired

    @contextlib.contextmanager
    def _writer(self) -> Iterator[ObjectWriter]:
        last = max(self.index.retired(), default=0)
        writer = ObjectWriter(self.index, PackWriter(self.packs, self.index.packs(), last=last))
        try:
            yield writer
        finally:
            writer.close()


class ObjectWriter:
    """Appends records; ``checkpoint`` makes them durable and only then findable."""

    def __init__(self, index: ObjectIndex, packs: PackWriter) -> None:
        self._index = index
        self._packs = packs
        self._rows: list[tuple[bytes, Location]] = []
        self._bytes = 0
        self._since = time.monotonic()

    def append(self, records: list[Record]) -> None:
        """Raises ``StorageFull``."""
        places = self._packs.append(records)
        for record, (pack, offset) in zip(records, places, strict=True):
            self._rows.append((record.id, Location(pack, offset, record.stored, record.length, record.type)))
            self._bytes += record.size

    @property
    def due(self) -> bool:
        """Whether so much, or so long ago, was appended that a checkpoint is worth its time."""
        return self._bytes >= _CHECKPOINT_BYTES or time.monotonic() - self._since >= _CHECKPOINT_SECONDS

    def checkpoint(self) -> None:
        """Flush the packs, then record the objects in the index. Raises ``StorageFull``."""
        if self._rows:
            grown = self._packs.flush()
            self._index.add(grown, self._rows)
            self._rows = []
            self._bytes = 0
        self._since = time.monotonic()

    def close(self) -> None:
        self._packs.close()
