"""What happened to one model in one place, told from the states that its releases had one after the other."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from kronkers_studio.domain.releases import Release, ReleaseState


class ReleaseEventKind(StrEnum):
    WENT_LIVE = "went live"  # for the first time
    ROLLED_BACK = "rolled back"  # an earlier release is live again in place of a later one
    LIVE_AGAIN = "live again"
    STARTING = "starting"  # and not ended yet
    NOT_STARTED = "not started"
    STOPPED = "stopped"  # by somebody
    LOST = "lost"  # it ended by itself


@dataclass(frozen=True, slots=True)
class ReleaseEvent:
    """``replaced`` is the version that was live before, where another one made way; ``message`` why it came so."""

    at: datetime
    kind: ReleaseEventKind
    release: int  # number
    version: int
    replaced: int | None = None
    author: str = ""
    message: str = ""


def release_events(changes: Iterable[tuple[datetime, str, Release]]) -> list[ReleaseEvent]:
    """The events, newest first, behind ``changes``: when that was recorded, by whom, and what a release was then, in
    that order; all of one model in one place. What is recorded at one moment is one event."""
    history = _History()
    for at, author, release in changes:
        history.add(at, author, release)
    return history.told()


WENT_LIVE = (ReleaseEventKind.WENT_LIVE, ReleaseEventKind.ROLLED_BACK, ReleaseEventKind.LIVE_AGAIN)


def live_times(events: Iterable[ReleaseEvent]) -> dict[int, tuple[datetime, datetime]]:
    """From when to when each release was live last, by its number; not of one that is live still. ``events`` come
    newest first, all of one model in one place."""
    found: dict[int, tuple[datetime, datetime]] = {}
    ended: dict[int, datetime] = {}
    replaced: datetime | None = None  # when the next one went live
    for event in events:
        if event.kind in (ReleaseEventKind.STOPPED, ReleaseEventKind.LOST):
            ended[event.release] = event.at
        elif event.kind in WENT_LIVE:
            ends = [at for at in (ended.pop(event.release, None), replaced) if at is not None]
            if ends:
                found.setdefault(event.release, (event.at, min(ends)))
            replaced = event.at
    return found


def events_by_service(changes: Iterable[tuple[datetime, str, Release]]) -> list[tuple[str, str, ReleaseEvent]]:
    """As ``release_events``, of any models in any places: (model, place, event), newest first."""
    of_service: dict[tuple[str, str], list[tuple[datetime, str, Release]]] = {}
    for change in changes:
        of_service.setdefault((change[2].model, change[2].place), []).append(change)
    told = [(model, place, event) for (model, place), own in of_service.items() for event in release_events(own)]
    return sorted(told, key=lambda each: each[2].at, reverse=True)


class _History:
    def __init__(self) -> None:
        self._events: list[ReleaseEvent] = []
        self._now: dict[int, tuple[str, Release]] = {}
        self._was_live: set[int] = set()
        self._live: Release | None = None
        self._stopped: tuple[datetime, Release, ReleaseEvent] | None = None  # last; or it made way for another one

    def add(self, at: datetime, author: str, release: Release) -> None:
        before = self._now.get(release.number)
        self._now[release.number] = (author, release)
        if before is not None and (before[1].state, before[1].lost) == (release.state, release.lost):
            return  # its endpoint, or who is at it
        if release.state is ReleaseState.LIVE:
            self._went_live(at, author, release)
        elif release.lost:
            self._ended(author, release, ReleaseEventKind.LOST)
        elif release.state is ReleaseState.FAILED:
            self._note(author, release, ReleaseEventKind.NOT_STARTED)
        elif self._live is not None and self._live.number == release.number:
            if release.state is not ReleaseState.STARTING:
                self._stopped = (at, release, self._ended(author, release, ReleaseEventKind.STOPPED))
        elif before is not None and before[1].state is ReleaseState.STARTING and release.state is ReleaseState.STOPPED:
            self._note(author, release, ReleaseEventKind.STOPPED)

    def told(self) -> list[ReleaseEvent]:
        for author, release in self._now.values():
            if release.state is ReleaseState.STARTING:
                self._note(author, release, ReleaseEventKind.STARTING)
        return self._events[::-1]

    def _went_live(self, at: datetime, author: str, release: Release) -> None:
        replaced = self._live
        if self._stopped is not None and self._stopped[0] == at:  # the same change: it was not stopped
            replaced = self._stopped[1]
            self._events.remove(self._stopped[2])
        self._stopped = None
        if release.number not in self._was_live:
            kind = ReleaseEventKind.WENT_LIVE
        elif replaced is not None and replaced.number > release.number:
            kind = ReleaseEventKind.ROLLED_BACK
        else:
            kind = ReleaseEventKind.LIVE_AGAIN
        self._was_live.add(release.number)
        self._live = release
        self._note(author, release, kind, replaced)

    def _ended(self, author: str, release: Release, kind: ReleaseEventKind) -> ReleaseEvent:
        self._live = None
        return self._note(author, release, kind)

    def _note(
        self, author: str, release: Release, kind: ReleaseEventKind, replaced: Release | None = None
    ) -> ReleaseEvent:
        before = replaced.version if replaced is not None and replaced.number != release.number else None
        number, version, message = release.number, release.version, release.message
        event = ReleaseEvent(release.changed, kind, number, version, before, author, message)
        self._events.append(event)
        return event
