"""Send rows to a live model and save its answers: a table of one's own, a form of its columns, or typed JSON or CSV."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from kronkers_studio.desktop.localization import number, tr
from kronkers_studio.desktop.look.tokens import GAP
from kronkers_studio.desktop.panels.example_rows import ExampleRows
from kronkers_studio.desktop.panels.row_form import RowForm
from kronkers_studio.desktop.panels.row_view import MOST_COLUMNS, SHOWN_ROWS, given_rows
from kronkers_studio.desktop.panels.scored_answers import ScoredAnswers, rows_words
from kronkers_studio.desktop.panels.table_choice import TableChoiceDialog
from kronkers_studio.desktop.panels.table_files import ask_table_file
from kronkers_studio.desktop.typed_rows import example_rows, form_columns, row_from_form
from kronkers_studio.desktop.widgets.buttons import Button
from kronkers_studio.desktop.widgets.cards import Card, clear
from kronkers_studio.desktop.widgets.drop_target import DropTarget
from kronkers_studio.desktop.widgets.fields import TextBox
from kronkers_studio.desktop.widgets.labels import label
from kronkers_studio.desktop.widgets.pills import FilterPills
from kronkers_studio.desktop.widgets.states import EmptyState, Notice
from kronkers_studio.desktop.widgets.views import Views, scrolling
from kronkers_studio.desktop.work.studio import Studio
from kronkers_studio.domain.errors import Cancelled, InvalidValue, PredictionFailed, RowsRefused, StudioError
from kronkers_studio.domain.model_columns import model_columns
from kronkers_studio.domain.models import ContentRef, ModelVersion
from kronkers_studio.domain.progress import CancelToken, Progress
from kronkers_studio.domain.row_tables import MatchedRows, RowTable, ScoredRows

if TYPE_CHECKING:
    from kronkers_studio.workflows.session import Session

_FORM_COLUMNS = 2
_NARROW = 960  # pixels of the panel in which fewer words have room
_TYPED = 100_000  # characters of rows that are typed or pasted
_CARRIED = 4  # columns that are named when they are carried along


class _Opened(NamedTuple):
    """A table that was read, and whether it fits the model: its rows, or why not."""

    table: RowTable
    matched: MatchedRows | None
    refusal: StudioError | None


class SendRowsPanel(QWidget):
    """Left: the rows; right: the answers."""

    def __init__(self, studio: Studio, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._studio = studio
        self._model: ModelVersion | None = None
        self._place = ""
        self._opened: _Opened | None = None
        self._source: Path | ContentRef | None = None
        self._asked = 0
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(GAP)
        rows = self._build_rows()
        row.addWidget(rows, 1)
        DropTarget(self, Path.is_file, marked=rows, alone=True).dropped.connect(self.open_table)
        self.answers = ScoredAnswers(studio)
        row.addWidget(self.answers, 1)

    def show_model(self, model: ModelVersion, place: str) -> None:
        """Send to what is live of ``model`` in ``place``; the form is made from its schema."""
        if self._model is not None and (self._model.label, self._place) == (model.label, place):
            return
        self._model, self._place = model, place
        columns = form_columns(model.signature)
        self.form.show_columns(model.signature)
        self.example.show_model(model)
        self.text.setPlainText(example_rows(model.signature))
        self.how.show_option("form", bool(columns))
        self.how.choose("form" if columns else "text")
        self._asked += 1
        self._opened = self._source = None
        self._show_no_table()
        self.notice.clear()
        self.answers.forget()
        self._lead(self.button)

    # Sending

    def send(self) -> None:
        """Send what was chosen or typed; the answers appear at the right, a refusal above the rows."""
        session, model, place = self._studio.session, self._model, self._place
        if session is None or model is None:
            return
        self.form.mark("")
        try:
            prepare, rows = self._prepared(model)
        except StudioError as error:
            self._show_refusal(error)
            return
        self.notice.clear()
        self.answers.outcome.clear()
        answered: list[ScoredRows] = []
        source = self._source if self.how.key == "table" else None

        def work(progress: Progress, cancel: CancelToken) -> ScoredRows:
            from kronkers_studio.workflows.scored_rows import score_rows

            scored = score_rows(session, model.name, place, prepare(), progress=progress, cancel=cancel)
            answered.append(scored)
            if scored.problem is not None:
                raise scored.problem
            return scored

        def ended(scored: ScoredRows | None, error: StudioError | None) -> None:
            self.button.setEnabled(True)
            if (self._model, self._place) != (model, place):
                return
            if scored is not None:
                self.show_answers(scored, source)
            if error is not None:
                self._show_failure(error, scored)

        def done(scored: ScoredRows) -> None:
            ended(scored, None)

        def failed(error: StudioError) -> None:
            ended(answered[0] if answered else None, error)

        self.button.setEnabled(False)
        if rows <= SHOWN_ROWS:
            self._studio.runner.run("predict", work, done=done, failed=failed, owner=self, shown=False)
            return
        title = tr("Sending {rows} to {model}").format(rows=rows_words(rows), model=model.name)
        self._studio.do(title, work, done=done, failed=failed, owner=self)

    def _prepared(self, model: ModelVersion) -> tuple[Callable[[], MatchedRows], int]:
        """What gives the rows to be sent, off the main thread; and how many they are, 0 when that is not known."""
        signature, name = model.signature, model.name
        if self.how.key == "table":
            opened = self._opened
            if opened is None:
                raise RowsRefused(
                    tr("No table is chosen yet."), next_step=tr("Open a file, or choose one of the registry.")
                )
            matched = opened.matched
            if matched is None:
                raise opened.refusal or RowsRefused(tr("This table does not fit."))
            return lambda: matched, len(matched.values)
        if self.how.key == "text" or not self.form.names:
            text = self.text.toPlainText()
            return lambda: _match_text(text, model), 0
        row = row_from_form(signature, self.form.typed)
        table = RowTable(tr("The form"), tuple(row), [tuple(row.values())])
        return lambda: _match(table, signature, name), 1

    def _show_failure(self, error: StudioError, scored: ScoredRows | None) -> None:
        """What ended it; of what was answered before, that it is not all."""
        if scored is not None:
            some = tr("Incomplete: {n} of {total} were answered.")
            words = some.format(n=number(len(scored.outputs)), total=rows_words(len(scored.table.rows)))
            self.answers.outcome.say(words, tr("They can be saved. The rows after them have no answer yet."), "warn")
        if not isinstance(error, Cancelled):
            self._show_refusal(error)
        elif scored is None:
            self.notice.say(tr("Cancelled. No row was answered."))

    def show_answers(self, scored: ScoredRows, source: Path | ContentRef | None = None) -> None:
        """Show the model's answers beside the rows that they are for, which come from ``source``."""
        self.answers.show_scored(scored, source)
        self._lead(self.answers.save_button)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        narrow = self.width() < _NARROW
        self.registry_button.setText(tr("Registry …") if narrow else tr("From the registry …"))
        self.answers.show_narrow(narrow)

    def _lead(self, button: Button) -> None:
        """Make ``button`` the primary one: sending until there are answers, then saving them."""
        for each in (self.button, self.answers.save_button):
            each.set_kind("primary" if each is button else "secondary")

    # Rows

    def _build_rows(self) -> Card:
        card = Card(tr("Rows"))
        options = [("form", tr("Form")), ("table", tr("Table")), ("text", tr("JSON or CSV"))]
        self.how = FilterPills(options, tr("How the rows are given"))
        card.add_to_head(self.how)
        self.notice = Notice()
        card.body.addWidget(self.notice)
        self.text = TextBox(tr("Rows as JSON or CSV"), _TYPED)
        self.text.setProperty("role", "code")
        self.text.refused.connect(self._too_much_typed)
        self.text.setAcceptDrops(False)  # a file is dropped onto the panel
        self.form = RowForm()
        self.form.entered.connect(self.send)
        typed = QWidget()
        column = QVBoxLayout(typed)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        column.addWidget(scrolling(self.form, tr("Form of the model's columns")), 1)
        self.example = ExampleRows(self._studio)
        self.example.given.connect(self.fill_form)
        self.example.failed.connect(self.notice.show_error)
        column.addWidget(self.example, 0, Qt.AlignmentFlag.AlignLeft)
        holder = QWidget()
        self._given_place = QVBoxLayout(holder)
        self._given_place.setContentsMargins(0, 0, 0, 0)
        self._given_place.setSpacing(8)
        self.views = Views({"form": lambda: typed, "table": lambda: holder, "text": lambda: self.text})
        self.how.chosen.connect(self._show_how)
        card.body.addWidget(self.views, 1)
        foot = QHBoxLayout()
        foot.setSpacing(8)
        self.open_button = Button(tr("Open a file …"), self._choose_file, icon="folder")
        self.registry_button = Button(tr("From the registry …"), self.ask_table, icon="registry")
        foot.addWidget(self.open_button)
        foot.addWidget(self.registry_button)
        foot.addStretch(1)
        self.button = Button(tr("Send"), self.send, kind="primary", icon="send")
        foot.addWidget(self.button)
        card.body.addLayout(foot)
        self._show_no_table()
        return card

    def _show_how(self, key: str) -> None:
        self.views.show_view(key)
        self.notice.clear()

    def fill_form(self, row: Mapping[str, Any]) -> None:
        """Put the values of ``row`` into the form."""
        self.form.fill(row)

    def _show_refusal(self, error: StudioError) -> None:
        self.button.setEnabled(True)
        typed_wrong = isinstance(error, InvalidValue) and self.how.key == "form"
        if not typed_wrong:  # that stands at its field
            self.notice.show_error(error)
        if isinstance(error, PredictionFailed | InvalidValue):
            self.form.mark(error.column, error.message)

    def _too_much_typed(self, amount: int) -> None:
        words = tr("What was pasted is too much to be typed: {n} characters.").format(n=number(amount))
        self.notice.say(words, tr("Save it as a file, and open that under “Table”."), "warn")

    # Tables

    def _choose_file(self) -> None:
        folder = self._source.parent if isinstance(self._source, Path) else Path.home()
        ask_table_file(self, folder, self.open_table)

    def ask_table(self) -> None:
        """Ask for a table of the registry."""
        TableChoiceDialog(self.window(), self._studio, self.open_table).open()

    def open_table(self, source: Path | ContentRef) -> None:
        """Read a table off the main thread and show it, with what of it the model gets."""
        session, model = self._studio.session, self._model
        if session is None or model is None:
            return
        self._asked += 1
        asked = self._asked
        name = source.name if isinstance(source, Path) else source.path.rpartition("/")[2]
        self.how.choose("table")
        self.notice.clear()
        clear(self._given_place)
        self._given_place.addWidget(label(tr("Reading “{file}” …").format(file=name), "muted"))
        self._given_place.addStretch(1)
        self._opened = None
        self.button.setEnabled(False)

        def work(_progress: Progress, cancel: CancelToken) -> _Opened:
            return _open(session, source, model, cancel)

        def done(opened: _Opened) -> None:
            if asked == self._asked:
                self._source = source
                self.show_table(opened)

        def failed(error: StudioError) -> None:
            if asked != self._asked:
                return
            self._show_no_table()
            if isinstance(error, Cancelled):
                self.button.setEnabled(True)
            else:
                self._show_refusal(error)

        self._studio.do(tr("Reading “{file}”").format(file=name), work, done=done, failed=failed, owner=self)

    def show_table(self, opened: _Opened) -> None:
        """Show the first rows of a table that was read, and which columns are used."""
        self._opened = opened
        table, matched = opened.table, opened.matched
        clear(self._given_place)
        words = [table.name, rows_words(len(table.rows))]
        if len(table.rows) > SHOWN_ROWS:
            words.append(tr("the first {n} are shown").format(n=number(SHOWN_ROWS)))
        if len(table.columns) > MOST_COLUMNS:
            words.append(tr("the first {n} columns are shown").format(n=number(MOST_COLUMNS)))
        self.facts = label(" · ".join(words), "medium", wrap=True)
        self._given_place.addWidget(self.facts)
        self.used = label("\n".join(_used_words(table, matched)), "muted", wrap=True)
        self.used.setVisible(bool(self.used.text()))
        self._given_place.addWidget(self.used)
        self.given = given_rows(table, matched)
        self._given_place.addWidget(self.given, 1)
        self.button.setEnabled(True)
        self._lead(self.button)
        if opened.refusal is not None:
            self._show_refusal(opened.refusal)

    def _show_no_table(self) -> None:
        clear(self._given_place)
        words = tr("Drop a CSV, Excel, Parquet or JSON file here, or open one. It may have more columns than needed.")
        self._given_place.addWidget(EmptyState("data", tr("No table yet"), words))


