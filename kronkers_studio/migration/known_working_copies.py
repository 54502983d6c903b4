"""The working copies of a workspace that this computer has seen: where each was last.

A list for people, which may be lost: what a folder is, its mark alone says (``working_copy_mark``). It is no part of
the metadata that the journal rebuilds, so its table is made here when it is missing.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

from kronkers_studio.storage.database import Database

_TABLE = "CREATE TABLE IF NOT EXISTS working_copies (folder BLOB PRIMARY KEY, project BLOB, branch BLOB) WITHOUT ROWID"
_THERE = "SELECT 1 FROM sqlite_master WHERE name = 'working_copies'"
# Cast, because the database may be somebody else's: a column takes values of any type.
_ALL = (
    "SELECT CAST(folder AS BLOB), CAST(project AS BLOB), CAST(branch AS BLOB) FROM working_copies "
    "ORDER BY project, folder LIMIT 10000"
)
_KEEP = "INSERT OR REPLACE INTO working_copies VALUES (?, ?, ?)"
_FORGET = "DELETE FROM working_copies WHERE folder = ?"


class SeenAt(NamedTuple):
    """A folder, and what it was a working copy of."""

    folder: Path
    project: str
    branch: str


class KnownWorkingCopies:
    """Those in ``database``. Thread-safe."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self) -> list[SeenAt]:
        """By project."""
        with self._database.read() as connection:
            if connection.execute(_THERE).fetchone() is None:
                return []
            rows = connection.execute(_ALL).fetchall()
        return [SeenAt(Path(os.fsdecode(folder)), _text(project), _text(branch)) for folder, project, branch in rows]

    def remember(self, folder: Path, project: str, branch: str) -> None:
        row = (os.fsencode(folder), _raw(project), _raw(branch))
        if SeenAt(folder, project, branch) in self.all():
            return
        with self._database.write() as connection:
            connection.execute(_TABLE)
            connection.execute(_KEEP, row)

    def forget(self, folder: Path) -> None:
        if not any(each.folder == folder for each in self.all()):
            return
        with self._database.write() as connection:
            connection.execute(_FORGET, (os.fsencode(folder),))


def _raw(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _text(raw: bytes | None) -> str:
    return (raw or b"").decode("utf-8", "surrogateescape")
