"""How places and releases read."""

from __future__ import annotations

from kronkers_studio.desktop.localization import clock_of, date_time, tr
from kronkers_studio.desktop.look.tokens import Tone
from kronkers_studio.desktop.reachability import ANSWERS, Reachability
from kronkers_studio.domain.releases import THIS_COMPUTER, Release, ReleaseState


def place_words(place: str) -> str:
    """A place's name as people say it: "this computer", or the server's name."""
    return tr("this computer") if place == THIS_COMPUTER else place


def place_title(place: str) -> str:
    """A place's name as a heading."""
    return tr("This computer") if place == THIS_COMPUTER else place


def release_pill(release: Release, heard: Reachability = ANSWERS) -> tuple[str, Tone]:
    """A release's state in a word, with its tone; that of a live one as it was ``heard``."""
    if release.lost:
        return tr("Stopped"), "warn"
    if release.state is ReleaseState.LIVE and heard.silent:
        return tr("Unreachable"), "warn"
    if release.state is ReleaseState.LIVE and heard.answers is None:
        return tr("Live"), "plain"  # as it is recorded; it is being asked
    tones: dict[ReleaseState, Tone] = {
        ReleaseState.STARTING: "accent",
        ReleaseState.LIVE: "ok",
        ReleaseState.FAILED: "bad",
    }
    return state_words(release.state), tones.get(release.state, "plain")


def state_words(state: ReleaseState) -> str:
    """A release's state as it is recorded, in a word."""
    return {
        ReleaseState.STARTING: tr("Starting"),
        ReleaseState.LIVE: tr("Live"),
        ReleaseState.STANDBY: tr("Kept for rolling back"),
        ReleaseState.FAILED: tr("Failed"),
        ReleaseState.STOPPED: tr("Stopped"),
    }[state]


def silent_words(heard: Reachability) -> str:
    """Since when what is live does not answer: "does not answer since 19:36"; "" while it does."""
    if not heard.silent:
        return ""
    if heard.since is None:
        return tr("does not answer")
    return tr("does not answer since {time}").format(time=clock_of(heard.since))


def silent_hint(heard: Reachability) -> str:
    """Why it does not answer, and when that was found; "" while it does."""
    if not heard.silent:
        return ""
    return "\n".join(part for part in (heard.problem, date_time(heard.since) if heard.since else "") if part)
