"""Places and what runs there: put live, roll back, stop, send rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

import shiboken6
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from kronkers_studio.desktop.charts.recorder import Recorder
from kronkers_studio.desktop.charts.service_reader import ServiceReader
from kronkers_studio.desktop.destinations import (
    Destination,
    PutLive,
    RollBack,
    SaveRecordedRows,
    SendRows,
    ShowAccess,
    ShowServiceLog,
    StartAgain,
    StopService,
    ToPage,
    WatchService,
)
from kronkers_studio.desktop.dialogs.put_live import PutLiveDialog
from kronkers_studio.desktop.dialogs.unprotected import ask_unprotected
from kronkers_studio.desktop.localization import tr
from kronkers_studio.desktop.look.icons import IconLabel
from kronkers_studio.desktop.offer_buttons import OfferButton
from kronkers_studio.desktop.offers.models import put_any_live, put_live_in
from kronkers_studio.desktop.offers.servers import add_server
from kronkers_studio.desktop.page_titles import page_title
from kronkers_studio.desktop.pages.page import Page
from kronkers_studio.desktop.panels.recorded_rows import ask_and_save_recorded_rows
from kronkers_studio.desktop.panels.release_card import ReleaseCard
from kronkers_studio.desktop.panels.send_rows import SendRowsPanel
from kronkers_studio.desktop.place_words import place_title, place_words
from kronkers_studio.desktop.reachability import Reachability
from kronkers_studio.desktop.start_again import lost_of, start_again_title, start_again_work
from kronkers_studio.desktop.widgets.buttons import Button
from kronkers_studio.desktop.widgets.cards import Card, clear
from kronkers_studio.desktop.widgets.dialog import confirm
from kronkers_studio.desktop.widgets.labels import ElidedLabel, label
from kronkers_studio.desktop.widgets.pills import Pill
from kronkers_studio.desktop.widgets.states import EmptyState
from kronkers_studio.desktop.widgets.views import Views, scrolling
from kronkers_studio.desktop.work.studio import State, Studio
from kronkers_studio.domain.errors import ConfinementUnavailable, StudioError
from kronkers_studio.domain.models import ModelVersion
from kronkers_studio.domain.progress import CancelToken, Progress
from kronkers_studio.domain.recording import Recording
from kronkers_studio.domain.releases import THIS_COMPUTER, Release, ReleaseState

if TYPE_CHECKING:
    from kronkers_studio.workflows.session import Session

_COLUMNS, _COLUMN_WIDTH = 3, 300  # side by side; pixels at least
_GAP = 20  # pixels between columns


@dataclass(frozen=True, slots=True)
class Floor:
    """What the page shows: places in order, registered versions, every release newest first; and from when to when each
    release (model, place, number) was live that is not live now."""

    places: list[str]
    versions: list[ModelVersion]
    releases: list[Release]
    live_times: Mapping[tuple[str, str, int], tuple[datetime, datetime]] = field(default_factory=dict)

    @property
    def live(self) -> list[Release]:
        return [release for release in self.releases if release.state is ReleaseState.LIVE]

    def of(self, model: str, place: str, number: int) -> Release | None:
        """The release with that number."""
        wanted = (model, place, number)
        return next((each for each in self.releases if (each.model, each.place, each.number) == wanted), None)

    @property
    def lost(self) -> list[Release]:
        """What ended by itself, where nothing of it is live now."""
        return lost_of(self.releases)

    def models_in(self, place: str) -> list[tuple[str, list[Release]]]:
        """(model, its releases newest first) in ``place``; models that are live there first."""
        names = list(dict.fromkeys(release.model for release in self.releases if release.place == place))
        grouped = [(name, [r for r in self.releases if (r.model, r.place) == (name, place)]) for name in names]
        return sorted(grouped, key=lambda pair: not any(r.state is ReleaseState.LIVE for r in pair[1]))


class DeployPage(Page):
    """Views: "empty", "places", "send"."""

    key = "deploy"
    changes = ("models", "releases", "servers")

    def __init__(self, studio: Studio) -> None:
        super().__init__(studio, page_title(self.key))
        self._floor = Floor([THIS_COMPUTER], [], [])
        self._wanted: Destination | None = None
        self._sending_to: tuple[str, str] | None = None
        self._dialog: PutLiveDialog | None = None
        self._shown_columns = 0
        self._recorder = Recorder.of(studio)
        self._recorder.heard.connect(self._show_heard)
        self._cards: dict[tuple[str, str], ReleaseCard] = {}
        self._shown: dict[tuple[str, str], tuple[list[Release], Reachability]] = {}  # in these
        self._heads: dict[str, QHBoxLayout] = {}  # of the places
        self._reader = ServiceReader(studio, self._in_view, self)
        self._reader.found.connect(self._fill_figures)
        self._reader.failed.connect(self.notice.show_error)
        self.back_button = Button(tr("Back"), self.show_places, icon="back")
        self.server_button = OfferButton(add_server(), studio.go.emit)
        self.live_button = OfferButton(put_any_live(), self.do, kind="primary")
        for button in (self.back_button, self.server_button, self.live_button):
            self.header.add_action(button)
        self.send_panel = SendRowsPanel(studio)
        self.views = Views({"empty": self._empty, "places": self._places, "send": lambda: self.send_panel})
        self.content.addWidget(self.views, 1)
        self._head("places")

    def refresh(self) -> None:
        self.studio.read(read_floor, self.show_floor, owner=self, failed=self.notice.show_error)

    def state(self) -> State:
        if self.views.shown == "send" and self._sending_to:
            return {"send": list(self._sending_to)}
        return {}

    def restore(self, state: State) -> None:
        send = state.get("send")
        if isinstance(send, list) and len(send) == 2:
            self._wanted = SendRows(str(send[0]), str(send[1]))

    def visit(self, destination: Destination) -> None:
        self._wanted = destination
        if self.entered or self._floor.versions:
            self.refresh()

    def show_floor(self, floor: Floor) -> None:
        """Show what runs where."""
        self._floor = floor
        if floor.releases:
            self._reader.read()
        if self.views.shown != "send" or (self._sending_to and not self._release_live(*self._sending_to)):
            self.show_places()
        if self._dialog is not None and shiboken6.isValid(self._dialog):
            self._dialog.show_releases(floor.releases)
        self._follow_wish()

    def _show_heard(self) -> None:
        """Show what runs where as it answers now."""
        if not self._in_view():
            return
        if self.views.shown == "places":
            self._renew_places()
        if self._dialog is not None and shiboken6.isValid(self._dialog):
            self._dialog.show_releases(self._floor.releases)

    def _heard(self, release: Release) -> Reachability:
        return self._recorder.heard_of(release.model, release.place)

    @property
    def live_services(self) -> list[tuple[str, str]]:
        """(model, place) of all that is live."""
        return [(release.model, release.place) for release in self._floor.live]

    def show_places(self) -> None:
        """The columns of places; or what to do first when there is no model yet."""
        self._sending_to = None
        view = "places" if self._floor.versions else "empty"
        self.views.show_view(view)
        self._head(view)
        if view == "places":
            self._fill_places()

    # Putting live, rolling back, stopping

    def ask_put_live(self, model: str = "", version: int | None = None, place: str = "") -> None:
        """Ask which version, and where."""
        floor = self._floor
        if not floor.versions:
            return
        heard_of = self._recorder.heard_of
        dialog = PutLiveDialog(self, floor.versions, floor.places, floor.releases, self.put_live, heard_of)
        self._dialog = dialog
        dialog.choose(model or floor.versions[0].name, version, place)
        dialog.open()

    def put_live(self, model: str, version: int, place: str, recording: Recording | None = None) -> None:
        """Release that version there; ``recording`` is what it keeps of the rows that it is asked."""

        def work(session: Session, progress: Progress, cancel: CancelToken) -> Release:
            from kronkers_studio.workflows.releases import release_model

            return release_model(
                session, model, version, to=place, recording=recording, progress=progress, cancel=cancel
            )

        title = tr("Putting {model} version {version} live on {place}")
        self._work(title.format(model=model, version=version, place=place_words(place)), model, work)

    def roll_back(self, release: Release, number: int | None = None) -> None:
        """Make an earlier release live again."""

        def work(session: Session, progress: Progress, cancel: CancelToken) -> Release:
            from kronkers_studio.workflows.releases import roll_back

            return roll_back(session, release.model, release.place, to=number, progress=progress, cancel=cancel)

        before = self._release_live(release.model, release.place)
        title = tr("Rolling {model} back on {place}")
        self._work(title.format(model=release.model, place=place_words(release.place)), release.model, work, before)

    def start_again(self, release: Release) -> None:
        """Make live again what was stopped or ended by itself."""
        self._work(start_again_title(release), release.model, start_again_work(release))

    def ask_stop(self, release: Release) -> None:
        """Ask before a service is stopped."""
        title = tr("Stop {model} on {place}?").format(model=release.model, place=place_words(release.place))
        sentence = tr("Requests to it fail from then on. It is kept and can be made live again.")
        if release.recording is not None:
            sentence += " " + tr("So are the rows that it recorded; they can be saved only while it is live.")
        confirm(self, title, sentence, tr("Stop {model}").format(model=release.model), lambda: self.stop(release))

    def stop(self, release: Release) -> None:
        def work(session: Session, progress: Progress, _cancel: CancelToken) -> Release:
            from kronkers_studio.workflows.releases import stop_release

            return stop_release(session, release.model, release.place, progress=progress)

        self._work(tr("Stopping {model}").format(model=release.model), release.model, work)

    def _work(
        self,
        title: str,
        model: str,
        work: Callable[[Session, Progress, CancelToken], Release],
        before: Release | None = None,
    ) -> None:
        """Do it in the background; ``before`` is what was live in its place."""
        session = self.studio.session
        if session is None:
            return
        self.notice.say(f"{title} …", tr("Its progress is in the bar below. You can go on working."))

        def failed(error: StudioError) -> None:
            self.show_error(error)
            if isinstance(error, ConfinementUnavailable):
                ask_unprotected(self, self.studio, error, lambda: self._work(title, model, work, before))

        self.studio.do(
            title,
            lambda progress, cancel: work(session, progress, cancel),
            changes=("releases",),
            done=lambda release: self._worked(release, before),
            failed=failed,
            owner=self,
            resource=f"model {model}",
        )

    def _worked(self, release: Release, before: Release | None) -> None:
        words = {
            ReleaseState.LIVE: tr("{model} version {version} is live on {place}."),
            ReleaseState.STANDBY: tr("{model} version {version} was stopped on {place}."),
        }.get(release.state, "{model} {version} {place}")
        if before is not None and release.state is ReleaseState.LIVE and release.number < before.number:
            words = tr("{model} was rolled back from version {before} to {version} on {place}.")
        advice = tr("Send it rows, or watch its charts.") if release.state is ReleaseState.LIVE else ""
        told = words.format(
            model=release.model,
            version=release.version,
            place=place_words(release.place),
            before=before.version if before is not None else "",
        )
        self.notice.say(told, advice, "ok")

    # Sending rows

    def send_rows(self, model: str, place: str) -> None:
        """Show the panel that sends rows to what is live of ``model`` in ``place``."""
        release = self._release_live(model, place)
        version = next((v for v in self._floor.versions if release and _same(v, release)), None)
        if version is None:
            return
        self._sending_to = (model, place)
        self.send_panel.show_model(version, place)
        self.views.show_view("send")
        self._head("send")
        where = tr("Version {version}, live on {place}. Rows go only to that service.")
        self.header.set_title(tr("Send rows to {model}").format(model=model))
        self.header.set_sentence(where.format(version=version.version, place=place_words(place)))

    def _release_live(self, model: str, place: str) -> Release | None:
        return next((r for r in self._floor.live if (r.model, r.place) == (model, place)), None)

    def _follow_wish(self) -> None:
        """What another page or the last start asked for, once what is there is known."""
        wanted, self._wanted = self._wanted, None
        if wanted is not None:
            self.do(wanted)

    def do(self, wanted: object) -> None:
        """Do what a button here, or another page, asks for; nothing where what it is about is no more."""
        match wanted:
            case PutLive(model, version, place):
                self.ask_put_live(model, version, place)
            case SendRows(model, place):
                self.send_rows(model, place)
            case RollBack(model, place, number):
                self._with(self._floor.of(model, place, number), lambda release: self.roll_back(release, number))
            case StartAgain(model, place):
                lost = (each for each in self._floor.lost if (each.model, each.place) == (model, place))
                self._with(next(lost, None), self.start_again)
            case StopService(model, place):
                self._with(self._release_live(model, place), self.ask_stop)
            case ShowAccess(model, place):
                self._with(self._release_live(model, place), self._show_access)
            case ShowServiceLog(model, place):
                self._show_log(model, place)
            case SaveRecordedRows(model, place):
                self._with(self._release_live(model, place), self._save_recorded_rows)
            case WatchService():
                self.studio.go.emit(wanted)

    def _show_log(self, model: str, place: str) -> None:
        from kronkers_studio.desktop.dialogs.log import LogDialog

        LogDialog(self, self.studio, model, place).open()

    def _save_recorded_rows(self, release: Release) -> None:
        ask_and_save_recorded_rows(self, self.studio, self.notice, release)

    def _with(self, release: Release | None, act: Callable[[Release], object]) -> None:
        if release is None:
            self.notice.say(tr("That is no longer so."), tr("See above how it stands now."), "warn")
        else:
            act(release)

    # Views

    def _head(self, view: str) -> None:
        self.back_button.setVisible(view == "send")
        self.server_button.setVisible(view == "places" and len(self._floor.places) > 1)
        self.live_button.setVisible(view == "places")
        if view != "send":
            self.header.set_title(page_title(self.key))
            self.header.set_sentence(tr("Put a version live where it is needed. Every step can be undone."))

    def _empty(self) -> QWidget:
        return EmptyState(
            "deploy",
            tr("There is no model to put live yet"),
            tr("Register a model first. Then it can be put live on this computer or on a server."),
            tr("See the models"),
            lambda: self.studio.go.emit(ToPage("models")),
        )

    def _places(self) -> QWidget:
        inner = QWidget()
        self._grid = QGridLayout(inner)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(_GAP)
        self._grid.setVerticalSpacing(_GAP)
        return scrolling(inner, tr("Places"))

    def _fill_places(self) -> None:
        while self._grid.count():
            item = self._grid.takeAt(0)
            widget = item.widget() if item is not None else None
            if widget is not None:
                widget.hide()
                widget.deleteLater()
        for kept in (self._cards, self._shown, self._heads):
            kept.clear()
        places = self._floor.places
        shown = self._shown_columns = self._fitting_columns()
        for position, place in enumerate(places):
            self._grid.addWidget(self._column(place), position // shown, position % shown)
        if len(places) == 1:
            self._grid.addWidget(self._invitation(), 1 // shown, 1 % shown)
        for column in range(_COLUMNS):
            self._grid.setColumnStretch(column, 1 if column < shown else 0)
        for row in range(len(places) + 1):
            self._grid.setRowStretch(row, 0)
        self._grid.setRowStretch(len(places) // shown + 1, 1)
        self._fill_figures()

    def _renew_places(self) -> None:
        """Make those cards and heads anew of which something else was heard: there may be hundreds, and one changes."""
        renewed = False
        for key, card in list(self._cards.items()):
            releases, shown = self._shown[key]
            column = card.parentWidget()
            if self._heard(releases[0]) == shown or column is None:
                continue
            had_keyboard = card.isAncestorOf(self.focusWidget()) if self.focusWidget() is not None else False
            if had_keyboard:
                self._fill_places()
                return
            layout = column.layout()
            if layout is not None:
                layout.replaceWidget(card, self._card(key[0], releases))
                card.hide()
                card.deleteLater()
                renewed = True
        if renewed:
            for place, head in self._heads.items():
                self._fill_head(head, place)
            self._fill_figures()

    def _fill_figures(self) -> None:
        """Show what is stored of each service."""
        for key, card in self._cards.items():
            service = self._reader.services.get(key)
            if service is not None:
                card.show_service(service)

    def _fitting_columns(self) -> int:
        """How many columns there is room for; two are left alone rather than one in the middle of nothing."""
        room = (self.views.width() + _GAP) // (_COLUMN_WIDTH + _GAP)
        return max(1, min(_COLUMNS, max(2, len(self._floor.places)), room))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if self.views.shown == "places" and self._fitting_columns() != self._shown_columns:
            self._fill_places()

    def _column(self, place: str) -> QWidget:
        holder = _column_holder()
        column = QVBoxLayout(holder)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(12)
        groups = self._floor.models_in(place)
        head = self._heads[place] = QHBoxLayout()
        head.setSpacing(8)
        self._fill_head(head, place)
        column.addLayout(head)
        for model, releases in groups:
            column.addWidget(self._card(model, releases))
        if not groups:
            column.addWidget(self._nothing(place))
        column.addStretch(1)
        return holder

    def _fill_head(self, head: QHBoxLayout, place: str) -> None:
        """The place's name, and how much is live there."""
        clear(head)
        here = [self._heard(release) for release in self._floor.live if release.place == place]
        silent = sum(1 for heard in here if heard.silent)
        live = len(here) - silent
        head.addWidget(IconLabel("computer" if place == THIS_COMPUTER else "servers", "muted", 18))
        head.addWidget(ElidedLabel(place_title(place), "heading"))
        stopped = sum(1 for release in self._floor.lost if release.place == place)
        if live or not (stopped or silent):
            asked = live and all(heard.answers is not None for heard in here)
            head.addWidget(
                Pill(tr("{n} live").format(n=live) if live else tr("Nothing live"), "ok" if asked else "plain")
            )
        if silent:
            head.addWidget(Pill(tr("{n} unreachable").format(n=silent), "warn"))
        if stopped:
            head.addWidget(Pill(tr("{n} stopped").format(n=stopped), "warn"))
        head.addStretch(1)

    def _nothing(self, place: str) -> QWidget:
        card = Card()
        card.body.addWidget(label(tr("Nothing runs here yet."), "muted"))
        button = OfferButton(put_live_in(place), self.do, icon=False)
        row = QHBoxLayout()
        row.addWidget(button)
        row.addStretch(1)
        card.body.addLayout(row)
        return card

    def _invitation(self) -> QWidget:
        holder = _column_holder()
        column = QVBoxLayout(holder)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(12)
        head = QHBoxLayout()
        head.setSpacing(8)
        head.addWidget(IconLabel("servers", "muted", 18))
        head.addWidget(label(tr("Your own servers"), "heading"))
        head.addStretch(1)
        column.addLayout(head)
        card = Card()
        words = tr("A server runs the model day and night, and others can use it. It needs SSH and Docker.")
        card.body.addWidget(label(words, "muted", wrap=True))
        row = QHBoxLayout()
        row.addWidget(OfferButton(add_server(), self.studio.go.emit, icon=False))
        row.addStretch(1)
        card.body.addLayout(row)
        column.addWidget(card)
        column.addStretch(1)
        return holder

    def _card(self, model: str, releases: list[Release]) -> ReleaseCard:
        key, heard = (model, releases[0].place), self._heard(releases[0])
        card = ReleaseCard(model, releases, heard, live_times=self._floor.live_times)
        card.wanted.connect(self.do)
        self._cards[key], self._shown[key] = card, (releases, heard)
        return card

    def _show_access(self, release: Release) -> None:
        from kronkers_studio.desktop.dialogs.service_access import ServiceAccessDialog

        ServiceAccessDialog(self.window(), self.studio, release).open()


def read_floor(session: Session) -> Floor:
    """Read what the page shows; off the main thread."""
    from kronkers_studio.workflows import models, releases, servers

    places = [THIS_COMPUTER, *(server.name for server in servers.list_servers(session))]
    recorded, times = releases.recorded_releases(session), releases.live_times_of(session)
    return Floor(places, models.list_models(session), recorded, times)


def _column_holder() -> QWidget:
    """As wide as its neighbours, whatever is in it."""
    holder = QWidget()
    holder.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
    holder.setMinimumWidth(_COLUMN_WIDTH)
    return holder


def _same(version: ModelVersion, release: Release) -> bool:
    return (version.name, version.version) == (release.model, release.version)
