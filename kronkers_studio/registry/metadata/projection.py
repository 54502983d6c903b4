"""The one place where a change to the metadata becomes rows.

``apply`` is called for every new journal entry and for every entry that is replayed. It depends on nothing but the
change and the tables, so that replaying the journal into an empty database gives the same tables.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from sqlcipher3 import dbapi2

from kronkers_studio.domain.allowances import Allowance
from kronkers_studio.domain.changes import (
    AliasMoved,
    AuthorityMade,
    BranchMoved,
    Change,
    CommitRecorded,
    CommitsForgotten,
    ConsumerSet,
    DependenciesChosen,
    GatewaySet,
    GlobalsAllowed,
    GlobalsDisallowed,
    KeyChanged,
    MetricsAdded,
    ModelDescribed,
    ModelRegistered,
    ModelTested,
    ModelTestSetChosen,
    PackageBuilt,
    ProfileMade,
    ProjectCreated,
    ReleaseRecorded,
    ServerAdded,
    ServerRemoved,
    SignatureStated,
    SignerForgotten,
    SignerTrusted,
    SourceForgotten,
    SourceRemembered,
    TagMoved,
    Trashed,
    TrashEmptied,
    TrashRestored,
)
from kronkers_studio.domain.errors import AlreadyExists, BranchChanged, NotFound
from kronkers_studio.domain.models import ModelVersion, StatedSignature
from kronkers_studio.registry.metadata import pinned_commits, statements, trash_projection
from kronkers_studio.registry.metadata.statements import Table
from kronkers_studio.storage.json_form import from_text, to_json, to_text


def apply(connection: dbapi2.Connection, change: Change) -> None:
    """Raises ``AlreadyExists``, ``NotFound`` or ``BranchChanged`` when the tables do not admit ``change``."""
    _APPLIERS[type(change)](connection, change)


def _project_created(connection: dbapi2.Connection, change: ProjectCreated) -> None:
    if statements.has(connection, statements.PROJECTS, name=change.name, removed=0):
        raise AlreadyExists(f"There is a project “{change.name}” already.", next_step="Choose another name.")
    # one of that name may lie in the trash, and its commits refer to its row
    statements.put(
        connection,
        statements.PROJECTS,
        {"name": change.name, "created": to_json(change.created), "source": "", "removed": 0},
    )
    statements.delete(connection, statements.PROJECT_SOURCES, project=change.name)


def _commit_recorded(connection: dbapi2.Connection, change: CommitRecorded) -> None:
    commit = change.commit
    if statements.has(connection, statements.COMMITS, id=commit.id):
        raise AlreadyExists(f"Commit {commit.id[:12]} is recorded already.")
    _require(connection, statements.PROJECTS, f"project “{commit.project}”", name=commit.project, removed=0)
    for parent in commit.parents:
        _require(connection, statements.COMMITS, f"commit {parent[:12]}", id=parent)
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
    statements.insert(connection, statements.COMMITS, row)
    for position, parent in enumerate(commit.parents):
        parent_row = {"child": commit.id, "position": position, "parent": parent}
        statements.insert(connection, statements.COMMIT_PARENTS, parent_row)
    if change.source:
        statements.update(connection, statements.PROJECTS, {"source": change.source}, name=commit.project)


def _branch_moved(connection: dbapi2.Connection, change: BranchMoved) -> None:
    _require(connection, statements.PROJECTS, f"project “{change.project}”", name=change.project, removed=0)
    _require_at(connection, statements.BRANCHES, "head", "Branch", change.project, change.branch, change.previous)
    if not change.previous:
        _refuse_twin(connection, statements.TAGS, "tag", change.project, change.branch)
    _require(connection, statements.COMMITS, f"commit {change.commit[:12]}", id=change.commit, project=change.project)
    row = {"project": change.project, "name": change.branch, "head": change.commit}
    statements.put(connection, statements.BRANCHES, row)


def _tag_moved(connection: dbapi2.Connection, change: TagMoved) -> None:
    tags = statements.TAGS
    key = {"project": change.project, "name": change.tag}
    _require(connection, statements.PROJECTS, f"project “{change.project}”", name=change.project, removed=0)
    if not change.commit:
        _require(connection, tags, f"tag “{change.tag}” in project “{change.project}”", **key)
    _require_at(connection, tags, "commit", "Tag", change.project, change.tag, change.previous)
    if not change.commit:
        statements.delete(connection, tags, **key)
        return
    if not change.previous:
        _refuse_twin(connection, statements.BRANCHES, "branch", change.project, change.tag)
    _require(connection, statements.COMMITS, f"commit {change.commit[:12]}", id=change.commit, project=change.project)
    statements.put(connection, tags, {**key, "commit": change.commit, "created": to_json(change.at)})


def _source_remembered(connection: dbapi2.Connection, change: SourceRemembered) -> None:
    _require(connection, statements.PROJECTS, f"project “{change.project}”", name=change.project, removed=0)
    row = {"project": change.project, "folder": change.source.folder, "document": to_text(change.source)}
    statements.put(connection, statements.PROJECT_SOURCES, row)


def _source_forgotten(connection: dbapi2.Connection, change: SourceForgotten) -> None:
    key = {"project": change.project, "folder": change.folder}
    _require(connection, statements.PROJECT_SOURCES, f"folder “{change.folder}” of project “{change.project}”", **key)
    statements.delete(connection, statements.PROJECT_SOURCES, **key)


def _model_registered(connection: dbapi2.Connection, change: ModelRegistered) -> None:
    version = change.version
    if statements.has(connection, statements.MODEL_VERSIONS, name=version.name, version=version.version):
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
    statements.insert(connection, statements.MODEL_VERSIONS, row)
    _put_metrics(connection, version.name, version.version, version.metrics)
    for alias in version.aliases:
        statements.put(
            connection, statements.ALIASES, {"model": version.name, "alias": alias, "version": version.version}
        )


def _model_described(connection: dbapi2.Connection, change: ModelDescribed) -> None:
    version = _version(connection, change.model, change.version)
    _write_version(connection, replace(version, description=change.description, tags=change.tags, card=change.card))


def _dependencies_chosen(connection: dbapi2.Connection, change: DependenciesChosen) -> None:
    version = _version(connection, change.model, change.version)
    _write_version(connection, replace(version, dependencies=change.choice))


def _globals_allowed(connection: dbapi2.Connection, change: GlobalsAllowed) -> None:
    version = _version(connection, change.model, change.version)
    kept = _without(version, change.allowance.names)
    _write_version(connection, replace(version, allowances=(*kept, change.allowance)))


def _globals_disallowed(connection: dbapi2.Connection, change: GlobalsDisallowed) -> None:
    version = _version(connection, change.model, change.version)
    _write_version(connection, replace(version, allowances=_without(version, change.names)))


def _signature_stated(connection: dbapi2.Connection, change: SignatureStated) -> None:
    version = _version(connection, change.model, change.version)
    stated = None if change.stated is None else StatedSignature(change.stated, change.at, change.author)
    _write_version(connection, replace(version, stated=stated))


def _without(version: ModelVersion, names: tuple[str, ...]) -> tuple[Allowance, ...]:
    """The version's allowances but for ``names``, each of which one at most gives."""
    left = [replace(one, names=tuple(n for n in one.names if n not in names)) for one in version.allowances]
    return tuple(one for one in left if one.names)


