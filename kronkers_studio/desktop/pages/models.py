"""Models: found in what was brought in, registered as versions, and everything known of a version."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from kronkers_studio.desktop.actions import Action, CopyText, ShowInFileManager
from kronkers_studio.desktop.charts.recorder import Recorder
from kronkers_studio.desktop.destinations import (
    AddModelFile,
    ChooseFolder,
    Destination,
    PackageVersion,
    PutLive,
    ShowModelVersion,
)
from kronkers_studio.desktop.dialogs.add_model import (
    add_model_file,
    ask_model_file,
    ask_to_register,
    may_be_model_file,
)
from kronkers_studio.desktop.dialogs.register import newest_versions
from kronkers_studio.desktop.localization import counted, figure, file_size, moment, path_words, tr
from kronkers_studio.desktop.look.tokens import GAP, Tone
from kronkers_studio.desktop.model_words import kind_words
from kronkers_studio.desktop.offer_buttons import OfferButton
from kronkers_studio.desktop.offers.content import found_file_actions, make_project
from kronkers_studio.desktop.offers.models import add_model_file as add_any_model_file
from kronkers_studio.desktop.offers.models import after_registration, show_version, version_actions
from kronkers_studio.desktop.page_titles import page_title
from kronkers_studio.desktop.pages.page import Page
from kronkers_studio.desktop.panels.model_details import ModelDetails
from kronkers_studio.desktop.place_words import place_title, release_pill, silent_words
from kronkers_studio.desktop.reachability import Reachability
from kronkers_studio.desktop.row_menus import do_on_computer, give_menu
from kronkers_studio.desktop.start_again import lost_of
from kronkers_studio.desktop.widgets.buttons import Button
from kronkers_studio.desktop.widgets.cards import Card
from kronkers_studio.desktop.widgets.drop_target import DropTarget
from kronkers_studio.desktop.widgets.labels import label
from kronkers_studio.desktop.widgets.states import EmptyState
from kronkers_studio.desktop.widgets.tables import Column, Table
from kronkers_studio.desktop.widgets.views import Views
from kronkers_studio.desktop.work.studio import State, Studio
from kronkers_studio.domain.models import ModelVersion
from kronkers_studio.domain.releases import Release, ReleaseState

if TYPE_CHECKING:
    from kronkers_studio.workflows.models import FoundModel
    from kronkers_studio.workflows.session import Session


@dataclass(frozen=True, slots=True)
class Shelf:
    """What the page shows: files that may be models, registered versions, and what is live of them."""

    found: list[FoundModel]
    versions: list[ModelVersion]
    live: list[Release]
    lost: list[Release]
    starting: list[Release]
    recorded: Mapping[str, datetime] = field(default_factory=dict)
    """When each state of a project was recorded that a version comes from, by the state's id."""

    @property
    def unregistered(self) -> list[FoundModel]:
        """Models that can be registered first, then those that cannot."""
        left = [model for model in self.found if not model.registered]
        return sorted(left, key=lambda model: model.facts is None)


_BOTH = 1000
"""So many pixels wide, the page has room for the list and the details beside each other."""


