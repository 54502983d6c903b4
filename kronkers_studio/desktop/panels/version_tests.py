"""What came of testing one version of a model's service, and testing it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from kronkers_studio.desktop.localization import counted, date_time, tr
from kronkers_studio.desktop.panels.test_results import OUTCOME_TONES, TestResults, outcome_words
from kronkers_studio.desktop.panels.test_set_choice import TestSetChoice
from kronkers_studio.desktop.place_words import place_title, place_words
from kronkers_studio.desktop.widgets.buttons import Button
from kronkers_studio.desktop.widgets.fields import ComboBox
from kronkers_studio.desktop.widgets.hints import set_hint
from kronkers_studio.desktop.widgets.labels import label
from kronkers_studio.desktop.widgets.pills import Pill
from kronkers_studio.desktop.widgets.states import EmptyState
from kronkers_studio.desktop.widgets.views import Views
from kronkers_studio.desktop.work.studio import Studio
from kronkers_studio.desktop.work.tasks import Task
from kronkers_studio.domain.errors import Cancelled, InvalidTestSet, NotFound, StudioError
from kronkers_studio.domain.model_tests import ModelTestRun, run_words
from kronkers_studio.domain.models import ModelVersion
from kronkers_studio.domain.progress import CancelToken, Progress
from kronkers_studio.domain.references import format_content
from kronkers_studio.domain.releases import THIS_COMPUTER

if TYPE_CHECKING:
    from kronkers_studio.domain.expectations import ExpectationSet
    from kronkers_studio.workflows.session import Session


@dataclass(frozen=True, slots=True)
class KnownTests:
    """The last run of a version, whether that was of it as it is now, by what it would be tested ("" for nothing), what
    is wrong with that, and the servers on which it could be tested."""

    version: ModelVersion
    run: ModelTestRun | None = None
    current: bool = False
    test_set: str = ""
    expectations: int = 0
    problem: StudioError | None = None
    servers: Sequence[str] = field(default=())


class VersionTests(QWidget):
    """Views: "none" (no test set), "ready" (not tested yet), "results". ``told`` carries a sentence and None,
    ``failed`` an error."""

    told = Signal(str, object)
    failed = Signal(object)

    def __init__(self, studio: Studio, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._studio = studio
        self._known: KnownTests | None = None
        self._begin_when_read = False
        self.task: Task | None = None
        self.pill = Pill()
        self.summary = label("", "medium", wrap=True, selectable=True)
        self.details = label("", "muted", wrap=True, selectable=True)
        self.results = TestResults()
        self.choice = TestSetChoice(self, studio)
        self.choice.kept.connect(self._kept)
        self.choice.failed.connect(self.failed)
        self.views = Views({"none": self._none, "ready": _ready, "results": lambda: self.results})
        self.place = ComboBox(tr("Where it runs for this"))
        self.run_button = Button(tr("Test it"), self.run, kind="primary", icon="play")
        self.stop_button = Button(tr("Stop"), self.stop, name=tr("Stop testing"))
        self.project_button = Button(tr("Test set from a project …"), self.choice.ask_project_file, icon="registry")
        set_hint(self.project_button, tr("Test it by another test set, or on a table with the true answers"))
        self.choose_button = Button(tr("Test set from this computer …"), self.choice.ask_computer_file, icon="document")
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(10)
        head = QHBoxLayout()
        head.setSpacing(10)
        head.addWidget(self.pill, 0, Qt.AlignmentFlag.AlignTop)
        words = QVBoxLayout()
        words.setSpacing(2)
        words.addWidget(self.summary)
        words.addWidget(self.details)
        head.addLayout(words, 1)
        whole.addLayout(head)
        whole.addWidget(self.views, 1)
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        for each in (self.run_button, self.stop_button, self.place, self.project_button, self.choose_button):
            buttons.addWidget(each)
        buttons.addStretch(1)
        whole.addLayout(buttons)
        self._show_buttons()

    def show_version(self, version: ModelVersion) -> None:
        """Show what is known of the version's tests."""
        if self._known is None or self._known.version.label != version.label:
            self._known = self.choice.version = None
            self.task = None
            self._show_buttons()
        self._studio.read(lambda session: _read(session, version), self.show_known, owner=self, failed=self._not_read)

    def show_known(self, known: KnownTests) -> None:
        """Show ``known``."""
        self._known = known
        self.choice.version = known.version
        run = known.run
        self.place.set_choices([(place_title(name), name) for name in (*_here(known.version), *known.servers)])
        self.pill.setVisible(run is not None)
        if run is not None:
            tone = OUTCOME_TONES[run.outcome] if known.current else "warn"
            self.pill.show_state(outcome_words(run.outcome) if known.current else tr("Out of date"), tone)
            words = run_words(run)
            self.summary.setText(f"{words[0].upper()}{words[1:]}.")
            self.results.show_results(run.results)
        else:
            self.summary.setText(tr("Not tested yet."))
        self.summary.setVisible(run is not None or bool(known.test_set))
        self.details.setText(_details(known))
        self.views.show_view("results" if run is not None else "ready" if known.test_set else "none")
        self._show_buttons()
        if self._begin_when_read:
            self._begin_when_read = False
            self.run()

    def begin(self) -> None:
        """Test the version that is shown, as soon as what is known of it was read."""
        self._begin_when_read = True

    def run(self) -> None:
        """Test it, in the place that is chosen."""
        known, session = self._known, self._studio.session
        if known is None or session is None or not self.run_button.isEnabled():
            return
        version, place = known.version, str(self.place.value or THIS_COMPUTER)

        def work(progress: Progress, cancel: CancelToken) -> ModelTestRun:
            from kronkers_studio.workflows.model_tests import run_model_tests

            return run_model_tests(session, version.name, version.version, on=place, progress=progress, cancel=cancel)

        self.task = self._studio.do(
            tr("Testing {model} version {version}").format(model=version.name, version=version.version),
            work,
            changes=("models",),
            done=self._done,
            failed=self._failed,
            owner=self,
            resource=f"package {version.label}",
        )
        self.task.changed.connect(self._show_buttons)
        self._show_buttons()

    def stop(self) -> None:
        """Stop it at the next safe point; nothing of it is kept."""
        if self.task is not None:
            self.task.cancel()
            self._show_buttons()

    def _kept(self, found: ExpectationSet) -> None:
        words = tr("The model is tested by {file} from now on ({count}).")
        source = found.source
        name = format_content(source.project, "", source.path)
        self.told.emit(words.format(file=name, count=_counted(len(found.expectations))), None)
        if self._known is not None:
            self.show_version(self._known.version)

    def _done(self, run: ModelTestRun) -> None:
        self.task = None
        words = tr("{model} version {version}: {outcome}.")
        self.told.emit(words.format(model=run.model, version=run.version, outcome=run_words(run)), None)
        if self._known is not None and self._known.version.label == run.label:
            self.show_version(self._known.version)
        self._show_buttons()

    def _failed(self, error: StudioError) -> None:
        self.task = None
        self._show_buttons()
        if isinstance(error, Cancelled):
            self.told.emit(tr("Cancelled. Nothing of the test was kept."), None)
        else:
            self.failed.emit(error)

    def _not_read(self, error: StudioError) -> None:
        self._begin_when_read = False
        self.failed.emit(error)

    def _show_buttons(self) -> None:
        known = self._known
        running = self.task is not None and not self.task.state.ended
        stopping = self.task is not None and self.task.cancelling
        ready = known is not None and bool(known.test_set) and known.problem is None and self.place.count() > 0
        self.run_button.setEnabled(ready and not running)
        self.run_button.setText(
            tr("Testing …") if running else tr("Test it again") if _was_tested(known) else tr("Test it")
        )
        self.run_button.setAccessibleName(self.run_button.text())
        self.stop_button.setVisible(running)
        self.stop_button.setEnabled(not stopping)
        self.place.setVisible(known is not None and bool(known.test_set) and self.place.count() > 1)
        self.place.setEnabled(not running)
        shown = known is not None and (bool(known.test_set) or known.problem is not None)
        self.run_button.setVisible(shown)
        self.project_button.setVisible(shown)
        self.choose_button.setVisible(known is not None)
        for button in (self.project_button, self.choose_button):
            button.setEnabled(not running)

    def _none(self) -> QWidget:
        return EmptyState(
            "check",
            tr("There is no test set for this model yet"),
            tr(
                "A test set says what is expected of the model: how good its answers are, how quick it is, what must "
                "be refused. A first one can be made of what is known of this version."
            ),
            tr("Make a first test set"),
            self.choice.make_first,
            second=(tr("Choose from a project …"), self.choice.ask_project_file),
        )


