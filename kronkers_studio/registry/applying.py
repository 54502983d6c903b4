"""The one place where a change to the metadata becomes rows.

``apply`` is called for every new journal entry and for every entry that is replayed. It depends on nothing but the
change and the tables, so that replaying the journal into an empty database gives the same tables.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert

from kronkers_studio.domain.changes import (
    AliasMoved,
    BranchMoved,
    Change,
    CommitRecorded,
    CommitsForgotten,
    KeyChanged,
    MetricsAdded,
    ModelDescribed,
    ModelRegistered,
    PackageBuilt,
    ProjectCreated,
    ReleaseRecorded,
    ServerAdded,
    ServerRemoved,
    SourceForgotten,
    SourceRemembered,
    TagMoved,
    Trashed,
    TrashEmptied,
    TrashRestored,
)
from kronkers_studio.domain.errors import AlreadyExists, BranchChanged, NotFound
from kronkers_studio.domain.models import ModelVersion
from kronkers_studio.registry import trashing
from kronkers_studio.registry.documents import from_text, to_json, to_text
from kronkers_studio.storage import tables


def apply(connection: sa.Connection, change: Change) -> None:
    """Raises ``AlreadyExists``, ``NotFound`` or ``BranchChanged`` when the tables do not admit ``change``."""
    _APPLIERS[type(change)](connection, change)


def _project_created(connection: sa.Connection, change: ProjectCreated) -> None:
    if _has(connection, tables.projects, name=change.name, removed=0):
        raise AlreadyExists(f"There is a project “{change.name}” already.", next_step="Choose another name.")
    # one of that name may lie in the trash, and its commits refer to its row
    _put(
        connection,
        tables.projects,
        {"name": change.name, "created": to_json(change.created), "source": "", "removed": 0},
    )
    _delete(connection, tables.project_sources, project=change.name)


def _commit_recorded(connection: sa.Connection, change: CommitRecorded) -> None:
    commit = change.commit
    if _has(connection, tables.commits, id=commit.id):
        raise AlreadyExists(f"Commit {commit.id[:12]} is recorded already.")
    _require(connection, tables.projects, f"project “{commit.project}”", name=commit.project, removed=0)
    for parent in commit.parents:
        _require(connection, tables.commits, f"commit {parent[:12]}", id=parent)
    row = {
        "id": commit.id,
        "project": commit.project,
        "tree": commit.tree,
        "author": commit.author,
        "created": to_json(commit.created),
        "message": commit.message,
        "source": change.source,
        "document": to_text(commit),
    }
    connection.execute(sa.insert(tables.commits), row)
    for position, parent in enumerate(commit.parents):
        parent_row = {"child": commit.id, "position": position, "parent": parent}
        connection.execute(sa.insert(tables.commit_parents), parent_row)
    if change.source:
        projects = tables.projects
        connection.execute(sa.update(projects).where(projects.c.name == commit.project).values(source=change.source))


def _branch_moved(connection: sa.Connection, change: BranchMoved) -> None:
    branches = tables.branches
    _require(connection, tables.projects, f"project “{change.project}”", name=change.project, removed=0)
    _require_at(connection, branches.c.head, "Branch", change.project, change.branch, change.previous)
    if not change.previous:
        _refuse_twin(connection, tables.tags, "tag", change.project, change.branch)
    _require(connection, tables.commits, f"commit {change.commit[:12]}", id=change.commit, project=change.project)
    row = {"project": change.project, "name": change.branch, "head": change.commit}
    _put(connection, branches, row)


def _tag_moved(connection: sa.Connection, change: TagMoved) -> None:
    tags = tables.tags
    key = {"project": change.project, "name": change.tag}
    _require(connection, tables.projects, f"project “{change.project}”", name=change.project, removed=0)
    if not change.commit:
        _require(connection, tags, f"tag “{change.tag}” in project “{change.project}”", **key)
    _require_at(connection, tags.c.commit, "Tag", change.project, change.tag, change.previous)
    if not change.commit:
        _delete(connection, tags, **key)
        return
    if not change.previous:
        _refuse_twin(connection, tables.branches, "branch", change.project, change.tag)
    _require(connection, tables.commits, f"commit {change.commit[:12]}", id=change.commit, project=change.project)
    _put(connection, tags, {**key, "commit": change.commit, "created": to_json(change.at)})


def _source_remembered(connection: sa.Connection, change: SourceRemembered) -> None:
    _require(connection, tables.projects, f"project “{change.project}”", name=change.project, removed=0)
    row = {"project": change.project, "folder": change.source.folder, "document": to_text(change.source)}
    _put(connection, tables.project_sources, row)


def _source_forgotten(connection: sa.Connection, change: SourceForgotten) -> None:
    key = {"project": change.project, "folder": change.folder}
    _require(connection, tables.project_sources, f"folder “{change.folder}” of project “{change.project}”", **key)
    _delete(connection, tables.project_sources, **key)


def _model_registered(connection: sa.Connection, change: ModelRegistered) -> None:
    version = change.version
    if _has(connection, tables.model_versions, name=version.name, version=version.version):
        raise AlreadyExists(
            f"There is a version {version.version} of model “{version.name}” already.",
            next_step="Register it again: it gets the next number.",
        )
    row = {
        "name": version.name,
        "version": version.version,
        "created": to_json(version.created),
        "author": version.author,
        "framework": version.facts.framework.value,
        "commit": version.source.commit,
        "path": version.source.path,
        "description": version.description,
        "document": to_text(version),
    }
    connection.execute(sa.insert(tables.model_versions), row)
    _put_metrics(connection, version.name, version.version, version.metrics)
    for alias in version.aliases:
        _put(connection, tables.aliases, {"model": version.name, "alias": alias, "version": version.version})


def _model_described(connection: sa.Connection, change: ModelDescribed) -> None:
    version = _version(connection, change.model, change.version)
    _write_version(connection, replace(version, description=change.description, tags=change.tags, card=change.card))


def _metrics_added(connection: sa.Connection, change: MetricsAdded) -> None:
    version = _version(connection, change.model, change.version)
    _write_version(connection, replace(version, metrics={**version.metrics, **change.metrics}))
    _put_metrics(connection, change.model, change.version, change.metrics)


def _version(connection: sa.Connection, model: str, version: int) -> ModelVersion:
    _require_version(connection, model, version)
    versions = tables.model_versions
    statement = sa.select(versions.c.document).where(versions.c.name == model, versions.c.version == version)
    return from_text(ModelVersion, connection.execute(statement).scalar_one())


def _write_version(connection: sa.Connection, version: ModelVersion) -> None:
    versions = tables.model_versions
    connection.execute(
        sa.update(versions)
        .where(versions.c.name == version.name, versions.c.version == version.version)
        .values(description=version.description, document=to_text(version))
    )


def _put_metrics(connection: sa.Connection, model: str, version: int, metrics: Mapping[str, float]) -> None:
    for metric, value in metrics.items():
        number = None if math.isnan(value) else value
        _put(connection, tables.model_metrics, {"model": model, "version": version, "metric": metric, "value": number})


def _alias_moved(connection: sa.Connection, change: AliasMoved) -> None:
    aliases = tables.aliases
    if change.version:
        _require_version(connection, change.model, change.version)
        _put(connection, aliases, {"model": change.model, "alias": change.alias, "version": change.version})
        return
    _require(
        connection, aliases, f"alias “{change.alias}” of model “{change.model}”", model=change.model, alias=change.alias
    )
    _delete(connection, aliases, model=change.model, alias=change.alias)


def _package_built(connection: sa.Connection, change: PackageBuilt) -> None:
    package = change.package
    _require_version(connection, package.model, package.version)
    row = {
        "digest": package.digest,
        "model": package.model,
        "version": package.version,
        "platform": package.platform,
        "created": to_json(package.created),
        "document": to_text(package),
    }
    _put(connection, tables.packages, row)


def _server_added(connection: sa.Connection, change: ServerAdded) -> None:
    server = change.server
    if _has(connection, tables.servers, name=server.name):
        raise AlreadyExists(f"There is a server “{server.name}” already.", next_step="Choose another name.")
    connection.execute(sa.insert(tables.servers), {"name": server.name, "document": to_text(server)})


def _server_removed(connection: sa.Connection, change: ServerRemoved) -> None:
    _require(connection, tables.servers, f"server “{change.name}”", name=change.name)
    _delete(connection, tables.servers, name=change.name)


def _release_recorded(connection: sa.Connection, change: ReleaseRecorded) -> None:
    release = change.release
    _require_version(connection, release.model, release.version)
    row = {
        "model": release.model,
        "place": release.place,
        "number": release.number,
        "version": release.version,
        "state": release.state.value,
        "created": to_json(release.created),
        "document": to_text(release),
    }
    _put(connection, tables.releases, row)


_APPLIERS: dict[type, Callable[[sa.Connection, Any], None]] = {
    ProjectCreated: _project_created,
    CommitRecorded: _commit_recorded,
    BranchMoved: _branch_moved,
    TagMoved: _tag_moved,
    SourceRemembered: _source_remembered,
    SourceForgotten: _source_forgotten,
    ModelRegistered: _model_registered,
    ModelDescribed: _model_described,
    MetricsAdded: _metrics_added,
    AliasMoved: _alias_moved,
    PackageBuilt: _package_built,
    ServerAdded: _server_added,
    ServerRemoved: _server_removed,
    ReleaseRecorded: _release_recorded,
    Trashed: trashing.trashed,
    TrashRestored: trashing.restored,
    TrashEmptied: trashing.emptied,
    CommitsForgotten: trashing.forgotten,
    KeyChanged: trashing.key_changed,
}


def _put(connection: sa.Connection, table: sa.Table, row: dict[str, Any]) -> None:
    """Insert ``row``, or replace the one with its primary key."""
    statement = insert(table).values(row)
    keys = [column.name for column in table.primary_key]
    changed = {name: statement.excluded[name] for name in row if name not in keys}
    connection.execute(statement.on_conflict_do_update(index_elements=keys, set_=changed))


def _delete(connection: sa.Connection, table: sa.Table, **key: Any) -> None:
    connection.execute(sa.delete(table).where(*(table.c[name] == value for name, value in key.items())))


def _has(connection: sa.Connection, table: sa.Table, **key: Any) -> bool:
    where = sa.and_(*(table.c[name] == value for name, value in key.items()))
    return connection.execute(sa.select(sa.literal(1)).select_from(table).where(where)).first() is not None


def _require(connection: sa.Connection, table: sa.Table, what: str, **key: Any) -> None:
    if not _has(connection, table, **key):
        raise NotFound(f"There is no {what}.")


def _require_at(
    connection: sa.Connection, column: sa.Column[Any], what: str, project: str, name: str, commit: str
) -> None:
    """A branch or tag must be at ``commit`` ("" = must not exist)."""
    where = sa.and_(column.table.c.project == project, column.table.c.name == name)
    if (connection.execute(sa.select(column).where(where)).scalar() or "") != commit:
        raise BranchChanged(
            f"{what} “{name}” of “{project}” was changed meanwhile by somebody else.",
            next_step="Nothing was lost: run it again on it as it is now.",
        )


def _refuse_twin(connection: sa.Connection, table: sa.Table, what: str, project: str, name: str) -> None:
    """Branches and tags share their names, so that a name means one thing."""
    if _has(connection, table, project=project, name=name):
        raise AlreadyExists(f"There is a {what} “{name}” already.", next_step="Choose another name.")


def _require_version(connection: sa.Connection, model: str, version: int) -> None:
    what = f"version {version} of model “{model}”"
    _require(connection, tables.model_versions, what, name=model, version=version)
