"""What happened to one model in one place: its releases, newest first."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from kronkers_studio.desktop.charts.ticks import when
from kronkers_studio.desktop.localization import date_time, tr
from kronkers_studio.desktop.place_words import release_pill
from kronkers_studio.desktop.reachability import NOT_ASKED, Reachability
from kronkers_studio.desktop.widgets.cards import Card, clear
from kronkers_studio.desktop.widgets.labels import ElidedLabel, label
from kronkers_studio.desktop.widgets.pills import Pill
from kronkers_studio.desktop.widgets.views import scrolling
from kronkers_studio.domain.releases import Release, ReleaseState

_MOST = 30
_ROOM_FOR_PILLS = 300  # pixels


class Happened(Card):
    """A card with one line per release: when, what, and its state."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(tr("What happened"), parent)
        inner = QWidget()
        self._rows = QVBoxLayout(inner)
        self._rows.setContentsMargins(0, 0, 0, 0)
        self._rows.setSpacing(8)
        self.body.addWidget(scrolling(inner, tr("What happened")), 1)
        self._shown: tuple[tuple[Release, ...], Reachability] = ((), NOT_ASKED)

    def show_releases(self, releases: Sequence[Release], heard: Reachability) -> None:
        """List ``releases`` by the time at which they last changed; ``heard`` is whether what is live answers."""
        latest = tuple(sorted(releases, key=lambda release: release.changed, reverse=True)[:_MOST])
        if (latest, heard) == self._shown:
            return
        self._shown = (latest, heard)
        clear(self._rows)
        for release in latest:
            self._rows.addWidget(_row(release, heard))
        if not latest:
            self._rows.addWidget(label(tr("Nothing yet."), "muted"))
        self._rows.addStretch(1)
        self._show_pills()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._show_pills()

    def _show_pills(self) -> None:
        """Where there is no room for both, the sentence says it."""
        for pill in self.findChildren(Pill):
            pill.setVisible(self.width() >= _ROOM_FOR_PILLS)


def _row(release: Release, heard: Reachability) -> QWidget:
    made = QWidget()
    row = QHBoxLayout(made)
    row.setContentsMargins(0, 0, 0, 0)
    row.setSpacing(10)
    time = label(when(release.changed), "muted")
    time.setMinimumWidth(44)
    words = ElidedLabel(_words(release))
    made.setToolTip("\n".join(part for part in (date_time(release.changed), release.message) if part))
    text, tone = release_pill(release, heard)
    row.addWidget(time)
    row.addWidget(words, 1)
    row.addWidget(Pill(text, tone))
    return made


def _words(release: Release) -> str:
    if release.lost:
        return tr("Version {n} stopped by itself").format(n=release.version)
    sentences = {
        ReleaseState.LIVE: tr("Version {n} went live"),
        ReleaseState.STANDBY: tr("Version {n} made way"),
        ReleaseState.FAILED: tr("Version {n} did not start"),
        ReleaseState.STOPPED: tr("Version {n} was stopped"),
        ReleaseState.STARTING: tr("Version {n} is starting"),
    }
    return sentences[release.state].format(n=release.version)