def _read(session: Session, version: ModelVersion) -> KnownTests:
    """What is shown, read off the main thread."""
    from kronkers_studio.workflows.model_tests import last_test_run, set_of
    from kronkers_studio.workflows.servers import list_servers

    tested = last_test_run(session, version)
    servers = tuple(server.name for server in list_servers(session))
    known = KnownTests(version, tested.run, tested.current, servers=servers)
    try:
        found = set_of(session, version)
    except NotFound:
        return known
    except InvalidTestSet as problem:
        return KnownTests(version, tested.run, tested.current, problem.message, 0, problem, servers)
    source = found.source
    name = format_content(source.project, "", source.path)
    return KnownTests(version, tested.run, tested.current, name, len(found.expectations), None, servers)


def _here(version: ModelVersion) -> tuple[str, ...]:
    return () if version.facts.framework.in_container_only else (THIS_COMPUTER,)


def _was_tested(known: KnownTests | None) -> bool:
    return known is not None and known.run is not None


def _details(known: KnownTests) -> str:
    said = []
    if known.run is not None:
        run = known.run
        where = tr("{when} on {place}, package {digest}")
        digest = run.package.removeprefix("sha256:")[:12]
        said.append(where.format(when=date_time(run.at), place=place_words(run.place), digest=digest))
        if not known.current:
            said.append(tr("The version was changed since: its libraries, or what it may use or takes."))
    if not _here(known.version) and not known.servers:
        said.append(tr("It runs in a container only: add a server to test it on."))
    if known.problem is not None:
        said.append(f"{known.problem.message} {known.problem.next_step}")
    elif known.test_set:
        said.append(tr("Test set: {file} ({count})").format(file=known.test_set, count=_counted(known.expectations)))
    return "\n".join(said)


def _counted(tests: int) -> str:
    return counted(tests, tr("{n} test"), tr("{n} tests"))


def _ready() -> QWidget:
    return EmptyState(
        "check",
        tr("This version was not tested yet"),
        tr("Its packaged service is started for a moment, confined as a release is, and ended again."),
    )
