"""Finding data files by their columns: those that have a word of the text as a part of a column's name.

A word is found in the path or in a column. What has all words in its path is found by ``search_files`` alone; here it
is about the others, each of which has at least one word in its columns only.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from kronkers_studio.domain.search import SearchFilters
from kronkers_studio.registry.search_terms import LONG, beginning, folded, phrase, words
from kronkers_studio.storage.text import to_stored

if TYPE_CHECKING:
    from sqlcipher3 import dbapi2

_TABLE = "temp.by_columns"
FOUND_BY_COLUMNS = f"id IN {_TABLE}"
"""The condition on ``files``, on the connection that ``find_by_columns`` was called with."""
_Part = tuple[str, tuple[Any, ...]]
"""A part of a statement, and the values in it."""
_MOST_SHOWN = 20
_HEADERS = "SELECT DISTINCT columns FROM places JOIN headers ON headers.id = header WHERE file = ? AND header > 0"


def find_by_columns(
    connection: dbapi2.Connection, wanted: Sequence[str], filters: SearchFilters, extension: int | None
) -> int:
    """Find the files that hold all terms ``wanted``, not all in their paths, and that ``filters`` allow; how many.

    ``extension`` is the number of the one in ``filters``.
    """
    headers = {term: ids for term in wanted if (ids := _headers_with(connection, term)) != "[]"}
    if not headers:
        return 0
    by_column = {term: _having(ids, filters, extension) for term, ids in headers.items()}
    union = " UNION ALL ".join(text for text, _values in by_column.values())
    conditions = [_not(_in_path(wanted))]
    if by_path_only := [term for term in wanted if term not in headers]:
        conditions.append(_in_path(by_path_only))
    if len(headers) > 1:
        conditions += (_either(_in(*having), _in_path([term])) for term, having in by_column.items())
    values = [value for part in (*by_column.values(), *conditions) for value in part[1]]
    where = " AND ".join(text for text, _values in conditions)
    connection.execute(f"CREATE TABLE IF NOT EXISTS {_TABLE} (id INTEGER PRIMARY KEY)")
    connection.execute(f"DELETE FROM {_TABLE}")  # noqa: S608  # names and parts of our own, here and below
    statement = f"INSERT OR IGNORE INTO {_TABLE} SELECT file FROM ({union}) WHERE {where}"  # noqa: S608
    return int(connection.execute(statement, values).rowcount)


def matching_columns(connection: dbapi2.Connection, file: int, wanted: Sequence[str]) -> tuple[str, ...]:
    """The columns of a file that hold one of the terms ``wanted``, as they are written."""
    found: dict[str, None] = {}
    for (columns,) in connection.execute(_HEADERS, (file,)) if wanted else ():
        found.update(dict.fromkeys(name for name in json.loads(columns) if _holds_any(folded(name), wanted)))
    return tuple(found)[:_MOST_SHOWN]


def _headers_with(connection: dbapi2.Connection, term: str) -> str:
    """The numbers of the headers with a column that holds ``term``, as JSON."""
    row = connection.execute(
        "SELECT json_group_array(rowid) FROM header_columns WHERE header_columns MATCH ?", (phrase(_indexed(term)),)
    ).fetchone()
    return str(row[0])


def _having(headers: str, filters: SearchFilters, extension: int | None) -> _Part:
    """The files that have one of ``headers`` on a branch that ``filters`` allow."""
    text = "SELECT file FROM places WHERE header IN (SELECT value FROM json_each(?)) AND header > 0"
    values: list[Any] = [headers]
    for column, name in (("project", filters.project), ("name", filters.branch)):
        if name:
            text += f" AND branch IN (SELECT id FROM branches WHERE {column} = ?)"  # noqa: S608  # a name of our own
            values.append(to_stored(name))
    if extension is not None:
        text += " AND (SELECT extension FROM files WHERE id = file) = ?"
        values.append(extension)
    return text, tuple(values)


def _in_path(terms: Sequence[str]) -> _Part:
    match = " AND ".join(phrase(_indexed(term)) for term in terms)
    return _in("SELECT rowid FROM names WHERE names MATCH ?", (match,))


def _in(question: str, values: tuple[Any, ...]) -> _Part:
    return f"file IN ({question})", values


def _not(part: _Part) -> _Part:
    return f"NOT {part[0]}", part[1]


def _either(one: _Part, other: _Part) -> _Part:
    return f"({one[0]} OR {other[0]})", (*one[1], *other[1])


def _indexed(term: str) -> str:
    return term if len(term) >= LONG else beginning(term)


def _holds_any(key: str, wanted: Sequence[str]) -> bool:
    return any(
        term in key if len(term) >= LONG else any(word.startswith(term) for word in words(key)) for term in wanted
    )
