"""What was stored of a folder, so that the next migration reads only what changed.

A cache: it may be lost or emptied at any time, and the next migration then reads everything once more. It is no part of
the metadata that the journal rebuilds, so its tables are made here when they are missing.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert

from kronkers_studio.domain.content import EntryKind, StoredItem
from kronkers_studio.domain.migration import FileKind
from kronkers_studio.migration.file_types import Look
from kronkers_studio.migration.found import FoundItem, KnownFile

if TYPE_CHECKING:
    from kronkers_studio.storage.database import Database

_metadata = sa.MetaData()

_folders = sa.Table(
    "stat_cache_folders",
    _metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("project", sa.Text, nullable=False),
    sa.Column("folder", sa.LargeBinary, nullable=False),
    sa.UniqueConstraint("project", "folder", name="uq_stat_cache_folders_project_folder"),
)

_files = sa.Table(
    "stat_cache_files",
    _metadata,
    sa.Column("folder_id", sa.Integer, primary_key=True),
    sa.Column("path", sa.LargeBinary, primary_key=True),
    sa.Column("size", sa.Integer, nullable=False),
    sa.Column("mtime_ns", sa.Integer, nullable=False),
    sa.Column("inode", sa.Integer, nullable=False),
    sa.Column("seen_ns", sa.Integer, nullable=False),
    sa.Column("ids", sa.LargeBinary, nullable=False),
    sa.Column("id_size", sa.Integer, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("description", sa.Text, nullable=False),
    sa.Column("compressed", sa.Boolean(create_constraint=False), nullable=False),
    sqlite_with_rowid=False,
)


class StatCache:
    """The files of ``folder`` that are stored for ``project``; in ``database``, over all runs. Thread-safe."""

    def __init__(self, database: Database, project: str, folder: Path) -> None:
        self._database = database
        self._project = project
        self._folder = os.fsencode(folder.expanduser().absolute())

    def load(self) -> Mapping[str, KnownFile]:
        """Everything remembered, by path; empty for a folder never migrated."""
        with self._database.read() as connection:
            if not sa.inspect(connection).has_table(_files.name):
                return {}
            query = sa.select(_files).join(_folders, _folders.c.id == _files.c.folder_id).where(self._is_ours())
            looks: dict[tuple[str, str, bool], Look] = {}
            return dict(_known_files(connection.execute(query), looks))

    def remember(self, stored: Iterable[StoredItem]) -> None:
        """Remember files whose bytes are durable in the store. Items that no scan found are ignored."""
        rows = [row for each in stored if (row := _row(each)) is not None]
        if not rows:
            return
        with self._database.write() as connection:
            folder_id = self._own_id(connection)
            statement = insert(_files).values(folder_id=folder_id)
            changing = {name: statement.excluded[name] for name in rows[0] if name != "path"}
            connection.execute(
                statement.on_conflict_do_update(index_elements=["folder_id", "path"], set_=changing),
                [{"folder_id": folder_id, **row} for row in rows],
            )

    def forget_missing(self, present: Iterable[str]) -> None:
        """Drop what is remembered of files that are not among the paths ``present``; keeps the cache from growing."""
        gone = self.load().keys() - set(present)
        if not gone:
            return
        with self._database.write() as connection:
            folder_id = self._own_id(connection)
            statement = sa.delete(_files).where(
                _files.c.folder_id == sa.bindparam("own_id"), _files.c.path == sa.bindparam("gone_path")
            )
            connection.execute(statement, [{"own_id": folder_id, "gone_path": _raw(path)} for path in gone])

    def _is_ours(self) -> sa.ColumnElement[bool]:
        return sa.and_(_folders.c.project == self._project, _folders.c.folder == self._folder)

    def _own_id(self, connection: sa.Connection) -> int:
        """The number of this project and folder; made, tables and all, when it is missing."""
        _metadata.create_all(connection, checkfirst=True)
        connection.execute(insert(_folders).values(project=self._project, folder=self._folder).on_conflict_do_nothing())
        folder_id: int = connection.execute(sa.select(_folders.c.id).where(self._is_ours())).scalar_one()
        return folder_id


def _raw(path: str) -> bytes:
    return path.encode("utf-8", "surrogateescape")


def _row(stored: StoredItem) -> dict[str, Any] | None:
    """The columns to write; None when there is nothing (new) to remember."""
    item = stored.item
    if not isinstance(item, FoundItem) or item.kind is not EntryKind.FILE:
        return None
    if item.known == stored.content:
        return None  # it is remembered already
    if stored.size != item.size:
        return None  # it changed after the scan: what was stored is not what the fingerprint was taken of
    size, mtime_ns, inode = item.fingerprint
    return {
        "path": _raw(item.path),
        "size": size,
        "mtime_ns": mtime_ns,
        "inode": inode,
        "seen_ns": item.seen_ns,
        "ids": b"".join(stored.content),
        "id_size": len(stored.content[0]) if stored.content else 0,
        "kind": item.look.kind.value,
        "description": item.look.description,
        "compressed": item.look.compressed,
    }


def _known_files(rows: Iterable[Any], looks: dict[tuple[str, str, bool], Look]) -> Iterator[tuple[str, KnownFile]]:
    for row in rows:
        _folder, path, size, mtime_ns, inode, seen_ns, ids, id_size, kind, description, compressed = row
        look = looks.get((kind, description, compressed))
        if look is None:  # files of a kind share one
            look = looks[kind, description, compressed] = Look(FileKind(kind), description, compressed)
        yield (
            path.decode("utf-8", "surrogateescape"),
            KnownFile(size, mtime_ns, inode, seen_ns, ids, id_size, look),
        )