def _profile_made(connection: dbapi2.Connection, change: ProfileMade) -> None:
    _require_version(connection, change.model, change.version)
    row = {"model": change.model, "version": change.version, "document": to_text(change.profile)}
    statements.put(connection, statements.MODEL_PROFILES, row)


def _metrics_added(connection: dbapi2.Connection, change: MetricsAdded) -> None:
    version = _version(connection, change.model, change.version)
    _write_version(connection, replace(version, metrics={**version.metrics, **change.metrics}))
    _put_metrics(connection, change.model, change.version, change.metrics)


def _model_tested(connection: dbapi2.Connection, change: ModelTested) -> None:
    run = change.run
    _require_version(connection, run.model, run.version)
    if statements.has(connection, statements.MODEL_TEST_RUNS, id=run.id):
        raise AlreadyExists(f"Test run {run.id} is recorded already.")
    row = {
        "id": run.id,
        "model": run.model,
        "version": run.version,
        "at": to_json(run.at),
        "outcome": run.outcome.value,
        "commit": run.test_set.commit,
        "document": to_text(run),
    }
    statements.insert(connection, statements.MODEL_TEST_RUNS, row)


def _version(connection: dbapi2.Connection, model: str, version: int) -> ModelVersion:
    _require_version(connection, model, version)
    (row,) = statements.select(connection, statements.MODEL_VERSIONS, name=model, version=version)
    return from_text(ModelVersion, row["document"])


def _write_version(connection: dbapi2.Connection, version: ModelVersion) -> None:
    values = {"description": version.description, "document": to_text(version)}
    statements.update(connection, statements.MODEL_VERSIONS, values, name=version.name, version=version.version)


def _put_metrics(connection: dbapi2.Connection, model: str, version: int, metrics: Mapping[str, float]) -> None:
    for metric, value in metrics.items():
        number = None if math.isnan(value) else value
        statements.put(
            connection,
            statements.MODEL_METRICS,
            {"model": model, "version": version, "metric": metric, "value": number},
        )


