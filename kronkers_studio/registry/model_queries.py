"""Questions about many model versions at once: lists in any order, histories, and what depends on what."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from kronkers_studio.domain.changes import JournalEntry
from kronkers_studio.domain.models import ContentRef, ModelVersion
from kronkers_studio.domain.search import MetricCondition, Operator, Sort, SortKey
from kronkers_studio.registry.documents import from_text
from kronkers_studio.registry.journal import decode_entry
from kronkers_studio.storage import tables
from kronkers_studio.storage.database import Database

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
        versions, values = tables.model_versions, tables.model_metrics
        conditions: list[sa.ColumnElement[bool]] = []
        if name is not None:
            conditions.append(versions.c.name == name)
        if framework:
            conditions.append(versions.c.framework == framework)
        if tag:
            conditions.append(_has_tag(versions, tag))
        conditions += [_fulfils(versions, condition) for condition in metrics]
        statement = sa.select(versions.c.document).where(*conditions)
        if sort.key is SortKey.METRIC:
            measured = sa.and_(
                values.c.model == versions.c.name,
                values.c.version == versions.c.version,
                values.c.metric == sort.metric,
            )
            statement = statement.outerjoin(values, measured)
        ordered = statement.order_by(*_order(sort)).limit(limit).offset(offset)
        with self._database.read() as connection:
            counting = sa.select(sa.func.count()).select_from(versions).where(*conditions)
            total = connection.execute(counting).scalar_one()
            found = [from_text(ModelVersion, text) for text in connection.execute(ordered).scalars()]
            return total, _with_aliases(connection, found)

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


def _fulfils(versions: sa.Table, condition: MetricCondition) -> sa.ColumnElement[bool]:
    values = tables.model_metrics
    column, value = values.c.value, condition.value
    holds = {
        Operator.ABOVE: column > value,
        Operator.AT_LEAST: column >= value,
        Operator.BELOW: column < value,
        Operator.AT_MOST: column <= value,
        Operator.EQUAL: column == value,
        Operator.OTHER: column != value,
    }[condition.operator]
    return sa.tuple_(versions.c.name, versions.c.version).in_(
        sa.select(values.c.model, values.c.version).where(values.c.metric == condition.metric, holds)
    )


def _order(sort: Sort) -> Iterable[sa.ColumnElement[Any]]:
    versions, value = tables.model_versions, tables.model_metrics.c.value
    newest = (versions.c.created.desc(), versions.c.name, versions.c.version.desc())
    if sort.key is SortKey.METRIC:
        return value.is_(None), value.asc() if sort.reverse else value.desc(), *newest
    if sort.key is SortKey.NAME:
        return (versions.c.name.desc() if sort.reverse else versions.c.name), versions.c.version.desc()
    if sort.key is SortKey.SIZE:
        size = sa.func.json_extract(versions.c.document, "$.size")
        return size.asc() if sort.reverse else size.desc(), *newest
    if sort.reverse:
        return versions.c.created, versions.c.name, versions.c.version
    return newest


def _with_aliases(connection: sa.Connection, found: list[ModelVersion]) -> list[ModelVersion]:
    """``found`` with the aliases that point at them now, not those they were registered with."""
    aliases = tables.aliases
    now: dict[tuple[str, int], tuple[str, ...]] = {}
    names = {version.name for version in found}
    for row in connection.execute(sa.select(aliases).where(aliases.c.model.in_(names)).order_by(aliases.c.alias)):
        now[row.model, row.version] = (*now.get((row.model, row.version), ()), row.alias)
    return [replace(version, aliases=now.get((version.name, version.version), ())) for version in found]
