"""One model in one place: what is live of it, what can be done, and the way back to earlier releases."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QWidget

from kronkers_studio.desktop.place_words import place_words, release_pill
from kronkers_studio.desktop.text import moment, tr
from kronkers_studio.desktop.widgets.buttons import Button
from kronkers_studio.desktop.widgets.cards import Card
from kronkers_studio.desktop.widgets.labels import ElidedLabel, label
from kronkers_studio.desktop.widgets.pills import Pill
from kronkers_studio.domain.releases import Release, ReleaseState

_EARLIER = 3  # earlier releases shown


class ReleaseCard(Card):
    """Each signal carries the ``Release`` that it is about."""

    rows_wanted = Signal(object)
    charts_wanted = Signal(object)
    stop_wanted = Signal(object)
    return_wanted = Signal(object)
    retry_wanted = Signal(object)
    start_wanted = Signal(object)

    def __init__(self, model: str, releases: Sequence[Release], parent: QWidget | None = None) -> None:
        """``releases`` are those of ``model`` in one place, newest first; at least one."""
        super().__init__(parent=parent)
        live = next((release for release in releases if release.state is ReleaseState.LIVE), None)
        lost = None if live else next((release for release in releases if release.lost), None)
        shown = live or lost or releases[0]
        self.body.setSpacing(8)
        head = QHBoxLayout()
        head.setSpacing(8)
        head.addWidget(ElidedLabel(model, "heading"))
        head.addWidget(label(tr("version {n}").format(n=shown.version), "muted"))
        head.addStretch(1)
        head.addWidget(Pill(*release_pill(shown)))
        self.body.addLayout(head)
        self.body.addWidget(label(_release_words(shown), "muted", wrap=True))
        self.body.addLayout(self._actions(shown))
        earlier = [release for release in releases if release.number != shown.number][:_EARLIER]
        if earlier:
            self.body.addSpacing(2)
            self.body.addWidget(label(tr("Earlier"), "caption"))
        for release in earlier:
            self.body.addLayout(self._earlier_row(release))

    def _actions(self, release: Release) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(8)
        offers: dict[ReleaseState, list[tuple[str, Callable[[Release], object]]]] = {
            ReleaseState.LIVE: [
                (tr("Send rows"), self.rows_wanted.emit),
                (tr("Charts"), self.charts_wanted.emit),
                (tr("Stop"), self.stop_wanted.emit),
            ],
            ReleaseState.STANDBY: [(tr("Make live again"), self.return_wanted.emit)],
            ReleaseState.FAILED: [(tr("Try again …"), self.retry_wanted.emit)],
        }
        again = [(tr("Start again"), self.start_wanted.emit), (tr("Charts"), self.charts_wanted.emit)]
        for text, tell in again if release.lost else offers.get(release.state, []):
            row.addWidget(_button(text, tell, release))
        row.addStretch(1)
        return row

    def _earlier_row(self, release: Release) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(8)
        words = tr("{release} · version {version} · {time}").format(
            release=release.label, version=release.version, time=moment(release.changed)
        )
        row.addWidget(ElidedLabel(words), 1)
        if release.state is ReleaseState.STANDBY:
            row.addWidget(_button(tr("Roll back"), self.return_wanted.emit, release))
        else:
            pill = Pill(*release_pill(release))
            pill.setToolTip(release.message)
            row.addWidget(pill)
        return row


def _button(text: str, tell: Callable[[Release], object], release: Release) -> Button:
    name = tr("{action}: {model} {release} on {place}").format(
        action=text, model=release.model, release=release.label, place=place_words(release.place)
    )
    return Button(text, lambda: tell(release), name=name)


def _release_words(release: Release) -> str:
    if release.lost:
        words = tr("Stopped, seen {time}: {why}.")
        return words.format(time=moment(release.changed), why=tr(release.message).rstrip("."))
    if release.state is ReleaseState.FAILED:
        return release.message or tr("It did not start.")
    words = {
        ReleaseState.LIVE: tr("Put live {time} by {author}"),
        ReleaseState.STARTING: tr("Being started by {author}, {time}"),
    }.get(release.state, tr("Made way {time} · kept for a rollback"))
    return words.format(time=moment(release.changed), author=release.author or tr("somebody"))
