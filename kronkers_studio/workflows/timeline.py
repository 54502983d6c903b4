"""Every version of a project on every branch, a page at a time, laid out as a graph."""

from __future__ import annotations

import heapq
from collections import defaultdict

from kronkers_studio.domain.content import Commit
from kronkers_studio.domain.history import HistoryRow, Lanes
from kronkers_studio.workflows.browsing import history
from kronkers_studio.workflows.session import Session
from kronkers_studio.workflows.versions import list_branches, list_tags

_READ_AHEAD = 256  # versions asked for in one query


class Timeline:
    """Walks down from all branches and tags at once, newest first. One thread at a time; nothing is read twice."""

    def __init__(self, session: Session, project: str) -> None:
        self._session = session
        self.project = project
        self.branches = list_branches(session, project)
        self.tags = list_tags(session, project)
        self._branch_names: defaultdict[str, tuple[str, ...]] = defaultdict(tuple)
        self._tag_names: defaultdict[str, tuple[str, ...]] = defaultdict(tuple)
        self._known: dict[str, Commit] = {}
        self._seen: set[str] = set()
        self._next: list[tuple[float, int, str]] = []
        self._lanes = Lanes()
        for branch in self.branches:
            self._branch_names[branch.head.id] += (branch.name,)
        for tag in self.tags:
            self._tag_names[tag.commit.id] += (tag.name,)
        for commit in [*(branch.head for branch in self.branches), *(tag.commit for tag in self.tags)]:
            self._known[commit.id] = commit
            self._expect(commit.id)

    def page(self, count: int) -> list[HistoryRow]:
        """The next ``count`` versions; fewer when the beginning is reached."""
        rows: list[HistoryRow] = []
        while self._next and len(rows) < count:
            *_, id = heapq.heappop(self._next)
            commit = self._known.pop(id)
            for parent in commit.parents:
                self._expect(parent)
            rows.append(self._lanes.place(commit, self._branch_names[id], self._tag_names[id]))
        return rows

    def _expect(self, id: str) -> None:
        if id in self._seen:
            return
        self._seen.add(id)
        if id not in self._known:
            ahead = history(self._session, self.project, id, limit=_READ_AHEAD)
            self._known |= {commit.id: commit for commit in ahead if commit.id == id or commit.id not in self._seen}
        # Of the same moment, the one that was expected later is the older one.
        heapq.heappush(self._next, (-self._known[id].created.timestamp(), len(self._seen), id))
