"""The search index's part about the columns of data files: which content has which, each content read once.

A header is what many files have in common: the columns of a file, in order. Bringing in files only notes their content
as unread. Reading it is a step of its own, in small parts that last, so that names can be searched before and
meanwhile, and that it goes on where it was stopped.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING

from kronkers_studio.domain.content import Entry
from kronkers_studio.registry.search.header_reader import TableContent, Told, table_content
from kronkers_studio.registry.search.terms import beginnings, folded
from kronkers_studio.registry.store.records import ID_SIZE
from kronkers_studio.storage.stored_text import from_stored, to_stored

if TYPE_CHECKING:
    from sqlcipher3 import dbapi2

HEADER_TABLES = """CREATE TABLE contents (id INTEGER PRIMARY KEY, hash BLOB NOT NULL UNIQUE, header INTEGER NOT NULL);
CREATE TABLE unread (content INTEGER PRIMARY KEY, problem TEXT NOT NULL, suffix TEXT NOT NULL, size INTEGER NOT NULL,
    chunks BLOB NOT NULL);
CREATE TABLE headers (id INTEGER PRIMARY KEY, hash BLOB NOT NULL UNIQUE, columns TEXT NOT NULL);
CREATE VIRTUAL TABLE header_columns USING fts5(text, content='', contentless_delete=1,
    tokenize='trigram case_sensitive 1');
CREATE INDEX places_by_content ON places (content) WHERE content > 0;
CREATE INDEX places_by_header ON places (header) WHERE header > 0
"""
"""For ``places`` with the columns ``content`` and ``header``, which are 0 for what is no table or has no header.

SQLite uses these two indexes only where it is told that the number is above 0.
"""
_TOGETHER = 2000
_TOGETHER_BYTES = 32 << 20
_STATE = "places"
_WAITING = "problem = ''"


@dataclass(frozen=True, slots=True)
class Unread:
    """A content whose columns are not known yet."""

    id: int
    table: TableContent


class Contents:
    """The contents that files have, in one transaction of the index."""

    def __init__(self, connection: dbapi2.Connection) -> None:
        self._connection = connection
        self._left: set[int] = set()  # contents that some place had before

    def of(self, entry: Entry) -> tuple[int, int]:
        """The content and the header to note for an entry. What is new is noted to be read."""
        table = table_content(entry)
        if table is None:
            return 0, 0
        hash = _hash(table.suffix.encode(), *entry.content)
        row = self._connection.execute("SELECT id, header FROM contents WHERE hash = ?", (hash,)).fetchone()
        if row is not None:
            return row[0], row[1]
        id = self._connection.execute("INSERT INTO contents (hash, header) VALUES (?, 0)", (hash,)).lastrowid
        values = (id, "", to_stored(table.suffix), table.size, b"".join(table.chunks))
        self._connection.execute("INSERT INTO unread VALUES (?, ?, ?, ?, ?)", values)
        return int(id), 0

    def leaving(self, file: int, branch: int) -> None:
        """A place is about to be taken away or to get another content."""
        statement = "SELECT content FROM places WHERE file = ? AND branch = ? AND content > 0"
        self._left.update(id for (id,) in self._connection.execute(statement, (file, branch)))

    def settle(self) -> None:
        """At the end of a change of places: forget what no file has any more, of what was left."""
        renew_places_state(self._connection)
        for id in self._left:
            if (
                self._connection.execute(
                    "SELECT 1 FROM places WHERE content = ? AND content > 0 LIMIT 1", (id,)
                ).fetchone()
                is None
            ):
                row = self._connection.execute("DELETE FROM contents WHERE id = ? RETURNING header", (id,)).fetchone()
                self._connection.execute("DELETE FROM unread WHERE content = ?", (id,))
                self._forget_header(row[0] if row else 0)
        self._left.clear()

    def _forget_header(self, id: int) -> None:
        if (
            id
            and self._connection.execute(
                "SELECT 1 FROM places WHERE header = ? AND header > 0 LIMIT 1", (id,)
            ).fetchone()
            is None
        ):
            self._connection.execute("DELETE FROM headers WHERE id = ?", (id,))
            self._connection.execute("DELETE FROM header_columns WHERE rowid = ?", (id,))


def count_unread(connection: dbapi2.Connection) -> int:
    """How many contents are still to be read, besides those that could not be."""
    return int(connection.execute(f"SELECT count(*) FROM unread WHERE {_WAITING}").fetchone()[0])  # noqa: S608


def next_unread(connection: dbapi2.Connection) -> list[Unread]:
    """Some of what is still to be read: as much as is held in memory together."""
    found: list[Unread] = []
    size = 0
    statement = f"SELECT content, suffix, size, chunks FROM unread WHERE {_WAITING} ORDER BY content LIMIT ?"  # noqa: S608
    for id, suffix, length, chunks in connection.execute(statement, (_TOGETHER,)):
        found.append(Unread(id, TableContent(from_stored(suffix), length, tuple(_ids(chunks)))))
        size += min(length, _TOGETHER_BYTES)
        if size >= _TOGETHER_BYTES:
            break
    return found


def keep_columns(connection: dbapi2.Connection, read: Iterable[tuple[Unread, Told]]) -> None:
    """Note what was read. What was not the file's fault stays unread, and is tried again by ``retry_damaged``."""
    renew_places_state(connection)
    for unread, told in read:
        if told.again:
            connection.execute("UPDATE unread SET problem = ? WHERE content = ?", (to_stored(told.problem), unread.id))
            continue
        gone = connection.execute("DELETE FROM unread WHERE content = ?", (unread.id,)).rowcount == 0
        if gone or not told.columns:  # another process was faster, or the file is no more
            continue
        header = _header(connection, told.columns)
        connection.execute("UPDATE contents SET header = ? WHERE id = ?", (header, unread.id))
        connection.execute("UPDATE places SET header = ? WHERE content = ? AND content > 0", (header, unread.id))


