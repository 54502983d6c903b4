"""Two versions asked the same rows: which table, what came of it, and where it is saved."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from kronkers_studio.desktop.localization import home_short, number, tr
from kronkers_studio.desktop.panels.answer_comparison import AnswerComparison
from kronkers_studio.desktop.panels.progress import WorkingPanel
from kronkers_studio.desktop.panels.row_view import SHOWN_ROWS, given_rows
from kronkers_studio.desktop.panels.scored_answers import rows_words
from kronkers_studio.desktop.panels.table_choice import TableChoiceDialog
from kronkers_studio.desktop.panels.table_files import ask_table_file, ask_where_to_save
from kronkers_studio.desktop.place_words import place_title
from kronkers_studio.desktop.widgets.buttons import Button
from kronkers_studio.desktop.widgets.cards import clear
from kronkers_studio.desktop.widgets.dialog import Dialog
from kronkers_studio.desktop.widgets.drop_target import DropTarget
from kronkers_studio.desktop.widgets.fields import ComboBox, Field
from kronkers_studio.desktop.widgets.labels import label
from kronkers_studio.desktop.widgets.states import EmptyState
from kronkers_studio.desktop.widgets.views import Views
from kronkers_studio.desktop.work.studio import Studio
from kronkers_studio.desktop.work.tasks import Task
from kronkers_studio.domain.errors import Cancelled, StudioError
from kronkers_studio.domain.model_columns import model_columns
from kronkers_studio.domain.models import ContentRef, ModelVersion
from kronkers_studio.domain.printable import printable
from kronkers_studio.domain.progress import CancelToken, Progress
from kronkers_studio.domain.references import ModelReference
from kronkers_studio.domain.releases import THIS_COMPUTER
from kronkers_studio.domain.row_comparison import ComparedRows
from kronkers_studio.domain.row_tables import RowTable, name_key

if TYPE_CHECKING:
    from kronkers_studio.workflows.scored_files import SavedRows
    from kronkers_studio.workflows.session import Session

_SIZE = (1040, 680)
_MOST_TRUTHS = 200
_FIELD = 480  # pixels
_CHOOSE, _WORK, _DONE = "choose", "work", "done"


class _Opened(NamedTuple):
    """A table that was read, and why it does not fit, if it does not."""

    table: RowTable
    refusal: StudioError | None


class SameRowsDialog(Dialog):
    """Views: "choose", "work", "done". Closing it while it works ends the work: nobody would see what came of it."""

    def __init__(self, parent: QWidget | None, studio: Studio, left: ModelVersion, right: ModelVersion) -> None:
        title = tr("{left} and {right} on the same rows").format(left=left.label, right=right.label)
        sentence = tr("Both run for a moment, one after the other, and answer the same table. Nothing goes live.")
        super().__init__(parent, title, sentence, width=760)
        self.resize(*_SIZE)
        self._studio, self._left, self._right = studio, left, right
        self._source: Path | ContentRef | None = None
        self._opened: _Opened | None = None
        self._asked = 0
        self.task: Task | None = None
        self.working = WorkingPanel()
        self.outcome = AnswerComparison()
        self.views = Views({_CHOOSE: self._choosing, _WORK: lambda: self.working, _DONE: lambda: self.outcome})
        self.content.addWidget(self.views, 1)
        DropTarget(self, Path.is_file, marked=self.views, alone=True).dropped.connect(self.open_table)
        self.again_button = self.add_button(tr("Other rows …"), self.choose_again)
        self.save_button = self.add_button(tr("Save as Excel or CSV …"), self.ask_save)
        self.cancel_button = self.add_button(tr("Cancel"), self.cancel)
        self.go = self.add_button(tr("Compare"), self.advance, "primary")
        self.finished.connect(self._stop)
        self._show_step(_CHOOSE)
        self._read_places()
        self.open_button.setFocus()

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
        self.notice.clear()
        self._show_step(_CHOOSE)
        self.open_button.setFocus()

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
        self.go.setEnabled(step == _DONE or self._fits)
        self._show_default()

    def _show_default(self) -> None:
        """Enter does what comes next."""
        able = {_WORK: self.cancel_button}.get(self.step, self.go if self.go.isEnabled() else self.open_button)
        for button in (self.go, self.cancel_button, self.open_button):
            button.setDefault(button is able)

    @property
    def _fits(self) -> bool:
        return self._opened is not None and self._opened.refusal is None

    def _stop(self) -> None:
        if self.task is not None and not self.task.state.ended:
            self.task.cancel()

    # Which table

    def _choosing(self) -> QWidget:
        whole = QWidget()
        column = QVBoxLayout(whole)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(14)
        row = QHBoxLayout()
        row.setSpacing(8)
        self.open_button = Button(tr("Open a file …"), self._ask_file, icon="folder")
        self.registry_button = Button(tr("From the registry …"), self.ask_table, icon="registry")
        row.addWidget(self.open_button)
        row.addWidget(self.registry_button)
        self.own_buttons = [self._own_button(version) for version in self._with_data()]
        for button in self.own_buttons:
            row.addWidget(button)
        row.addStretch(1)
        column.addLayout(row)
        words = tr("Drop a CSV, Excel, Parquet or JSON file here, or open one. It may have more columns than needed.")
        self._none = EmptyState("data", tr("No table yet"), words)
        self._about = QWidget()
        about = QVBoxLayout(self._about)
        about.setContentsMargins(0, 0, 0, 0)
        about.setSpacing(14)
        self.facts = label("", "medium", wrap=True)
        self.used = label("", "muted", wrap=True)
        about.addWidget(self.facts)
        about.addWidget(self.used)
        fields = QHBoxLayout()
        fields.setSpacing(14)
        self.truth = ComboBox(tr("Which column is the truth"))
        truth_help = tr("With it, both are measured, and it is said whether one is better by more than chance.")
        self.truth_field = Field(tr("Which column is the truth"), self.truth, truth_help)
        self.truth.currentIndexChanged.connect(self._check_again)
        self.where = ComboBox(tr("Where they run"))
        self.where_field = Field(tr("Where they run"), self.where)
        for field in (self.truth_field, self.where_field):
            field.setMaximumWidth(_FIELD)
            fields.addWidget(field, 2)
        fields.addStretch(1)
        about.addLayout(fields)
        self._given_place = QVBoxLayout()
        about.addLayout(self._given_place, 1)
        self.choice = Views({"none": lambda: self._none, "table": lambda: self._about})
        column.addWidget(self.choice, 1)
        self.choice.show_view("none")
        self.where_field.setVisible(False)
        return whole

    def _with_data(self) -> list[ModelVersion]:
        """Those whose data is a table; each table once."""
        from kronkers_studio.workflows.row_files import KINDS

        found: dict[tuple[str, str], ModelVersion] = {}
        for version in (self._right, self._left):
            if version.data is not None and version.data.path.lower().endswith(KINDS):
                found.setdefault((version.data.project, version.data.path), version)
        return list(found.values())

    def _own_button(self, version: ModelVersion) -> Button:
        data = version.data
        words = tr("Data of version {version}").format(version=version.version)
        name = tr("The data that {model} is registered with").format(model=version.label)
        return Button(words, lambda: self.open_table(data) if data is not None else None, icon="data", name=name)

    def _ask_file(self) -> None:
        folder = self._source.parent if isinstance(self._source, Path) else Path.home()
        ask_table_file(self, folder, self.open_table)

    def ask_table(self) -> None:
        """Ask for a table of the registry."""
        TableChoiceDialog(self, self._studio, self.open_table).open()

    def open_table(self, source: Path | ContentRef) -> None:
        """Read a table off the main thread, and whether both versions can take its rows."""
        if self.step == _WORK:
            return
        self._asked += 1
        asked, left, right = self._asked, self._left, self._right
        self.notice.clear()
        self._opened = None
        self._show_step(_CHOOSE)
        name = source.name if isinstance(source, Path) else source.path.rpartition("/")[2]
        self.facts.setText(tr("Reading “{file}” …").format(file=name))
        self.used.setText("")
        self.truth_field.setEnabled(False)
        clear(self._given_place)
        self.choice.show_view("table")

        def work(session: Session, cancel: CancelToken) -> _Opened:
            from kronkers_studio.workflows.row_comparison import check_rows, open_rows

            table = open_rows(session, left, right, source, cancel)
            try:
                check_rows(table, left, right)
            except StudioError as refusal:
                return _Opened(table, refusal)
            return _Opened(table, None)

        def done(opened: _Opened) -> None:
            if asked == self._asked:
                self._source = source
                self.show_table(opened.table, opened.refusal)

        def failed(error: StudioError) -> None:
            if asked == self._asked:
                self.choice.show_view("none")
                self.notice.show_error(error)

        self._studio.look(work, done, owner=self, failed=failed)

    def show_table(self, table: RowTable, refusal: StudioError | None = None) -> None:
        """Show which table it is, and offer its columns as the truth that neither version takes."""
        self._opened = _Opened(table, refusal)
        words = [table.name, rows_words(len(table.rows))]
        if len(table.rows) > SHOWN_ROWS:
            words.append(tr("the first {n} are shown").format(n=number(SHOWN_ROWS)))
        self.facts.setText(" · ".join(words))
        clear(self._given_place)
        self.given = given_rows(table, None)
        self._given_place.addWidget(self.given)
        taken = {name_key(name) for each in (self._left, self._right) for name in model_columns(each.signature).names}
        free = [name for name in table.columns if name.strip() and name_key(name) not in taken] if table.named else []
        none = (tr("None: only how the answers differ"), "")
        self.truth.set_choices([none, *((name, name) for name in free[:_MOST_TRUTHS])])
        self.truth_field.setEnabled(bool(free))
        self.used.setText("\n".join(table.remarks))
        self.used.setVisible(bool(table.remarks))
        self.choice.show_view("table")
        self.go.setEnabled(self._fits)
        self._show_default()
        if refusal is not None:
            self.notice.show_error(refusal)
            self.open_button.setFocus()
        else:
            self.go.setFocus()

    def _check_again(self) -> None:
        """With another column as the truth: models that know no names of columns take all others."""
        opened, left, right, truth = self._opened, self._left, self._right, str(self.truth.value or "")
        if opened is None:
            return

        def work(_session: Session, _cancel: CancelToken) -> StudioError | None:
            from kronkers_studio.workflows.row_comparison import check_rows

            try:
                check_rows(opened.table, left, right, truth)
            except StudioError as refusal:
                return refusal
            return None

        def done(refusal: StudioError | None) -> None:
            if self._opened is opened and str(self.truth.value or "") == truth:
                self._opened = opened._replace(refusal=refusal)
                self._show_whether_it_fits()

        self._studio.look(work, done, owner=self, failed=self.notice.show_error)

    def _show_whether_it_fits(self) -> None:
        self.notice.clear()
        self.go.setEnabled(self._fits)
        self._show_default()
        if self._opened is not None and self._opened.refusal is not None:
            self.notice.show_error(self._opened.refusal)

    def _read_places(self) -> None:
        both = (self._left, self._right)
        here = not any(each.facts.framework.in_container_only for each in both)

        def read(session: Session) -> list[str]:
            from kronkers_studio.workflows.servers import list_servers

            return [server.name for server in list_servers(session)]

        def show(servers: list[str]) -> None:
            places = [*([THIS_COMPUTER] if here else []), *servers]
            self.where.set_choices([(place_title(place), place) for place in places])
            self.where_field.setVisible(len(places) > 1 or not here)

        self._studio.read(read, show, owner=self, failed=self.notice.show_error)

    # Comparing

    def compare(self) -> None:
        """Ask both, as a task that can be watched and stopped."""
        session, opened, source = self._studio.session, self._opened, self._source
        if session is None or opened is None:
            return
        left, right, truth = self._left, self._right, str(self.truth.value or "")
        place = str(self.where.value or THIS_COMPUTER)
        table = opened.table

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
        folder = self._source.parent if isinstance(self._source, Path) else Path.home()
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
