"""Where each object lies: the index in the metadata database, which the packs alone could make again."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import islice
from typing import NamedTuple

from sqlcipher3 import dbapi2

from kronkers_studio.domain.errors import StoreDamaged
from kronkers_studio.registry.store.records import HEADER_SIZE, MAX_OBJECT, ObjectType
from kronkers_studio.storage.database import Database, insert_rows


class Location(NamedTuple):
    """An object's record: its pack, the offset of its header, and the bytes after the header, stored and plain."""

    pack: int
    offset: int
    stored: int
    length: int
    type: ObjectType

    @property
    def end(self) -> int:
        """The offset in the pack just behind the record."""
        return self.offset + HEADER_SIZE + self.stored


_TYPES: Mapping[object, ObjectType] = {type.value: type for type in ObjectType}
_FARTHEST = 1 << 40  # no pack grows so large


def _location(pack: object, offset: object, stored: object, length: object, kind: object) -> Location:
    """What a row says, which somebody else may have written: no read follows it anywhere. Raises ``StoreDamaged``."""
    if (
        type(pack) is type(offset) is type(stored) is type(length) is int  # which True is not
        and 0 <= offset < _FARTHEST
        and 0 <= stored <= MAX_OBJECT + HEADER_SIZE
        and kind in _TYPES
    ):
        return Location(pack, offset, stored, length, _TYPES[kind])
    raise _damaged()


def _damaged() -> StoreDamaged:
    return StoreDamaged(
        "The index of the store is damaged: it names places that there are not.",
        next_step="`kronkers registry rebuild` makes it again from the packs.",
    )


class ObjectIndex:
    """The index rows of one database. Thread-safe."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def locate(self, ids: Iterable[bytes]) -> dict[bytes, Location]:
        """The locations of those ``ids`` that are in the index."""
        found: dict[bytes, Location] = {}
        with self._database.read() as connection:
            for batch in _batches(ids):
                for id, pack, offset, stored, length, kind in connection.execute(_LOCATE[len(batch)], batch):
                    found[id] = _location(pack, offset, stored, length, kind)
        return found

    def known(self, ids: Iterable[bytes]) -> set[bytes]:
        """Those ``ids`` that are in the index."""
        found: set[bytes] = set()
        with self._database.read() as connection:
            for batch in _batches(ids):
                found.update(row[0] for row in connection.execute(_KNOWN[len(batch)], batch))
        return found

    def is_empty(self) -> bool:
        with self._database.read() as connection:
            return connection.execute("SELECT 1 FROM objects LIMIT 1").fetchone() is None

    def packs(self) -> dict[int, int]:
        """The known packs and how many of their bytes are known to be on disk."""
        with self._database.read() as connection:
            rows = connection.execute("SELECT number, size FROM packs WHERE size >= 0 ORDER BY number")
            sizes = dict(rows)
        if not all(type(number) is int and type(size) is int for number, size in sizes.items()):
            raise _damaged()
        return sizes

    def retired(self) -> set[int]:
        """The numbers of packs that nothing lies in any more; their files may go, the numbers are not used again."""
        with self._database.read() as connection:
            return {row[0] for row in connection.execute("SELECT number FROM packs WHERE size < 0")}

    def generation(self) -> int:
        """Another number after each time that objects were taken out of the index."""
        with self._database.read() as connection:
            return int(connection.execute("PRAGMA user_version").fetchone()[0])

    def in_pack(self, number: int) -> Iterator[tuple[bytes, Location]]:
        """The rows of one pack in the order of their offsets."""
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT id, pack, offset, stored, length, type FROM objects WHERE pack = ? ORDER BY offset", (number,)
            )
            for id, pack, offset, stored, length, kind in rows:
                yield id, _location(pack, offset, stored, length, kind)

    def add(self, grown: Mapping[int, int], rows: Collection[tuple[bytes, Location]]) -> None:
        """Record packs' new sizes and their objects, which must be on disk already, in one durable transaction."""
        with self._database.write() as connection:
            connection.executemany(
                "INSERT INTO packs (number, size) VALUES (?, ?) "
                "ON CONFLICT (number) DO UPDATE SET size = excluded.size",
                list(grown.items()),
            )
            objects = sorted((id, at.pack, at.offset, at.stored, at.length, int(at.type)) for id, at in rows)
            insert_rows(connection, "objects (id, pack, offset, stored, length, type)", objects, otherwise="IGNORE")


def clear_index(connection: dbapi2.Connection) -> None:
    """Empty the index, within a transaction of the caller's, who fills it again."""
    connection.execute("DELETE FROM objects")
    connection.execute("DELETE FROM packs")
    renew_generation(connection)


def put_rows(connection: dbapi2.Connection, sizes: Mapping[int, int], rows: Collection[tuple[bytes, Location]]) -> None:
    """Record packs and where objects lie now, in place of what the index had of them."""
    if sizes:
        connection.executemany("INSERT OR REPLACE INTO packs (number, size) VALUES (?, ?)", list(sizes.items()))
    if rows:
        connection.executemany(
            "INSERT OR REPLACE INTO objects (id, pack, offset, stored, length, type) VALUES (?, ?, ?, ?, ?, ?)",
            sorted((id, at.pack, at.offset, at.stored, at.length, int(at.type)) for id, at in rows),
        )


def retire_packs(connection: dbapi2.Connection, numbers: Iterable[int]) -> None:
    """Take packs, and what the index still has in them, out of it."""
    for number in numbers:
        connection.execute("DELETE FROM objects WHERE pack = ?", (number,))
        connection.execute("UPDATE packs SET size = -1 WHERE number = ?", (number,))
    renew_generation(connection)


def renew_generation(connection: dbapi2.Connection) -> None:
    """A number that no state of the index had before, also when an older database is put back."""
    connection.execute(f"PRAGMA user_version = {1 + secrets.randbelow(2**31 - 2)}")


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
    """Groups of the sizes in ``_GROUPS``; one that is not full repeats its last id.

    In order, so that neighbours are looked for together: each page of the index is then decrypted once.
    """
    rest = iter(sorted(set(ids)))
    while batch := tuple(islice(rest, _GROUPS[-1])):
        size = next(size for size in _GROUPS if size >= len(batch))
        yield batch + (batch[-1],) * (size - len(batch))