def retry_damaged(connection: dbapi2.Connection) -> None:
    connection.execute("UPDATE unread SET problem = '' WHERE problem <> ''")


def places_state(connection: dbapi2.Connection) -> str:
    """Another text after each change of which files there are, and of which columns; "" before the first."""
    row = connection.execute("SELECT value FROM state WHERE name = ?", (_STATE,)).fetchone()
    return str(row[0]) if row else ""


def renew_places_state(connection: dbapi2.Connection) -> None:
    connection.execute("INSERT OR REPLACE INTO state VALUES (?, ?)", (_STATE, secrets.token_hex(8)))


def files_with(connection: dbapi2.Connection, content: int) -> list[tuple[str, str]]:
    """Project and path of the files that have a content."""
    statement = "SELECT DISTINCT project, path FROM places JOIN paths ON id = file WHERE content = ? AND content > 0"
    return [(from_stored(project), from_stored(path)) for project, path in connection.execute(statement, (content,))]


def _header(connection: dbapi2.Connection, columns: tuple[str, ...]) -> int:
    hash = _hash(*(to_stored(name).encode() + b"\0" for name in columns))
    row = connection.execute("SELECT id FROM headers WHERE hash = ?", (hash,)).fetchone()
    if row is not None:
        return int(row[0])
    id = connection.execute("INSERT INTO headers (hash, columns) VALUES (?, ?)", (hash, json.dumps(columns))).lastrowid
    text = "\n".join(map(folded, columns))
    connection.execute("INSERT INTO header_columns (rowid, text) VALUES (?, ?)", (id, text + beginnings("", text)))
    return int(id)


def _hash(*parts: bytes) -> bytes:
    hash = blake2b(digest_size=16)
    for part in parts:
        hash.update(part)
    return hash.digest()


def _ids(chunks: bytes) -> Iterator[bytes]:
    for start in range(0, len(chunks), ID_SIZE):
        yield chunks[start : start + ID_SIZE]
