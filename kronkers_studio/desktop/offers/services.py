"""What can be done with what is live, or was."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from kronkers_studio.desktop.actions import Act, Action, Kind
from kronkers_studio.desktop.destinations import (
    PutLive,
    RollBack,
    SaveRecordedRows,
    SendRows,
    ShowAccess,
    ShowServiceLog,
    StartAgain,
    StopService,
    WatchService,
)
from kronkers_studio.desktop.localization import tr
from kronkers_studio.desktop.place_words import place_words, release_pill
from kronkers_studio.domain.releases import Release, ReleaseState

if TYPE_CHECKING:
    pass


def services_of(releases: Sequence[Release]) -> list[list[Release]]:
    """The releases of each model in each place together."""
    groups: dict[tuple[str, str], list[Release]] = {}
    for release in releases:
        groups.setdefault((release.model, release.place), []).append(release)
    return list(groups.values())


def service_actions(releases: Sequence[Release]) -> Iterator[Action]:
    """All that can be done with the ``releases`` of one model in one place, newest first; at least one."""
    shown = shown_of(releases)
    yield from shown_actions(shown)
    if shown.state is ReleaseState.LIVE:
        yield address_action(shown)
        yield log_action(shown)
        if shown.recording is not None:
            yield recorded_rows_action(shown)
    for release in releases:
        if release.number != shown.number and release.state is ReleaseState.STANDBY:
            yield return_action(release, shown)


def shown_of(releases: Sequence[Release]) -> Release:
    """Of one model's ``releases`` in one place the one that counts: what is live, else what ended by itself, else the
    newest."""
    live = next((release for release in releases if release.state is ReleaseState.LIVE), None)
    lost = next((release for release in releases if release.lost), None)
    return live or lost or releases[0]


def shown_actions(release: Release) -> list[Action]:
    """What can be done with the release that counts."""
    model, place, version = release.model, release.place, release.version
    if release.lost:
        again = tr("Start {model} again on {place}"), tr("Start again"), tr("restart run relaunch")
        return [_of(release, *again, StartAgain(model, place), "play"), charts_action(release)]
    if release.state is ReleaseState.LIVE:
        rows = tr("Send rows to {model} on {place}"), tr("Send rows"), tr("predict score test try ask answer file")
        stop = tr("Stop {model} on {place}"), tr("Stop"), tr("end shut down take offline")
        return [
            _of(release, *rows, SendRows(model, place), "send"),
            charts_action(release),
            _of(release, *stop, StopService(model, place), "stop"),
        ]
    if release.state is ReleaseState.STANDBY:
        return [return_action(release, release)]
    if release.state is ReleaseState.FAILED:
        words = tr("Try again to put {model} live on {place} …"), tr("Try again …"), put_live_words()
        return [_of(release, *words, PutLive(model, version, place), "deploy")]
    return []


def address_action(release: Release) -> Action:
    """How other programs ask it."""
    also = tr("url port api curl python excel endpoint key copy address")
    act = ShowAccess(release.model, release.place)
    return _of(release, tr("Address of {model} on {place}, and programs that ask it"), "", also, act, "code")


def log_action(release: Release) -> Action:
    """What its service wrote down."""
    act = ShowServiceLog(release.model, release.place)
    also = tr("logs output messages errors trouble why debug")
    return _of(release, tr("Log of {model} on {place}"), tr("Log"), also, act, "document")


def recorded_rows_action(release: Release) -> Action:
    """The rows that it kept."""
    act = SaveRecordedRows(release.model, release.place)
    also = tr("sample recording kept inputs export fetch replay parquet csv")
    return _of(release, tr("Save the recorded rows of {model} on {place} …"), "", also, act, "save")


def charts_action(release: Release) -> Action:
    """Its live charts."""
    act = WatchService(release.model, release.place)
    return _of(release, tr("Charts of {model} on {place}"), tr("Charts"), _charts_words(), act, "monitor")


def return_action(release: Release, shown: Release) -> Action:
    """Make ``release`` live again, which is a way back when ``shown`` is live and newer."""
    back = shown.state is ReleaseState.LIVE and release.number < shown.number
    title = tr("Roll back {model} on {place} to version {version}")
    if not back:
        title = tr("Make version {version} of {model} live again on {place}")
    short = tr("Roll back") if back else tr("Make live again")
    if shown.state is ReleaseState.LIVE and not back:
        short = tr("Return to version {n}").format(n=release.version)
    also = tr("undo revert restore previous earlier version roll back")
    return _of(release, title, short, also, RollBack(release.model, release.place, release.number), "undo")


def _of(release: Release, title: str, short: str, also: str, act: Act, icon: str) -> Action:
    words = title.format(model=release.model, place=place_words(release.place), version=release.version)
    state = release_pill(release)[0]
    where = tr("version {version} · {state}").format(version=release.version, state=state)
    return Action(Kind.ACTION, words, act, icon, short, where, also)


def _charts_words() -> str:
    return tr("monitor metrics graph figures watch requests")


def put_live_words() -> str:
    return tr("deploy publish release serve launch go live ship production")
