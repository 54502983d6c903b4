"""What commits came from: their history, all of their ancestors, the common ones of two, and the newest version that a
folder became."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from sqlcipher3 import dbapi2

from kronkers_studio.domain.content import Commit
from kronkers_studio.registry.metadata import statements
from kronkers_studio.storage.database import Database
from kronkers_studio.storage.json_form import from_text

_REACHABLE = (  # from two commits, which may be the same one
    "WITH RECURSIVE reachable(id) AS ("
    "  SELECT ?1 UNION SELECT ?2"
    "  UNION SELECT parent FROM commit_parents JOIN reachable ON child = reachable.id"
    ") "
)
_PARENTS = "SELECT child, parent FROM commit_parents JOIN reachable ON child = reachable.id ORDER BY child, position"
_NEWEST_FIRST = "FROM commits JOIN reachable USING (id) ORDER BY commits.rowid DESC"
_HISTORY = f"SELECT document {_NEWEST_FIRST} LIMIT ?3 OFFSET ?4"
_ANY_BEFORE = f"SELECT source, document {_NEWEST_FIRST}"
_ALL_PARENTS = "SELECT child, parent FROM commit_parents"
_COMMIT = "SELECT source, document FROM commits WHERE id = ?"
_FIRST_PARENT = "SELECT parent FROM commit_parents WHERE child = ? AND position = 0"


def history(connection: dbapi2.Connection, commit: str, limit: int, offset: int) -> list[Commit]:
    """Up to ``limit`` of ``commit`` (an id) and those before it, from ``offset`` on; the newest first."""
    found = statements.query(connection, _REACHABLE + _HISTORY, commit, commit, limit, offset)
    return [from_text(Commit, document) for (document,) in found]


def with_ancestors(connection: dbapi2.Connection, commits: Iterable[str]) -> set[str]:
    """``commits`` (ids) and all that came before them."""
    return _ancestors(commits, _by_child(statements.query(connection, _ALL_PARENTS)))


def best_common_ancestors(connection: dbapi2.Connection, one: str, other: str) -> tuple[str, ...]:
    """The commits that both come from and that no later such commit comes from, in the order of their ids.

    One in ordinary histories, several after criss-cross merges, none for histories that have nothing in common.
    """
    parents = _by_child(statements.query(connection, _REACHABLE + _PARENTS, one, other))
    common = _ancestors((one,), parents) & _ancestors((other,), parents)
    # an ancestor is surpassed exactly when one of its children is a common ancestor too
    return tuple(sorted(common - {parent for commit in common for parent in parents.get(commit, ())}))


def newest_from(database: Database, commit: str, folders: Collection[str]) -> Commit | None:
    """The newest commit that one of ``folders`` became, among ``commit`` (an id) and those before it; None for none.

    Those on the line of first parents go before those that merges brought: they were on the same branch.
    """
    with database.read() as connection:
        on_the_line: str | None = commit
        while on_the_line is not None:
            for source, document in statements.query(connection, _COMMIT, on_the_line):
                if source in folders:
                    return from_text(Commit, document)
            parents = statements.query(connection, _FIRST_PARENT, on_the_line)
            on_the_line = parents[0][0] if parents else None
        for source, document in statements.query(connection, _REACHABLE + _ANY_BEFORE, commit, commit):
            if source in folders:
                return from_text(Commit, document)
    return None


def _by_child(rows: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    parents: dict[str, list[str]] = {}
    for child, parent in rows:
        parents.setdefault(child, []).append(parent)
    return parents


def _ancestors(commits: Iterable[str], parents: Mapping[str, list[str]]) -> set[str]:
    """``commits`` and all they come from."""
    found: set[str] = set()
    waiting = list(commits)
    while waiting:
        commit = waiting.pop()
        if commit not in found:
            found.add(commit)
            waiting.extend(parents.get(commit, ()))
    return found
