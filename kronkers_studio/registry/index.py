"""Where each object lies: the index in the metadata database, which the packs alone could make again."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import islice
from typing import NamedTuple

from kronkers_studio.registry.records import ObjectType
from kronkers_studio.storage.database import Database


class Location(NamedTuple):
    """An object's record: its pack, the offset of its header, and the bytes after the header, stored and plain."""

    pack: int
    offset: int
    stored: int
    length: int
    type: ObjectType


class ObjectIndex:
    """The index rows of one database. Thread-safe."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def locate(self, ids: Iterable[bytes]) -> dict[bytes, Location]:
        """The locations of those ``ids`` that are in the index."""
        found: dict[bytes, Location] = {}
        with self._database.read_directly() as connection:
            for batch in _batches(ids):
                for id, pack, offset, stored, length, kind in connection.execute(_LOCATE[len(batch)], batch):
                    found[id] = Location(pack, offset, stored, length, ObjectType(kind))
        return found

    def known(self, ids: Iterable[bytes]) -> set[bytes]:
        """Those ``ids`` that are in the index."""
        found: set[bytes] = set()
        with self._database.read_directly() as connection:
            for batch in _batches(ids):
                found.update(row[0] for row in connection.execute(_KNOWN[len(batch)], batch))
        return found

    def is_empty(self) -> bool:
        with self._database.read_directly() as connection:
            return connection.execute("SELECT 1 FROM objects LIMIT 1").fetchone() is None

    def packs(self) -> dict[int, int]:
        """The known packs and how many of their bytes are known to be on disk."""
        with self._database.read_directly() as connection:
            rows = connection.execute("SELECT number, size FROM packs ORDER BY number")
            return dict(rows)

    def in_pack(self, number: int) -> Iterator[tuple[bytes, Location]]:
        """The rows of one pack in the order of their offsets."""
        with self._database.read_directly() as connection:
            rows = connection.execute(
                "SELECT id, pack, offset, stored, length, type FROM objects WHERE pack = ? ORDER BY offset", (number,)
            )
            for id, pack, offset, stored, length, kind in rows:
                yield id, Location(pack, offset, stored, length, ObjectType(kind))

    def add(self, grown: Mapping[int, int], rows: Collection[tuple[bytes, Location]]) -> None:
        """Record packs' new sizes and their objects, which must be on disk already, in one durable transaction."""
        with self._database.write_directly() as connection:
            connection.executemany(
                "INSERT INTO packs (number, size) VALUES (?, ?) "
                "ON CONFLICT (number) DO UPDATE SET size = excluded.size",
                list(grown.items()),
            )
            connection.executemany(
                "INSERT OR IGNORE INTO objects (id, pack, offset, stored, length, type) VALUES (?, ?, ?, ?, ?, ?)",
                sorted((id, at.pack, at.offset, at.stored, at.length, int(at.type)) for id, at in rows),
            )


def _statements(columns: str) -> dict[int, str]:
    """A query for each group size: few sizes, so that prepared statements serve again and again."""
    return {
        size: f"SELECT {columns} FROM objects WHERE id IN ({','.join('?' * size)})"  # noqa: S608
        for size in _GROUPS
    }


_GROUPS = (1, 16, 256)
_LOCATE = _statements("id, pack, offset, stored, length, type")
_KNOWN = _statements("id")


def _batches(ids: Iterable[bytes]) -> Iterator[tuple[bytes, ...]]:
    """Groups of the sizes in ``_GROUPS``; one that is not full repeats its last id."""
    rest = iter(ids)
    while batch := tuple(islice(rest, _GROUPS[-1])):
        size = next(size for size in _GROUPS if size >= len(batch))
        yield batch + (batch[-1],) * (size - len(batch))