class ModelsPage(Page):
    key = "models"
    changes = ("content", "models", "releases")

    def __init__(self, studio: Studio) -> None:
        super().__init__(
            studio,
            page_title(self.key),
            tr("A registered model has versions, knows which columns it needs, and can be put live."),
        )
        self._shelf = Shelf([], [], [], [], [])
        self._wanted = ""
        self.views = Views({"empty": self._empty, "full": self._full, "looking": _looking})
        self.register_button = Button(tr("Register …"), self._register_chosen, icon="tag")
        self.package_button = Button(
            tr("Package …"),
            self._package_chosen,
            icon="archive",
            name=tr("Register and package …"),
            hint=tr("Register it, then build its package: for this computer, into a file or a registry"),
        )
        self.live_button = Button(tr("Put live …"), self._put_live, kind="primary", icon="deploy")
        self.add_button = OfferButton(add_any_model_file(), self.do)
        self.new_button = OfferButton(make_project(), self.do)
        self.header.add_action(self.new_button)
        self.header.add_action(self.add_button)
        self.header.add_action(self.live_button)
        DropTarget(self, may_be_model_file, marked=self.views).dropped.connect(self.add_file)
        self.content.addWidget(self.views, 1)
        self.found: Table[FoundModel] = Table(tr("Found, not registered yet"), _found_columns())
        self.versions: Table[ModelVersion] = Table(tr("Registered versions"), self._version_columns())
        self.why = label("", "muted", wrap=True, selectable=True)
        self.details = ModelDetails()
        self.details.wanted.connect(self.do)
        self.found.opened.connect(self._register)
        self.found.picked.connect(self._show_registrable)
        self.versions.picked.connect(self._version_picked)
        give_menu(self.versions, _version_actions, self.do)
        give_menu(self.found, _found_actions, self.do)
        self.versions.opened.connect(lambda version: self.do(ShowModelVersion(version.label)))
        self._details_open = False
        self.live_button.setVisible(False)
        self._recorder = Recorder.of(studio)
        self._recorder.heard.connect(self._on_heard)

    def refresh(self) -> None:
        if not self.views.shown:
            self.views.show_view("looking")
        self.studio.read(read_shelf, self.show_shelf, owner=self, failed=self.notice.show_error)

    def state(self) -> State:
        chosen = self.versions.chosen
        return {"version": chosen.label if chosen is not None else self._wanted}

    def restore(self, state: State) -> None:
        self._wanted = str(state.get("version", ""))

    def visit(self, destination: Destination) -> None:
        match destination:
            case AddModelFile():
                self.ask_file()

    def do(self, wanted: object) -> None:
        """Do what a button or a menu here, or another page, asks for."""
        match wanted:
            case AddModelFile():
                self.ask_file()
            case CopyText() | ShowInFileManager():
                do_on_computer(wanted, self.studio.runner, self, self.show_error)
            case _:
                self.studio.go.emit(wanted)

    def show_shelf(self, shelf: Shelf) -> None:
        """Show what was found and what is registered."""
        kept = self.versions.chosen
        self._shelf = shelf
        nothing = not shelf.found and not shelf.versions
        self.views.show_view("empty" if nothing else "full")
        self.live_button.setVisible(bool(shelf.versions))
        if nothing:
            return
        self._found_card.setVisible(bool(shelf.unregistered))
        self.found.content.show_rows(shelf.unregistered)
        self.found.fit_rows(4)
        self._show_registrable(self._to_register)
        self.versions.content.show_rows(shelf.versions)
        self._arrange()
        self._none_yet.setVisible(not shelf.versions)
        self.versions.setVisible(bool(shelf.versions))
        self._choose_version(self._wanted or (kept.label if kept is not None else ""))
        self._wanted = ""
        names = len({version.name for version in shelf.versions})
        self.header.set_sentence(
            tr("{models}, {versions}. A version never changes.").format(
                models=counted(names, tr("{n} model"), tr("{n} models")),
                versions=counted(len(shelf.versions), tr("{n} version"), tr("{n} versions")),
            )
        )

    # Registering

    def ask_file(self) -> None:
        """Ask for a model's file."""
        ask_model_file(self, self.add_file)

    def add_file(self, file: Path) -> None:
        """Bring that file in, then ask what it is to be registered as."""
        registered, failed = self._registered, self.show_error
        add_model_file(self, self.studio, file, self._newest, registered, failed)

    def _newest(self) -> Mapping[str, int]:
        return newest_versions(self._shelf.versions)

    def _register_chosen(self) -> None:
        wanted = self._to_register
        if wanted is not None:
            self._register(wanted)

    @property
    def _to_register(self) -> FoundModel | None:
        """What is chosen or, until something is, the first of the list: so that not two rows are marked at once."""
        return self.found.chosen or next(iter(self._shelf.unregistered), None)

    def _show_registrable(self, wanted: FoundModel | None) -> None:
        for button in (self.register_button, self.package_button):
            button.setEnabled(wanted is not None and wanted.facts is not None)
        why = f"{wanted.problem} {wanted.next_step}".strip() if wanted is not None and wanted.facts is None else ""
        self.why.setText(why)
        self.why.setVisible(bool(why))

    def _register(self, found: FoundModel) -> None:
        ask_to_register(self, self.studio, found, self._newest(), self._registered, self.show_error)

    def _package_chosen(self) -> None:
        """Register what is chosen, then ask where its package is to go."""
        wanted = self._to_register
        if wanted is not None:
            ask_to_register(self, self.studio, wanted, self._newest(), self._package, self.show_error)

    def _package(self, version: ModelVersion) -> None:
        self.studio.go.emit(PackageVersion(version.label))

    def _registered(self, version: ModelVersion) -> None:
        self._wanted = version.label
        words = tr("{model} is registered as version {version}.").format(model=version.name, version=version.version)
        advice, offer = after_registration(version)
        action = (offer.short, lambda: self.studio.go.emit(offer.act)) if offer is not None else None
        self.notice.say(words, advice, "ok", action=action)

    # Versions

    def _choose_version(self, wanted: str) -> None:
        rows = self.versions.content.rows
        position = next((index for index, version in enumerate(rows) if version.label == wanted), 0)
        if rows:
            self.versions.choose(position)

    def _version_picked(self, version: ModelVersion) -> None:
        shelf = self._shelf
        running = [each for each in (*shelf.live, *shelf.lost, *shelf.starting) if _is_of(each, version)]
        recorded = shelf.recorded.get(version.source.commit)
        self.details.show_version(version, running, self._recorder.heard_of, brought_in=recorded)

    def _on_heard(self) -> None:
        if self._in_view():
            self._show_heard()

    def _show_heard(self) -> None:
        """Show what is live as it answers now."""
        self.versions.viewport().update()
        chosen = self.versions.chosen
        if chosen is not None:
            self._version_picked(chosen)

    def _heard(self, release: Release) -> Reachability:
        return self._recorder.heard_of(release.model, release.place)

    def _put_live(self) -> None:
        chosen = self.versions.chosen
        if chosen is not None:
            self.studio.go.emit(PutLive(chosen.name, chosen.version))

    def _version_columns(self) -> list[Column[ModelVersion]]:
        return [
            Column(tr("Model"), lambda row: row.name, stretch=4, icon=lambda _row: "models"),
            Column(tr("Version"), lambda row: str(row.version), 66, right=True),
            Column(tr("Made with"), _made_with, stretch=4),
            Column(tr("Quality"), _quality, stretch=4, muted=True, hint=_all_quality, needs=560),
            Column(tr("Registered"), lambda row: moment(row.created), 100, muted=True, needs=700),
            Column(
                tr("State"),
                lambda row: self._state(row)[0],
                116,
                pill=lambda row: self._state(row)[1],
                hint=self._state_hint,
            ),
        ]

    def _state(self, version: ModelVersion) -> tuple[str, Tone]:
        """The best that is true of it in any place."""
        shelf = self._shelf
        live = sorted((each for each in shelf.live if _is_of(each, version)), key=lambda each: self._heard(each).silent)
        lost = [each for each in shelf.lost if _is_of(each, version)]
        starting = [each for each in shelf.starting if _is_of(each, version)]
        shown = next(iter([*live, *lost, *starting]), None)
        if shown is not None:
            return release_pill(shown, self._heard(shown))
        return (version.aliases[0], "accent") if version.aliases else (tr("Registered"), "plain")

    def _state_hint(self, version: ModelVersion) -> str:
        lines = [
            tr("{place}: {state}").format(
                place=place_title(each.place),
                state=silent_words(self._heard(each)) or release_pill(each, self._heard(each))[0],
            )
            for each in (*self._shelf.live, *self._shelf.lost, *self._shelf.starting)
            if _is_of(each, version)
        ]
        return "\n".join(lines) or self._state(version)[0]

    # Views

    def open_details(self, opened: bool) -> None:
        """Where there is no room for the list and the details beside each other, show the one or the other."""
        self._details_open = opened
        self._arrange()
        if self._left.isHidden() != self._right.isHidden():
            (self.back_button if opened else self.versions).setFocus()

    def _arrange(self) -> None:
        if "full" not in self.views.made:
            return
        one, versions = self.width() < _BOTH, bool(self._shelf.versions)
        self._left.setVisible(not one or not self._details_open or not versions)
        self._right.setVisible(versions and (not one or self._details_open))
        self.details_button.setVisible(one and versions)
        self.back_button.setVisible(one)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange()

    def _empty(self) -> QWidget:
        return EmptyState(
            "models",
            tr("No model was found yet"),
            tr("Bring in a folder that holds a scikit-learn or ONNX model. It is recognised without being run."),
            tr("Bring in a folder"),
            lambda: self.studio.go.emit(ChooseFolder()),
        )

    def _full(self) -> QWidget:
        whole = QWidget()
        row = QHBoxLayout(whole)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(GAP)
        self._left = QWidget()
        left = QVBoxLayout(self._left)
        left.setContentsMargins(0, 0, 0, 0)
        left.setSpacing(GAP)
        self._found_card = Card(tr("Found, not registered yet"))
        self._found_card.add_to_head(self.package_button, self.register_button)
        self._found_card.body.addWidget(self.found)
        self._found_card.body.addWidget(self.why)
        left.addWidget(self._found_card)
        registered = Card(tr("Registered versions"))
        self.details_button = Button(tr("Details"), lambda: self.open_details(True))
        registered.add_to_head(self.details_button)
        registered.body.addWidget(self.versions, 1)
        self._none_yet = EmptyState(
            "tag", tr("Nothing is registered yet"), tr("Choose a model above and press Register.")
        )
        registered.body.addWidget(self._none_yet, 1)
        left.addWidget(registered, 1)
        row.addWidget(self._left, 2)
        self._right = Card()
        self._right.setMinimumWidth(280)
        self.back_button = Button(tr("All versions"), lambda: self.open_details(False), icon="back")
        self._right.body.addWidget(self.back_button, 0, Qt.AlignmentFlag.AlignLeft)
        self._right.body.addWidget(self.details, 1)
        row.addWidget(self._right, 1)
        return whole


