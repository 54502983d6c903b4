"""Send rows to a live model and see its answers: a form of its columns, or pasted JSON or CSV, or a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog, QGridLayout, QHBoxLayout, QPlainTextEdit, QVBoxLayout, QWidget

from kronkers_studio.desktop.localization import counted, number, tr
from kronkers_studio.desktop.look.tokens import GAP
from kronkers_studio.desktop.typed_rows import Row, answer_table, example_rows, form_columns, parse_rows, row_from_form
from kronkers_studio.desktop.widgets.buttons import Button
from kronkers_studio.desktop.widgets.cards import Card, clear
from kronkers_studio.desktop.widgets.fields import Field, LineField
from kronkers_studio.desktop.widgets.labels import label, restyle
from kronkers_studio.desktop.widgets.pills import FilterPills
from kronkers_studio.desktop.widgets.states import EmptyState, Notice
from kronkers_studio.desktop.widgets.tables import Column, Table
from kronkers_studio.desktop.widgets.views import Views, scrolling
from kronkers_studio.desktop.work.studio import Studio
from kronkers_studio.domain.errors import InvalidValue, PredictionFailed, StudioError
from kronkers_studio.domain.models import ModelVersion
from kronkers_studio.domain.progress import CancelToken, Progress
from kronkers_studio.domain.releases import Prediction

_FORM_COLUMNS = 2
_WIDTHS = {0: 130, 1: 92}  # of the answer and its certainty
_TABLE_COLUMNS = 6  # more would not fit without a horizontal scroll bar


class SendRowsPanel(QWidget):
    """Left: the rows; right: the answers."""

    def __init__(self, studio: Studio, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._studio = studio
        self._model: ModelVersion | None = None
        self._place = ""
        self._fields: dict[str, Field] = {}
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(GAP)
        row.addWidget(self._build_rows(), 1)
        row.addWidget(self._build_answers(), 1)

    def show_model(self, model: ModelVersion, place: str) -> None:
        """Send to what is live of ``model`` in ``place``; the form is made from its schema."""
        if self._model is not None and (self._model.label, self._place) == (model.label, place):
            return
        self._model, self._place = model, place
        columns = form_columns(model.facts.signature)
        self._make_form([name for name, _ in columns])
        self.text.setPlainText(example_rows(model.facts.signature))
        self.how.setVisible(bool(columns))
        self.how.choose("form" if columns else "text")
        self.notice.clear()
        self.answers.show_view("none")

    def send(self) -> None:
        """Send what was typed; the answers appear at the right, a refusal above the rows."""
        session, model, place = self._studio.session, self._model, self._place
        if session is None or model is None:
            return
        self._mark("")
        try:
            rows = self._typed(model)
        except StudioError as error:
            self._show_refusal(error)
            return
        self.notice.clear()

        def work(_progress: Progress, _cancel: CancelToken) -> Prediction:
            from kronkers_studio.workflows.releases import predict

            return predict(session, model.name, place, rows)

        def done(answer: Prediction) -> None:
            self.button.setEnabled(True)
            self.show_answers(rows, answer)

        self.button.setEnabled(False)
        self._studio.runner.run("predict", work, done=done, failed=self._show_refusal, owner=self, shown=False)

    def show_answers(self, rows: list[Row], answer: Prediction) -> None:
        """Show the model's answers to ``rows``."""
        titles, lines = answer_table(rows, answer)
        sure = bool(answer.probabilities)
        clear(self._table_place)
        columns: list[Column[list[str]]] = [
            Column(title, _nth(position), _WIDTHS.get(position, 0) if sure else 0, muted=position > 0)
            for position, title in enumerate(titles[:_TABLE_COLUMNS])
        ]
        self.table: Table[list[str]] = Table(tr("Answers"), columns)
        self.table.content.show_rows(lines)
        self._table_place.addWidget(self.table)
        took = tr("{rows} in {ms} ms, answered by version {version}")
        count = counted(len(lines), tr("{n} row"), tr("{n} rows"))
        self._words.setText(took.format(rows=count, ms=number(answer.milliseconds, 1), version=answer.version))
        self.answers.show_view("table")

    # Rows

    def _build_rows(self) -> Card:
        card = Card(tr("Rows"))
        self.how = FilterPills([("form", tr("Form")), ("text", tr("JSON or CSV"))], tr("How the rows are given"))
        card.add_to_head(self.how)
        self.notice = Notice()
        card.body.addWidget(self.notice)
        self.text = QPlainTextEdit()
        self.text.setProperty("role", "code")
        self.text.setAccessibleName(tr("Rows as JSON or CSV"))
        self.text.setTabChangesFocus(True)
        form = QWidget()
        self._form = QVBoxLayout(form)
        self._form.setContentsMargins(0, 0, 8, 0)
        area = scrolling(form, tr("Form of the model's columns"))
        self.views = Views({"form": lambda: area, "text": lambda: self.text})
        self.how.chosen.connect(self.views.show_view)
        card.body.addWidget(self.views, 1)
        foot = QHBoxLayout()
        foot.setSpacing(8)
        foot.addWidget(Button(tr("Open a file …"), self._choose_file, icon="folder"))
        foot.addStretch(1)
        self.button = Button(tr("Send"), self.send, kind="primary", icon="send")
        foot.addWidget(self.button)
        card.body.addLayout(foot)
        return card

    def _make_form(self, names: list[str]) -> None:
        clear(self._form)
        self._fields = {}
        holder = QWidget()
        grid = QGridLayout(holder)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(14)
        grid.setVerticalSpacing(10)
        for position, name in enumerate(names):
            field = Field(name, LineField(name, placeholder="0", on_return=self.send))
            self._fields[name] = field
            grid.addWidget(field, position // _FORM_COLUMNS, position % _FORM_COLUMNS)
        for column in range(_FORM_COLUMNS):
            grid.setColumnStretch(column, 1)
        self._form.addWidget(holder)
        self._form.addStretch(1)

    def fill_form(self, row: dict[str, Any]) -> None:
        """Put the values of ``row`` into the form."""
        for name, value in row.items():
            entry = self._fields[name].entry if name in self._fields else None
            if isinstance(entry, LineField):
                entry.setText(str(value))

    def _typed(self, model: ModelVersion) -> list[Row]:
        if self.how.key == "text" or not self._fields:
            return parse_rows(self.text.toPlainText())
        typed = {name: field.entry.text() for name, field in self._fields.items() if isinstance(field.entry, LineField)}
        return [row_from_form(model.facts.signature, typed)]

    def _show_refusal(self, error: StudioError) -> None:
        self.button.setEnabled(True)
        self.notice.show_error(error)
        self._mark(error.column if isinstance(error, PredictionFailed | InvalidValue) else "")

    def _mark(self, column: str) -> None:
        """Give the field of ``column`` a red border, and no other."""
        for name, field in self._fields.items():
            if bool(field.entry.property("invalid")) != (name == column):
                field.entry.setProperty("invalid", name == column)
                restyle(field.entry)

    def _choose_file(self) -> None:
        dialog = QFileDialog(self.window(), tr("Open rows"), str(Path.home()))
        dialog.setNameFilter(tr("Rows (*.json *.csv *.txt)"))
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(lambda chosen: self.open_file(Path(chosen)))
        dialog.open()

    def open_file(self, file: Path) -> None:
        """Take the rows of a JSON or CSV file."""

        def work(*_: object) -> str:
            from kronkers_studio.desktop.typed_rows import read_rows

            return read_rows(file)

        def done(text: str) -> None:
            self.text.setPlainText(text)
            self.how.choose("text")

        self._studio.runner.run("open", work, done=done, failed=self._show_refusal, owner=self, shown=False)

    # Answers

    def _build_answers(self) -> Card:
        card = Card(tr("Answers"))
        self._words = label("", "muted")
        card.add_to_head(self._words)
        self._none = EmptyState("send", tr("No answers yet"), tr("Send rows, and the model's answers appear here."))
        holder = QWidget()
        self._table_place = QVBoxLayout(holder)
        self._table_place.setContentsMargins(0, 0, 0, 0)
        self.answers = Views({"none": lambda: self._none, "table": lambda: holder})
        card.body.addWidget(self.answers, 1)
        return card


def _nth(position: int) -> Any:
    return lambda line: line[position] if position < len(line) else ""