def _open(session: Session, source: Path | ContentRef, model: ModelVersion, cancel: CancelToken) -> _Opened:
    """Off the main thread. Raises what keeps the table from being read."""
    from kronkers_studio.workflows.row_files import read_table

    table = read_table(session, source, model.signature, cancel)
    try:
        return _Opened(table, _match(table, model.signature, model.name), None)
    except StudioError as refusal:
        return _Opened(table, None, refusal)


def _match(table: RowTable, signature: Any, name: str) -> MatchedRows:
    from kronkers_studio.workflows.row_matching import match_rows

    return match_rows(table, signature, name)


def _match_text(text: str, model: ModelVersion) -> MatchedRows:
    from kronkers_studio.workflows.row_files import read_text_rows

    signature = model.signature
    table = read_text_rows(text.encode("utf-8", "replace"), tr("What was typed"), model_columns(signature).names)
    return _match(table, signature, model.name)


def _used_words(table: RowTable, matched: MatchedRows | None) -> list[str]:
    """What is to be said of how a table is read and used, each a line."""
    words = []
    if matched is not None and matched.carried:
        carried = list(matched.carried)
        named = ", ".join(carried[:_CARRIED]) + (" …" if len(carried) > _CARRIED else "")
        used = tr("{n} of {total} columns used (✓); {names} are carried along.")
        if len(carried) == 1:
            used = tr("{n} of {total} columns used (✓); {names} is carried along.")
        words.append(used.format(n=number(len(matched.used)), total=number(len(table.columns)), names=named))
    return [*words, *table.remarks, *(matched.remarks if matched is not None else ())]
