"""Questions about many model versions at once: lists in any order, histories, and what depends on what."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from sqlcipher3 import dbapi2

from kronkers_studio.domain.changes import RecordedChange
from kronkers_studio.domain.models import ContentRef, ModelVersion
from kronkers_studio.domain.search import MetricCondition, Operator, Sort, SortKey
from kronkers_studio.registry.metadata import statements
from kronkers_studio.registry.metadata.aliases import with_aliases
from kronkers_studio.registry.metadata.model_history import version_history
from kronkers_studio.storage.database import Database
from kronkers_studio.storage.json_form import from_text

_USING = (
    "SELECT document FROM model_versions WHERE"
    "  (json_extract(document, '$.source.project') = ?1"
    "    AND (?2 = '' OR json_extract(document, '$.source.commit') = ?2))"
    "  OR (json_extract(document, '$.data.project') = ?1"
    "    AND (?2 = '' OR json_extract(document, '$.data.commit') = ?2))"
    " ORDER BY created"
)
_HAS_TAG = "EXISTS (SELECT 1 FROM json_each(model_versions.document, '$.tags') AS tag WHERE tag.value = ?)"
_METRIC_OF_VERSION = "metric.model = model_versions.name AND metric.version = model_versions.version"
_METRIC_OF_METRIC = "metric.model = model_metrics.model AND metric.version = model_metrics.version"
_IS_VALUE = "metric.metric = ? AND metric.value IS NOT NULL"
_HAS_NO_VALUE = f"NOT EXISTS (SELECT 1 FROM model_metrics AS metric WHERE {_METRIC_OF_VERSION} AND {_IS_VALUE})"  # noqa: S608  # only texts of our own
_OLDEST = "model_versions.created, model_versions.name, model_versions.version"  # an index
_NEWEST = "model_versions.created DESC, model_versions.name DESC, model_versions.version DESC"
_SIZE = "json_extract(document, '$.size')"  # as an index has it, to the letter
_COMPARED = {
    Operator.ABOVE: "value > ?",
    Operator.AT_LEAST: "value >= ?",
    Operator.BELOW: "value < ?",
    Operator.AT_MOST: "value <= ?",
    Operator.EQUAL: "value = ?",
    Operator.OTHER: "value <> ?",
}


class _Condition(NamedTuple):
    """Part of a statement, made of the texts in this module alone, and what its question marks stand for."""

    text: str
    values: tuple[Any, ...]


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
        conditions = []
        if name is not None:
            conditions.append(_Condition("model_versions.name = ?", (name,)))
        if framework:
            conditions.append(_Condition("model_versions.framework = ?", (framework,)))
        if tag:
            conditions.append(_Condition(_HAS_TAG, (tag,)))
        page = _Page(conditions, metrics, sort)
        with self._database.read() as connection:
            total, documents = page.read(connection, limit, offset)
            return total, with_aliases(connection, (from_text(ModelVersion, text) for text in documents))

    def history(self, name: str, version: int) -> list[RecordedChange]:
        """Every change to a version and, from its registration on, to its model, oldest first; not its releases."""
        with self._database.read() as connection:
            return version_history(connection, name, version)

    def using(self, project: str, *, commit: str = "", path: str = "") -> list[ModelVersion]:
        """The versions whose model file or training data is of ``project`` (at ``commit``, ``path``), oldest first."""
        with self._database.read() as connection:
            found = [from_text(ModelVersion, text) for text in statements.texts(connection, _USING, project, commit)]
            concerned = [
                version
                for version in found
                if not path or any(ref and (ref.project, ref.path) == (project, path) for ref in _refs(version))
            ]
            return with_aliases(connection, concerned)


def _refs(version: ModelVersion) -> tuple[ContentRef | None, ...]:
    return version.source, version.data


def _order(sort: Sort) -> str:
    if sort.key is SortKey.NAME:
        return f"model_versions.name{' DESC' if sort.reverse else ''}, model_versions.version DESC"
    if sort.key is SortKey.SIZE:
        return f"{_SIZE}, {_OLDEST}" if sort.reverse else f"{_SIZE} DESC, {_NEWEST}"
    return _OLDEST if sort.reverse else _NEWEST


class _Page:
    """Reads a page in the order of an index where there is one: that of a metric, or of the first condition on one."""

    def __init__(self, conditions: Sequence[_Condition], metrics: Sequence[MetricCondition], sort: Sort) -> None:
        self._conditions = conditions
        self._metrics = metrics
        self._sort = sort

    def read(self, connection: dbapi2.Connection, limit: int, offset: int) -> tuple[int, list[str]]:
        """How many there are, and the documents of the page."""
        total = self._count(connection, self._metrics[0].metric if self._metrics else None)
        if self._sort.key is not SortKey.METRIC:
            return total, self._documents(connection, None, _order(self._sort), limit, offset)
        metric = self._sort.metric
        by_value = f"model_metrics.value{'' if self._sort.reverse else ' DESC'}, {_NEWEST}"
        found = self._documents(connection, metric, by_value, limit, offset)
        if len(found) < limit and offset + len(found) < total:
            rest = max(0, offset - self._count(connection, metric))
            found += self._documents(connection, None, _NEWEST, limit - len(found), rest, without=metric)
        return total, found

    def _documents(
        self, connection: dbapi2.Connection, metric: str | None, order: str, limit: int, offset: int, without: str = ""
    ) -> list[str]:
        source, where = self._source(metric, with_versions=True)
        if without:
            where.append(_Condition(_HAS_NO_VALUE, (without,)))
        asked, values = _all_of(where)
        statement = f"SELECT model_versions.document FROM {source}{asked} ORDER BY {order} LIMIT ? OFFSET ?"  # noqa: S608  # only texts of our own
        return statements.texts(connection, statement, *values, limit, offset)

    def _count(self, connection: dbapi2.Connection, metric: str | None) -> int:
        source, where = self._source(metric, with_versions=bool(self._conditions))
        asked, values = _all_of(where)
        statement = f"SELECT count(*) FROM {source}{asked}"  # noqa: S608  # only texts of our own
        ((count,),) = statements.query(connection, statement, *values)
        return int(count)

    def _source(self, metric: str | None, *, with_versions: bool) -> tuple[str, list[_Condition]]:
        """What to select from, by way of the values of ``metric`` if there is one; and all conditions."""
        where = list(self._conditions)
        if metric is None:
            return "model_versions", [*where, *(_fulfils(_METRIC_OF_VERSION, one) for one in self._metrics)]
        where.append(_Condition("model_metrics.metric = ? AND model_metrics.value IS NOT NULL", (metric,)))
        for one in self._metrics:
            if one.metric == metric:
                where.append(_Condition(f"model_metrics.{_COMPARED[one.operator]}", (one.value,)))
            else:
                where.append(_fulfils(_METRIC_OF_METRIC, one))
        if not with_versions:
            return "model_metrics", where
        same = "model_versions.name = model_metrics.model AND model_versions.version = model_metrics.version"
        return f"model_metrics JOIN model_versions ON {same}", where


def _fulfils(same: str, condition: MetricCondition) -> _Condition:
    """Whether the version that a row is about (``same``) has a value of the metric for which ``condition`` holds."""
    holds = f"metric.metric = ? AND metric.{_COMPARED[condition.operator]}"
    text = f"EXISTS (SELECT 1 FROM model_metrics AS metric WHERE {same} AND {holds})"  # noqa: S608  # only texts of our own
    return _Condition(text, (condition.metric, condition.value))


def _all_of(conditions: Iterable[_Condition]) -> _Condition:
    """The WHERE of a statement; none for no conditions."""
    conditions = list(conditions)
    text = " AND ".join(f"({condition.text})" for condition in conditions)
    return _Condition(f" WHERE {text}" if text else "", tuple(value for one in conditions for value in one.values))
