"""What was stored of a folder, so that the next migration reads only what changed.

A cache: it may be lost or emptied at any time, and the next migration then reads everything once more. It is no part of
the metadata that the journal rebuilds, so its tables are made here when they are missing. The driver is used without
SQLAlchemy: a hundred thousand rows are loaded at the start of each migration.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from kronkers_studio.domain.content import EntryKind, StoredItem
from kronkers_studio.domain.migration import FileKind
from kronkers_studio.migration.file_types import Look
from kronkers_studio.migration.folder_paths import folder_key
from kronkers_studio.migration.found_item import FoundItem, KnownFile
from kronkers_studio.storage.database import Database, insert_rows

_TABLES = (
    """
    CREATE TABLE IF NOT EXISTS stat_cache_folders (
        id INTEGER PRIMARY KEY,
        project BLOB NOT NULL,
        folder BLOB NOT NULL,
        UNIQUE (project, folder)
    )
    """,
    """
    CREATE TABLE IF NOT EXISTS stat_cache_files (
        folder_id INTEGER NOT NULL,
        path BLOB NOT NULL,
        size INTEGER NOT NULL,
        mtime_ns INTEGER NOT NULL,
        inode INTEGER NOT NULL,
        seen_ns INTEGER NOT NULL,
        ids BLOB NOT NULL,
        id_size INTEGER NOT NULL,
        kind TEXT NOT NULL,
        description TEXT NOT NULL,
        compressed INTEGER NOT NULL,
        PRIMARY KEY (folder_id, path)
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE IF NOT EXISTS stat_cache_states (
        folder_id INTEGER NOT NULL,
        branch BLOB NOT NULL,
        version TEXT NOT NULL,
        state BLOB NOT NULL,
        PRIMARY KEY (folder_id, branch)
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE IF NOT EXISTS stat_cache_generations (
        folder_id INTEGER PRIMARY KEY,
        generation INTEGER NOT NULL
    )
    """,
)
_HAS_FILES = "SELECT 1 FROM sqlite_master WHERE name = 'stat_cache_states'"
_HAS_ALL = "SELECT 1 FROM sqlite_master WHERE name = 'stat_cache_generations'"  # the newest table
_FOLDER = "SELECT id FROM stat_cache_folders WHERE project = ? AND folder = ?"
_FILES = (
    "SELECT path, size, mtime_ns, inode, seen_ns, ids, id_size, kind, description, compressed "
    "FROM stat_cache_files WHERE folder_id = ?"
)
_FORGET = "DELETE FROM stat_cache_files WHERE folder_id = ? AND path = ?"
_STATE = "SELECT version, state FROM stat_cache_states WHERE folder_id = ? AND branch = ?"
_GENERATION = "SELECT generation FROM stat_cache_generations WHERE folder_id = ?"
_KEEP_GENERATION = "INSERT OR REPLACE INTO stat_cache_generations VALUES (?, ?)"
_LEAST_INTEGER = -(2**63)
_FORGET_STATES = "DELETE FROM stat_cache_states WHERE folder_id = ?"
_KEEP_STATE = "INSERT OR REPLACE INTO stat_cache_states VALUES (?, ?, ?, ?)"


class CommittedState(NamedTuple):
    """The commit that a folder became, and the folder's ``state_of`` then."""

    commit: str
    state: bytes


class StatCache:
    """The files of ``folder`` that are stored for ``project``; in ``database``, over all runs. Thread-safe."""

    def __init__(self, database: Database, project: str, folder: Path) -> None:
        self._database = database
        self._key = (_raw(project), os.fsencode(folder_key(folder)))
        self._loaded: list[str] | None = None  # what is remembered, once it has been loaded

    def load(self) -> Mapping[str, KnownFile]:
        """Everything remembered, by path; empty for a folder never migrated."""
        with self._database.read() as connection:
            folder_id = self._existing_id(connection)
            known = {} if folder_id is None else dict(_known_files(connection.execute(_FILES, (folder_id,))))
        self._loaded = list(known)
        return known

    def remember(self, stored: Iterable[StoredItem]) -> None:
        """Remember files whose bytes are durable in the store. Items that no scan found are ignored."""
        rows, paths = [], []
        for each in stored:
            row = _row(each)
            if row is not None:
                rows.append(row)
                paths.append(each.item.path)
        if not rows:
            return
        with self._database.write() as connection:
            folder_id = self._own_id(connection)
            insert_rows(connection, "stat_cache_files", [(folder_id, *row) for row in rows], otherwise="REPLACE")
        if self._loaded is not None:
            self._loaded += paths

    def forget_missing(self, present: Iterable[str]) -> None:
        """Drop what is remembered of files that are not among the paths ``present``; keeps the cache from growing."""
        before = list(self.load()) if self._loaded is None else self._loaded
        there = set(present) if before else set()
        gone = [path for path in before if path not in there]
        if not gone:
            return
        with self._database.write() as connection:
            folder_id = self._own_id(connection)
            connection.executemany(_FORGET, [(folder_id, _raw(path)) for path in gone])

    def generation(self) -> int | None:
        """What ``remember_generation`` was last told."""
        with self._database.read() as connection:
            folder_id = self._existing_id(connection)
            if folder_id is None or connection.execute(_HAS_ALL).fetchone() is None:
                return None
            row = connection.execute(_GENERATION, (folder_id,)).fetchone()
        return None if row is None else int(row[0])

    def remember_generation(self, generation: int) -> None:
        """Remember in which generation of the store all that is remembered here was there."""
        if generation == self.generation():
            return
        with self._database.write() as connection:
            connection.execute(_KEEP_GENERATION, (self._own_id(connection), generation))

    def committed(self, branch: str) -> CommittedState | None:
        """What ``remember_commit`` was last told for ``branch``."""
        with self._database.read() as connection:
            folder_id = self._existing_id(connection)
            row = None if folder_id is None else connection.execute(_STATE, (folder_id, _raw(branch))).fetchone()
        return None if row is None else CommittedState(*row)

    def remember_commit(self, branch: str, commit: str, state: bytes) -> None:
        """Remember that the folder, when its state was ``state``, became ``commit`` on ``branch``, all of it."""
        with self._database.write() as connection:
            connection.execute(_KEEP_STATE, (self._own_id(connection), _raw(branch), commit, state))

    def forget_commits(self) -> None:
        """Remember no more what the folder became, so that it is looked through the next time; its files stay known."""
        with self._database.write() as connection:
            folder_id = self._existing_id(connection)
            if folder_id is not None:
                connection.execute(_FORGET_STATES, (folder_id,))

    def _existing_id(self, connection: Any) -> int | None:
        if connection.execute(_HAS_FILES).fetchone() is None:
            return None
        row = connection.execute(_FOLDER, self._key).fetchone()
        return None if row is None else int(row[0])

    def _own_id(self, connection: Any) -> int:
        """The number of this project and folder; made, tables and all, when it is missing."""
        if connection.execute(_HAS_ALL).fetchone() is None:
            for statement in _TABLES:
                connection.execute(statement)
        connection.execute("INSERT OR IGNORE INTO stat_cache_folders (project, folder) VALUES (?, ?)", self._key)
        return int(connection.execute(_FOLDER, self._key).fetchone()[0])


def _raw(path: str) -> bytes:
    return path.encode("utf-8", "surrogateescape")


def _row(stored: StoredItem) -> tuple[Any, ...] | None:
    """The columns to write; None when there is nothing (new) to remember."""
    item = stored.item
    if not isinstance(item, FoundItem) or item.kind is not EntryKind.FILE:
        return None
    if item.known == stored.content and not item.renamed_from:
        return None  # it is remembered already
    if stored.size != item.size:
        return None  # it changed after the scan: what was stored is not what the fingerprint was taken of
    if not _LEAST_INTEGER <= item.mtime_ns < -_LEAST_INTEGER:
        return None  # the year 1601, which Windows says when there is no time, is one that SQLite cannot hold
    return (
        _raw(item.path),
        *item.fingerprint,
        item.seen_ns,
        b"".join(stored.content),
        len(stored.content[0]) if stored.content else 0,
        item.look.kind.value,
        item.look.description,
        item.look.compressed,
    )


def _known_files(rows: Iterable[Any]) -> Iterator[tuple[str, KnownFile]]:
    looks: dict[tuple[str, str, int], Look] = {}
    for path, size, mtime_ns, inode, seen_ns, ids, id_size, *about in rows:
        kind, description, compressed = about
        look = looks.get((kind, description, compressed))
        if look is None:  # files of a kind share one
            look = looks[kind, description, compressed] = Look(FileKind(kind), description, bool(compressed))
        yield (
            path.decode("utf-8", "surrogateescape"),
            KnownFile(size, mtime_ns, inode, seen_ns, ids, id_size, look),
        )
