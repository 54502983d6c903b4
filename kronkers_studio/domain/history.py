"""The history of a project as a graph: versions in rows, newest first, each with the lanes it is drawn in. The history
of one file: the versions in which it changed."""

from __future__ import annotations

from dataclasses import dataclass

from kronkers_studio.domain.content import Commit
from kronkers_studio.domain.differences import EntryChange

Line = tuple[int, int]
"""From one lane to another; both the same for a line that goes straight down."""


@dataclass(frozen=True, slots=True)
class HistoryRow:
    """A version and the lines around it: ``above`` from the row's top to its middle, ``below`` from there on."""

    commit: Commit
    lane: int = 0
    above: tuple[Line, ...] = ()
    below: tuple[Line, ...] = ()
    branches: tuple[str, ...] = ()  # whose newest version it is
    tags: tuple[str, ...] = ()

    @property
    def lanes(self) -> int:
        """How many lanes the row needs."""
        return 1 + max([self.lane, *(lane for line in (*self.above, *self.below) for lane in line)])


class Lanes:
    """Gives each version its lane. Versions come newest first, each before the ones it was made from."""

    def __init__(self) -> None:
        self._waiting: list[str | None] = []  # for each lane the version that its line leads to
        self._placed: set[str] = set()

    def place(self, commit: Commit, branches: tuple[str, ...] = (), tags: tuple[str, ...] = ()) -> HistoryRow:
        """The row of ``commit``, which goes on where the row before it ended."""
        waiting = self._waiting
        mine = [lane for lane, wanted in enumerate(waiting) if wanted == commit.id]
        lane = mine[0] if mine else self._free()
        above = tuple(
            (before, lane if before in mine else before) for before, wanted in enumerate(waiting) if wanted is not None
        )
        for ended in mine:
            waiting[ended] = None
        below = [(passing, passing) for passing, wanted in enumerate(waiting) if wanted is not None]
        self._placed.add(commit.id)
        below += [(lane, self._lane_to(parent, lane)) for parent in commit.parents if parent not in self._placed]
        while waiting and waiting[-1] is None:
            waiting.pop()
        return HistoryRow(commit, lane, above, tuple(below), branches, tags)

    def _lane_to(self, parent: str, own: int) -> int:
        """The lane that leads to ``parent``: one that does already, else ``own`` while it is free, else a new one."""
        waiting = self._waiting
        if parent in waiting:
            return waiting.index(parent)
        lane = own if waiting[own] is None else self._free()
        waiting[lane] = parent
        return lane

    def _free(self) -> int:
        if None in self._waiting:
            return self._waiting.index(None)
        self._waiting.append(None)
        return len(self._waiting) - 1


@dataclass(frozen=True, slots=True)
class FileState:
    """A version in which a file became what it was in none of those before: ``change`` is what it became beside the
    version ``before`` (an id; "" for the first version of a project)."""

    commit: Commit
    change: EntryChange
    before: str = ""


@dataclass(frozen=True, slots=True)
class FileHistory:
    """All states of one file, newest first, among the ``versions`` that were looked through; not ``complete`` when
    there are more of either. Under which names it was before, its states tell."""

    path: str
    states: tuple[FileState, ...]
    versions: int
    complete: bool = True
