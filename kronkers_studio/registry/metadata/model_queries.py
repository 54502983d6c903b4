"""Questions about many model versions at once: lists in any order, histories, and what depends on what."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from kronkers_studio.domain.changes import JournalEntry
from kronkers_studio.domain.models import ContentRef, ModelVersion
from kronkers_studio.domain.search import MetricCondition, Operator, Sort, SortKey
from kronkers_studio.registry.metadata.journal import decode_entry
from kronkers_studio.storage import tables
from kronkers_studio.storage.database import Database
from kronkers_studio.storage.json_form import from_text

_BY_TIME = (tables.model_versions.c.created, tables.model_versions.c.name, tables.model_versions.c.version)  # an index
_NEWEST = tuple(column.desc() for column in _BY_TIME)
_SIZE: sa.ColumnElement[int] = sa.literal_column(
    "json_extract(document, '$.size')"
)  # as an index has it, to the letter
_EDITS = ("ModelRegistered", "ModelDescribed", "MetricsAdded")


class ModelQueries:
    """Thread-safe; reads only."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def page(
        self,
        *,
        name: str | None = None,
        framework: str = "",
        tag: str = "",
        metrics: Sequence[MetricCondition] = (),
        sort: Sort = Sort(SortKey.NEWEST),  # noqa: B008  # frozen
        limit: int = 50,
        offset: int = 0,
    ) -> tuple[int, list[ModelVersion]]:
        """How many versions fulfil all conditions, and those from ``offset`` on in the order asked for."""
        versions = tables.model_versions
        conditions: list[sa.ColumnElement[bool]] = []
        if name is not None:
            conditions.append(versions.c.name == name)
        if framework:
            conditions.append(versions.c.framework == framework)
        if tag:
            conditions.append(_has_tag(versions, tag))
        page = _Page(conditions, metrics, sort)
        with self._database.read() as connection:
            total, documents = page.read(connection, limit, offset)
            return total, _with_aliases(connection, [from_text(ModelVersion, text) for text in documents])

    def history(self, name: str, version: int) -> list[JournalEntry]:
        """Every change to a version's description, tags, card and metrics, from its registration on."""
        journal = tables.journal
        is_it = sa.or_(
            sa.and_(_part("$.model") == name, _part("$.version") == version),
            sa.and_(_part("$.version.name") == name, _part("$.version.version") == version),
        )
        statement = sa.select(journal).where(journal.c.kind.in_(_EDITS), is_it).order_by(journal.c.number)
        with self._database.read() as connection:
            return [decode_entry(row) for row in connection.execute(statement)]

    def using(self, project: str, *, commit: str = "", path: str = "") -> list[ModelVersion]:
        """The versions whose model file or training data is of ``project`` (at ``commit``, ``path``), oldest first."""
        versions = tables.model_versions
        sides = []
        for side in ("source", "data"):
            wanted = {"project": project, "commit": commit}
            sides.append(
                sa.and_(
                    *(
                        sa.func.json_extract(versions.c.document, f"$.{side}.{part}") == value
                        for part, value in wanted.items()
                        if value
                    )
                )
            )
        statement = sa.select(versions.c.document).where(sa.or_(*sides)).order_by(versions.c.created)
        with self._database.read() as connection:
            found = [from_text(ModelVersion, text) for text in connection.execute(statement).scalars()]
            concerned = [
                version
                for version in found
                if not path or any(ref and (ref.project, ref.path) == (project, path) for ref in _refs(version))
            ]
            return _with_aliases(connection, concerned)


def _refs(version: ModelVersion) -> tuple[ContentRef | None, ...]:
    return version.source, version.data


def _part(path: str) -> sa.ColumnElement[Any]:
    return sa.func.json_extract(tables.journal.c.change, path)


def _has_tag(versions: sa.Table, tag: str) -> sa.ColumnElement[bool]:
    tags = sa.func.json_each(versions.c.document, "$.tags").table_valued("value")
    return sa.exists(sa.select(sa.literal(1)).select_from(tags).where(tags.c.value == tag))


def _fulfils(table: sa.Table, condition: MetricCondition) -> sa.ColumnElement[bool]:
    return _has_metric(table, condition.metric, condition)


def _has_metric(table: sa.Table, metric: str, condition: MetricCondition | None = None) -> sa.ColumnElement[bool]:
    """Whether the version that a row of ``table`` is about has a value of ``metric`` for which ``condition`` holds."""
    other = tables.model_metrics.alias()
    name = table.c.name if table is tables.model_versions else table.c.model
    holds = _holds(other.c.value, condition) if condition else other.c.value.is_not(None)
    it = (other.c.model == name, other.c.version == table.c.version, other.c.metric == metric)
    return sa.exists(sa.select(sa.literal(1)).select_from(other).where(*it, holds).correlate(table))


