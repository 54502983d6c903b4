"""What a reference names: a branch, a tag, the state of a branch at a moment, or the beginning of a commit's id.

main    2026-q2-report    {yesterday 14:05}    try@{2026-05-01 14:05}    4f3a9c1d
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from sqlcipher3 import dbapi2

from kronkers_studio.domain.changes import BranchMoved, JournalEntry, Trashed, TrashRestored
from kronkers_studio.domain.content import DEFAULT_BRANCH, Branch, Commit, Tag
from kronkers_studio.domain.errors import InvalidInput, NotFound
from kronkers_studio.domain.maintenance import TrashKind
from kronkers_studio.domain.time_expressions import parse_moment
from kronkers_studio.registry.metadata import statements
from kronkers_studio.registry.metadata.journal import decode_entry
from kronkers_studio.storage.database import Database
from kronkers_studio.storage.json_form import from_text, records_read, to_json

_SHORTEST_ID = 4
_NAMED = 5
_MOMENT = re.compile(r"(?:(?P<branch>[^@{}]*)@)?\{(?P<moment>[^{}]*)\}")
_BRANCHES = (
    "SELECT branches.name, commits.document FROM branches JOIN commits ON commits.id = branches.head "
    "WHERE branches.project = ?1 AND (?2 IS NULL OR branches.name = ?2) ORDER BY branches.name"
)
_TAGS = (
    'SELECT tags.name, commits.document, tags.created FROM tags JOIN commits ON commits.id = tags."commit" '
    "WHERE tags.project = ?1 AND (?2 IS NULL OR tags.name = ?2) ORDER BY tags.name"
)
_MOVES = (
    "SELECT number, at, author, kind, change, hash FROM journal WHERE at <= ? AND kind IN (?, ?, ?) "
    "ORDER BY number DESC"
)
_BY_PREFIX = "SELECT document FROM commits WHERE project = ? AND id >= ? AND id < ? LIMIT 2"
_FORBIDDEN = frozenset("@:\n\r\t\0")


class References:
    """The names of the commits of one workspace. Thread-safe."""

    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._clock = clock

    def resolve(self, project: str, ref: str = "") -> Commit:
        """The commit that ``ref`` names; "" is the default branch.

        Raises ``NotFound``, or ``InvalidInput`` when several commits begin so or a moment cannot be read.
        """
        exists, head = self.head(project, ref or DEFAULT_BRANCH)
        if head is not None:
            return head
        if not exists:
            raise NotFound(f"There is no project “{project}”.", next_step="`kronkers projects` shows those that exist.")
        if not ref:
            there = ", ".join(f"{project}@{branch.name}" for branch in self.branches(project)[:_NAMED])
            raise NotFound(
                f"Project “{project}” has no branch “{DEFAULT_BRANCH}”.",
                next_step=f"Name one of its branches: {there}."
                if there
                else "All of its branches were removed: `kronkers trash list` shows what can come back.",
            )
        tagged = self.tags(project, ref)
        if tagged:
            return tagged[0].commit
        if at := _MOMENT.fullmatch(ref):
            moment = parse_moment(at["moment"], now=self._clock())
            return self.at(project, at["branch"] or DEFAULT_BRANCH, moment)
        return self._by_prefix(project, ref)

    def head(self, project: str, branch: str) -> tuple[bool, Commit | None]:
        """Whether the project exists, and the head of its branch."""
        found = self.branches(project, branch)
        if found:
            return True, found[0].head
        with self._database.read() as connection:
            return statements.has(connection, statements.PROJECTS, name=project, removed=0), None

    def branches(self, project: str, name: str | None = None) -> list[Branch]:
        """The project's branches by name, or the one of that name."""
        with self._database.read() as connection:
            found = statements.query(connection, _BRANCHES, project, name)
        return [Branch(project, own_name, from_text(Commit, head)) for own_name, head in found]

    def tags(self, project: str, name: str | None = None) -> list[Tag]:
        """The project's tags by name, or the one of that name."""
        with self._database.read() as connection:
            found = statements.query(connection, _TAGS, project, name)
        with records_read("tag"):
            return [
                Tag(project, own_name, from_text(Commit, commit), datetime.fromisoformat(created))
                for own_name, commit, created in found
            ]

    def at(self, project: str, branch: str, moment: datetime) -> Commit:
        """The head that the branch had at ``moment``, as the journal has it; the branch may be gone since.

        Raises ``NotFound`` when there was no such branch then, or its version was cleaned up since.
        """
        restored: set[str] = set()
        with self._database.read() as connection:
            for entry in _history(connection, moment):
                change = entry.change
                if entry.kind == TrashRestored.__name__:
                    restored.add(change["id"])
                elif entry.kind == Trashed.__name__:
                    if change["id"] not in restored and _took(change, project, branch):
                        break
                elif (change["project"], change["branch"]) == (project, branch):
                    return self._by_prefix(project, change["commit"])
        raise NotFound(
            f"Project “{project}” had no branch “{branch}” on {moment.astimezone():%Y-%m-%d at %H:%M}.",
            next_step=f"`kronkers log {project}` shows its versions and their times.",
        )

    def _by_prefix(self, project: str, ref: str) -> Commit:
        prefix = ref.lower()
        found: list[tuple[Any, ...]] = []
        if len(prefix) >= _SHORTEST_ID and not set(prefix) - set("0123456789abcdef"):
            with self._database.read() as connection:
                found = statements.query(connection, _BY_PREFIX, project, prefix, prefix + "g")
        if not found:
            raise NotFound(
                f"Project “{project}” has no branch, tag or commit “{ref}”.",
                next_step=f"`kronkers log {project}` shows its commits, `kronkers branch {project}` its branches.",
            )
        if len(found) > 1:
            raise InvalidInput(f"Several commits begin with “{ref}”.", next_step="Give more characters of the id.")
        return from_text(Commit, found[0][0])


def check_name(what: str, name: str) -> None:
    """Raises ``InvalidInput`` for what can be no name of a project, branch or tag."""
    if not name.strip() or name != name.strip() or set(name) & _FORBIDDEN:
        raise InvalidInput(
            f"“{name}” is no name for a {what}.",
            next_step="A name has no @, no colon, no line breaks, and no spaces around it.",
        )


def _history(connection: dbapi2.Connection, moment: datetime) -> Iterator[JournalEntry]:
    """What happened to branches up to ``moment``, backwards."""
    kinds = (kind.__name__ for kind in (BranchMoved, Trashed, TrashRestored))
    yield from map(decode_entry, statements.query(connection, _MOVES, to_json(moment), *kinds))


def _took(change: dict[str, Any], project: str, branch: str) -> bool:
    """Whether a removal took the branch away, by itself or with its project."""
    if change["kind"] == TrashKind.PROJECT:
        return bool(change["owner"] == project)
    return bool(change["kind"] == TrashKind.BRANCH and (change["owner"], change["name"]) == (project, branch))
