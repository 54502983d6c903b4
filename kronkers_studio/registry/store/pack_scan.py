"""Reading a pack from its beginning to its end: every whole and genuine record in it, also behind damage."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from kronkers_studio.domain.errors import StoreDamaged
from kronkers_studio.registry.store.packs import PACK_HEADER_SIZE, PackFolder
from kronkers_studio.registry.store.records import HEADER_SIZE, MAGIC, RecordHeader, Sealer, read_header

_SEARCH_BYTES = 4 << 20
_TOGETHER, _TOGETHER_BYTES = 64, 4 << 20

_Sealed = tuple[int, RecordHeader, memoryview]
"""A record's offset, header and sealed bytes."""


class Found(NamedTuple):
    """A record at ``offset`` whose ``data`` are exactly the bytes that were stored."""

    offset: int
    header: RecordHeader
    data: bytes | memoryview

    @property
    def end(self) -> int:
        return self.offset + HEADER_SIZE + self.header.stored


class Damage(NamedTuple):
    """A stretch of a pack that holds no genuine record, and why not."""

    start: int
    end: int
    error: StoreDamaged


def reread(
    packs: PackFolder,
    sealer: Sealer,
    number: int,
    damaged: Callable[[Damage], None],
    *,
    end: int | None = None,
    known: Sequence[int] = (),
) -> Iterator[Found]:
    """The genuine records of a pack in order, up to ``end``; ``damaged`` is told of each stretch that holds none.

    Behind damage it goes on at the next offset that is ``known`` (in order) or else at what looks like a record. The
    stretch at a pack's end may be no damage, but what a writer that died had not finished.
    """
    size = packs.size(number) if end is None else min(end, packs.size(number))
    position = PACK_HEADER_SIZE
    while position < size:
        sealed: list[_Sealed] = []
        length = 0
        try:
            for record in packs.scan(number, position, size):
                sealed.append(record)
                offset, header, _body = record
                position = offset + HEADER_SIZE + header.stored
                length += header.length
                if len(sealed) == _TOGETHER or length >= _TOGETHER_BYTES:
                    yield from _opened(sealer, sealed, damaged)
                    sealed, length = [], 0
            yield from _opened(sealer, sealed, damaged)
        except StoreDamaged as error:
            yield from _opened(sealer, sealed, damaged)
            at = bisect_right(known, position)
            following = min(known[at], size) if at < len(known) else _next_header(packs, number, position + 1, size)
            damaged(Damage(position, following, error))
            position = following


def _opened(sealer: Sealer, sealed: list[_Sealed], damaged: Callable[[Damage], None]) -> Iterator[Found]:
    """What records hold, opened together; one by one only where that shows damage."""
    try:
        contents = sealer.open_all([(header, body) for _offset, header, body in sealed])
    except StoreDamaged:
        for offset, header, body in sealed:
            try:
                data = sealer.open(header, body)
            except StoreDamaged as error:
                damaged(Damage(offset, offset + HEADER_SIZE + header.stored, error))
            else:
                yield Found(offset, header, data)
    else:
        for (offset, header, _body), content in zip(sealed, contents, strict=True):
            yield Found(offset, header, content)


def _next_header(packs: PackFolder, number: int, start: int, size: int) -> int:
    """The offset of the next bytes that can be a record; ``size`` when there are none."""
    while start < size:
        window = packs.read(number, start, min(_SEARCH_BYTES, size - start))
        at = window.find(MAGIC)
        while at >= 0:
            if _is_header(packs, number, start + at, size):
                return start + at
            at = window.find(MAGIC, at + 1)
        if start + len(window) == size:
            break
        start += len(window) - len(MAGIC) + 1
    return size


def _is_header(packs: PackFolder, number: int, offset: int, size: int) -> bool:
    try:
        header = read_header(packs.read(number, offset, min(HEADER_SIZE, size - offset)))
    except StoreDamaged:
        return False
    return offset + HEADER_SIZE + header.stored <= size