def _holds(column: sa.ColumnElement[Any], condition: MetricCondition) -> sa.ColumnElement[bool]:
    value = condition.value
    return {
        Operator.ABOVE: column > value,
        Operator.AT_LEAST: column >= value,
        Operator.BELOW: column < value,
        Operator.AT_MOST: column <= value,
        Operator.EQUAL: column == value,
        Operator.OTHER: column != value,
    }[condition.operator]


def _order(sort: Sort) -> Iterable[sa.ColumnElement[Any]]:
    versions = tables.model_versions
    if sort.key is SortKey.NAME:
        return (versions.c.name.desc() if sort.reverse else versions.c.name), versions.c.version.desc()
    if sort.key is SortKey.SIZE:
        return (_SIZE.asc(), *_BY_TIME) if sort.reverse else (_SIZE.desc(), *_NEWEST)
    return _BY_TIME if sort.reverse else _NEWEST


class _Page:
    """Reads a page in the order of an index where there is one: that of a metric, or of the first condition on one."""

    def __init__(
        self, conditions: Sequence[sa.ColumnElement[bool]], metrics: Sequence[MetricCondition], sort: Sort
    ) -> None:
        self._conditions = conditions
        self._metrics = metrics
        self._sort = sort

    def read(self, connection: sa.Connection, limit: int, offset: int) -> tuple[int, list[str]]:
        """How many there are, and the documents of the page."""
        total = self._count(connection, self._metrics[0].metric if self._metrics else None)
        if self._sort.key is not SortKey.METRIC:
            return total, self._documents(connection, None, _order(self._sort), limit, offset)
        metric = self._sort.metric
        value = tables.model_metrics.c.value
        by_value = (value.asc() if self._sort.reverse else value.desc(), *_NEWEST)
        found = self._documents(connection, metric, by_value, limit, offset)
        if len(found) < limit and offset + len(found) < total:
            rest = max(0, offset - self._count(connection, metric))
            found += self._documents(connection, None, _NEWEST, limit - len(found), rest, without=metric)
        return total, found

    def _documents(
        self,
        connection: sa.Connection,
        metric: str | None,
        order: Iterable[sa.ColumnElement[Any]],
        limit: int,
        offset: int,
        without: str = "",
    ) -> list[str]:
        source, where = self._source(metric, with_versions=True)
        if without:
            where.append(sa.not_(_has_metric(tables.model_versions, without)))
        statement = sa.select(tables.model_versions.c.document).select_from(source).where(*where)
        return list(connection.execute(statement.order_by(*order).limit(limit).offset(offset)).scalars())

    def _count(self, connection: sa.Connection, metric: str | None) -> int:
        source, where = self._source(metric, with_versions=bool(self._conditions))
        return int(connection.execute(sa.select(sa.func.count()).select_from(source).where(*where)).scalar_one())

    def _source(self, metric: str | None, *, with_versions: bool) -> tuple[sa.FromClause, list[sa.ColumnElement[bool]]]:
        """What to select from, by way of the values of ``metric`` if there is one; and all conditions."""
        models, values = tables.model_versions, tables.model_metrics
        where = list(self._conditions)
        if metric is None:
            return models, [*where, *(_fulfils(models, condition) for condition in self._metrics)]
        where += [values.c.metric == metric, values.c.value.is_not(None)]
        for condition in self._metrics:
            same_metric = condition.metric == metric
            where.append(_holds(values.c.value, condition) if same_metric else _fulfils(values, condition))
        same = sa.and_(models.c.name == values.c.model, models.c.version == values.c.version)
        return (values.join(models, same) if with_versions else values), where


def _with_aliases(connection: sa.Connection, found: list[ModelVersion]) -> list[ModelVersion]:
    """``found`` with the aliases that point at them now, not those they were registered with."""
    aliases = tables.aliases
    now: dict[tuple[str, int], tuple[str, ...]] = {}
    names = {version.name for version in found}
    for row in connection.execute(sa.select(aliases).where(aliases.c.model.in_(names)).order_by(aliases.c.alias)):
        now[row.model, row.version] = (*now.get((row.model, row.version), ()), row.alias)
    return [replace(version, aliases=now.get((version.name, version.version), ())) for version in found]
