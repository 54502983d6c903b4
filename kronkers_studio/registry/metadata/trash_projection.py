"""What removing, bringing back and giving up do to the tables: the trash's part of ``projection``.

Whatever is removed leaves its rows behind as a document in the table ``trash``, from which they are put back. A removed
project keeps its own row and its commits, marked, because commits refer to it; its branches and tags go.
"""

from __future__ import annotations

import json
from typing import Any

from sqlcipher3 import dbapi2

from kronkers_studio.domain.changes import Trashed, TrashEmptied, TrashRestored
from kronkers_studio.domain.errors import AlreadyExists, NotFound, Refused
from kronkers_studio.domain.maintenance import TrashKind
from kronkers_studio.domain.releases import ReleaseState
from kronkers_studio.registry.metadata import statements
from kronkers_studio.registry.metadata.statements import Row
from kronkers_studio.storage.json_form import canonical, records_read, to_json

_IN_USE = (ReleaseState.STARTING.value, ReleaseState.LIVE.value, ReleaseState.STANDBY.value)
_MODEL_TABLES = (  # in the order of bringing back: what is referred to comes first
    (statements.MODEL_VERSIONS, "name"),
    (statements.MODEL_METRICS, "model"),
    (statements.MODEL_PROFILES, "model"),
    (statements.MODEL_TEST_RUNS, "model"),
    (statements.ALIASES, "model"),
    (statements.PACKAGES, "model"),
    (statements.RELEASES, "model"),
)
_MODEL_OF_PROJECT = (
    "SELECT model_versions.name, model_versions.version FROM model_versions "
    'JOIN commits ON commits.id = model_versions."commit" WHERE commits.project = ? '
    "ORDER BY model_versions.name, model_versions.version LIMIT 1"
)


def trashed(connection: dbapi2.Connection, change: Trashed) -> None:
    if statements.select(connection, statements.TRASH, id=change.id):
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
    statements.insert(connection, statements.TRASH, row)


def restored(connection: dbapi2.Connection, change: TrashRestored) -> None:
    item = _kept_item(connection, change.id)
    with records_read("trash"):
        _RETURNERS[TrashKind(item["kind"])](connection, item, json.loads(item["document"]))
    statements.delete(connection, statements.TRASH, id=change.id)


def emptied(connection: dbapi2.Connection, change: TrashEmptied) -> None:
    for id in change.ids:
        item = _kept_item(connection, id)
        with records_read("trash"):
            releases = json.loads(item["document"]).get("releases", ())
            numbers = [{"place": row["place"], "number": row["number"]} for row in releases]
        values = {"emptied": to_json(change.at), "document": canonical({"releases": numbers})}
        statements.update(connection, statements.TRASH, values, id=id)


def newest_removed_version(connection: dbapi2.Connection, model: str) -> int:
    """The highest number of a model's versions that were ever put into the trash and not brought back; 0 for none."""
    with records_read("trash"):
        return max((int(item["name"]) for item in _model_items(connection, model)), default=0)


def newest_removed_release(connection: dbapi2.Connection, model: str, place: str) -> int:
    """The highest number of the releases in ``place`` that went into the trash with their model version."""
    with records_read("trash"):
        documents = [json.loads(item["document"]) for item in _model_items(connection, model)]
        return max(
            (row["number"] for taken in documents for row in taken.get("releases", ()) if row["place"] == place),
            default=0,
        )


# ---- taking out ----


def _take_project(connection: dbapi2.Connection, change: Trashed) -> dict[str, list[Row]]:
    _require_project(connection, change.owner)
    used = statements.query(connection, _MODEL_OF_PROJECT, change.owner)
    if used:
        raise Refused(
            f"Project “{change.owner}” holds the files of model {used[0][0]}:{used[0][1]}.",
            next_step="Remove the model versions that came from it first.",
        )
    taken = {
        table.name: statements.select(connection, table, project=change.owner)
        for table in (statements.BRANCHES, statements.TAGS)
    }
    statements.delete(connection, statements.BRANCHES, project=change.owner)
    statements.delete(connection, statements.TAGS, project=change.owner)
    _mark_project(connection, change.owner, removed=1)
    return taken


def _take_branch(connection: dbapi2.Connection, change: Trashed) -> dict[str, list[Row]]:
    key: dict[str, Any] = {"project": change.owner, "name": change.name}
    found = statements.select(connection, statements.BRANCHES, **key)
    if not found:
        raise NotFound(f"There is no branch “{change.name}” in project “{change.owner}”.")
    statements.delete(connection, statements.BRANCHES, **key)
    return {"branches": found}


