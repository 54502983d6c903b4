"""Ending what was begun with a release and never ended: by a program that was killed, a line cut, a server gone.

Before anything is changed in a place, the release in the history names who is changing it (``workflows.workers``). When
that process is gone, whoever looks next takes its place, looks at what is there, and ends it. A release that was not
yet live is removed, even if it answers by now: nobody has seen it succeed. What was live is never touched.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from kronkers_studio.domain.errors import NotFound, StudioError
from kronkers_studio.domain.releases import THIS_COMPUTER, Release, ReleaseState
from kronkers_studio.workflows.model_test_runs.private_service import end_abandoned
from kronkers_studio.workflows.places import Place, place_of
from kronkers_studio.workflows.session import Session
from kronkers_studio.workflows.workers import at_work, is_abandoned

_PATIENCE_SECONDS = 60.0
"""A place that did not answer is not asked again so soon by those who only want to know."""

_silent_since: dict[tuple[str, str], float] = {}
"""When the place of a workspace did not answer last, by a clock of this process."""


def settle_releases(session: Session, place_name: str | None = None, *, look_at_live: bool = True) -> list[Release]:
    """End what was begun and left with releases, there or everywhere; the releases that are another thing now.

    With ``look_at_live``, also what is live is looked at: what was stopped or removed by somebody else is said to be.
    What is live on this computer is always looked at, since that costs nothing. A place that does not answer is left
    for the next time. Without anything to settle, no place is asked.
    """
    end_abandoned(session, place_name)
    waiting: dict[str, list[Release]] = {}
    for release in session.workspace.ledger.releases(place=place_name):
        looked_at = release.state is ReleaseState.LIVE and (look_at_live or release.place == THIS_COMPUTER)
        if looked_at or is_abandoned(release):
            waiting.setdefault(release.place, []).append(release)
    settled = []
    for name, releases in waiting.items():
        silent = _silent_since.get((str(session.directory), name))
        if look_at_live or silent is None or time.monotonic() - silent > _PATIENCE_SECONDS:
            settled += _settle_place(session, name, releases)
    return settled


def lost_releases(session: Session, place_name: str | None = None) -> list[Release]:
    """What was live, ended though nobody here stopped it, and nothing has taken its place since."""
    ledger = session.workspace.ledger
    return [
        release
        for release in ledger.releases(place=place_name)
        if release.lost and ledger.live_release(release.model, release.place) is None
    ]


def _settle_place(session: Session, name: str, releases: Sequence[Release]) -> list[Release]:
    settled = []
    try:
        place = place_of(session, name)
    except NotFound:
        return [_forgotten(session, release) for release in releases if is_abandoned(release)]
    for release in releases:
        try:
            found = _settled(session, place, release)
        except StudioError:  # the place does not answer, or not as it should: the next look may find it better
            _silent_since[str(session.directory), name] = time.monotonic()
            break
        _silent_since.pop((str(session.directory), name), None)
        settled += [found] if found is not None else []
    return settled


def _settled(session: Session, place: Place, release: Release) -> Release | None:
    """What the release is now, when that is something else. Raises ``StudioError`` when the place does not say."""
    ledger = session.workspace.ledger
    if not is_abandoned(release):
        after = as_found(place, release)
        if after.state is release.state or not ledger.replace_release(release, after, author=session.author):
            return None
        return after
    with at_work() as worker:
        taken = replace(release, worker=worker)
        if not ledger.replace_release(release, taken, author=session.author):
            return None  # somebody else was quicker, or it had just been ended
        try:
            after = _ended(place, taken)
        except StudioError as problem:
            untold = replace(taken, message=f"{_INTERRUPTED}; {problem.message}")
            ledger.replace_release(taken, untold, author=session.author)
            raise
        ledger.replace_release(taken, after, author=session.author)
        return after


_INTERRUPTED = "it was interrupted"
_LAST_WORDS = 30  # lines
_log = logging.getLogger(__name__)


def _ended(place: Place, release: Release) -> Release:
    """What ``release`` is after what was begun with it is ended."""
    if release.state is ReleaseState.STARTING and "port" not in release.endpoint:
        place.remove(release)
        return _as(release, ReleaseState.FAILED, _INTERRUPTED)
    if release.state in (ReleaseState.FAILED, ReleaseState.STOPPED):
        place.remove(release)
        return replace(release, worker=None)
    if release.state is ReleaseState.LIVE:
        return as_found(place, replace(release, worker=None))
    place.pause(release)  # it was being put on standby, or gone back to
    gone = place.state(release) is ReleaseState.STOPPED
    if gone:
        return _as(release, ReleaseState.STOPPED, "it is no longer there")
    if release.state is ReleaseState.STANDBY:
        return replace(release, worker=None)
    return _as(release, ReleaseState.STANDBY, f"going back to it: {_INTERRUPTED}")


def as_found(place: Place, release: Release) -> Release:
    """A live release as its place has it: still live (also while it is starting again), or stopped by somebody."""
    state = place.state(release)
    if state is ReleaseState.STANDBY:
        _keep_last_words(place, release)
        place.pause(release)  # what it left: on this computer, the model in the clear
        why = "it was stopped outside of Kronkers Studio, or with the computer"
        return replace(_as(release, state, why), lost=True)
    if state is ReleaseState.STOPPED:
        return replace(_as(release, state, "its service was removed outside of Kronkers Studio"), lost=True)
    return release


def _keep_last_words(place: Place, release: Release) -> None:
    """What its service said last is in the program's log from then on: its own log goes with it."""
    words = place.log(release)[-_LAST_WORDS:]
    if words:
        said = f"{release.model} {release.label} ended by itself; its last words are in the details"
        _log.warning(said, extra={"details": "\n".join(words)})


def _forgotten(session: Session, release: Release) -> Release:
    state = ReleaseState.FAILED if release.state is ReleaseState.STARTING else release.state
    after = _as(release, state, f"{_INTERRUPTED}; its server is no longer known")
    session.workspace.ledger.replace_release(release, after, author=session.author)
    return after


def _as(release: Release, state: ReleaseState, message: str) -> Release:
    return replace(release, state=state, message=message, changed=datetime.now(UTC), worker=None)
