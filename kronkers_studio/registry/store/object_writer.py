"""Appends objects: durable first, findable then."""

from __future__ import annotations

import time

from kronkers_studio.registry.store.object_index import Location, ObjectIndex
from kronkers_studio.registry.store.packs import PackWriter
from kronkers_studio.registry.store.records import Record

_CHECKPOINT_BYTES = 64 << 20
_CHECKPOINT_SECONDS = 1.0


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
