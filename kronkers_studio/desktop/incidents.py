"""What is wrong now, and what of it is worth a word outside of the window.

An incident is told once, however often it comes and goes meanwhile, and its end once; what begins or ends within some
seconds is told together. What lasts for a moment only is told to nobody.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from kronkers_studio.desktop.destinations import Destination, ToPage

_SETTLED = 5.0  # seconds that a problem lasts before it is told
_CALM = 15.0  # seconds without it before it is over
_BETWEEN = 30.0  # seconds between two messages of one kind
_APART = 600.0  # seconds before the same problem is told again


class Condition(StrEnum):
    """How everything is, at one look."""

    IDLE = "idle"
    WORKING = "working"
    OFFLINE = "offline"
    ATTENTION = "attention"


@dataclass(frozen=True, slots=True)
class Problem:
    """``title`` says it in a few words, ``words`` why; ``over`` what is said when it ended, "" when nothing is;
    ``where`` is the place in the window where something can be done about it. One that is ``covered`` is but a part of
    another one, and not told while it is."""

    title: str
    words: str = ""
    over: str = ""
    where: Destination = field(default_factory=lambda: ToPage("home"))
    covered: bool = False


@dataclass(frozen=True, slots=True)
class Told:
    """Problems that began (or, with ``over``, ended) and are to be told in one message."""

    problems: tuple[Problem, ...]
    over: bool = False


@dataclass(slots=True)
class _Incident:
    problem: Problem
    began: float
    told: bool = False
    quiet: bool = False  # it was there before anybody looked: no news, nor is its end
    ended: float | None = None  # while that is not certain yet


class Incidents:
    """Problems by their keys; times are seconds of a clock that never goes back."""

    def __init__(self) -> None:
        self._known: dict[str, _Incident] = {}
        self._accepted: set[str] = set()
        self._told_at: dict[str, float] = {}
        self._spoke = dict.fromkeys((False, True), -_BETWEEN)

    def see(self, now: Mapping[str, Problem], at: float) -> list[Told]:
        """``now`` is all that is wrong ``at`` this moment: what is to be told of it. To be called at each change, and
        every few seconds."""
        for key, problem in now.items():
            known = self._known.setdefault(key, _Incident(problem, at, quiet=key in self._accepted))
            known.problem, known.ended = problem, None
        for key in [key for key in self._known if key not in now]:
            self._not_there(key, at)
        self._told_at = {key: told for key, told in self._told_at.items() if at - told < _APART}
        return [*self._begun(at), *self._ended(at)]

    def accept(self, keys: Iterable[str]) -> None:
        """Those problems, until they end, are known to everybody: such as what was wrong when the window opened."""
        self._accepted = set(keys)

    def _not_there(self, key: str, at: float) -> None:
        incident = self._known[key]
        self._accepted.discard(key)
        if not incident.told or not incident.problem.over:
            del self._known[key]  # nobody heard of it, or it is no state
        elif incident.ended is None:
            incident.ended = at

    def _begun(self, at: float) -> list[Told]:
        waiting = {
            key: each
            for key, each in self._known.items()
            if not (each.told or each.quiet or each.problem.covered) and key not in self._told_at
        }
        ripe = any(at - each.began >= _SETTLED for each in waiting.values())
        if not ripe or at - self._spoke[False] < _BETWEEN:
            return []
        for key, each in waiting.items():
            each.told = True
            self._told_at[key] = at
        self._spoke[False] = at
        return [Told(tuple(each.problem for each in waiting.values()))]

    def _ended(self, at: float) -> list[Told]:
        over = [key for key, each in self._known.items() if each.ended is not None and at - each.ended >= _CALM]
        if not over or at - self._spoke[True] < _BETWEEN:
            return []
        self._spoke[True] = at
        return [Told(tuple(self._known.pop(key).problem for key in over), over=True)]
