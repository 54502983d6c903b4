"""Which commits something refers to, and forgetting those that nothing does."""

from __future__ import annotations

import json
from collections.abc import Iterable

from sqlcipher3 import dbapi2

from kronkers_studio.domain.changes import CommitsForgotten
from kronkers_studio.domain.errors import Refused
from kronkers_studio.domain.maintenance import TrashKind
from kronkers_studio.domain.models import ModelVersion
from kronkers_studio.registry.metadata import statements
from kronkers_studio.storage.json_form import from_text, records_read

_DELETE_UNUSED_PROJECTS = (
    "DELETE FROM projects WHERE removed = 1 AND name NOT IN (SELECT project FROM commits) "
    "AND name NOT IN (SELECT owner FROM trash WHERE kind = ? AND emptied = '')"
)


def pinned_commits(connection: dbapi2.Connection) -> set[str]:
    """The commits that something refers to by itself: branches, tags, model versions (the data they were trained
    on, and the test sets that they were tested by), and what lies in the trash."""
    pinned = {row["head"] for row in statements.select(connection, statements.BRANCHES)}
    pinned.update(row["commit"] for row in statements.select(connection, statements.TAGS))
    for version in statements.select(connection, statements.MODEL_VERSIONS):
        pinned.update(_commits_of_version(version["document"]))
    pinned.update(row["commit"] for row in statements.select(connection, statements.MODEL_TEST_RUNS))
    for item in statements.select(connection, statements.TRASH, emptied=""):
        with records_read("trash"):
            taken = json.loads(item["document"])
            pinned.update(row["commit"] for row in taken.get("model_test_runs", ()))
            pinned.update(row["head"] for row in taken.get("branches", ()))
            pinned.update(row["commit"] for row in taken.get("tags", ()))
            for row in taken.get("model_versions", ()):
                pinned.update(_commits_of_version(row["document"]))
    return pinned


def forgotten(connection: dbapi2.Connection, change: CommitsForgotten) -> None:
    gone = set(change.commits)
    needed = gone & (pinned_commits(connection) | _parents_of_others(connection, gone))
    if needed:
        raise Refused(f"Commit {min(needed)[:12]} is still needed.", next_step="Run the cleaning up again.")
    for id in change.commits:
        statements.delete(connection, statements.COMMIT_PARENTS, child=id)
    for id in change.commits:
        statements.delete(connection, statements.COMMITS, id=id)
    connection.execute(_DELETE_UNUSED_PROJECTS, (TrashKind.PROJECT.value,))


def _commits_of_version(document: str) -> Iterable[str]:
    version = from_text(ModelVersion, document)
    yield version.source.commit
    if version.data is not None:
        yield version.data.commit


def _parents_of_others(connection: dbapi2.Connection, gone: set[str]) -> set[str]:
    """Those of ``gone`` that a commit outside of ``gone`` comes after."""
    found: set[str] = set()
    for id in gone:
        if any(row["child"] not in gone for row in statements.select(connection, statements.COMMIT_PARENTS, parent=id)):
            found.add(id)
    return found
