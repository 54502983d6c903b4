"""Where a model runs, in a line each: how it is, and what can be done with it."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QWidget

from kronkers_studio.desktop.localization import clock_of, counted, tr
from kronkers_studio.desktop.offer_buttons import OfferButton
from kronkers_studio.desktop.offers.services import shown_actions
from kronkers_studio.desktop.place_words import place_words, release_pill, silent_hint, silent_words
from kronkers_studio.desktop.reachability import Reachability, ReachabilityOf
from kronkers_studio.desktop.widgets.cards import Card, clear
from kronkers_studio.desktop.widgets.labels import ElidedLabel, label
from kronkers_studio.desktop.widgets.pills import Pill
from kronkers_studio.domain.releases import Release

_MOST = 3  # lines; more are on the page Live


class ModelServices(Card):
    """``wanted`` carries what a button asks for. Nothing is seen of it while nothing runs."""

    wanted = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent=parent)
        self.body.setContentsMargins(16, 8, 12, 8)
        self.body.setSpacing(4)
        self._shown: list[tuple[Release, Reachability]] = []
        self.setVisible(False)

    def show_releases(self, running: Sequence[Release], heard_of: ReachabilityOf) -> None:
        """Show what is ``running``, or should be, as it was heard; what needs a look comes first."""
        wanted = [(each, heard_of(each.model, each.place)) for each in running]
        wanted.sort(key=lambda each: not (each[0].lost or each[1].silent))
        self.setVisible(bool(wanted))
        if wanted == self._shown:
            return  # the keyboard may be in it
        self._shown = wanted
        clear(self.body)
        for release, heard in wanted[:_MOST]:
            line = self._line(release, heard)
            self.body.addWidget(line)
            line.show()  # now: the layout would come to it later, and nothing be said meanwhile
        if len(wanted) > _MOST:
            words = counted(
                len(wanted) - _MOST, tr("{n} more is on the page Live"), tr("{n} more are on the page Live")
            )
            self.body.addWidget(label(words, "caption"))

    def _line(self, release: Release, heard: Reachability) -> QWidget:
        line = QWidget()
        row = QHBoxLayout(line)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(10)
        row.addWidget(Pill(*release_pill(release, heard), hint=silent_hint(heard)))
        row.addWidget(ElidedLabel(_words(release, heard)), 1)
        for action in shown_actions(release):
            row.addWidget(OfferButton(action, self.wanted.emit, kind="link", icon=False))
        return line


def _words(release: Release, heard: Reachability) -> str:
    words = tr("Version {version} on {place}, since {time}")
    if release.lost:
        words = tr("Version {version} on {place} stopped by itself, {time}")
    told = words.format(version=release.version, place=place_words(release.place), time=clock_of(release.changed))
    return f"{told} · {silent_words(heard)}" if heard.silent else told
