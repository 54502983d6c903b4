"""Finding data files by their columns: those that have a word of the text as a part of a column's name.

A word is found in the path or in a column. What has all words in its path is found by ``registry.search.files`` alone;
here it is about the others, each of which has at least one word in its columns only; a single letter is looked for in
paths only, as nearly every table has a column that begins with it. A word such as "id" is in most columns of most
files. Such sets are put together in memory: SQLite takes several times as long for it.
"""

from __future__ import annotations

import json
from array import array
from collections.abc import Iterable, Sequence
from itertools import compress
from typing import TYPE_CHECKING

from kronkers_studio.registry.search.header_index import places_state
from kronkers_studio.registry.search.terms import LONG, beginning, folded, phrase, words
from kronkers_studio.storage.stored_text import to_stored

if TYPE_CHECKING:
    from sqlcipher3 import dbapi2

_FEW_HEADERS = 500
_MOST_KEPT = 500_000  # files in all sets together, of some 70 bytes each
_GROUPS_KEPT = 20
_BRANCHES_KEPT = 4
_MOST_SHOWN = 20
_HEADERS = "SELECT DISTINCT columns FROM places JOIN headers ON headers.id = header WHERE file = ? AND header > 0"
_NAMES = "SELECT json_group_array(rowid) FROM names WHERE names MATCH ?"
_HEADER_COLUMNS = "SELECT json_group_array(rowid) FROM header_columns WHERE header_columns MATCH ?"
_Key = tuple[str, ...]  # the state of the index, and what the set is of
_Pairs = tuple["array[int]", "array[int]"]


class FileSets:
    """Sets of files, kept in memory while the index stays as it is: typing on, turning pages and changing filters ask
    for the same ones again and again. Thread-safe."""

    def __init__(self) -> None:
        self._kept: dict[_Key, frozenset[int]] = {}
        self._marks: dict[_Key, bytearray] = {}
        self._pairs: dict[_Key, _Pairs] = {}

    def in_path(self, connection: dbapi2.Connection, term: str) -> frozenset[int]:
        """The files with ``term`` in their paths."""
        key = (places_state(connection), "path", term)
        kept = self._kept.get(key)
        return kept if kept is not None else self._keep(key, _ids(connection, _NAMES, phrase(_indexed(term))))

    def in_columns(self, connection: dbapi2.Connection, term: str, branch: str) -> frozenset[int]:
        """The files with a column that holds ``term``, on ``branch`` if that is given."""
        key = (places_state(connection), branch, term, "columns")
        kept = self._kept.get(key)
        if kept is not None:
            return kept
        headers = _ids(connection, _HEADER_COLUMNS, phrase(_indexed(term)))
        where, values = _on_branch(branch)
        if len(headers) <= _FEW_HEADERS:
            question = (
                f"SELECT json_group_array(file) {where} AND header > 0 AND header IN (SELECT value FROM json_each(?))"  # noqa: S608
            )
            return self._keep(key, _ids(connection, question, *values, json.dumps(list(headers))))
        having, files = self._headers_of_files(connection, branch)
        return self._keep(key, compress(files, map(frozenset(headers).__contains__, having)))

    def in_group(self, connection: dbapi2.Connection, group: str) -> bytearray:
        """For the number of each file, whether it is in a group, as the full-text index has it: 1 or 0."""
        return self._marked(connection, (places_state(connection), "group", group), _NAMES, phrase(group))

    def on_branch(self, connection: dbapi2.Connection, branch: str) -> bytearray:
        """For the number of each file, whether it is on ``branch``: 1 or 0."""
        where, values = _on_branch(branch)
        return self._marked(
            connection, (places_state(connection), "branch", branch), f"SELECT json_group_array(file) {where}", *values
        )

    def _marked(self, connection: dbapi2.Connection, key: _Key, question: str, *values: str) -> bytearray:
        marks = self._marks.get(key)
        if marks is None:
            (last,) = connection.execute("SELECT coalesce(max(id), 0) FROM files").fetchone()
            marks = bytearray(last + 1)
            for file in _ids(connection, question, *values):
                marks[file] = 1
            self._marks = dict([*self._marks.items(), (key, marks)][-_GROUPS_KEPT:])
        return marks

    def _keep(self, key: _Key, files: Iterable[int]) -> frozenset[int]:
        found = frozenset(files)
        sets = [(other, kept) for other, kept in self._kept.items() if other[0] == key[0]]
        while sets and sum(len(kept) for _key, kept in sets) + len(found) > _MOST_KEPT:
            del sets[0]
        self._kept = {**dict(sets), key: found}  # another one, as other threads may use the one there is
        return found

    def _headers_of_files(self, connection: dbapi2.Connection, branch: str) -> _Pairs:
        """Two columns: headers, and the files that have them."""
        key = (places_state(connection), branch)
        kept = self._pairs.get(key)
        if kept is None:
            where, values = _on_branch(branch)
            question = f"SELECT json_group_array(header), json_group_array(file) {where} AND header > 0"
            headers, files = connection.execute(question, values).fetchone()
            kept = array("q", json.loads(headers)), array("q", json.loads(files))
            self._pairs = dict([*self._pairs.items(), (key, kept)][-_BRANCHES_KEPT:])
        return kept


def find_by_columns(
    connection: dbapi2.Connection, sets: FileSets, wanted: Sequence[str], branch: str, groups: Sequence[str]
) -> frozenset[int]:
    """The files that hold all terms ``wanted``, not all in their paths, on ``branch`` if that is given, and that are in
    all ``groups``, as the full-text index has them."""
    nowhere: frozenset[int] = frozenset()
    by_column = [sets.in_columns(connection, term, branch) if len(term) > 1 else nowhere for term in wanted]
    if not any(by_column):
        return nowhere
    by_path = [sets.in_path(connection, term) for term in wanted]
    either = [one | other for one, other in zip(by_column, by_path, strict=True)]
    found = either[0].intersection(*either[1:]) - by_path[0].intersection(*by_path[1:])
    for group in groups if found else ():
        marks = sets.in_group(connection, group)
        found = frozenset(file for file in found if marks[file])
    return found


def matching_columns(connection: dbapi2.Connection, file: int, wanted: Sequence[str]) -> tuple[str, ...]:
    """The columns of a file that hold one of the terms ``wanted``, as they are written."""
    found: dict[str, None] = {}
    terms = [term for term in wanted if len(term) > 1]
    for (columns,) in connection.execute(_HEADERS, (file,)) if terms else ():
        found.update(dict.fromkeys(name for name in json.loads(columns) if _holds_any(folded(name), terms)))
    return tuple(found)[:_MOST_SHOWN]


def _ids(connection: dbapi2.Connection, question: str, *values: str) -> list[int]:
    """The numbers that ``question`` answers with in one row, as JSON: that takes less time than a row for each."""
    found: list[int] = json.loads(connection.execute(question, values).fetchone()[0])
    return found


def _on_branch(branch: str) -> tuple[str, tuple[str, ...]]:
    """The places on a branch, or all: a part of a statement, and the values in it."""
    if not branch:
        return "FROM places WHERE 1", ()
    return "FROM places WHERE branch IN (SELECT id FROM branches WHERE name = ?)", (to_stored(branch),)


def _indexed(term: str) -> str:
    return term if len(term) >= LONG else beginning(term)


def _holds_any(key: str, wanted: Sequence[str]) -> bool:
    return any(
        term in key if len(term) >= LONG else any(word.startswith(term) for word in words(key)) for term in wanted
    )
