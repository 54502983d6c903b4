"""One row for a model, typed field by field: what each may hold stands below it, and so does what is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QGridLayout, QVBoxLayout, QWidget

from kronkers_studio.desktop.typed_rows import form_choices, form_columns, kind_words
from kronkers_studio.desktop.widgets.cards import clear
from kronkers_studio.desktop.widgets.fields import ComboBox, Field, LineField
from kronkers_studio.domain.models import Signature
from kronkers_studio.domain.row_tables import cell_words

_COLUMNS = 2


class RowForm(QWidget):
    """``entered``: Enter was pressed in a field."""

    entered = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.fields: dict[str, Field] = {}
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 8, 0)

    @property
    def names(self) -> list[str]:
        """The columns that are asked for."""
        return list(self.fields)

    @property
    def typed(self) -> dict[str, str]:
        """What is in each field."""
        return {name: _text(field.entry) for name, field in self.fields.items()}

    def show_columns(self, signature: Signature) -> None:
        """Ask for a row as ``signature`` has it: by choice where there are only some values, else typed."""
        clear(self._column)
        self.fields = {}
        choices = form_choices(signature)
        holder = QWidget()
        grid = QGridLayout(holder)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(14)
        grid.setVerticalSpacing(4)
        for position, (name, datatype) in enumerate(form_columns(signature)):
            entry: QWidget = LineField(name, on_return=self.entered.emit)
            if name in choices:
                entry = ComboBox(name, [(value, value) for value in choices[name]])
            field = Field(name, entry, kind_words(datatype), problem_lines=1)
            self.fields[name] = field
            grid.addWidget(field, position // _COLUMNS, position % _COLUMNS)
        for column in range(_COLUMNS):
            grid.setColumnStretch(column, 1)
        self._column.addWidget(holder)
        self._column.addStretch(1)

    def fill(self, row: Mapping[str, Any]) -> None:
        """Put the values of ``row`` into the fields of their names."""
        for name, value in row.items():
            field = self.fields.get(name)
            if field is None:
                continue
            field.show_problem("")
            words = "" if value is None else cell_words(value)
            if isinstance(field.entry, LineField):
                field.entry.setText(words)
            elif isinstance(field.entry, ComboBox):
                field.entry.choose(words.lower() if isinstance(value, bool) else words)

    def mark(self, column: str, problem: str = "") -> None:
        """Say at the field of ``column`` what is wrong with it, and at no other; the keyboard goes there."""
        for name, field in self.fields.items():
            field.entry.setAccessibleDescription(problem if name == column else "")
            if name == column and problem:
                field.show_problem(problem)
                field.entry.setFocus()
            elif field.entry.property("invalid"):
                field.show_problem("")


def _text(entry: QWidget) -> str:
    if isinstance(entry, ComboBox):
        return str(entry.value or "")
    return entry.text() if isinstance(entry, LineField) else ""