def _alias_moved(connection: dbapi2.Connection, change: AliasMoved) -> None:
    aliases = statements.ALIASES
    if change.version:
        _require_version(connection, change.model, change.version)
        statements.put(connection, aliases, {"model": change.model, "alias": change.alias, "version": change.version})
        return
    _require(
        connection, aliases, f"alias “{change.alias}” of model “{change.model}”", model=change.model, alias=change.alias
    )
    statements.delete(connection, aliases, model=change.model, alias=change.alias)


def _package_built(connection: dbapi2.Connection, change: PackageBuilt) -> None:
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
    statements.put(connection, statements.PACKAGES, row)


def _server_added(connection: dbapi2.Connection, change: ServerAdded) -> None:
    server = change.server
    if statements.has(connection, statements.SERVERS, name=server.name):
        raise AlreadyExists(f"There is a server “{server.name}” already.", next_step="Choose another name.")
    statements.insert(connection, statements.SERVERS, {"name": server.name, "document": to_text(server)})


def _server_removed(connection: dbapi2.Connection, change: ServerRemoved) -> None:
    _require(connection, statements.SERVERS, f"server “{change.name}”", name=change.name)
    statements.delete(connection, statements.SERVERS, name=change.name)


def _release_recorded(connection: dbapi2.Connection, change: ReleaseRecorded) -> None:
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
    statements.put(connection, statements.RELEASES, row)


def _key_changed(connection: dbapi2.Connection, change: KeyChanged) -> None:
    ((last,),) = statements.query(connection, "SELECT max(number) FROM key_events")
    row = {
        "number": (last or 0) + 1,
        "at": to_json(change.at),
        "event": change.event.value,
        "slot": change.slot,
        "way": change.way,
        "author": change.author,
    }
    statements.insert(connection, statements.KEY_EVENTS, row)


def _in_journal_only(
    _connection: dbapi2.Connection,
    _change: SignerTrusted | SignerForgotten | ModelTestSetChosen | GatewaySet | ConsumerSet | AuthorityMade,
) -> None:
    """These are few, and are read from the journal itself."""


_APPLIERS: dict[type, Callable[[dbapi2.Connection, Any], None]] = {
    ProjectCreated: _project_created,
    CommitRecorded: _commit_recorded,
    BranchMoved: _branch_moved,
    TagMoved: _tag_moved,
    SourceRemembered: _source_remembered,
    SourceForgotten: _source_forgotten,
    ModelRegistered: _model_registered,
    ModelDescribed: _model_described,
    DependenciesChosen: _dependencies_chosen,
    SignatureStated: _signature_stated,
    GlobalsAllowed: _globals_allowed,
    GlobalsDisallowed: _globals_disallowed,
    ProfileMade: _profile_made,
    MetricsAdded: _metrics_added,
    ModelTested: _model_tested,
    ModelTestSetChosen: _in_journal_only,
    AliasMoved: _alias_moved,
    PackageBuilt: _package_built,
    ServerAdded: _server_added,
    ServerRemoved: _server_removed,
    ReleaseRecorded: _release_recorded,
    Trashed: trash_projection.trashed,
    TrashRestored: trash_projection.restored,
    TrashEmptied: trash_projection.emptied,
    CommitsForgotten: pinned_commits.forgotten,
    KeyChanged: _key_changed,
    SignerTrusted: _in_journal_only,
    SignerForgotten: _in_journal_only,
    GatewaySet: _in_journal_only,
    ConsumerSet: _in_journal_only,
    AuthorityMade: _in_journal_only,
}


def _require(connection: dbapi2.Connection, table: Table, what: str, **key: Any) -> None:
    if not statements.has(connection, table, **key):
        raise NotFound(f"There is no {what}.")


def _require_at(
    connection: dbapi2.Connection, table: Table, column: str, what: str, project: str, name: str, commit: str
) -> None:
    """A branch or tag must be at ``commit`` ("" = must not exist)."""
    found = statements.select(connection, table, project=project, name=name)
    if (found[0][column] if found else "") != commit:
        raise BranchChanged(
            f"{what} “{name}” of “{project}” was changed meanwhile by somebody else.",
            next_step="Nothing was lost: run it again on it as it is now.",
        )


def _refuse_twin(connection: dbapi2.Connection, table: Table, what: str, project: str, name: str) -> None:
    """Branches and tags share their names, so that a name means one thing."""
    if statements.has(connection, table, project=project, name=name):
        raise AlreadyExists(f"There is a {what} “{name}” already.", next_step="Choose another name.")


def _require_version(connection: dbapi2.Connection, model: str, version: int) -> None:
    what = f"version {version} of model “{model}”"
    _require(connection, statements.MODEL_VERSIONS, what, name=model, version=version)
