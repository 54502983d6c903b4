"""How places and releases read."""

from __future__ import annotations

from kronkers_studio.desktop.text import tr
from kronkers_studio.desktop.tokens import Tone
from kronkers_studio.domain.releases import THIS_COMPUTER, Release, ReleaseState


def place_words(place: str) -> str:
    """A place's name as people say it: "this computer", or the server's name."""
    return tr("this computer") if place == THIS_COMPUTER else place


def place_title(place: str) -> str:
    """A place's name as a heading."""
    return tr("This computer") if place == THIS_COMPUTER else place


def release_pill(release: Release) -> tuple[str, Tone]:
    """A release's state in a word, with its tone."""
    if release.lost:
        return tr("Stopped"), "warn"
    words: dict[ReleaseState, tuple[str, Tone]] = {
        ReleaseState.STARTING: (tr("Starting"), "accent"),
        ReleaseState.LIVE: (tr("Live"), "ok"),
        ReleaseState.STANDBY: (tr("Standby"), "plain"),
        ReleaseState.FAILED: (tr("Failed"), "bad"),
        ReleaseState.STOPPED: (tr("Stopped"), "plain"),
    }
    return words[release.state]
