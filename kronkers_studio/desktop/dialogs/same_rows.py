"""Two versions asked the same rows: which table, what came of it, and where it is saved."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QWidget

from kronkers_studio.desktop.localization import home_short, tr
from kronkers_studio.desktop.panels.answer_comparison import AnswerComparison
from kronkers_studio.desktop.panels.progress import WorkingPanel
from kronkers_studio.desktop.panels.same_rows_choice import SameRowsChoice
from kronkers_studio.desktop.panels.scored_answers import rows_words
from kronkers_studio.desktop.panels.table_files import ask_where_to_save
from kronkers_studio.desktop.widgets.dialog import Dialog
from kronkers_studio.desktop.widgets.drop_target import DropTarget
from kronkers_studio.desktop.widgets.views import Views
from kronkers_studio.desktop.work.studio import Studio
from kronkers_studio.desktop.work.tasks import Task
from kronkers_studio.domain.errors import Cancelled, StudioError
from kronkers_studio.domain.models import ContentRef, ModelVersion
from kronkers_studio.domain.printable import printable
from kronkers_studio.domain.progress import CancelToken, Progress
from kronkers_studio.domain.references import ModelReference
from kronkers_studio.domain.row_comparison import ComparedRows

if TYPE_CHECKING:
    from kronkers_studio.workflows.scored_files import SavedRows

_SIZE = (1040, 680)
_CHOOSE, _WORK, _DONE = "choose", "work", "done"


class SameRowsDialog(Dialog):
    """Views: "choose", "work", "done". Closing it while it works ends the work: nobody would see what came of it."""

    def __init__(self, parent: QWidget | None, studio: Studio, left: ModelVersion, right: ModelVersion) -> None:
        title = tr("{left} and {right} on the same rows").format(left=left.label, right=right.label)
        sentence = tr("Both run for a moment, one after the other, and answer the same table. Nothing goes live.")
        super().__init__(parent, title, sentence, width=760)
        self.resize(*_SIZE)
        self._studio, self._left, self._right = studio, left, right
        self.task: Task | None = None
        self.working = WorkingPanel()
        self.outcome = AnswerComparison()
        self.choice = SameRowsChoice(studio, left, right)
        self.choice.opening.connect(self._choose_step)
        self.choice.checked.connect(self._show_whether_it_fits)
        self.choice.failed.connect(self.notice.show_error)
        self.views = Views({_CHOOSE: lambda: self.choice, _WORK: lambda: self.working, _DONE: lambda: self.outcome})
        self.content.addWidget(self.views, 1)
        DropTarget(self, Path.is_file, marked=self.views, alone=True).dropped.connect(self.open_table)
        self.again_button = self.add_button(tr("Other rows …"), self.choose_again)
        self.save_button = self.add_button(tr("Save as Excel or CSV …"), self.ask_save)
        self.cancel_button = self.add_button(tr("Cancel"), self.cancel)
        self.go = self.add_button(tr("Compare"), self.advance, "primary")
        self.finished.connect(self._stop)
        self._show_step(_CHOOSE)
        self.choice.setFocus()

    # Steps

    @property
    def step(self) -> str:
        """Where one is."""
        return self.views.shown

    def advance(self) -> None:
        """Compare; once that is done, close."""
        if not self.go.isEnabled():
            return
        if self.step == _DONE:
            self.accept()
        else:
            self.compare()

    def cancel(self) -> None:
        """Stop comparing; before that, close."""
        if self.step == _WORK and self.task is not None:
            self.task.cancel()
            self.cancel_button.setEnabled(False)
            self.cancel_button.setText(tr("Stopping …"))
        else:
            self.reject()

    def choose_again(self) -> None:
        """Back to the table."""
        self._choose_step()
        self.choice.setFocus()

    def open_table(self, source: Path | ContentRef) -> None:
        """Read a table, unless one is being compared."""
        if self.step != _WORK:
            self.choice.open_table(source)

    def _choose_step(self) -> None:
        self.notice.clear()
        self._show_step(_CHOOSE)

    def _show_whether_it_fits(self, refusal: StudioError | None) -> None:
        self.notice.clear()
        self.go.setEnabled(self.choice.fits)
        self._show_default()
        if refusal is not None:
            self.notice.show_error(refusal)
        if not self.choice.truth.hasFocus():  # who chooses there goes on there
            (self.go if refusal is None else self.choice).setFocus()

    def _show_step(self, step: str) -> None:
        self.views.show_view(step)
        self.again_button.setVisible(step == _DONE)
        self.save_button.setVisible(step == _DONE)
        self.cancel_button.setVisible(step != _DONE)
        self.cancel_button.setEnabled(True)
        self.cancel_button.setText(tr("Cancel"))
        self.go.setVisible(step != _WORK)
        self.go.setText(tr("Close") if step == _DONE else tr("Compare"))
        self.go.setAccessibleName(self.go.text())
        self.go.setEnabled(step == _DONE or self.choice.fits)
        self._show_default()

    def _show_default(self) -> None:
        """Enter does what comes next."""
        first = self.choice.open_button
        able = {_WORK: self.cancel_button}.get(self.step, self.go if self.go.isEnabled() else first)
        for button in (self.go, self.cancel_button, first):
            button.setDefault(button is able)

    def _stop(self) -> None:
        if self.task is not None and not self.task.state.ended:
            self.task.cancel()

    # Comparing

    def compare(self) -> None:
        """Ask both, as a task that can be watched and stopped."""
        session, table, source = self._studio.session, self.choice.table, self.choice.source
        if session is None or table is None:
            return
        left, right, truth, place = self._left, self._right, self.choice.true_column, self.choice.place

        def work(progress: Progress, cancel: CancelToken) -> ComparedRows:
            from kronkers_studio.workflows.row_comparison import compare_on_rows

            one, other = (ModelReference(each.name, each.version, None) for each in (left, right))
            return compare_on_rows(
                session, one, other, table, truth=truth, on=place, source=source, progress=progress, cancel=cancel
            )

        def failed(error: StudioError) -> None:
            self._show_step(_CHOOSE)
            if isinstance(error, Cancelled):
                self.notice.say(tr("Cancelled. Nothing was compared."))
            else:
                self.notice.show_error(error)
            self.go.setFocus()

        self.notice.clear()
        title = tr("Comparing {left} and {right}").format(left=left.label, right=right.label)
        self.task = self._studio.do(title, work, done=self.show_compared, failed=failed, owner=self)
        self._show_step(_WORK)
        self.working.watch(self.task, tr("What was not packaged yet is packaged first."), cancel=False)
        self.cancel_button.setFocus()

    def show_compared(self, compared: ComparedRows) -> None:
        """Show what came of it."""
        self.outcome.show_compared(compared)
        self._show_step(_DONE)
        self.go.setFocus()

    # Saving

    def ask_save(self) -> None:
        """Ask where the table is saved, and as what."""
        compared = self.outcome.compared
        if compared is None:
            return
        source = self.choice.source
        folder = source.parent if isinstance(source, Path) else Path.home()
        called = tr("{table} with both answers.xlsx").format(table=printable(Path(compared.table.name).stem))
        ask_where_to_save(self, tr("Save both answers"), folder / called, lambda file: self.save(compared, file))

    def save(self, compared: ComparedRows, file: Path) -> None:
        """Save it to ``file``, which may be overwritten."""

        def work(progress: Progress, cancel: CancelToken) -> SavedRows:
            from kronkers_studio.workflows.compared_files import save_compared_rows

            return save_compared_rows(compared, file, overwrite=True, progress=progress, cancel=cancel)

        def done(saved: SavedRows) -> None:
            self.save_button.setEnabled(True)
            words = tr("Saved {rows} to {file}.").format(rows=rows_words(saved.rows), file=saved.file.name)
            self.notice.say(words, tr("In {folder}").format(folder=home_short(saved.file.parent)), "ok")

        def failed(error: StudioError) -> None:
            self.save_button.setEnabled(True)
            if isinstance(error, Cancelled):
                self.notice.say(tr("Cancelled. Nothing was saved."))
            else:
                self.notice.show_error(error)

        self.save_button.setEnabled(False)
        self._studio.do(tr("Saving {file}").format(file=file.name), work, done=done, failed=failed, owner=self)
