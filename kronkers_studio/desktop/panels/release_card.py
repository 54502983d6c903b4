"""One model in one place: what is live of it, what can be done, and the way back to earlier releases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QWidget

from kronkers_studio.desktop.localization import clock_of, date_time, moment, tr
from kronkers_studio.desktop.offer_buttons import OfferButton
from kronkers_studio.desktop.offers.services import (
    address_action,
    log_action,
    recorded_rows_action,
    return_action,
    shown_actions,
    shown_of,
)
from kronkers_studio.desktop.panels.recording_choice import recording_words
from kronkers_studio.desktop.panels.service_figures import ServiceFigures
from kronkers_studio.desktop.place_words import release_pill, silent_hint, silent_words
from kronkers_studio.desktop.reachability import ANSWERS, Reachability
from kronkers_studio.desktop.widgets.cards import Card
from kronkers_studio.desktop.widgets.hints import set_hint
from kronkers_studio.desktop.widgets.labels import ElidedLabel, label
from kronkers_studio.desktop.widgets.passing_time import keep_current
from kronkers_studio.desktop.widgets.pills import Pill
from kronkers_studio.domain.releases import Release, ReleaseState
from kronkers_studio.domain.series import LiveService

_NO_TIMES: Mapping[tuple[str, str, int], tuple[datetime, datetime]] = {}
_OTHERS = 3  # other releases shown


class ReleaseCard(Card):
    """``wanted`` carries the destination of the button that was pressed."""

    wanted = Signal(object)

    def __init__(
        self,
        model: str,
        releases: Sequence[Release],
        heard: Reachability = ANSWERS,
        parent: QWidget | None = None,
        *,
        live_times: Mapping[tuple[str, str, int], tuple[datetime, datetime]] = _NO_TIMES,
    ) -> None:
        """``releases`` are those of ``model`` in one place, newest first; at least one. ``heard`` is whether what is
        live answers; ``live_times`` from when to when each (model, place, number) was live last."""
        super().__init__(parent=parent)
        self._live_times = live_times
        shown = shown_of(releases)
        self.body.setSpacing(8)
        head = QHBoxLayout()
        head.setSpacing(8)
        head.addWidget(ElidedLabel(model, "heading"))
        head.addWidget(label(tr("version {n}").format(n=shown.version), "muted"))
        head.addStretch(1)
        head.addWidget(Pill(*release_pill(shown, heard), hint=silent_hint(heard)))
        self.body.addLayout(head)
        self.body.addWidget(keep_current(label("", "muted", wrap=True), lambda: _release_words(shown, heard)))
        if shown.recording is not None and shown.state is ReleaseState.LIVE:
            self.body.addWidget(label(recording_words(shown.recording), "muted", wrap=True))
        self._figures = ServiceFigures(model, stacked=True)
        self._figures.hide()  # until something is known of it
        self._old = shown.lost or heard.silent
        self.body.addWidget(self._figures)
        self.body.addLayout(self._actions(shown))
        others = [release for release in releases if release.number != shown.number]
        coming = [release for release in others if release.state is ReleaseState.STARTING]
        self._add_others(tr("Being started"), coming, shown)
        self._add_others(tr("Other releases"), [each for each in others if each not in coming][:_OTHERS], shown)

    def show_service(self, service: LiveService) -> None:
        """Show what was measured of what is live."""
        self._figures.show_service(service, old=self._old)
        self._figures.show()

    def _add_others(self, heading: str, releases: Sequence[Release], shown: Release) -> None:
        if releases:
            self.body.addSpacing(2)
            self.body.addWidget(label(heading, "caption"))
        for release in releases:
            self.body.addLayout(self._other_row(release, shown))

    def _actions(self, release: Release) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(8)
        for action in shown_actions(release):
            row.addWidget(OfferButton(action, self.wanted.emit, icon=False))
        row.addStretch(1)
        if release.state is ReleaseState.LIVE:
            recorded = [recorded_rows_action(release)] if release.recording is not None else []
            for action in (*recorded, log_action(release), address_action(release)):
                row.addWidget(OfferButton(action, self.wanted.emit, kind="icon"))
        return row

    def _other_row(self, release: Release, shown: Release) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(8)
        words = ElidedLabel("", hint=_other_hint(release))
        times = self._live_times.get((release.model, release.place, release.number))
        row.addWidget(keep_current(words, lambda: _other_words(release, times)), 1)
        if release.state is ReleaseState.STANDBY:
            row.addWidget(OfferButton(return_action(release, shown), self.wanted.emit, icon=False))
        else:
            pill = Pill(*release_pill(release))
            set_hint(pill, release.message)
            row.addWidget(pill)
        return row


def _other_words(release: Release, times: tuple[datetime, datetime] | None) -> str:
    """When it was live, is being started, or was tried."""
    if release.state is not ReleaseState.STARTING and times is not None:
        start, end = map(clock_of, times)
        return tr("Version {n} · live {start} – {end}").format(n=release.version, start=start, end=end)
    words = {
        ReleaseState.STARTING: tr("Version {n} · since {time}"),
        ReleaseState.FAILED: tr("Version {n} · tried {time}"),
    }.get(release.state, tr("Version {n} · live until {time}"))
    return words.format(n=release.version, time=clock_of(release.changed))


def _other_hint(release: Release) -> str:
    """Everything else that is known of it."""
    words = tr("Release {release}, put live {time} by {author}")
    author = release.author or tr("somebody")
    return words.format(release=release.label, time=date_time(release.created), author=author)


def _release_words(release: Release, heard: Reachability) -> str:
    if release.lost:
        words = tr("Stopped, seen {time}: {why}.")
        return words.format(time=moment(release.changed), why=tr(release.message).rstrip("."))
    if release.state is ReleaseState.FAILED:
        why = tr(release.message or "It did not start.")
        return f"{why[:1].upper()}{why[1:]}"
    if release.state is ReleaseState.LIVE and heard.silent:
        return f"{tr('Put live {time}').format(time=moment(release.changed))}, {silent_words(heard)}"
    words = {
        ReleaseState.LIVE: tr("Put live {time} by {author}"),
        ReleaseState.STARTING: tr("Being started by {author}, {time}"),
    }.get(release.state, tr("Stopped {time} · kept for rolling back"))
    return words.format(time=moment(release.changed), author=release.author or tr("somebody"))
