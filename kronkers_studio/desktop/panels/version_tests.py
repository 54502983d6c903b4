"""What came of testing one version of a model's service, and testing it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QVBoxLayout, QWidget

from kronkers_studio.desktop.localization import counted, date_time, tr
from kronkers_studio.desktop.look.tokens import Tone
from kronkers_studio.desktop.place_words import place_title, place_words
from kronkers_studio.desktop.widgets.buttons import Button
from kronkers_studio.desktop.widgets.fields import ComboBox
from kronkers_studio.desktop.widgets.labels import label
from kronkers_studio.desktop.widgets.pills import Pill
from kronkers_studio.desktop.widgets.states import EmptyState
from kronkers_studio.desktop.widgets.tables import Column, Table
from kronkers_studio.desktop.widgets.views import Views
from kronkers_studio.desktop.work.studio import Studio
from kronkers_studio.desktop.work.tasks import Task
from kronkers_studio.domain.errors import Cancelled, InvalidTestSet, NotFound, StudioError
from kronkers_studio.domain.model_tests import ExpectationResult, ModelTestRun, Outcome, run_words
from kronkers_studio.domain.models import ModelVersion
from kronkers_studio.domain.progress import CancelToken, Progress
from kronkers_studio.domain.references import format_content
from kronkers_studio.domain.releases import THIS_COMPUTER

if TYPE_CHECKING:
    from kronkers_studio.domain.expectations import ExpectationSet
    from kronkers_studio.workflows.session import Session

_ORDER = (Outcome.FAILED, Outcome.ERROR, Outcome.SKIPPED, Outcome.PASSED)
_TONES: dict[Outcome, Tone] = {
    Outcome.PASSED: "ok",
    Outcome.FAILED: "bad",
    Outcome.ERROR: "warn",
    Outcome.SKIPPED: "plain",
}


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
        self.table: Table[ExpectationResult] = Table(tr("Tests of this version"), _columns())
        self.said = label("", "text", wrap=True, selectable=True)
        self.table.picked.connect(lambda row: self.said.setText(row.sentence))
        self.views = Views({"none": self._none, "ready": _ready, "results": self._results})
        self.place = ComboBox(tr("Where it runs for this"))
        self.run_button = Button(tr("Test it"), self.run, kind="primary", icon="play")
        self.stop_button = Button(tr("Stop"), self.stop, name=tr("Stop testing"))
        self.choose_button = Button(tr("Another test set …"), self.ask_test_set, icon="document")
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
        for each in (self.run_button, self.stop_button, self.place, self.choose_button):
            buttons.addWidget(each)
        buttons.addStretch(1)
        whole.addLayout(buttons)
        self._show_buttons()

    def show_version(self, version: ModelVersion) -> None:
        """Show what is known of the version's tests."""
        if self._known is None or self._known.version.label != version.label:
            self._known = None
            self.task = None
            self._show_buttons()
        self._studio.read(lambda session: _read(session, version), self.show_known, owner=self, failed=self._not_read)

    def show_known(self, known: KnownTests) -> None:
        """Show ``known``."""
        self._known = known
        run = known.run
        self.place.set_choices([(place_title(name), name) for name in (*_here(known.version), *known.servers)])
        self.pill.setVisible(run is not None)
        if run is not None:
            tone = _TONES[run.outcome] if known.current else "warn"
            self.pill.show_state(_outcome_words(run.outcome) if known.current else tr("Out of date"), tone)
            words = run_words(run)
            self.summary.setText(f"{words[0].upper()}{words[1:]}.")
            self.table.content.show_rows(sorted(run.results, key=lambda each: _ORDER.index(each.outcome)))
            if run.results:
                self.table.choose(0)
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

    def ask_test_set(self) -> None:
        """Ask for the file of a test set; it is kept in the workspace, and the model is tested by it from then on."""
        dialog = QFileDialog(self.window(), tr("Choose a test set"), str(Path.home()))
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.setNameFilters(
            [tr("Test sets ({patterns})").format(patterns="*.yaml *.yml *.json"), tr("All files (*)")]
        )
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(lambda chosen: self.add_test_set(Path(chosen)))
        dialog.open()

    def add_test_set(self, file: Path) -> None:
        """Keep that file as the model's test set."""
        known, session = self._known, self._studio.session
        if known is None or session is None:
            return
        name = known.version.name

        def work(_progress: Progress, _cancel: CancelToken) -> ExpectationSet:
            from kronkers_studio.workflows.model_tests import add_test_set

            return add_test_set(session, name, file)

        self._keep(tr("Keeping the test set {file}").format(file=file.name), work)

    def make_first(self) -> None:
        """Make a test set of what is known of the version."""
        known, session = self._known, self._studio.session
        if known is None or session is None:
            return
        version = known.version

        def work(_progress: Progress, cancel: CancelToken) -> ExpectationSet:
            from kronkers_studio.workflows.model_tests import make_first_test_set

            return make_first_test_set(session, version, cancel)

        self._keep(tr("Making a first test set for {model}").format(model=version.name), work)

    def _keep(self, title: str, work: object) -> None:
        self._studio.do(
            title,
            work,  # type: ignore[arg-type]  # one of the two above
            changes=("content", "models"),
            done=self._kept,
            failed=self.failed.emit,
            owner=self,
            resource="content",
        )

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
        self.choose_button.setVisible(shown)
        self.choose_button.setEnabled(not running)

    def _results(self) -> QWidget:
        """The table, and below it all of the sentence of the chosen test, which a row may have no room for."""
        whole = QWidget()
        column = QVBoxLayout(whole)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addWidget(self.table, 1)
        column.addWidget(self.said)
        return whole

    def _none(self) -> QWidget:
        return EmptyState(
            "check",
            tr("There is no test set for this model yet"),
            tr(
                "A test set says what is expected of the model: how good its answers are, how quick it is, what must "
                "be refused. A first one can be made of what is known of this version."
            ),
            tr("Make a first test set"),
            self.make_first,
            second=(tr("Choose a file …"), self.ask_test_set),
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


def _outcome_words(outcome: Outcome) -> str:
    return {
        Outcome.PASSED: tr("Passed"),
        Outcome.FAILED: tr("Failed"),
        Outcome.ERROR: tr("Not measured"),
        Outcome.SKIPPED: tr("Skipped"),
    }[outcome]


def _signed(outcome: Outcome) -> str:
    """The word with its sign: colour alone tells nobody anything."""
    sign = {Outcome.PASSED: "✓", Outcome.FAILED: "✕", Outcome.ERROR: "!", Outcome.SKIPPED: "–"}[outcome]
    return f"{sign} {_outcome_words(outcome)}"


def _columns() -> list[Column[ExpectationResult]]:
    return [
        Column(
            tr("Outcome"),
            lambda row: _signed(row.outcome),
            128,
            pill=lambda row: _TONES[row.outcome],
            spoken=lambda row: _outcome_words(row.outcome),
        ),
        Column(tr("Test"), lambda row: row.name, 170, hint=lambda row: row.name),
        Column(tr("What was found"), lambda row: row.sentence, stretch=1, hint=lambda row: row.sentence),
        Column(
            tr("Took"), lambda row: tr("{n} s").format(n=f"{row.seconds:.1f}"), 70, right=True, muted=True, needs=720
        ),
    ]


def _ready() -> QWidget:
    return EmptyState(
        "check",
        tr("This version was not tested yet"),
        tr("Its packaged service is started for a moment, confined as a release is, and ended again."),
    )
