"""Looking for projects, model versions and files by text and filters; filters, order and paging are SQL's.

What is found comes as tiers one after the other, each with its own condition and one order. A tier that few files match
is looked up in the full-text index and then put in order. One that many files match is read in its order from an index,
keeping those that were looked up; and one that a great part of all files match is not even looked up, but tested file
by file, because a page of it is complete after a few.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from kronkers_studio.domain.content import DEFAULT_BRANCH
from kronkers_studio.domain.progress import NEVER, SILENT, CancelToken, Progress
from kronkers_studio.domain.search import SearchFilters, SearchHit, SearchKind, SearchPage, Sort, SortKey
from kronkers_studio.registry.search_index import SearchIndex
from kronkers_studio.registry.search_terms import (
    IN_NAME,
    IN_PATH,
    IN_PROJECT,
    LONG,
    WITH_EXTENSION,
    beginning,
    facet,
    folded,
    phrase,
    terms,
    words,
)
from kronkers_studio.storage.text import from_stored, to_stored

if TYPE_CHECKING:
    from sqlcipher3 import dbapi2

_DENSE, _VERY_DENSE = 0.02, 0.15
"""The shares of all files from which on a tier is read in order, and tested without looking it up first."""
_AFTER_ALL = "\U0010ffff\U0010ffff"
"""Sorts behind everything that may follow in a stored text."""
_FILE_ORDERS = {
    SortKey.NAME: ("name_key", "path"),
    SortKey.NEWEST: ("-mtime", "path"),
    SortKey.SIZE: ("-size", "path"),
}
_FILE_COLUMNS = "id, project, path, size, mtime"
_DETAIL = 160  # characters of a description


@dataclass(frozen=True, slots=True)
class _Tier:
    """Hits that come together: how many there are, and those from ``offset`` on."""

    kind: SearchKind
    count: int
    fetch: Callable[[int, int], list[SearchHit]]  # limit, offset


@dataclass(slots=True)
class _Where:
    """Conditions and the values in them."""

    parts: list[str] = field(default_factory=list)
    values: list[Any] = field(default_factory=list)

    def add(self, part: str, *values: Any) -> None:
        self.parts.append(part)
        self.values.extend(values)

    def plus(self, part: str, *values: Any) -> _Where:
        return _Where([*self.parts, part], [*self.values, *values])

    def both(self, other: _Where) -> _Where:
        return _Where([*self.parts, *other.parts], [*self.values, *other.values])

    @property
    def sql(self) -> str:
        return " AND ".join(self.parts) or "1"


class Search:
    """Searches of one workspace."""

    def __init__(self, index: SearchIndex) -> None:
        self._index = index

    def run(
        self,
        text: str,
        filters: SearchFilters = SearchFilters(),  # noqa: B008  # frozen
        limit: int = 50,
        offset: int = 0,
        *,
        progress: Progress = SILENT,
        cancel: CancelToken = NEVER,
    ) -> SearchPage:
        """The hits from ``offset`` on. Every word of ``text`` must be found; no text finds all that the filters allow.

        The first search brings the index up to date, which takes some seconds for each 100,000 new files. Raises
        ``Cancelled`` or ``StorageFull``.
        """
        with self._index.current(progress=progress, cancel=cancel) as connection:
            wanted = terms(text)
            if wanted is None:
                return SearchPage(0, ())
            tiers = [
                *(_projects(connection, wanted, filters) if filters.wants(SearchKind.PROJECT) else ()),
                *(_models(connection, text, filters) if filters.wants(SearchKind.MODEL) else ()),
                *(_files(connection, wanted, filters) if filters.wants(SearchKind.FILE) else ()),
            ]
            return _page(tiers, limit, offset)

    def close(self) -> None:
        self._index.close()


def _page(tiers: Sequence[_Tier], limit: int, offset: int) -> SearchPage:
    hits: list[SearchHit] = []
    counts = dict.fromkeys(SearchKind, 0)
    for tier in tiers:
        counts[tier.kind] += tier.count
        if offset < tier.count and len(hits) < limit:
            hits += tier.fetch(limit - len(hits), offset)
        offset = max(0, offset - tier.count)
    return SearchPage(sum(counts.values()), tuple(hits), counts)


# ---- projects ----


def _projects(connection: dbapi2.Connection, wanted: list[str], filters: SearchFilters) -> Iterator[_Tier]:
    found = []
    for (name,) in connection.execute("SELECT DISTINCT project FROM branches ORDER BY project"):
        key = folded(from_stored(name))
        if filters.project in ("", from_stored(name)) and all(_begins_or_holds(key, term) for term in wanted):
            found.append(SearchHit(SearchKind.PROJECT, from_stored(name), from_stored(name)))
    yield _Tier(SearchKind.PROJECT, len(found), lambda limit, offset: found[offset : offset + limit])


def _begins_or_holds(key: str, term: str) -> bool:
    return term in key if len(term) >= LONG else any(word.startswith(term) for word in words(key))


# ---- models ----


def _models(connection: dbapi2.Connection, text: str, filters: SearchFilters) -> Iterator[_Tier]:
    wanted = words(folded(text))
    if text.strip() and not wanted:
        return
    where = _Where()
    source = "versions v"
    if wanted:
        source = "version_words w JOIN versions v ON v.id = w.rowid"
        where.add("version_words MATCH ?", " AND ".join(f"{phrase(word)}*" for word in dict.fromkeys(wanted)))
    for column, value in (("project", filters.project), ("framework", filters.framework)):
        if value:
            where.add(f"v.{column} = ?", to_stored(value))
    if filters.tag:
        where.add("v.id IN (SELECT id FROM version_tags WHERE tag = ?)", folded(filters.tag))
    for condition in filters.metrics:
        where.add(
            f"v.id IN (SELECT id FROM version_metrics WHERE metric = ? AND value {condition.operator.value} ?)",  # noqa: S608  # parts of our own
            *(to_stored(condition.metric), condition.value),
        )
    count = connection.execute(f"SELECT count(*) FROM {source} WHERE {where.sql}", where.values).fetchone()[0]  # noqa: S608  # parts of our own
    yield _Tier(SearchKind.MODEL, count, partial(_fetch_models, connection, source, where, filters.sort, bool(wanted)))


def _fetch_models(
    connection: dbapi2.Connection, source: str, where: _Where, sort: Sort, ranked: bool, limit: int, offset: int
) -> list[SearchHit]:
    values: list[Any] = []
    if sort.key is SortKey.METRIC:
        source += " LEFT JOIN version_metrics m ON m.id = v.id AND m.metric = ?"
        values.append(to_stored(sort.metric))
    order = {
        SortKey.RELEVANCE: "bm25(version_words, 10, 6, 3, 2, 2, 1), -v.version" if ranked else "-v.version",
        SortKey.NAME: "v.model, -v.version",
        SortKey.NEWEST: "v.created DESC",
        SortKey.SIZE: "-v.size",
        SortKey.METRIC: f"m.value IS NULL, {'' if sort.reverse else '-'}m.value",
    }[sort.key]
    if sort.reverse and sort.key is not SortKey.METRIC:
        order = {
            SortKey.RELEVANCE: "bm25(version_words, 10, 6, 3, 2, 2, 1) DESC, v.version" if ranked else "v.version",
            SortKey.NAME: "v.model DESC, v.version DESC",
            SortKey.NEWEST: "v.created",
            SortKey.SIZE: "v.size",
        }[sort.key]
    rows = connection.execute(
        "SELECT v.model, v.version, v.project, v.path, v.framework, v.size, v.created, v.description "  # noqa: S608
        f"FROM {source} WHERE {where.sql} ORDER BY {order}, v.model, v.version DESC LIMIT ? OFFSET ?",
        [*values, *where.values, limit, offset],
    )
    return [
        SearchHit(
            SearchKind.MODEL,
            f"{from_stored(model)}:{version}",
            from_stored(project),
            from_stored(path),
            size=size,
            modified=datetime.fromisoformat(created),
            model=from_stored(model),
            version=version,
            framework=framework,
            detail=from_stored(description)[:_DETAIL],
        )
        for model, version, project, path, framework, size, created, description in rows
    ]


# ---- files ----


def _files(connection: dbapi2.Connection, wanted: list[str], filters: SearchFilters) -> Iterator[_Tier]:
    facets, where = [], _Where()
    for group, column, value in (
        (IN_PROJECT, "project", to_stored(filters.project)),
        (WITH_EXTENSION, "extension", folded(filters.extension.removeprefix("."))),
    ):
        if value:
            row = connection.execute("SELECT number FROM facets WHERE kind = ? AND name = ?", (group, value)).fetchone()
            if row is None:
                return
            facets.append(f"{{starts}} : {phrase(facet(group, row[0]))}")
            where.add(f"{column} = ?", value)
    finder = _FileFinder(connection, facets, where, filters)
    in_path, in_name = _match(wanted, "folder name", IN_PATH), _match(wanted, "name", IN_NAME)
    test_path, test_name = _tests(wanted, anywhere=True), _tests(wanted, anywhere=False)
    everything = finder.count(in_path)
    if not wanted or filters.sort.key not in (SortKey.RELEVANCE, SortKey.METRIC):
        yield finder.tier(everything, in_path, test_path)
        return
    # whatever begins with the first term also holds it
    begins = _Where(["name_key >= ?", "name_key < ?"], [wanted[0], wanted[0] + _AFTER_ALL])
    begun = begins.both(_tests(wanted[1:], anywhere=False))
    named, begun_count = finder.count(in_name), finder.count_tested(begun)
    tiers = [
        finder.tier(begun_count, None, begun),
        finder.tier(named - begun_count, in_name, test_name, f"NOT ({begins.sql})", *begins.values),
        finder.tier(
            everything - named,
            f"({in_path}) NOT ({in_name})",
            test_path.plus(f"NOT ({test_name.sql})", *test_name.values),
        ),
    ]
    yield from reversed(tiers) if filters.sort.reverse else tiers


def _match(wanted: list[str], columns: str, mark: str) -> str:
    """The query for FTS5 that finds all terms in ``columns``."""
    return " AND ".join(
        f"{{{columns}}} : {phrase(term)}" if len(term) >= LONG else f"{{starts}} : {phrase(beginning(term, mark))}"
        for term in wanted
    )


def _tests(wanted: list[str], *, anywhere: bool) -> _Where:
    """What ``_match`` finds, as conditions on one file."""
    where = _Where()
    for term in wanted:
        if len(term) < LONG:
            where.add("instr(starts, ?)", beginning(term, IN_PATH if anywhere else IN_NAME))
        elif anywhere:
            where.add("(instr(name_key, ?) OR instr(folder_key, ?))", term, term)
        else:
            where.add("instr(name_key, ?)", term)
    return where


class _FileFinder:
    """Makes tiers of files, all under the same filters and in the same order."""

    def __init__(
        self, connection: dbapi2.Connection, facets: list[str], facet_tests: _Where, filters: SearchFilters
    ) -> None:
        self._connection = connection
        self._facets = facets
        self._facet_tests = facet_tests
        self._in_branch = _Where()
        if filters.branch:
            self._in_branch.add(
                "id IN (SELECT file FROM places JOIN branches b ON b.id = branch WHERE b.name = ?)",
                to_stored(filters.branch),
            )
        sort = filters.sort
        order = _FILE_ORDERS.get(sort.key, ("depth", "path"))
        directions = [column.startswith("-") != sort.reverse for column in (*order, "project")]
        columns = [column.removeprefix("-") for column in (*order, "project")]
        self._order = [f"{c} {'DESC' if down else 'ASC'}" for c, down in zip(columns, directions, strict=True)]
        self._all = connection.execute("SELECT max(id) FROM files").fetchone()[0] or 0

    def count(self, match: str) -> int:
        """How many files the full-text query ``match`` and the filters allow."""
        match = self._with_facets(match)
        if match and not self._in_branch.parts:
            return self._number("SELECT count(*) FROM names WHERE names MATCH ?", [match])
        return self._number(*self._counting(self._looked_up(match)))

    def count_tested(self, test: _Where) -> int:
        """How many files the filters allow and ``test`` holds for, which should be few or in an index."""
        return self._number(*self._counting(self._tested(test)))

    def tier(self, count: int, match: str | None, test: _Where, extra: str = "", *values: Any) -> _Tier:
        """The ``count`` files that the full-text query ``match`` finds, which are those that ``test`` holds for, if
        ``extra`` holds too. With ``match`` None, ``test`` is quick."""
        also = _Where([extra], list(values)) if extra else _Where()
        share = count / max(1, self._all)
        if match is None or share > _VERY_DENSE:
            where, order = self._tested(test), self._order
        elif share > _DENSE:  # the unary plus keeps SQLite from leaving the order's index for the other condition
            where, order = self._looked_up(self._with_facets(match), "+id"), self._order
        else:
            where, order = self._looked_up(self._with_facets(match)), [f"+{column}" for column in self._order]
        return _Tier(SearchKind.FILE, count, partial(self._fetch, where.both(also), ", ".join(order)))

    def _with_facets(self, match: str) -> str:
        return " AND ".join([*self._facets, *([f"({match})"] if match else [])])

    def _looked_up(self, match: str, id: str = "id") -> _Where:
        among = f"{id} IN (SELECT rowid FROM names WHERE names MATCH ?)"  # noqa: S608  # parts of our own
        found = _Where([among], [match]) if match else _Where()
        return found.both(self._in_branch)

    def _tested(self, test: _Where) -> _Where:
        return test.both(self._facet_tests).both(self._in_branch)

    def _counting(self, where: _Where) -> tuple[str, list[Any]]:
        return f"SELECT count(*) FROM files WHERE {where.sql}", where.values  # noqa: S608  # parts of our own

    def _number(self, statement: str, values: list[Any]) -> int:
        return int(self._connection.execute(statement, values).fetchone()[0])

    def _fetch(self, where: _Where, order: str, limit: int, offset: int) -> list[SearchHit]:
        rows = self._connection.execute(
            f"SELECT {_FILE_COLUMNS} FROM files WHERE {where.sql} ORDER BY {order} LIMIT ? OFFSET ?",  # noqa: S608
            [*where.values, limit, offset],
        ).fetchall()
        return [self._hit(*row) for row in rows]

    def _hit(self, id: int, project: str, path: str, size: int, mtime: int) -> SearchHit:
        branches = self._connection.execute(
            "SELECT name FROM places JOIN branches ON branches.id = branch WHERE file = ? ORDER BY name <> ?, name",
            (id, DEFAULT_BRANCH),
        )
        name = from_stored(path)
        return SearchHit(
            SearchKind.FILE,
            name.rpartition("/")[2],
            from_stored(project),
            name,
            tuple(from_stored(branch) for (branch,) in branches),
            size,
            datetime.fromtimestamp(mtime / 1e9, UTC),
        )
