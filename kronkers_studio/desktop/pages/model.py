"""One model: its versions, and everything that is known of the chosen one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from kronkers_studio.desktop.actions import Command, CopyText, ShowInFileManager
from kronkers_studio.desktop.charts.recorder import Recorder
from kronkers_studio.desktop.destinations import (
    AddVersion,
    AllowCode,
    ChooseLibraries,
    CompareVersions,
    DescribeVersion,
    Destination,
    PackageVersion,
    RunModelTests,
    ShowLineage,
    ShowModel,
    ShowModelVersion,
    StartAgain,
    StateSignature,
    ToPage,
    model_of,
)
from kronkers_studio.desktop.dialogs.add_model import add_model_file, ask_model_file, may_be_model_file
from kronkers_studio.desktop.localization import tr
from kronkers_studio.desktop.look.tokens import GAP, Tone
from kronkers_studio.desktop.model_words import summary_words
from kronkers_studio.desktop.offer_buttons import OfferButton
from kronkers_studio.desktop.offers.models import (
    add_version,
    after_registration,
    package_version,
    put_live,
    version_actions,
)
from kronkers_studio.desktop.page_titles import page_title
from kronkers_studio.desktop.pages.page import Page
from kronkers_studio.desktop.panels.model_services import ModelServices
from kronkers_studio.desktop.panels.version_columns import version_columns
from kronkers_studio.desktop.panels.version_comparison import newest_of_others
from kronkers_studio.desktop.panels.version_sections import Book, VersionSections
from kronkers_studio.desktop.place_words import release_pill
from kronkers_studio.desktop.row_menus import do_on_computer, give_menu
from kronkers_studio.desktop.start_again import lost_of, start_again
from kronkers_studio.desktop.widgets.buttons import Button
from kronkers_studio.desktop.widgets.cards import Card, clear
from kronkers_studio.desktop.widgets.drop_target import DropTarget
from kronkers_studio.desktop.widgets.states import EmptyState
from kronkers_studio.desktop.widgets.tables import Table
from kronkers_studio.desktop.widgets.views import Views
from kronkers_studio.desktop.work.studio import State, Studio
from kronkers_studio.domain.errors import NotFound, StudioError
from kronkers_studio.domain.models import ModelVersion
from kronkers_studio.domain.releases import Release, ReleaseState

if TYPE_CHECKING:
    from kronkers_studio.workflows.session import Session

_MOST_ROWS = 5  # versions seen at once
_OF_A_VERSION = (
    *(PackageVersion, ChooseLibraries, AllowCode, StateSignature),
    *(CompareVersions, DescribeVersion, ShowLineage, RunModelTests),
)
_SHOWN_STATES = (ReleaseState.LIVE, ReleaseState.STARTING)


class ModelPage(Page):
    """Views: "none", "looking", "gone", "failed", "full"."""

    key = "model"
    changes = ("models", "releases")

    def __init__(self, studio: Studio) -> None:
        super().__init__(studio, page_title(self.key))
        self._model = self._wanted = self._headed = ""
        self._book: Book | None = None
        self._version: ModelVersion | None = None
        self._wish: Destination | None = None
        self.views = Views(
            {"none": self._none, "looking": _looking, "gone": self._gone, "failed": self._not_read, "full": self._full}
        )
        self.all_button = Button(tr("All models"), lambda: self.studio.go.emit(ToPage("models")), icon="back")
        self.header.add_action(self.all_button)
        self._actions = QHBoxLayout()
        self._actions.setSpacing(8)
        holder = QWidget()
        holder.setLayout(self._actions)
        self._actions.setContentsMargins(0, 0, 0, 0)
        self.header.add_action(holder)
        self.content.addWidget(self.views, 1)
        DropTarget(self, may_be_model_file, marked=self.views).dropped.connect(self.add_file)
        self.versions: Table[ModelVersion] = Table(tr("Versions"), version_columns(self._state))
        self.versions.picked.connect(self._show_version)
        give_menu(self.versions, version_actions, self.do)
        self.services = ModelServices()
        self.services.wanted.connect(self.do)
        self.sections = VersionSections(studio)
        self.sections.wanted.connect(self.do)
        self.sections.told.connect(self._told)
        self.sections.failed.connect(self.show_error)
        self.sections.rows_wanted.connect(self._compare_on_rows)
        self._recorder = Recorder.of(studio)
        self._recorder.heard.connect(self._on_heard)

    # What is shown

    @property
    def model(self) -> str:
        """The model that the page is about; "" for none yet."""
        return self._model

    def refresh(self) -> None:
        model = self._model
        if not model:
            self._head(None)
            self.views.show_view("none")
            return
        if self._book is None or self._book.model != model:
            self.views.show_view("looking")
            self.header.set_title(model)
        self.studio.read(lambda session: read_book(session, model), self._show_read, owner=self, failed=self._failed)

    def state(self) -> State:
        label = self._version.label if self._version is not None and self._book is not None else self._wanted
        return {"model": self._model, "version": label, "section": self.sections.key}

    def restore(self, state: State) -> None:
        self._model = _text(state.get("model"))
        self._wanted = _text(state.get("version"))
        self.sections.select(_text(state.get("section")))

    def visit(self, destination: Destination) -> None:
        model = model_of(destination)
        if not model:
            return
        if model != self._model:
            self._model, self._wanted, self._wish = model, "", None
            self.notice.clear()
        match destination:
            case ShowModelVersion(label):
                self._wanted = label
            case ShowModel():
                pass
            case _:
                self._wish = destination
        self.become_stale()

    def show_book(self, book: Book) -> None:
        """Show what was read of the model."""
        kept = self._version.label if self._version is not None and self._version.name == book.model else ""
        self._book = book
        self.views.show_view("full")
        self.versions.content.show_rows(book.versions)
        self.versions.fit_rows(_MOST_ROWS)
        wish, self._wish = self._wish, None
        label = getattr(wish, "label", "") or self._wanted or kept
        self._wanted = ""
        position = next((at for at, each in enumerate(book.versions) if each.label == label), 0)
        self.versions.choose(position)
        if wish is not None:
            self.do(wish)

    def do(self, wanted: object) -> None:
        """Do what a button or a menu here, or another page, asks for."""
        match wanted:
            case Command():
                self.studio.wanted.emit(wanted)
            case CopyText() | ShowInFileManager():
                do_on_computer(wanted, self.studio.runner, self, self.show_error)
            case StartAgain(_, place):
                lost = [each for each in self._running() if each.lost and each.place == place]
                for release in lost[:1]:
                    start_again(self.studio, release, owner=self, failed=self.show_error)
            case AddVersion(model) if model == self._model:
                ask_model_file(self, self.add_file)
            case CompareVersions(label) | DescribeVersion(label) | ShowLineage(label) if self._choose(label):
                self._open_section(wanted)
            case RunModelTests(label) if self._choose(label):
                self.sections.tests.begin()
                self.sections.choose("tests")
            case PackageVersion() | ChooseLibraries() | AllowCode() | StateSignature() if self._choose(wanted.label):
                self._ask(wanted)
            case _ if isinstance(wanted, _OF_A_VERSION):
                self.notice.say(tr("That version is no more."), tr("See above which there are."), "warn")
            case _:
                self.studio.go.emit(wanted)

    def add_file(self, file: Path) -> None:
        """Bring that file in, and ask what version of the model it is to be."""
        registered, failed = self._registered, self.show_error
        add_model_file(self, self.studio, file, self._newest, registered, failed, next_of=self._model)

    def _running(self) -> Sequence[Release]:
        return self._book.running if self._book is not None else ()

    def _newest(self) -> Mapping[str, int]:
        """The number of each model's newest version, this model first."""
        book = self._book
        if book is None:
            return {}
        return {each.name: each.version for each in (book.versions[0], *book.others)}

    def _registered(self, version: ModelVersion) -> None:
        self.studio.go.emit(ShowModelVersion(version.label))
        words = tr("{model} is registered as version {version}.").format(model=version.name, version=version.version)
        advice, offer = after_registration(version)
        action = (offer.short, lambda: self.studio.go.emit(offer.act)) if offer is not None else None
        self.notice.say(words, advice, "ok", action=action)

    def _show_read(self, book: Book | None) -> None:
        if book is None:
            self._book = None
            self._head(None)
            self.views.show_view("gone")
        elif book.model == self._model:  # nobody went on to another one meanwhile
            self.show_book(book)

    def _failed(self, error: StudioError) -> None:
        if self._book is None or self._book.model != self._model:
            self._head(None)
            self.views.show_view("failed")
        self.show_error(error)

    def _told(self, words: str, undo: Callable[[], object] | None) -> None:
        self.notice.say(words, "", "ok", action=(tr("Undo"), undo) if undo is not None else None)

    def _choose(self, label: str) -> bool:
        """Choose that version; False where there is none of that name."""
        rows = self._book.versions if self._book is not None else ()
        position = next((at for at, each in enumerate(rows) if each.label == label), None)
        if position is not None:
            self.versions.choose(position)
        return position is not None

    def _open_section(self, wanted: CompareVersions | DescribeVersion | ShowLineage) -> None:
        match wanted:
            case CompareVersions():
                self.sections.choose("compare")
            case DescribeVersion():
                self.sections.choose("card")
                self.sections.card.edit()
            case ShowLineage():
                self.sections.choose("lineage")

    def _ask(self, wanted: PackageVersion | ChooseLibraries | AllowCode | StateSignature) -> None:
        version = self._version
        if version is None:
            return
        match wanted:
            case PackageVersion():
                from kronkers_studio.desktop.dialogs.package import PackageDialog

                PackageDialog(self.window(), self.studio, version).open()
            case ChooseLibraries():
                from kronkers_studio.desktop.dialogs.libraries import LibrariesDialog

                LibrariesDialog(self.window(), self.studio, version).open()
            case AllowCode():
                from kronkers_studio.desktop.dialogs.allow_code import AllowCodeDialog

                allow = AllowCodeDialog(self.window(), self.studio, version)
                allow.told.connect(self._told)
                allow.open()
            case StateSignature():
                from kronkers_studio.desktop.dialogs.state_signature import StateSignatureDialog

                state = StateSignatureDialog(self.window(), self.studio, version)
                state.told.connect(self._told)
                state.open()

    def _compare_on_rows(self, left: ModelVersion, right: ModelVersion) -> None:
        from kronkers_studio.desktop.dialogs.same_rows import SameRowsDialog

        SameRowsDialog(self.window(), self.studio, left, right).open()

    # The chosen version

    def _head(self, version: ModelVersion | None) -> None:
        """What stands at the top: the model, and what can be done with ``version`` of it."""
        book = self._book
        label = version.label if version is not None else ""
        if label != self._headed:
            clear(self._actions)
        self.all_button.setVisible(version is not None)
        if version is None or book is None:
            self._headed = ""
            self.header.set_title(self._model or page_title(self.key))
            self.header.set_pills([])
            self.header.set_sentence(tr("Everything that is known of one model, and what can be done with it."))
            return
        self.header.set_title(book.model)
        said = (version.description, summary_words(replace(version.facts, signature=version.signature)))
        self.header.set_sentence("\n".join(filter(None, said)))
        if label != self._headed:
            self._headed = label
            for action in (add_version(book.model), package_version(version)):
                self._actions.addWidget(OfferButton(action, self.do, icon=False))
            self._actions.addWidget(OfferButton(put_live(version), self.do, kind="primary"))
        self._show_heard()

    def _show_version(self, version: ModelVersion) -> None:
        self._version = version
        self._head(version)
        if self._book is not None:
            self.sections.show_version(self._book, version)

    def _on_heard(self) -> None:
        if self._in_view():
            self._show_heard()

    def _show_heard(self) -> None:
        """What runs of the model, as it answers now."""
        book = self._book
        if book is None:
            return
        self.header.set_pills([] if book.running else [(tr("Not live"), "plain")])
        self.services.show_releases(book.running, self._recorder.heard_of)
        self.versions.viewport().update()

    def _state(self, version: ModelVersion) -> tuple[str, Tone]:
        """The best that is true of it in any place."""
        book = self._book
        running = [each for each in self._running() if each.version == version.version]
        heard = self._recorder.heard_of
        running.sort(key=lambda each: (each.state is not ReleaseState.LIVE, heard(each.model, each.place).silent))
        if running:
            return release_pill(running[0], heard(running[0].model, running[0].place))
        packaged = any(each.version == version.version for each in (book.packages if book is not None else ()))
        return (tr("Packaged"), "plain") if packaged else (tr("Registered"), "plain")

    # Views

    def _full(self) -> QWidget:
        whole = QWidget()
        column = QVBoxLayout(whole)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(GAP)
        column.addWidget(self.services)
        above = Card(tr("Versions"))
        above.body.addWidget(self.versions)
        column.addWidget(above)
        column.addWidget(self.sections, 1)
        return whole

    def _none(self) -> QWidget:
        return EmptyState(
            "models",
            tr("No model is chosen yet"),
            tr("Choose one on the Models page to see its versions, its card and what was made of it."),
            tr("See the models"),
            lambda: self.studio.go.emit(ToPage("models")),
        )

    def _gone(self) -> QWidget:
        return EmptyState(
            "models",
            tr("There is nothing to show of this model"),
            tr("It may be in the trash, or in another workspace."),
            tr("See the models"),
            lambda: self.studio.go.emit(ToPage("models")),
        )

    def _not_read(self) -> QWidget:
        return EmptyState(
            "warning",
            tr("This model could not be read"),
            tr("Why is said below. Nothing of it was changed."),
            tr("Try again"),
            self.refresh,
        )


def read_book(session: Session, model: str) -> Book | None:
    """Read what the page shows; off the main thread. None when there is no such model."""
    from kronkers_studio.workflows import browsing, models, packages, releases

    try:
        versions = models.list_models(session, model)
    except NotFound:
        return None
    released = [each for each in releases.recorded_releases(session) if each.model == model]
    running = [*(each for each in released if each.state in _SHOWN_STATES), *lost_of(released)]
    running.sort(key=lambda each: (each.place, -each.number))
    return Book(
        model,
        versions,
        running,
        packages.list_packages(session, model),
        newest_of_others(models.list_models(session), model),
        browsing.recorded_at(session, {version.source.commit for version in versions}),
    )


def _text(kept: object) -> str:
    """What was kept over a restart, where it is a text."""
    return kept if isinstance(kept, str) else ""


def _looking() -> QWidget:
    return EmptyState("search", tr("Looking it up …"), tr("Its versions, and what was made of them."))
