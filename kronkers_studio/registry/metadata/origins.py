"""Where versions came from: which of those before a commit a folder became when it was brought in."""

from __future__ import annotations

from collections.abc import Collection

from kronkers_studio.domain.content import Commit
from kronkers_studio.registry.metadata import statements
from kronkers_studio.storage.database import Database
from kronkers_studio.storage.json_form import from_text

_COMMIT = "SELECT source, document FROM commits WHERE id = ?"
_FIRST_PARENT = "SELECT parent FROM commit_parents WHERE child = ? AND position = 0"
_ANY_BEFORE = (
    "WITH RECURSIVE reachable(id) AS ("
    "  SELECT ? UNION SELECT parent FROM commit_parents JOIN reachable ON child = reachable.id"
    ") SELECT source, document FROM commits JOIN reachable USING (id) ORDER BY commits.rowid DESC"
)


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
