"""What there is, what happened, and the next best step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from kronkers_studio.desktop.actions import Act
from kronkers_studio.desktop.charts.recorder import Recorder
from kronkers_studio.desktop.charts.service_reader import ServiceReader
from kronkers_studio.desktop.destinations import (
    ChooseFolder,
    Destination,
    PutLive,
    SendRows,
    StartAgain,
    StopService,
    ToPage,
    WatchService,
)
from kronkers_studio.desktop.localization import counted, date_time, file_size, home_short, moment, number, tr
from kronkers_studio.desktop.look.icons import IconLabel
from kronkers_studio.desktop.look.tokens import GAP, Tone
from kronkers_studio.desktop.offer_buttons import OfferButton
from kronkers_studio.desktop.offers.services import shown_actions
from kronkers_studio.desktop.page_titles import page_title
from kronkers_studio.desktop.pages.page import Page
from kronkers_studio.desktop.panels.service_figures import ServiceFigures
from kronkers_studio.desktop.place_words import place_words, release_pill, silent_hint, silent_words
from kronkers_studio.desktop.reachability import Reachability
from kronkers_studio.desktop.release_words import event_hint, event_icon, service_event_words
from kronkers_studio.desktop.start_again import lost_of, start_again
from kronkers_studio.desktop.widgets.buttons import Button, Kind
from kronkers_studio.desktop.widgets.cards import Card, FigureCard, clear, row_of
from kronkers_studio.desktop.widgets.hints import set_hint
from kronkers_studio.desktop.widgets.labels import ElidedLabel, label
from kronkers_studio.desktop.widgets.passing_time import keep_current
from kronkers_studio.desktop.widgets.pills import Pill
from kronkers_studio.desktop.widgets.views import scrolling
from kronkers_studio.desktop.work.studio import Studio
from kronkers_studio.domain.content import Commit, Project
from kronkers_studio.domain.models import ModelVersion
from kronkers_studio.domain.release_events import ReleaseEvent
from kronkers_studio.domain.releases import Release, ReleaseState
from kronkers_studio.domain.servers import Server

if TYPE_CHECKING:
    from kronkers_studio.workflows.session import Session

_EVENTS = 12
_SERVICES = 12  # that are listed; the others are on Monitor
_COMMITS_PER_PROJECT = 5


@dataclass(frozen=True, slots=True)
class Overview:
    """Everything that the page shows."""

    projects: list[Project]
    commits: list[Commit]
    models: list[ModelVersion]
    releases: list[Release]
    servers: list[Server]
    happened: list[tuple[str, str, ReleaseEvent]]  # to releases: (model, place, event), newest first

    @property
    def live(self) -> list[Release]:
        return [release for release in self.releases if release.state is ReleaseState.LIVE]

    @property
    def starting(self) -> list[Release]:
        """What is being started, by whichever program."""
        return [release for release in self.releases if release.state is ReleaseState.STARTING]

    @property
    def lost(self) -> list[Release]:
        """What ended by itself, where nothing of it is live now."""
        return lost_of(self.releases)


@dataclass(frozen=True, slots=True)
class Event:
    at: datetime
    icon: str
    words: str
    tone: Tone = "plain"
    hint: str = ""


@dataclass(frozen=True, slots=True)
class NextStep:
    icon: str
    title: str
    sentence: str
    action: str
    destination: Destination


class HomePage(Page):
    key = "home"
    changes = ("content", "models", "releases", "servers")

    def __init__(self, studio: Studio) -> None:
        super().__init__(studio, page_title(self.key))
        self.guide_button = Button(tr("Guide me"), studio.wizard_wanted.emit, icon="sparkle")
        self.header.add_action(self.guide_button)
        self.projects = FigureCard(tr("Projects"))
        self.models = FigureCard(tr("Models"))
        self.live = FigureCard(tr("Live now"))
        self.servers = FigureCard(tr("Servers"))
        self.content.addLayout(row_of(self.projects, self.models, self.live, self.servers))
        self._step: NextStep | None = None
        self._step_card = Card()
        self._step_row = QHBoxLayout()
        self._step_row.setSpacing(14)
        self._step_card.body.addLayout(self._step_row)
        self.content.addWidget(self._step_card)
        self._services = Card(tr("Live services"))
        self._happened = Card(tr("What happened"))
        self._service_rows = _list_in(self._services)
        self._event_rows = _list_in(self._happened)
        lists = QWidget()
        row = QHBoxLayout(lists)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(GAP)
        row.addWidget(self._services, 1, Qt.AlignmentFlag.AlignTop)
        row.addWidget(self._happened, 1, Qt.AlignmentFlag.AlignTop)
        self.content.addWidget(scrolling(lists, tr("Live services, and what happened")), 1)
        self.overview: Overview | None = None
        self._recorder = Recorder.of(studio)
        self._recorder.heard.connect(self._on_heard)
        self._figures: dict[tuple[str, str], ServiceFigures] = {}
        self._listed: list[tuple[Release, Reachability]] | None = None
        self._reader = ServiceReader(studio, self._in_view, self)
        self._reader.found.connect(self._fill_figures)
        self._reader.failed.connect(self.notice.show_error)
        studio.closed.connect(self._forget)

    def refresh(self) -> None:
        where = tr("Your workspace is {folder}. Everything in it is encrypted.")
        self.header.set_sentence(where.format(folder=home_short(self.studio.directory)))
        self.studio.read(read_overview, self.show_overview, owner=self, failed=self.notice.show_error)

    def show_overview(self, overview: Overview) -> None:
        """Show what there is."""
        self.overview = overview
        self._show_step(next_step(overview, self._unasked()))
        self._show_events(events(overview))
        if overview.live or overview.lost:  # else what reads it need not even be loaded
            self._reader.read()
        self._show_heard()

    def _on_heard(self) -> None:
        if self._in_view():
            self._show_heard()

    def _show_heard(self) -> None:
        """Show what there is as it answers now."""
        overview = self.overview
        if overview is not None:
            self._show_figures(overview)
            self._show_services([*overview.lost, *overview.starting, *overview.live])

    def _forget(self) -> None:
        self.overview = self._listed = None

    def _show_figures(self, overview: Overview) -> None:
        size = sum(project.head.size for project in overview.projects if project.head)
        self.projects.show_figure(number(len(overview.projects)), file_size(size) if overview.projects else "")
        names = len({model.name for model in overview.models})
        versions = counted(len(overview.models), tr("{n} version"), tr("{n} versions"))
        self.models.show_figure(number(names), versions if names else "")
        silent = sum(1 for release in overview.live if self._heard(release).silent)
        places = len({release.place for release in overview.live})
        where = counted(places, tr("in {n} place"), tr("in {n} places"))
        wrong = [
            tr("{n} stopped").format(n=len(overview.lost)) if overview.lost else "",
            tr("{n} unreachable").format(n=silent) if silent else "",
        ]
        words = " · ".join(filter(None, wrong))
        asked = all(self._heard(release).answers for release in overview.live)
        tone: Tone = "warn" if words else "ok" if asked else "plain"
        self.live.show_figure(number(len(overview.live) - silent), words or (where if overview.live else ""), tone)
        self.servers.show_figure(number(len(overview.servers)), tr("and this computer"), "plain")

    def _show_step(self, step: NextStep | None) -> None:
        """What is shown already stays, with the keyboard in it: this is asked at each reading of the services."""
        if step == self._step and (step is None) == self._step_card.isHidden():
            return
        self._step = step
        clear(self._step_row)
        self._step_card.setVisible(step is not None)
        if step is None:
            return
        self._step_row.addWidget(IconLabel(step.icon, "accent", 28))
        words = QVBoxLayout()
        words.setSpacing(2)
        words.addWidget(label(step.title, "heading"))
        words.addWidget(label(step.sentence, "muted", wrap=True))
        self._step_row.addLayout(words, 1)
        go = Button(step.action, lambda: self.studio.go.emit(step.destination), kind="primary")
        self._step_row.addWidget(go)

    def _show_services(self, live: list[Release]) -> None:
        if len(live) > _SERVICES:  # what needs a look is among those listed
            live = sorted(live, key=lambda each: not (each.lost or self._heard(each).silent))
        listed = [(release, self._heard(release)) for release in live]
        if listed == self._listed:
            self._fill_figures()
            return
        self._listed = listed
        clear(self._service_rows)
        self._figures.clear()
        for release in live[:_SERVICES]:
            self._service_rows.addWidget(self._service(release))
        self._fill_figures()
        if len(live) > _SERVICES:
            words = tr("See all {n} services").format(n=number(len(live)))
            see_all = Button(words, lambda: self.studio.go.emit(WatchService("", "")), kind="link")
            self._service_rows.addWidget(see_all, 0, Qt.AlignmentFlag.AlignLeft)
        if not live:
            words = tr("Nothing is live yet. A live model answers requests and has its charts here.")
            self._service_rows.addWidget(label(words, "muted", wrap=True))

    def _fill_figures(self) -> None:
        """Show what is stored of each service."""
        for key, figures in self._figures.items():
            service = self._reader.services.get(key)
            figures.setVisible(service is not None)
            if service is not None:
                figures.show_service(service, old=service.release.lost or self._recorder.heard_of(*key).silent)
        self._show_step(next_step(self.overview, self._unasked()) if self.overview is not None else None)

    def _unasked(self) -> list[Release]:
        """What is live and was never sent a row."""
        services = self._reader.services.values()
        return [
            each.release
            for each in services
            if each.release.state is ReleaseState.LIVE and each.state.totals and not any(each.state.totals.values())
        ]

    def _heard(self, release: Release) -> Reachability:
        return self._recorder.heard_of(release.model, release.place)

    def _service(self, release: Release) -> QWidget:
        row_widget = QWidget()
        whole = QVBoxLayout(row_widget)
        whole.setContentsMargins(0, 6, 0, 6)
        whole.setSpacing(8)
        row = QHBoxLayout()
        row.setSpacing(10)
        whole.addLayout(row)
        words = QVBoxLayout()
        words.setSpacing(2)
        heard = self._heard(release)
        first = QHBoxLayout()
        first.setSpacing(8)
        first.addWidget(ElidedLabel(release.model, "medium"))
        first.addWidget(Pill(*release_pill(release, heard), hint=silent_hint(heard)))
        first.addStretch(1)
        words.addLayout(first)
        words.addWidget(keep_current(label("", "caption", wrap=True), lambda: _service_words(release, heard)))
        row.addLayout(words, 1)
        for action in shown_actions(release):
            if not isinstance(action.act, StopService):
                kind: Kind = "primary" if isinstance(action.act, StartAgain) else "secondary"
                row.addWidget(OfferButton(action, self._do(release), kind=kind, icon=False))
        if release.state is not ReleaseState.STARTING:
            figures = self._figures[release.model, release.place] = ServiceFigures(release.model)
            whole.addWidget(figures)
        return row_widget

    def _do(self, release: Release) -> Callable[[Act], None]:
        """What its buttons ask for: what ended by itself is started again from here."""

        def do(act: Act) -> None:
            if isinstance(act, StartAgain):
                start_again(self.studio, release, owner=self, failed=self.show_error)
            else:
                self.studio.go.emit(act)

        return do

    def _show_events(self, happened: list[Event]) -> None:
        clear(self._event_rows)
        for event in happened:
            self._event_rows.addWidget(_event_row(event))
        if not happened:
            words = tr("Everything that you bring in, register and put live is listed here.")
            self._event_rows.addWidget(label(words, "muted", wrap=True))


def _service_words(release: Release, heard: Reachability) -> str:
    words = tr("Version {version} on {place}, put live {time}")
    if release.lost:
        words = tr("Version {version} on {place}, ended {time}")
    elif release.state is ReleaseState.STARTING:
        words = tr("Version {version} on {place}, being started by {author}, {time}")
    elif heard.silent:
        words = f"{tr('Version {version} on {place}')}, {silent_words(heard)}"
    return words.format(
        version=release.version,
        place=place_words(release.place),
        time=moment(release.changed),
        author=release.author or tr("somebody"),
    )


def read_overview(session: Session) -> Overview:
    """Read what the page shows; off the main thread."""
    from kronkers_studio.workflows import browsing, models, releases, servers

    projects = browsing.list_projects(session)
    return Overview(
        projects=projects,
        commits=[
            commit
            for project in projects
            if project.head
            for commit in browsing.history(session, project.name, limit=_COMMITS_PER_PROJECT)
        ],
        models=models.list_models(session),
        releases=releases.recorded_releases(session),
        servers=servers.list_servers(session),
        happened=releases.latest_events(session, _EVENTS),
    )


def next_step(overview: Overview, unasked: Sequence[Release] = ()) -> NextStep | None:
    """What makes most sense to do now; None when everything is running and used. ``unasked`` is what is live and was
    never sent a row."""
    served = overview.live or overview.lost or overview.starting
    if not overview.projects and not overview.models and not served:
        return NextStep(
            "migrate",
            tr("Bring in your first folder"),
            tr("Choose a OneDrive folder. You see what is in it before anything is copied."),
            tr("Choose a folder"),
            ChooseFolder(),
        )
    if not overview.models and not served:
        return NextStep(
            "models",
            tr("Register the model in it"),
            tr("A registered model has versions, knows which columns it needs, and can be put live."),
            tr("See what was found"),
            ToPage("models"),
        )
    if not served:
        return NextStep(
            "deploy",
            tr("Put {model} live").format(model=overview.models[0].name),
            tr("On this computer it takes a minute and needs no server and no Docker."),
            tr("Put it live"),
            PutLive(overview.models[0].name),
        )
    if unasked and not overview.lost:
        release = unasked[0]
        return NextStep(
            "send",
            tr("Send rows to {model}").format(model=release.model),
            tr("Nobody has asked it yet. Open a table: the answers are saved beside your own columns."),
            tr("Send rows"),
            SendRows(release.model, release.place),
        )
    return None


def events(overview: Overview) -> list[Event]:
    """The latest of what was brought in, registered and released, newest first."""
    happened = [
        Event(commit.created, "migrate", tr("“{project}” was brought in: {files}").format(
            project=commit.project, files=counted(commit.files, tr("{n} file"), tr("{n} files"))))
        for commit in overview.commits
    ]  # fmt: skip
    happened += [
        Event(model.created, "models", tr("{model} version {version} was registered").format(
            model=model.name, version=model.version))
        for model in overview.models
    ]  # fmt: skip
    for model, place, event in overview.happened:
        icon, tone = event_icon(event)
        words = service_event_words(model, place, event)
        happened.append(Event(event.at, icon, words, tone, event_hint(event)))
    return sorted(happened, key=lambda event: event.at, reverse=True)[:_EVENTS]


def _event_row(event: Event) -> QWidget:
    row_widget = QWidget()
    row = QHBoxLayout(row_widget)
    row.setContentsMargins(0, 4, 0, 4)
    row.setSpacing(10)
    row.addWidget(IconLabel(event.icon, "muted" if event.tone == "plain" else event.tone, 16))
    row.addWidget(ElidedLabel(event.words), 1)
    when = keep_current(label("", "caption"), lambda: moment(event.at))
    set_hint(when, event.hint or date_time(event.at))
    row.addWidget(when, 0, Qt.AlignmentFlag.AlignRight)
    return row_widget


def _list_in(card: Card) -> QVBoxLayout:
    column = QVBoxLayout()
    column.setSpacing(2)
    card.body.addLayout(column)
    return column
