"""Where each object lies: the index in the metadata database, which the packs alone could make again."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import NamedTuple

import sqlalchemy as sa

from kronkers_studio.registry.records import ObjectType
from kronkers_studio.storage.database import Database

_BATCH = 256


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
        with self._database.read() as connection:
            for batch in _batches(ids):
                rows = connection.exec_driver_sql(
                    f"SELECT id, pack, offset, stored, length, type FROM objects WHERE id IN ({_MARKS})",  # noqa: S608
                    batch,
                )
                for id, pack, offset, stored, length, kind in rows:
                    found[id] = Location(pack, offset, stored, length, ObjectType(kind))
        return found

    def known(self, ids: Iterable[bytes]) -> set[bytes]:
        """Those ``ids`` that are in the index."""
        found: set[bytes] = set()
        with self._database.read() as connection:
            for batch in _batches(ids):
                rows = connection.exec_driver_sql(f"SELECT id FROM objects WHERE id IN ({_MARKS})", batch)  # noqa: S608
                found.update(row[0] for row in rows)
        return found

    def is_empty(self) -> bool:
        with self._database.read() as connection:
            return connection.exec_driver_sql("SELECT 1 FROM objects LIMIT 1").first() is None

    def packs(self) -> dict[int, int]:
        """The known packs and how many of their bytes are known to be on disk."""
        with self._database.read() as connection:
            rows = connection.exec_driver_sql("SELECT number, size FROM packs ORDER BY number")
            return {row.number: row.size for row in rows}

    def in_pack(self, number: int) -> Iterator[tuple[bytes, Location]]:
        """The rows of one pack in the order of their offsets."""
        with self._database.read() as connection:
            rows = connection.exec_driver_sql(
                "SELECT id, pack, offset, stored, length, type FROM objects WHERE pack = ? ORDER BY offset", (number,)
            )
            for id, pack, offset, stored, length, kind in rows:
                yield id, Location(pack, offset, stored, length, ObjectType(kind))

    def add(self, grown: Mapping[int, int], rows: Collection[tuple[bytes, Location]]) -> None:
        """Record packs' new sizes and their objects, which must be on disk already, in one durable transaction."""
        with self._database.write() as connection:
            add_rows(connection, grown, rows)


def add_rows(connection: sa.Connection, grown: Mapping[int, int], rows: Collection[tuple[bytes, Location]]) -> None:
    """``ObjectIndex.add`` within a transaction of the caller's."""
    if grown:
        connection.exec_driver_sql(
            "INSERT INTO packs (number, size) VALUES (?, ?) ON CONFLICT (number) DO UPDATE SET size = excluded.size",
            list(grown.items()),
        )
    if rows:
        connection.exec_driver_sql(
            "INSERT OR IGNORE INTO objects (id, pack, offset, stored, length, type) VALUES (?, ?, ?, ?, ?, ?)",
            sorted((id, at.pack, at.offset, at.stored, at.length, int(at.type)) for id, at in rows),
        )


_MARKS = ",".join("?" * _BATCH)


def _batches(ids: Iterable[bytes]) -> Iterator[tuple[bytes, ...]]:
    """Groups of one fixed size, so that one prepared statement serves all; the last one repeats its last id."""
    rest = iter(ids)
    while batch := tuple(islice(rest, _BATCH)):
        yield batch + (batch[-1],) * (_BATCH - len(batch))


def sizes(ids: Sequence[bytes], located: Mapping[bytes, Location]) -> list[int]:
    """The plain lengths of ``ids`` in order."""
    return [located[id].length for id in ids]