def read_shelf(session: Session) -> Shelf:
    """Read what the page shows; off the main thread."""
    from kronkers_studio.workflows import browsing, models, releases

    found = [
        model
        for project in browsing.list_projects(session)
        if project.head is not None
        for model in models.find_models(session, project.name)
    ]
    released = releases.recorded_releases(session)
    live = [release for release in released if release.state is ReleaseState.LIVE]
    starting = [release for release in released if release.state is ReleaseState.STARTING]
    versions = by_model(models.list_models(session))
    recorded = browsing.recorded_at(session, {version.source.commit for version in versions})
    return Shelf(found, versions, live, lost_of(released), starting, recorded)


def by_model(versions: Sequence[ModelVersion]) -> list[ModelVersion]:
    """The versions of each model together, the newest first; the model registered last comes first."""
    last: dict[str, datetime] = {}
    for version in versions:
        last[version.name] = max(last.get(version.name, version.created), version.created)
    return sorted(versions, key=lambda version: (last[version.name], version.name, version.version), reverse=True)


def _found_actions(found: FoundModel) -> list[Action]:
    source = found.source
    return found_file_actions(source.project, "", source.path)


def _version_actions(version: ModelVersion) -> list[Action]:
    return [show_version(version), *version_actions(version)]


def _is_of(release: Release, version: ModelVersion) -> bool:
    return (release.model, release.version) == (version.name, version.version)


