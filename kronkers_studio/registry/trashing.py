"""What removing, bringing back and giving up do to the tables: the trash's part of ``applying``.

Whatever is removed leaves its rows behind as a document in the table ``trash``, from which they are put back. A removed
project keeps its own row and its commits, marked, because commits refer to it; its branches and tags go.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

import sqlalchemy as sa

from kronkers_studio.domain.care import TrashKind
from kronkers_studio.domain.changes import CommitsForgotten, KeyChanged, Trashed, TrashEmptied, TrashRestored
from kronkers_studio.domain.errors import AlreadyExists, NotFound, Refused
from kronkers_studio.domain.models import ModelVersion
from kronkers_studio.domain.releases import ReleaseState
from kronkers_studio.registry.documents import canonical, from_text, to_json
from kronkers_studio.storage import tables

Row = Mapping[str, Any]
_IN_USE = (ReleaseState.STARTING.value, ReleaseState.LIVE.value, ReleaseState.STANDBY.value)
_MODEL_TABLES = (  # in the order of bringing back: what is referred to comes first
    (tables.model_versions, "name"),
    (tables.model_metrics, "model"),
    (tables.aliases, "model"),
    (tables.packages, "model"),
    (tables.releases, "model"),
)


def trashed(connection: sa.Connection, change: Trashed) -> None:
    if _rows(connection, tables.trash, id=change.id):
        raise AlreadyExists("This is in the trash already.")
    taken = _TAKERS[change.kind](connection, change)
    row = {
        "id": change.id,
        "kind": change.kind.value,
        "owner": change.owner,
        "name": change.name,
        "removed": to_json(change.at),
        "author": change.author,
        "emptied": "",
        "document": canonical(taken),
    }
    connection.execute(sa.insert(tables.trash), row)


def restored(connection: sa.Connection, change: TrashRestored) -> None:
    item = _kept_item(connection, change.id)
    _RETURNERS[TrashKind(item["kind"])](connection, item, json.loads(item["document"]))
    _delete(connection, tables.trash, id=change.id)


def emptied(connection: sa.Connection, change: TrashEmptied) -> None:
    for id in change.ids:
        item = _kept_item(connection, id)
        releases = json.loads(item["document"]).get("releases", ())
        numbers = [{"place": row["place"], "number": row["number"]} for row in releases]
        values = {"emptied": to_json(change.at), "document": canonical({"releases": numbers})}
        connection.execute(sa.update(tables.trash).where(tables.trash.c.id == id).values(values))


def forgotten(connection: sa.Connection, change: CommitsForgotten) -> None:
    gone = set(change.commits)
    needed = gone & (pinned_commits(connection) | _parents_of_others(connection, gone))
    if needed:
        raise Refused(f"Commit {min(needed)[:12]} is still needed.", next_step="Run the cleaning up again.")
    commits, parents = tables.commits, tables.commit_parents
    keys = [{"gone": id} for id in change.commits]
    if keys:
        connection.execute(sa.delete(parents).where(parents.c.child == sa.bindparam("gone")), keys)
        connection.execute(sa.delete(commits).where(commits.c.id == sa.bindparam("gone")), keys)
    projects, trash = tables.projects, tables.trash
    kept = sa.select(trash.c.owner).where(trash.c.kind == TrashKind.PROJECT.value, trash.c.emptied == "")
    connection.execute(
        sa.delete(projects).where(
            projects.c.removed == 1,
            projects.c.name.not_in(sa.select(commits.c.project)),
            projects.c.name.not_in(kept),
        )
    )


def key_changed(connection: sa.Connection, change: KeyChanged) -> None:
    events = tables.key_events
    last = connection.execute(sa.select(sa.func.max(events.c.number))).scalar() or 0
    row = {
        "number": last + 1,
        "at": to_json(change.at),
        "event": change.event.value,
        "slot": change.slot,
        "way": change.way,
        "author": change.author,
    }
    connection.execute(sa.insert(events), row)


def pinned_commits(connection: sa.Connection) -> set[str]:
    """The commits that something refers to by itself: branches, tags, model versions (and the data they were trained
    on), and what lies in the trash."""
    pinned = set(connection.execute(sa.select(tables.branches.c.head)).scalars())
    pinned.update(connection.execute(sa.select(tables.tags.c.commit)).scalars())
    for text in connection.execute(sa.select(tables.model_versions.c.document)).scalars():
        pinned.update(_commits_of_version(text))
    for text in connection.execute(sa.select(tables.trash.c.document).where(tables.trash.c.emptied == "")).scalars():
        taken = json.loads(text)
        pinned.update(row["head"] for row in taken.get("branches", ()))
        pinned.update(row["commit"] for row in taken.get("tags", ()))
        for row in taken.get("model_versions", ()):
            pinned.update(_commits_of_version(row["document"]))
    return pinned


def newest_removed_version(connection: sa.Connection, model: str) -> int:
    """The highest number of a model's versions that were ever put into the trash and not brought back; 0 for none."""
    return max((int(item["name"]) for item in _model_items(connection, model)), default=0)


