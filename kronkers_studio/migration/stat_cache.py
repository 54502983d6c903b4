"""What was stored of a folder, so that the next migration reads only what changed.

A cache: it may be lost or emptied at any time, and the next migration then reads everything once more. It is no part of
the metadata that the journal rebuilds, so its tables are made here when they are missing.

What is remembered at once is one batch of packed files, a row; a later batch counts before an earlier one. The batches
of a folder become new ones when what they say is mostly outdated, or when they are very many.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from kronkers_studio.domain.content import EntryKind, StoredItem
from kronkers_studio.migration.folder_paths import folder_key
from kronkers_studio.migration.found_item import FoundItem, KnownFile
from kronkers_studio.migration.known_file_codec import MOST_FILES, UnreadableBatch, pack_files, unpack_files
from kronkers_studio.storage.database import Database

_TABLES = (
    """
    CREATE TABLE stat_cache_folders (
        id INTEGER PRIMARY KEY,
        project BLOB NOT NULL,
        folder BLOB NOT NULL,
        UNIQUE (project, folder)
    )
    """,
    """
    CREATE TABLE stat_cache_batches (
        number INTEGER PRIMARY KEY,
        folder_id INTEGER NOT NULL,
        files INTEGER NOT NULL,
        batch BLOB NOT NULL,
        gone BLOB NOT NULL
    )
    """,
    "CREATE INDEX stat_cache_batches_of_folder ON stat_cache_batches (folder_id)",
    """
    CREATE TABLE stat_cache_states (
        folder_id INTEGER NOT NULL,
        branch BLOB NOT NULL,
        version TEXT NOT NULL,
        state BLOB NOT NULL,
        PRIMARY KEY (folder_id, branch)
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE stat_cache_generations (
        folder_id INTEGER PRIMARY KEY,
        generation INTEGER NOT NULL
    )
    """,
)
_EARLIER_TABLES = ("stat_cache_folders", "stat_cache_files", "stat_cache_states", "stat_cache_generations")
_THERE = "SELECT 1 FROM sqlite_master WHERE name = 'stat_cache_batches'"
_FOLDER = "SELECT id FROM stat_cache_folders WHERE project = ? AND folder = ?"
# Cast, because the database may be somebody else's: a column takes values of any type.
_BATCHES = (
    "SELECT CAST(files AS INTEGER), batch, CAST(gone AS BLOB) FROM stat_cache_batches "
    "WHERE folder_id = ? ORDER BY number"
)
_ADD_BATCH = "INSERT INTO stat_cache_batches (folder_id, files, batch, gone) VALUES (?, ?, ?, ?)"
_FORGET_BATCHES = "DELETE FROM stat_cache_batches WHERE folder_id = ?"
_STATE = "SELECT version, CAST(state AS BLOB) FROM stat_cache_states WHERE folder_id = ? AND branch = ?"
_GENERATION = "SELECT CAST(generation AS INTEGER) FROM stat_cache_generations WHERE folder_id = ?"
_KEEP_GENERATION = "INSERT OR REPLACE INTO stat_cache_generations VALUES (?, ?)"
_LEAST_INTEGER = -(2**63)
_FORGET_STATES = "DELETE FROM stat_cache_states WHERE folder_id = ?"
_KEEP_STATE = "INSERT OR REPLACE INTO stat_cache_states VALUES (?, ?, ?, ?)"
_MOST_BATCHES = 200
_OUTDATED_ANYHOW = 1000  # files: fewer are not worth a new batch
_MOST_IDS = 64 * 1024 * 1024  # bytes of chunk ids in one batch, and one file's more: a row holds up to 1 GB


class CommittedState(NamedTuple):
    """The commit that a folder became, and the folder's ``state_of`` then."""

    commit: str
    state: bytes


class StatCache:
    """The files of ``folder`` that are stored for ``project``; in ``database``, over all runs. Thread-safe."""

    def __init__(self, database: Database, project: str, folder: Path) -> None:
        self._database = database
        self._key = (_raw(project), os.fsencode(folder_key(folder)))
        self._loaded: set[str] | None = None  # what is remembered, once it has been loaded
        self._batches = 0  # of the folder, as far as is known here
        self._entries = 0  # of all the batches, the outdated ones too
        self._unreadable = False  # whether one of them is

    def load(self) -> Mapping[str, KnownFile]:
        """Everything remembered, by path; empty for a folder never migrated."""
        with self._database.read() as connection:
            folder_id = self._existing_id(connection)
            known = {} if folder_id is None else self._read(connection, folder_id)
        self._loaded = set(known)
        return known

    def remember(self, stored: Iterable[StoredItem]) -> None:
        """Remember files whose bytes are durable in the store. Items that no scan found are ignored."""
        files = [(each.item.path, file) for each in stored if (file := _known_file(each)) is not None]
        if not files:
            return
        with self._database.write() as connection:
            self._add(connection, self._own_id(connection), files)
        if self._loaded is not None:
            self._loaded.update(path for path, _file in files)

    def forget_missing(self, present: Iterable[str]) -> None:
        """Drop what is remembered of files that are not among the paths ``present``; keeps the cache from growing."""
        before = set(self.load()) if self._loaded is None else self._loaded
        gone = before.difference(present)
        if not gone and not self._is_worth_packing_anew(len(before)):
            return
        before -= gone
        with self._database.write() as connection:
            folder_id = self._own_id(connection)
            paths = list(gone)
            for start in range(0, len(paths), MOST_FILES):
                some = paths[start : start + MOST_FILES]
                connection.execute(_ADD_BATCH, (folder_id, len(some), b"", b"\0".join(map(_raw, some))))
                self._batches, self._entries = self._batches + 1, self._entries + len(some)
            if self._is_worth_packing_anew(len(before)):
                self._pack_anew(connection, folder_id)

    def generation(self) -> int | None:
        """What ``remember_generation`` was last told."""
        with self._database.read() as connection:
            folder_id = self._existing_id(connection)
            row = None if folder_id is None else connection.execute(_GENERATION, (folder_id,)).fetchone()
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

    def _read(self, connection: Any, folder_id: int) -> dict[str, KnownFile]:
        known: dict[str, KnownFile] = {}
        self._batches, self._entries, self._unreadable = 0, 0, False
        for files, batch, gone in connection.execute(_BATCHES, (folder_id,)):
            self._batches, self._entries = self._batches + 1, self._entries + files
            try:
                known.update(unpack_files(batch) if batch else ())
            except UnreadableBatch:  # as if nothing had been remembered until then: what it outdated is not known
                known.clear()
                self._unreadable = True
            for path in gone.split(b"\0") if gone else ():
                known.pop(path.decode("utf-8", "surrogateescape"), None)
        return known

    def _add(self, connection: Any, folder_id: int, files: Sequence[tuple[str, KnownFile]]) -> None:
        for some in _parts(files):
            connection.execute(_ADD_BATCH, (folder_id, len(some), pack_files(some), b""))
            self._batches, self._entries = self._batches + 1, self._entries + len(some)

    def _is_worth_packing_anew(self, files: int) -> bool:
        """Whether the batches say much besides what they say of the ``files`` that count."""
        many = self._batches > _MOST_BATCHES + files // MOST_FILES
        return many or self._entries > 2 * files + _OUTDATED_ANYHOW or self._unreadable

    def _pack_anew(self, connection: Any, folder_id: int) -> None:
        known = self._read(connection, folder_id)  # again: another process may have remembered more
        connection.execute(_FORGET_BATCHES, (folder_id,))
        self._batches, self._entries, self._unreadable = 0, 0, False
        self._add(connection, folder_id, list(known.items()))

    def _existing_id(self, connection: Any) -> int | None:
        if connection.execute(_THERE).fetchone() is None:
            return None
        row = connection.execute(_FOLDER, self._key).fetchone()
        return None if row is None else int(row[0])

    def _own_id(self, connection: Any) -> int:
        """The number of this project and folder; made, tables and all, when it is missing."""
        if connection.execute(_THERE).fetchone() is None:
            for table in _EARLIER_TABLES:  # of a program that kept a row for each file
                connection.execute(f"DROP TABLE IF EXISTS {table}")
            for statement in _TABLES:
                connection.execute(statement)
        connection.execute("INSERT OR IGNORE INTO stat_cache_folders (project, folder) VALUES (?, ?)", self._key)
        return int(connection.execute(_FOLDER, self._key).fetchone()[0])


def _parts(files: Sequence[tuple[str, KnownFile]]) -> Iterator[Sequence[tuple[str, KnownFile]]]:
    """Files of one batch each; none of no files."""
    start, ids = 0, 0
    for at, (_path, file) in enumerate(files):
        if at - start == MOST_FILES or ids > _MOST_IDS:
            yield files[start:at]
            start, ids = at, 0
        ids += len(file.ids)
    if files:
        yield files[start:]


def _raw(path: str) -> bytes:
    return path.encode("utf-8", "surrogateescape")


def _known_file(stored: StoredItem) -> KnownFile | None:
    """What to remember; None when there is nothing (new)."""
    item = stored.item
    if not isinstance(item, FoundItem) or item.kind is not EntryKind.FILE:
        return None
    if item.known == stored.content and not item.renamed_from:
        return None  # it is remembered already
    if stored.size != item.size:
        return None  # it changed after the scan: what was stored is not what the fingerprint was taken of
    if not _LEAST_INTEGER <= item.mtime_ns < -_LEAST_INTEGER:
        return None  # the year 1601, which Windows says when there is no time, does not fit into 64 bits
    id_size = len(stored.content[0]) if stored.content else 0
    return KnownFile(*item.fingerprint, item.seen_ns, b"".join(stored.content), id_size, item.look)