def _looking() -> QWidget:
    return EmptyState("search", tr("Looking for models …"), tr("Every file that may be one is read, and none is run."))


def _made_with(version: ModelVersion) -> str:
    return f"{version.facts.framework.label} {version.facts.framework_version}".strip()


def _quality(version: ModelVersion) -> str:
    return next((f"{name} {figure(value)}" for name, value in version.metrics.items()), "–")


def _all_quality(version: ModelVersion) -> str:
    return "\n".join(f"{name} {figure(value)}" for name, value in version.metrics.items())


def _found_columns() -> list[Column[FoundModel]]:
    return [
        Column(tr("File"), lambda row: path_words(row.source.path), stretch=4, icon=lambda _row: "file", middle=True),
        Column(tr("What it is"), _found_words, stretch=4, muted=True),
        Column(tr("Size"), lambda row: file_size(row.size), 84, right=True),
        Column(
            tr("State"),
            lambda row: tr("Ready") if row.facts is not None else tr("Not yet"),
            96,
            pill=lambda row: "ok" if row.facts is not None else "warn",
            hint=lambda row: row.problem or tr("It can be registered"),
        ),
    ]


def _found_words(found: FoundModel) -> str:
    if found.facts is None:
        return found.problem
    return f"{found.facts.framework.label} {found.facts.framework_version} · {kind_words(found.facts)}"
