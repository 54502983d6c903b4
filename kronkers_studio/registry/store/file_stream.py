"""A stored file as a stream: seekable, each chunk read when it is needed and verified before it is given out."""

from __future__ import annotations

import bisect
import io
from itertools import accumulate

from kronkers_studio.domain.content import Entry
from kronkers_studio.registry.store.object_store import ObjectStore
from kronkers_studio.registry.store.records import ObjectType


class FileStream(io.RawIOBase):
    """The bytes of a file ``entry``; holds one chunk at a time. Reading raises ``StoreDamaged``."""

    def __init__(self, entry: Entry, store: ObjectStore) -> None:
        self._store = store
        self._ids = entry.content
        self._located = store.locate(self._ids)
        self._ends = list(accumulate(self._located[id].length for id in self._ids))
        self._position = 0
        self._chunk = -1
        self._data = memoryview(b"")

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._ends[-1] if self._ends else 0}[whence]
        if start + offset < 0:
            raise ValueError("before the start of the file")
        self._position = start + offset
        return self._position

    def readinto(self, buffer: object) -> int:
        target = memoryview(buffer).cast("B")  # type: ignore[arg-type]  # a writable buffer, as io.RawIOBase says
        number = bisect.bisect_right(self._ends, self._position)
        if number == len(self._ends) or not target:
            return 0
        if number != self._chunk:
            id = self._ids[number]
            self._data = memoryview(self._store.read_at(id, self._located[id], ObjectType.CHUNK))
            self._chunk = number
        at = self._position - (self._ends[number] - len(self._data))
        piece = self._data[at : at + len(target)]
        target[: len(piece)] = piece
        self._position += len(piece)
        return len(piece)
