"""Finding data files by their columns: those that have a word of the text as a part of a column's name.

A word is found in the path or in a column. What has all words in its path is found by ``search_files`` alone; here it
is about the others, each of which has at least one word in its columns only; a single letter is looked for in paths
only, as nearly every table has a column that begins with it. A word such as "id" is in most columns of
most files. Such sets are put together in memory: SQLite takes several times as long for it.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, TypeVar

from kronkers_studio.domain.search import SearchFilters
from kronkers_studio.registry.search_headers import places_state
from kronkers_studio.registry.search_terms import LONG, WITH_EXTENSION, beginning, facet, folded, phrase, words
from kronkers_studio.storage.text import to_stored

if TYPE_CHECKING:
    from sqlcipher3 import dbapi2

_FEW_HEADERS = 500
_MOST_KEPT = 3  # sets of a kind
_MOST_SHOWN = 20
_HEADERS = "SELECT DISTINCT columns FROM places JOIN headers ON headers.id = header WHERE file = ? AND header > 0"
_Key = tuple[str, str, str]  # the state of the index, and what the set is of
_Kept = TypeVar("_Kept")


class FileSets:
    """Which files have which headers, are on a branch, or have an extension: kept in memory while the index stays as
    it is. Thread-safe."""

    def __init__(self) -> None:
        self._by_header: dict[_Key, dict[int, list[int]]] = {}
        self._on_branch: dict[_Key, frozenset[int]] = {}
        self._with_extension: dict[_Key, frozenset[int]] = {}

    def having(self, connection: dbapi2.Connection, headers: Collection[int], filters: SearchFilters) -> set[int]:
        """The files of the project and branch in ``filters`` that have one of ``headers``."""
        where, values = _places(filters)
        if len(headers) <= _FEW_HEADERS:
            question = f"SELECT file {where} AND header > 0 AND header IN (SELECT value FROM json_each(?))"  # noqa: S608
            return _ids(connection, question, *values, json.dumps(list(headers)))
        key = (places_state(connection), filters.project, filters.branch)
        kept = self._by_header.get(key)
        if kept is None:
            kept = {}
            question = f"SELECT header, file {where} AND header > 0"
            for header, file in connection.execute(question, values).fetchall():
                kept.setdefault(header, []).append(file)
            self._by_header = _with(self._by_header, key, kept)
        nothing: list[int] = []
        return {file for header in headers for file in kept.get(header, nothing)}

    def on_branch(self, connection: dbapi2.Connection, filters: SearchFilters) -> frozenset[int]:
        """The files of the project and branch in ``filters``."""
        key = (places_state(connection), filters.project, filters.branch)
        kept = self._on_branch.get(key)
        if kept is None:
            where, values = _places(filters)
            kept = frozenset(_ids(connection, f"SELECT file {where}", *values))
            self._on_branch = _with(self._on_branch, key, kept)
        return kept

    def with_extension(self, connection: dbapi2.Connection, extension: int) -> frozenset[int]:
        """The files with the extension of that number."""
        key = (places_state(connection), str(extension), "")
        kept = self._with_extension.get(key)
        if kept is None:
            kept = frozenset(files_with(connection, phrase(facet(WITH_EXTENSION, extension))))
            self._with_extension = _with(self._with_extension, key, kept)
        return kept


def find_by_columns(
    connection: dbapi2.Connection,
    sets: FileSets,
    wanted: Sequence[str],
    filters: SearchFilters,
    extension: int | None,
) -> set[int]:
    """The files that hold all terms ``wanted``, not all in their paths, and that ``filters`` allow.

    ``extension`` is the number of the one in ``filters``.
    """
    headers = {term: _headers_with(connection, term) for term in wanted if len(term) > 1}
    by_column = {term: sets.having(connection, found, filters) for term, found in headers.items() if found}
    if not any(by_column.values()):
        return set()
    by_path = {term: files_with(connection, phrase(_indexed(term))) for term in wanted}
    nowhere: set[int] = set()
    found, in_path = [by_column.get(term, nowhere) | by_path[term] for term in wanted], list(by_path.values())
    rest = found[0].intersection(*found[1:]) - in_path[0].intersection(*in_path[1:])
    return rest if extension is None else rest & sets.with_extension(connection, extension)


def files_with(connection: dbapi2.Connection, match: str) -> set[int]:
    """The files that the full-text index finds."""
    return _ids(connection, "SELECT rowid FROM names WHERE names MATCH ?", match)


def matching_columns(connection: dbapi2.Connection, file: int, wanted: Sequence[str]) -> tuple[str, ...]:
    """The columns of a file that hold one of the terms ``wanted``, as they are written."""
    found: dict[str, None] = {}
    terms = [term for term in wanted if len(term) > 1]
    for (columns,) in connection.execute(_HEADERS, (file,)) if terms else ():
        found.update(dict.fromkeys(name for name in json.loads(columns) if _holds_any(folded(name), terms)))
    return tuple(found)[:_MOST_SHOWN]


def _headers_with(connection: dbapi2.Connection, term: str) -> set[int]:
    """The headers with a column that holds ``term``."""
    question = "SELECT rowid FROM header_columns WHERE header_columns MATCH ?"
    return _ids(connection, question, phrase(_indexed(term)))


def _ids(connection: dbapi2.Connection, question: str, *values: str) -> set[int]:
    return {id for (id,) in connection.execute(question, values).fetchall()}


def _places(filters: SearchFilters) -> tuple[str, list[str]]:
    """The places of the project and branch in ``filters``: a part of a statement, and the values in it."""
    question, values = "FROM places WHERE 1", []
    for column, name in (("project", filters.project), ("name", filters.branch)):
        if name:
            question += f" AND branch IN (SELECT id FROM branches WHERE {column} = ?)"  # noqa: S608  # of our own
            values.append(to_stored(name))
    return question, values


def _with(kept: dict[_Key, _Kept], key: _Key, value: _Kept) -> dict[_Key, _Kept]:
    """``kept`` with another one, without the oldest; not changed, as other threads may use it."""
    return dict([*kept.items(), (key, value)][-_MOST_KEPT:])


def _indexed(term: str) -> str:
    return term if len(term) >= LONG else beginning(term)


def _holds_any(key: str, wanted: Sequence[str]) -> bool:
    return any(
        term in key if len(term) >= LONG else any(word.startswith(term) for word in words(key)) for term in wanted
    )
