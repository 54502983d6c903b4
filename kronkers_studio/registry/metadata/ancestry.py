"""What commits came from: the common ancestors of two, and the newest version that a folder became."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import sqlalchemy as sa

from kronkers_studio.domain.content import Commit
from kronkers_studio.registry.metadata import statements
from kronkers_studio.storage.database import Database
from kronkers_studio.storage.json_form import from_text

_PARENTS = sa.text(
    "WITH RECURSIVE reachable(id) AS ("
    "  SELECT :one UNION SELECT :other"
    "  UNION SELECT parent FROM commit_parents JOIN reachable ON child = reachable.id"
    ") SELECT child, parent FROM commit_parents JOIN reachable ON child = reachable.id ORDER BY child, position"
)
_COMMIT = "SELECT source, document FROM commits WHERE id = ?"
_FIRST_PARENT = "SELECT parent FROM commit_parents WHERE child = ? AND position = 0"
_ANY_BEFORE = (
    "WITH RECURSIVE reachable(id) AS ("
    "  SELECT ? UNION SELECT parent FROM commit_parents JOIN reachable ON child = reachable.id"
    ") SELECT source, document FROM commits JOIN reachable USING (id) ORDER BY commits.rowid DESC"
)


def best_common_ancestors(connection: sa.Connection, one: str, other: str) -> tuple[str, ...]:
    """The commits that both come from and that no later such commit comes from, in the order of their ids.

    One in ordinary histories, several after criss-cross merges, none for histories that have nothing in common.
    """
    parents: dict[str, list[str]] = {}
    for child, parent in connection.execute(_PARENTS, {"one": one, "other": other}):
        parents.setdefault(child, []).append(parent)
    common = _ancestors(one, parents) & _ancestors(other, parents)
    # an ancestor is surpassed exactly when one of its children is a common ancestor too
    return tuple(sorted(common - {parent for commit in common for parent in parents.get(commit, ())}))


def newest_from(database: Database, commit: str, folders: Collection[str]) -> Commit | None:
    """The newest commit that one of ``folders`` became, among ``commit`` (an id) and those before it; None for none.

    Those on the line of first parents go before those that merges brought: they were on the same branch.
    """
    with database.read_directly() as connection:
        on_the_line: str | None = commit
        while on_the_line is not None:
            for source, document in statements.query(connection, _COMMIT, on_the_line):
                if source in folders:
                    return from_text(Commit, document)
            parents = statements.query(connection, _FIRST_PARENT, on_the_line)
            on_the_line = parents[0][0] if parents else None
        for source, document in statements.query(connection, _ANY_BEFORE, commit):
            if source in folders:
                return from_text(Commit, document)
    return None


def _ancestors(commit: str, parents: Mapping[str, list[str]]) -> set[str]:
    """``commit`` and all it comes from."""
    found, waiting = {commit}, [commit]
    while waiting:
        for parent in parents.get(waiting.pop(), ()):
            if parent not in found:
                found.add(parent)
                waiting.append(parent)
    return found
