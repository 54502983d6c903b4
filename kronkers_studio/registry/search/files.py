"""Finding files in the search index: how many there are, and a page of them in any order.

Few files are looked up in the full-text index and then sorted. Of many, a page is mostly complete after the first rows
of an index in the order asked for; when it is not, because what is sought comes late in that order, every file is
looked at once, which bounds the time that any search takes. By relevance, what is found by its columns comes after what
is found by its path, so that the two are never sorted together.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kronkers_studio.domain.content import DEFAULT_BRANCH, time_of
from kronkers_studio.domain.search import SearchFilters, SearchHit, SearchKind, SortKey
from kronkers_studio.registry.search.column_matches import FileSets, find_by_columns, matching_columns
from kronkers_studio.registry.search.terms import (
    IN_BRANCH,
    IN_PROJECT,
    LONG,
    WITH_EXTENSION,
    beginning,
    facet,
    folded,
    mark,
    phrase,
)
from kronkers_studio.storage.stored_text import from_stored, to_stored

if TYPE_CHECKING:
    from sqlcipher3 import dbapi2

_FEW = 0.05
"""The share of all files up to which those that are found are sorted."""
_TOP = 3000
"""How many rows of an order are looked at for a page of many files, besides those that should be enough."""
_NAMES = "SELECT rowid FROM names WHERE names MATCH ?"
_HAS_COLUMNS = "found_by_columns"
_AFTER_ALL = "\U0010ffff\U0010ffff"
"""Sorts behind everything that may follow in a stored text."""
_ORDERS = {SortKey.NAME: "key", SortKey.NEWEST: "-mtime", SortKey.SIZE: "-size"}
_Row = tuple[int, int, int]  # id, size, time of change


@dataclass(frozen=True, slots=True)
class _Sql:
    """A part of a statement about ``files``, and the values in it."""

    text: str
    values: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class _Sought:
    """What a file must have: a text in the full-text index ("": it is not there), or a condition on its row."""

    indexed: str
    condition: _Sql


class FoundFiles:
    """The files that hold all terms ``wanted`` in their paths or columns and that ``filters`` allow: ``count``."""

    def __init__(
        self, connection: dbapi2.Connection, sets: FileSets, wanted: Sequence[str], filters: SearchFilters
    ) -> None:
        self._connection = connection
        self._wanted = wanted
        self._sort = filters.sort
        self._are_few = False
        self._conditions: list[_Sql] = []
        self._all = self._number("SELECT coalesce(max(id), 0) FROM files")
        self._by_path = 0  # how many
        self._by_columns: frozenset[int] = frozenset()
        self._find(sets, filters)
        self.count = self._by_path + len(self._by_columns)

    def page(self, limit: int, offset: int) -> list[SearchHit]:
        """Those from ``offset`` on. By relevance, names that begin with the first term and hold the others come before
        names that hold all, these before paths that do, and these before columns; of each, what is not deep in folders
        comes first."""
        if self._sort.key in _ORDERS or not self._wanted:
            rows = self._by_column(_ORDERS.get(self._sort.key, "depth"), limit, offset)
        else:
            rows = []
            parts = [(self._by_path, self._by_relevance), (len(self._by_columns), self._by_depth)]
            for count, page in reversed(parts) if self._sort.reverse else parts:
                if offset < count and len(rows) < limit:
                    rows += page(limit - len(rows), offset)
                offset = max(0, offset - count)
        return [self._hit(*row) for row in rows]

    # ---- which ----

    def _find(self, sets: FileSets, filters: SearchFilters) -> None:
        sought = []
        for group, name in (
            (IN_PROJECT, to_stored(filters.project)),
            (WITH_EXTENSION, folded(filters.extension.removeprefix("."))),
            (IN_BRANCH, to_stored(filters.branch)),
        ):
            if name:
                statement = "SELECT number FROM facets WHERE kind = ? AND name = ?"
                row = self._connection.execute(statement, (group, name)).fetchone()
                if row is None:
                    return
                sought.append(_in_group(group, row[0]))
        groups = [one.indexed for one in sought if one.indexed]
        self._by_path = self._look_up([*sought, *map(_in_path, self._wanted)], sets, filters.branch)
        self._by_columns = find_by_columns(self._connection, sets, self._wanted, filters.branch, groups)

    def _look_up(self, sought: Sequence[_Sought], sets: FileSets, branch: str) -> int:
        match = " AND ".join(phrase(one.indexed) for one in sought if one.indexed)
        self._conditions = [one.condition for one in sought]
        most, count = int(_FEW * self._all), 0
        if match:
            question = f"SELECT count(*), json_group_array(rowid) FROM ({_NAMES} LIMIT ?)"  # noqa: S608  # of our own
            count, ids = self._connection.execute(question, (match, most + 1)).fetchone()
            if count <= most:
                self._are_few = True
                self._conditions = [*(one.condition for one in sought if not one.indexed), _among(ids)]
        if branch and not self._are_few:
            marks = sets.on_branch(self._connection, branch)
            count = marks.count(1)
            if match:
                question = f"SELECT json_group_array(rowid) FROM ({_NAMES})"  # noqa: S608  # of our own
                (ids,) = self._connection.execute(question, (match,)).fetchone()
                found = [file for file in json.loads(ids) if marks[file]]
                count = len(found)
                if count <= most:
                    self._are_few = True
                    self._conditions = [_among(json.dumps(found))]
            return count
        if branch or not match:
            condition = _all(self._conditions)
            return self._number(f"SELECT count(*) FROM files WHERE {condition.text}", condition.values)  # noqa: S608
        return count if self._are_few else self._number("SELECT count(*) FROM names WHERE names MATCH ?", (match,))

    def _number(self, statement: str, values: tuple[Any, ...] = ()) -> int:
        return int(self._connection.execute(statement, values).fetchone()[0])

    # ---- in which order ----

    def _by_relevance(self, limit: int, offset: int) -> list[_Row]:
        first, *others = self._wanted
        found, begins = _all(self._conditions), _all([_begins_name(first), *map(_in_name, others)])
        in_name = _all(map(_in_name, self._wanted))
        order = [
            _Sql(f"NOT ({begins.text})", begins.values),
            _Sql(f"NOT ({in_name.text})", in_name.values),
            _Sql("depth"),
        ]
        if self._are_few or self._sort.reverse:
            return self._sorted(found, order, limit, offset)
        end = offset + limit
        best = self._beginning_with(first, begins, end)
        missing = end - max(len(best), offset)
        if not missing:
            return best[offset:]
        found, after = _all([found, _Sql(f"NOT ({begins.text})", begins.values)]), max(0, offset - len(best))
        rest = self._from_top(_all([found, in_name]), self._by_path, "depth", missing, after)
        return best[offset:] + (rest or self._sorted(found, order, missing, after))

    def _beginning_with(self, term: str, begins: _Sql, limit: int) -> list[_Row]:
        """What begins with ``term`` also holds it: without that condition, the index says it all for one term."""
        others = [condition for condition in self._conditions if condition != _in_path(term).condition]
        return self._rows("files INDEXED BY files_by_key", _all([begins, *others]), [_Sql("depth")], limit, 0)

    def _by_depth(self, limit: int, offset: int) -> list[_Row]:
        """Of those that are found by their columns."""
        return self._ordered(self._has_columns(), len(self._by_columns), "depth", limit, offset)

    def _has_columns(self) -> _Sql:
        """The condition for being found by its columns."""
        if len(self._by_columns) <= _FEW * self._all:
            return _among(json.dumps(list(self._by_columns)))
        self._connection.create_function(_HAS_COLUMNS, 1, self._by_columns.__contains__, deterministic=True)
        return _Sql(f"{_HAS_COLUMNS}(id)")

    def _by_column(self, column: str, limit: int, offset: int) -> list[_Row]:
        found = _all(self._conditions)
        if self._by_columns:
            by_columns = self._has_columns()
            either = _Sql(f"({by_columns.text} OR ({found.text}))", (*by_columns.values, *found.values))
            found = either if self._by_path else by_columns
        return self._ordered(found, self.count, column, limit, offset)

    def _ordered(self, condition: _Sql, count: int, column: str, limit: int, offset: int) -> list[_Row]:
        rows = [] if count <= _FEW * self._all else self._from_top(condition, count, column, limit, offset)
        return rows or self._sorted(condition, [_Sql(column)], limit, offset)

    def _from_top(self, condition: _Sql, count: int, column: str, limit: int, offset: int) -> list[_Row]:
        """The rows asked for if all are among the first ones of the index on ``column``, else none.

        They come as the inner question gives them: told the order again, SQLite would sort all before the limit.
        """
        order, index = self._directed([_Sql(column)]), f"files_by_{column.removeprefix('-')}"
        top = _TOP + 2 * (limit + offset) * self._all // max(1, count)
        found: list[_Row] = self._connection.execute(
            f"SELECT id, size, mtime FROM (SELECT * FROM files INDEXED BY {index} {order.text} LIMIT ?) AS files "  # noqa: S608
            f"WHERE {condition.text} LIMIT ? OFFSET ?",
            (top, *condition.values, limit, offset),
        ).fetchall()
        return found if len(found) == limit else []

    def _sorted(self, condition: _Sql, order: list[_Sql], limit: int, offset: int) -> list[_Row]:
        return self._rows("files NOT INDEXED", condition, order, limit, offset)

    def _rows(self, source: str, condition: _Sql, order: list[_Sql], limit: int, offset: int) -> list[_Row]:
        by = self._directed(order)
        rows: list[_Row] = self._connection.execute(
            f"SELECT id, size, mtime FROM {source} WHERE {condition.text} {by.text} LIMIT ? OFFSET ?",  # noqa: S608
            (*condition.values, *by.values, limit, offset),
        ).fetchall()
        return rows

    def _directed(self, order: list[_Sql]) -> _Sql:
        """``ORDER BY``, turned around if that is asked for; what is equal is in the order in which it was indexed."""
        down = {False: "ASC", True: "DESC"}
        columns = [
            f"{one.text.removeprefix('-')} {down[one.text.startswith('-') != self._sort.reverse]}"
            for one in (*order, _Sql("id"))
        ]
        return _Sql(f"ORDER BY {', '.join(columns)}", tuple(value for one in order for value in one.values))

    def _hit(self, id: int, size: int, mtime: int) -> SearchHit:
        row = self._connection.execute("SELECT project, path FROM paths WHERE id = ?", (id,)).fetchone()
        project, path = map(from_stored, row)
        branches = self._connection.execute(
            "SELECT name FROM places JOIN branches ON branches.id = branch WHERE file = ? ORDER BY name <> ?, name",
            (id, DEFAULT_BRANCH),
        )
        return SearchHit(
            SearchKind.FILE,
            path.rpartition("/")[2],
            project,
            path,
            tuple(from_stored(name) for (name,) in branches),
            size,
            time_of(mtime),
            columns=matching_columns(self._connection, id, self._wanted),
        )


def _among(ids: str) -> _Sql:
    """The condition for being one of ``ids``, which are JSON."""
    return _Sql("id IN (SELECT value FROM json_each(?))", (ids,))


def _all(conditions: Iterable[_Sql]) -> _Sql:
    parts = list(conditions)
    return _Sql(
        " AND ".join(part.text for part in parts) or "1", tuple(value for part in parts for value in part.values)
    )


def _in_group(group: str, number: int) -> _Sought:
    if group == IN_BRANCH:
        return _Sought("", _Sql("instr(branches, ?)", (mark(number),)))
    column = {IN_PROJECT: "project", WITH_EXTENSION: "extension"}[group]
    return _Sought(facet(group, number), _Sql(f"{column} = ?", (number,)))


def _indexed(term: str) -> tuple[str, str, str]:
    """What stands for ``term`` in the index, in which column, and where that column's part about the name ends."""
    return (term, "key", "name_end") if len(term) >= LONG else (beginning(term), "starts", "instr(starts, '/')")


def _in_path(term: str) -> _Sought:
    text, column, _end = _indexed(term)
    return _Sought(text, _Sql(f"instr({column}, ?)", (text,)))


def _in_name(term: str) -> _Sql:
    """It is in the name, when it is known to be in the path."""
    text, column, end = _indexed(term)
    return _Sql(f"instr({column}, ?) <= {end}", (text,))


def _begins_name(term: str) -> _Sql:
    return _Sql("key BETWEEN ? AND ?", (term, term + _AFTER_ALL))