def newest_removed_release(connection: sa.Connection, model: str, place: str) -> int:
    """The highest number of the releases in ``place`` that went into the trash with their model version."""
    documents = [json.loads(item["document"]) for item in _model_items(connection, model)]
    return max(
        (row["number"] for taken in documents for row in taken.get("releases", ()) if row["place"] == place), default=0
    )


# ---- taking out ----


def _take_project(connection: sa.Connection, change: Trashed) -> dict[str, list[Row]]:
    _require_project(connection, change.owner)
    versions, commits = tables.model_versions, tables.commits
    used = connection.execute(
        sa.select(versions.c.name, versions.c.version)
        .join(commits, commits.c.id == versions.c.commit)
        .where(commits.c.project == change.owner)
        .order_by(versions.c.name, versions.c.version)
    ).first()
    if used is not None:
        raise Refused(
            f"Project “{change.owner}” holds the files of model {used.name}:{used.version}.",
            next_step="Remove the model versions that came from it first.",
        )
    taken = {table.name: _rows(connection, table, project=change.owner) for table in (tables.branches, tables.tags)}
    _delete(connection, tables.branches, project=change.owner)
    _delete(connection, tables.tags, project=change.owner)
    _mark_project(connection, change.owner, removed=1)
    return taken


def _take_branch(connection: sa.Connection, change: Trashed) -> dict[str, list[Row]]:
    key = {"project": change.owner, "name": change.name}
    rows = _rows(connection, tables.branches, **key)
    if not rows:
        raise NotFound(f"There is no branch “{change.name}” in project “{change.owner}”.")
    _delete(connection, tables.branches, **key)
    return {"branches": rows}


def _take_model(connection: sa.Connection, change: Trashed) -> dict[str, list[Row]]:
    version = int(change.name) if change.name.isascii() and change.name.isdigit() else 0
    taken: dict[str, list[Row]] = {}
    for table, column in _MODEL_TABLES:
        taken[table.name] = _rows(connection, table, **{column: change.owner, "version": version})
    if not taken["model_versions"]:
        raise NotFound(f"There is no version {change.name} of model “{change.owner}”.")
    for release in taken["releases"]:
        if release["state"] in _IN_USE:
            raise Refused(
                f"{change.owner}:{version} is {release['state']} in {release['place']} (r{release['number']}).",
                next_step="Stop it there first.",
            )
    for table, column in reversed(_MODEL_TABLES):
        _delete(connection, table, **{column: change.owner, "version": version})
    return taken


_TAKERS = {TrashKind.PROJECT: _take_project, TrashKind.BRANCH: _take_branch, TrashKind.MODEL: _take_model}


# ---- bringing back ----


