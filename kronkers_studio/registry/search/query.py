"""Looking for projects, model versions and files by text and filters; filters, order and paging are SQL's.

What is found comes as tiers one after the other, one of each kind.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from kronkers_studio.domain.progress import NEVER, SILENT, CancelToken, Progress
from kronkers_studio.domain.search import (
    ColumnsRead,
    SearchFilters,
    SearchHit,
    SearchKind,
    SearchPage,
    Sort,
    SortKey,
)
from kronkers_studio.registry.search.column_matches import FileSets
from kronkers_studio.registry.search.files import FoundFiles
from kronkers_studio.registry.search.header_index import count_unread
from kronkers_studio.registry.search.index import SearchIndex
from kronkers_studio.registry.search.terms import LONG, folded, phrase, terms, words
from kronkers_studio.storage.stored_text import from_stored, to_stored

if TYPE_CHECKING:
    from sqlcipher3 import dbapi2

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

    @property
    def sql(self) -> str:
        return " AND ".join(self.parts) or "1"


class Search:
    """Searches of one workspace."""

    def __init__(self, index: SearchIndex) -> None:
        self._index = index
        self._sets = FileSets()

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

        The first search brings the index up to date, which takes some seconds for each 100,000 new files; the columns
        of data files are known after ``read_columns`` only. Raises ``Cancelled`` or ``StorageFull``.
        """
        with self._index.current(progress=progress, cancel=cancel) as connection:
            wanted = terms(text)
            if wanted is None:
                return SearchPage(0, ())
            tiers = [
                *(_projects(connection, wanted, filters) if filters.wants(SearchKind.PROJECT) else ()),
                *(_models(connection, text, filters) if filters.wants(SearchKind.MODEL) else ()),
            ]
            if filters.wants(SearchKind.FILE):
                files = FoundFiles(connection, self._sets, wanted, filters)
                tiers.append(_Tier(SearchKind.FILE, files.count, files.page))
            return replace(_page(tiers, limit, offset), unread=count_unread(connection))

    def read_columns(self, *, progress: Progress = SILENT, cancel: CancelToken = NEVER) -> ColumnsRead:
        """Read the columns of data files that are new, each content once: some seconds for each 20,000 files.

        Raises ``Cancelled`` (what was read so far is kept) or ``StorageFull``.
        """
        return self._index.read_columns(progress=progress, cancel=cancel)

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
