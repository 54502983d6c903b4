"""Rows of the metadata tables in plain SQL: the one access to them.

The schema itself is made by ``storage.migrations``, with SQLAlchemy; importing that takes longer than recording a
commit does. Values are always parameters; names of tables and columns are those below and no others, which are the ones
of that schema (a test compares them).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from sqlcipher3 import dbapi2

from kronkers_studio.storage.stored_text import from_stored, to_stored

Row = Mapping[str, Any]


class Table(NamedTuple):
    """A table: the columns of its primary key, and the others."""

    name: str
    keys: tuple[str, ...]
    others: tuple[str, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        return self.keys + self.others


JOURNAL = Table("journal", ("number",), ("at", "author", "kind", "change", "hash"))
PROJECTS = Table("projects", ("name",), ("created", "source", "removed"))
COMMITS = Table("commits", ("id",), ("project", "tree", "author", "created", "message", "source", "document"))
COMMIT_PARENTS = Table("commit_parents", ("child", "position"), ("parent",))
BRANCHES = Table("branches", ("project", "name"), ("head",))
TAGS = Table("tags", ("project", "name"), ("commit", "created"))
PROJECT_SOURCES = Table("project_sources", ("project", "folder"), ("document",))
MODEL_VERSIONS = Table(
    "model_versions",
    ("name", "version"),
    ("created", "author", "framework", "commit", "path", "description", "document"),
)
MODEL_METRICS = Table("model_metrics", ("model", "version", "metric"), ("value",))
MODEL_PROFILES = Table("model_profiles", ("model", "version"), ("document",))
MODEL_TEST_RUNS = Table("model_test_runs", ("id",), ("model", "version", "at", "outcome", "commit", "document"))
ALIASES = Table("aliases", ("model", "alias"), ("version",))
PACKAGES = Table("packages", ("digest",), ("model", "version", "platform", "created", "document"))
SERVERS = Table("servers", ("name",), ("document",))
RELEASES = Table("releases", ("model", "place", "number"), ("version", "state", "created", "document"))
TRASH = Table("trash", ("id",), ("kind", "owner", "name", "removed", "author", "emptied", "document"))
KEY_EVENTS = Table("key_events", ("number",), ("at", "event", "slot", "way", "author"))
PACKS = Table("packs", ("number",), ("size",))
OBJECTS = Table("objects", ("id",), ("pack", "offset", "stored", "length", "type"))

JOURNALED = (
    PROJECTS,
    COMMITS,
    COMMIT_PARENTS,
    BRANCHES,
    TAGS,
    PROJECT_SOURCES,
    MODEL_VERSIONS,
    MODEL_METRICS,
    MODEL_PROFILES,
    MODEL_TEST_RUNS,
    ALIASES,
    PACKAGES,
    SERVERS,
    RELEASES,
    TRASH,
    KEY_EVENTS,
)
"""What replaying the journal makes; a table comes after those that its rows refer to."""


def insert(connection: dbapi2.Connection, table: Table, row: Row) -> None:
    """Add ``row``; columns that it leaves out take their default."""
    connection.execute(_inserting(table, row), _stored(row.values()))


def put(connection: dbapi2.Connection, table: Table, row: Row) -> None:
    """Add ``row``, or change the one with its primary key."""
    changed = ",".join(f'"{name}" = excluded."{name}"' for name in row if name not in table.keys)
    keys = ",".join(f'"{name}"' for name in table.keys)
    connection.execute(f"{_inserting(table, row)} ON CONFLICT ({keys}) DO UPDATE SET {changed}", _stored(row.values()))


def update(connection: dbapi2.Connection, table: Table, values: Row, **key: Any) -> None:
    """Give the rows that have ``key`` the columns ``values``."""
    changed = ",".join(f'"{_own(table, name)}" = ?' for name in values)
    connection.execute(
        f'UPDATE "{table.name}" SET {changed}{_where(table, key)}',  # noqa: S608  # only names of our own
        _stored((*values.values(), *key.values())),
    )


def delete(connection: dbapi2.Connection, table: Table, **key: Any) -> None:
    """Remove the rows that have ``key``."""
    connection.execute(
        f'DELETE FROM "{table.name}"{_where(table, key)}',  # noqa: S608  # only names of our own
        _stored(key.values()),
    )


def select(
    connection: dbapi2.Connection, table: Table, *, order: Sequence[str] = (), limit: int = -1, **key: Any
) -> list[Row]:
    """The first ``limit`` rows (-1: all) that have ``key``, by ``order`` (columns; "-" before one: descending), else by
    primary key."""
    columns = ",".join(f'"{name}"' for name in table.columns)
    by = ",".join(
        f'"{_own(table, name.lstrip("-"))}"{" DESC" if name.startswith("-") else ""}' for name in order or table.keys
    )
    found = query(
        connection,
        f'SELECT {columns} FROM "{table.name}"{_where(table, key)} ORDER BY {by} LIMIT ?',  # noqa: S608  # only names of our own
        *key.values(),
        limit,
    )
    return [dict(zip(table.columns, values, strict=True)) for values in found]


def rows(connection: dbapi2.Connection, table: Table) -> list[tuple[Any, ...]]:
    """All rows of ``table`` as they are stored, each with its columns in their order, by primary key."""
    columns, keys = (",".join(f'"{name}"' for name in names) for names in (table.columns, table.keys))
    found = connection.execute(f'SELECT {columns} FROM "{table.name}" ORDER BY {keys}')  # noqa: S608  # only names of our own
    return list(map(tuple, found))


def has(connection: dbapi2.Connection, table: Table, **key: Any) -> bool:
    """Whether a row has ``key``."""
    statement = f'SELECT 1 FROM "{table.name}"{_where(table, key)} LIMIT 1'  # noqa: S608  # only names of our own
    return bool(query(connection, statement, *key.values()))


def query(connection: dbapi2.Connection, statement: str, *values: Any) -> list[tuple[Any, ...]]:
    """The rows that ``statement`` finds."""
    found = connection.execute(statement, _stored(values)).fetchall()
    return [tuple(from_stored(value) if isinstance(value, str) else value for value in row) for row in found]


def texts(connection: dbapi2.Connection, statement: str, *values: Any) -> list[str]:
    """The rows that ``statement`` finds, of one text each. Raises ``StoreDamaged`` for one that is no text."""
    return [from_stored(value) for (value,) in connection.execute(statement, _stored(values))]


def _inserting(table: Table, row: Row) -> str:
    columns = ",".join(f'"{_own(table, name)}"' for name in row)
    return f'INSERT INTO "{table.name}" ({columns}) VALUES ({",".join("?" * len(row))})'  # noqa: S608  # only names of our own


def _where(table: Table, key: Row) -> str:
    return " WHERE " + " AND ".join(f'"{_own(table, name)}" = ?' for name in key) if key else ""


def _own(table: Table, column: str) -> str:
    if column not in table.columns:
        raise KeyError(f"{table.name} has no column {column}")
    return column


def _stored(values: Iterable[Any]) -> tuple[Any, ...]:
    return tuple(to_stored(value) if isinstance(value, str) else value for value in values)