def _return_project(connection: sa.Connection, item: Row, taken: dict[str, list[Row]]) -> None:
    _mark_project(connection, item["owner"], removed=0)
    _return_names(connection, taken)


def _return_branch(connection: sa.Connection, item: Row, taken: dict[str, list[Row]]) -> None:
    _require_project(connection, item["owner"])
    _return_names(connection, taken)


def _return_names(connection: sa.Connection, taken: dict[str, list[Row]]) -> None:
    """Put branches and tags back. Raises ``AlreadyExists`` when a name means something else by now."""
    for table, column in ((tables.branches, "head"), (tables.tags, "commit")):
        for row in taken.get(table.name, ()):
            key = {"project": row["project"], "name": row["name"]}
            twin = tables.tags if table is tables.branches else tables.branches
            there = _rows(connection, table, **key)
            if _rows(connection, twin, **key) or (there and there[0][column] != row[column]):
                raise AlreadyExists(
                    f"“{row['name']}” of project “{row['project']}” is something else by now.",
                    next_step="Remove that first, then bring this back.",
                )
            if not there:
                connection.execute(sa.insert(table), dict(row))


def _return_model(connection: sa.Connection, item: Row, taken: dict[str, list[Row]]) -> None:
    if _rows(connection, tables.model_versions, name=item["owner"], version=int(item["name"])):
        raise AlreadyExists(f"There is a version {item['name']} of model “{item['owner']}” already.")
    commit = taken["model_versions"][0]["commit"]
    for row in _rows(connection, tables.commits, id=commit):
        _require_project(connection, row["project"])
    for table, _column in _MODEL_TABLES:
        for row in taken[table.name]:
            key = {column.name: row[column.name] for column in table.primary_key}
            if not _rows(connection, table, **key):  # an alias may have moved on; a package may have been built again
                connection.execute(sa.insert(table), dict(row))


_RETURNERS = {TrashKind.PROJECT: _return_project, TrashKind.BRANCH: _return_branch, TrashKind.MODEL: _return_model}


# ---- rows ----


def _rows(connection: sa.Connection, table: sa.Table, **key: Any) -> list[Row]:
    where = (table.c[name] == value for name, value in key.items())
    statement = sa.select(table).where(*where).order_by(*table.primary_key)
    return [dict(row) for row in connection.execute(statement).mappings()]


def _delete(connection: sa.Connection, table: sa.Table, **key: Any) -> None:
    connection.execute(sa.delete(table).where(*(table.c[name] == value for name, value in key.items())))


def _kept_item(connection: sa.Connection, id: str) -> Row:
    found = _rows(connection, tables.trash, id=id, emptied="")
    if not found:
        raise NotFound(f"There is no “{id}” in the trash.", next_step="`kronkers trash list` shows what there is.")
    return found[0]


def _model_items(connection: sa.Connection, model: str) -> list[Row]:
    return _rows(connection, tables.trash, kind=TrashKind.MODEL.value, owner=model)


def _require_project(connection: sa.Connection, name: str) -> None:
    if not _rows(connection, tables.projects, name=name, removed=0):
        raise NotFound(f"There is no project “{name}”.", next_step="Bring it back from the trash first.")


def _mark_project(connection: sa.Connection, name: str, *, removed: int) -> None:
    projects = tables.projects
    connection.execute(sa.update(projects).where(projects.c.name == name).values(removed=removed))


def _commits_of_version(document: str) -> Iterable[str]:
    version = from_text(ModelVersion, document)
    yield version.source.commit
    if version.data is not None:
        yield version.data.commit


def _parents_of_others(connection: sa.Connection, gone: set[str]) -> set[str]:
    """Those of ``gone`` that a commit outside of ``gone`` comes after."""
    parents = tables.commit_parents
    found: set[str] = set()
    for id in gone:
        children = connection.execute(sa.select(parents.c.child).where(parents.c.parent == id)).scalars()
        if not gone.issuperset(children):
            found.add(id)
    return found
