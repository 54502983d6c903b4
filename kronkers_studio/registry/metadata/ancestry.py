"""Common ancestors of two commits."""

from __future__ import annotations

from collections.abc import Mapping

import sqlalchemy as sa

_PARENTS = sa.text(
    "WITH RECURSIVE reachable(id) AS ("
    "  SELECT :one UNION SELECT :other"
    "  UNION SELECT parent FROM commit_parents JOIN reachable ON child = reachable.id"
    ") SELECT child, parent FROM commit_parents JOIN reachable ON child = reachable.id ORDER BY child, position"
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


def _ancestors(commit: str, parents: Mapping[str, list[str]]) -> set[str]:
    """``commit`` and all it comes from."""
    found, waiting = {commit}, [commit]
    while waiting:
        for parent in parents.get(waiting.pop(), ()):
            if parent not in found:
                found.add(parent)
                waiting.append(parent)
    return found