def _take_model(connection: dbapi2.Connection, change: Trashed) -> dict[str, list[Row]]:
    version = int(change.name) if change.name.isascii() and change.name.isdigit() else 0
    taken: dict[str, list[Row]] = {}
    for table, column in _MODEL_TABLES:
        key: dict[str, Any] = {column: change.owner, "version": version}
        taken[table.name] = statements.select(connection, table, **key)
    if not taken["model_versions"]:
        raise NotFound(f"There is no version {change.name} of model “{change.owner}”.")
    for release in taken["releases"]:
        if release["state"] in _IN_USE:
            raise Refused(
                f"{change.owner}:{version} is {release['state']} in {release['place']} (r{release['number']}).",
                next_step="Stop it there first.",
            )
    for table, column in reversed(_MODEL_TABLES):
        statements.delete(connection, table, **{column: change.owner, "version": version})
    return taken


_TAKERS = {TrashKind.PROJECT: _take_project, TrashKind.BRANCH: _take_branch, TrashKind.MODEL: _take_model}


# ---- bringing back ----


def _return_project(connection: dbapi2.Connection, item: Row, taken: dict[str, list[Row]]) -> None:
    _mark_project(connection, item["owner"], removed=0)
    _return_names(connection, taken)


def _return_branch(connection: dbapi2.Connection, item: Row, taken: dict[str, list[Row]]) -> None:
    _require_project(connection, item["owner"])
    _return_names(connection, taken)


def _return_names(connection: dbapi2.Connection, taken: dict[str, list[Row]]) -> None:
    """Put branches and tags back. Raises ``AlreadyExists`` when a name means something else by now."""
    for table, column in ((statements.BRANCHES, "head"), (statements.TAGS, "commit")):
        for row in taken.get(table.name, ()):
            key = {"project": row["project"], "name": row["name"]}
            twin = statements.TAGS if table is statements.BRANCHES else statements.BRANCHES
            there = statements.select(connection, table, **key)
            if statements.select(connection, twin, **key) or (there and there[0][column] != row[column]):
                raise AlreadyExists(
                    f"“{row['name']}” of project “{row['project']}” is something else by now.",
                    next_step="Remove that first, then bring this back.",
                )
            if not there:
                statements.insert(connection, table, row)


def _return_model(connection: dbapi2.Connection, item: Row, taken: dict[str, list[Row]]) -> None:
    if statements.select(connection, statements.MODEL_VERSIONS, name=item["owner"], version=int(item["name"])):
        raise AlreadyExists(f"There is a version {item['name']} of model “{item['owner']}” already.")
    commit = taken["model_versions"][0]["commit"]
    for row in statements.select(connection, statements.COMMITS, id=commit):
        _require_project(connection, row["project"])
    for table, _column in _MODEL_TABLES:
        for row in taken.get(table.name, ()):  # what was removed before a table was has none of it
            key = {name: row[name] for name in table.keys}
            if not statements.select(
                connection, table, **key
            ):  # an alias may have moved on; a package may have been built again
                statements.insert(connection, table, row)


_RETURNERS = {TrashKind.PROJECT: _return_project, TrashKind.BRANCH: _return_branch, TrashKind.MODEL: _return_model}


# ---- rows ----


def _kept_item(connection: dbapi2.Connection, id: str) -> Row:
    found = statements.select(connection, statements.TRASH, id=id, emptied="")
    if not found:
        raise NotFound(f"There is no “{id}” in the trash.", next_step="`kronkers trash list` shows what there is.")
    return found[0]


def _model_items(connection: dbapi2.Connection, model: str) -> list[Row]:
    return statements.select(connection, statements.TRASH, kind=TrashKind.MODEL.value, owner=model)


def _require_project(connection: dbapi2.Connection, name: str) -> None:
    if not statements.select(connection, statements.PROJECTS, name=name, removed=0):
        raise NotFound(
            f"There is no project “{name}”.",
            next_step="`kronkers projects` shows those that exist, `kronkers trash list` those that can come back.",
        )


def _mark_project(connection: dbapi2.Connection, name: str, *, removed: int) -> None:
    statements.update(connection, statements.PROJECTS, {"removed": removed}, name=name)
