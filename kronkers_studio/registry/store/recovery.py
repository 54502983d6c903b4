"""What a killed writer leaves behind: records after the known end of a pack, or in a pack that the index does not know.

They were never acknowledged, so they could be thrown away. But the same picture arises when an older copy of the
database is put back beside newer packs, and a killed import should not start from zero; so every whole and genuine
record is copied into a new pack, and only then is the leftover cut off. Copying, rather than adopting the bytes where
they lie, makes them durable for certain: whether an earlier fsync of that file failed cannot be known.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import NamedTuple

from kronkers_studio.domain.errors import StoreDamaged
from kronkers_studio.registry.store.object_index import ObjectIndex
from kronkers_studio.registry.store.object_writer import ObjectWriter
from kronkers_studio.registry.store.packs import PACK_HEADER_SIZE, PackFolder
from kronkers_studio.registry.store.records import HEADER_SIZE, Record, Sealer

_BATCH_BYTES = 8 << 20


class Leftover(NamedTuple):
    """The bytes of a pack from ``start`` to ``end`` that the index does not know; ``keep`` bytes before them stay."""

    pack: int
    keep: int
    start: int
    end: int


def find_leftovers(packs: PackFolder, sizes: dict[int, int], retired: Collection[int] = ()) -> list[Leftover]:
    """Everything in the folder beyond the known ``sizes`` of packs, but for ``retired`` ones: they are to go."""
    found = []
    for number in packs.numbers():
        if number in retired:
            continue
        known, size = sizes.get(number, 0), packs.size(number)
        if size > known or known == 0:
            found.append(Leftover(number, known, max(known, PACK_HEADER_SIZE), size))
    return found


def salvage(
    leftovers: list[Leftover], packs: PackFolder, index: ObjectIndex, sealer: Sealer, writer: ObjectWriter
) -> None:
    """Copy the whole and genuine records of ``leftovers`` into a new pack, make them durable, cut the leftovers off."""
    for leftover in leftovers:
        batch: list[Record] = []
        size = 0
        for record in _genuine(leftover, packs, sealer):
            batch.append(record)
            size += record.size
            if size >= _BATCH_BYTES:
                _keep(batch, index, writer)
                batch, size = [], 0
        _keep(batch, index, writer)
    writer.checkpoint()
    for leftover in leftovers:
        packs.cut(leftover.pack, leftover.keep)


def _genuine(leftover: Leftover, packs: PackFolder, sealer: Sealer) -> Iterator[Record]:
    """The records up to the first that was not written to its end."""
    try:
        if leftover.keep == 0 and packs.read(leftover.pack, 0, PACK_HEADER_SIZE) != packs.header(leftover.pack):
            return
        for offset, header, body in packs.scan(leftover.pack, leftover.start, leftover.end):
            sealer.open(header, body)
            raw = packs.read(leftover.pack, offset, HEADER_SIZE) + bytes(body)
            yield Record(header.id, header.type, header.length, header.stored, (raw,))
    except StoreDamaged:
        return  # the torn end of what a killed writer wrote


def _keep(batch: list[Record], index: ObjectIndex, writer: ObjectWriter) -> None:
    known = index.known(record.id for record in batch)
    writer.append([record for record in batch if record.id not in known])
