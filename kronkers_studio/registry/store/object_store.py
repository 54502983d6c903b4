"""The object store: immutable bytes by name, read from packs and verified each time; one at a time may write."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence

from kronkers_studio.domain.errors import StoreDamaged
from kronkers_studio.registry.store.object_index import Location, ObjectIndex
from kronkers_studio.registry.store.object_writer import ObjectWriter
from kronkers_studio.registry.store.packs import PackFolder, PackInUse, PackWriter
from kronkers_studio.registry.store.records import HEADER_SIZE, ObjectType, RecordHeader, Sealer, read_header
from kronkers_studio.registry.store.recovery import find_leftovers, salvage
from kronkers_studio.storage.writer_lock import WriterLock

_LOCK_WAIT_SECONDS = 2.0
_STRETCH_BYTES = 4 << 20
_GAP_BYTES = 8 << 10
"""So much that nobody asked for is sooner read than left out."""


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

    def read_all(self, wanted: Sequence[tuple[bytes, Location]], type: ObjectType) -> list[bytes | memoryview]:
        """``read_at`` for many objects, quicker than one by one: what lies together is read and opened together."""
        try:
            return read_together(self.packs, self.sealer, wanted, type)
        except StoreDamaged:  # one is damaged, or was moved
            return [self.read_at(id, at, type) for id, at in wanted]

    def read_each(self, ids: Iterable[bytes], type: ObjectType) -> Iterator[tuple[bytes, bytes]]:
        """``read`` for many objects, each once, in the order in which they lie; some MB of them are held at a time."""
        window: list[tuple[bytes, Location]] = []
        size = 0
        for id, at in sorted(self.locate(dict.fromkeys(ids)).items(), key=_place):
            window.append((id, at))
            size += at.length
            if size >= _STRETCH_BYTES:
                yield from self._read_window(window, type)
                window, size = [], 0
        yield from self._read_window(window, type)

    def _read_window(self, window: Sequence[tuple[bytes, Location]], type: ObjectType) -> Iterator[tuple[bytes, bytes]]:
        for (id, _at), data in zip(window, self.read_all(window, type), strict=True):
            yield id, bytes(data)

    def _read_at(self, id: bytes, at: Location, type: ObjectType) -> bytes:
        record = memoryview(self.packs.read(at.pack, at.offset, at.end - at.offset))
        return self.sealer.open(*_opened(record, id, at, type))

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
                    salvage(leftovers, self.packs, self.index, self.sealer, writer)
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


def read_together(
    packs: PackFolder, sealer: Sealer, wanted: Sequence[tuple[bytes, Location]], type: ObjectType
) -> list[bytes | memoryview]:
    """The verified bytes of objects that lie where they were found to. Raises ``StoreDamaged``."""
    records: dict[int, tuple[RecordHeader, bytes | memoryview]] = {}
    for stretch in _stretches([at for _id, at in wanted]):
        first, last = wanted[stretch[0]][1], wanted[stretch[-1]][1]
        data = memoryview(packs.read(first.pack, first.offset, last.end - first.offset))
        for number in stretch:
            id, at = wanted[number]
            records[number] = _opened(data[at.offset - first.offset : at.end - first.offset], id, at, type)
    return sealer.open_all([records[number] for number in range(len(wanted))])


def _opened(record: memoryview, id: bytes, at: Location, type: ObjectType) -> tuple[RecordHeader, memoryview]:
    """A record's header and sealed bytes. Raises ``StoreDamaged`` unless it is the object's."""
    header = read_header(record[:HEADER_SIZE])
    if header.id != id or header.type is not type or header.stored != at.stored:
        raise StoreDamaged(
            f"Object {id.hex()[:16]} is not where the index says.",
            next_step="Run `kronkers check --read-data`, and restore the workspace from a backup.",
        )
    return header, record[HEADER_SIZE:]


def _place(located: tuple[bytes, Location]) -> tuple[int, int]:
    return located[1].pack, located[1].offset


def _stretches(places: Sequence[Location]) -> Iterator[list[int]]:
    """The numbers of ``places``, those together that follow one another closely in a pack, up to some MB."""
    stretch: list[int] = []
    start = end = Location(-1, 0, 0, 0, ObjectType.CHUNK)
    for number in sorted(range(len(places)), key=lambda number: places[number][:2]):
        at = places[number]
        is_close = at.pack == end.pack and 0 <= at.offset - end.end <= _GAP_BYTES
        together = is_close and at.end - start.offset <= _STRETCH_BYTES
        if stretch and not together:
            yield stretch
            stretch = []
        if not stretch:
            start = at
        stretch.append(number)
        end = at
    if stretch:
        yield stretch
