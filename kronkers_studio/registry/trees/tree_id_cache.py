"""The trees of the folders that a branch had last: what need not be encoded, named and looked up again.

A cache: it may be lost at any time. It maps the digest of all that a folder's tree is made of to the tree's id, and so
can never give a wrong one. That the tree is in the store it says only while nothing was taken out of the index since,
which the index's generation tells. Its table is made here when it is missing.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Any

from kronkers_studio.storage.database import Database

_RULES = 1
"""Changes whenever a tree of the same entries would get another id, or its digest be made of something else."""
_TABLE = (
    "CREATE TABLE IF NOT EXISTS known_trees (project BLOB NOT NULL, branch BLOB NOT NULL, rules INTEGER NOT NULL, "
    "generation INTEGER NOT NULL, trees BLOB NOT NULL, PRIMARY KEY (project, branch)) WITHOUT ROWID"
)
_EXISTS = "SELECT 1 FROM sqlite_master WHERE name = 'known_trees'"
_READ = "SELECT trees FROM known_trees WHERE project = ? AND branch = ? AND rules = ? AND generation = ?"
_FORGET = "DELETE FROM known_trees WHERE rules <> ? OR generation <> ?"
_WRITE = "INSERT OR REPLACE INTO known_trees VALUES (?, ?, ?, ?, ?)"
_PAIR = struct.Struct("32s32s")


class KnownTrees:
    """The cache of one workspace; for the holder of the writer lock, who nobody takes anything out beside."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def load(self, project: str, branch: str) -> Mapping[bytes, bytes]:
        """Tree ids by the digests of what the trees are made of, all of them in the store."""
        with self._database.read() as connection:
            if connection.execute(_EXISTS).fetchone() is None:
                return {}
            key = (_raw(project), _raw(branch), _RULES, _generation(connection))
            row = connection.execute(_READ, key).fetchone()
        return {} if row is None else dict(_PAIR.iter_unpack(row[0]))

    def save(self, project: str, branch: str, trees: Mapping[bytes, bytes]) -> None:
        """Remember ``trees``, which are in the index, in place of those that the branch had before."""
        packed = b"".join(_PAIR.pack(*pair) for pair in trees.items())
        with self._database.write() as connection:
            connection.execute(_TABLE)
            generation = _generation(connection)
            connection.execute(_FORGET, (_RULES, generation))
            connection.execute(_WRITE, (_raw(project), _raw(branch), _RULES, generation, packed))


def _generation(connection: Any) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _raw(name: str) -> bytes:
    return name.encode("utf-8", "surrogatepass")
