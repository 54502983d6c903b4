"""Rows of the data that a version is registered with, one after another, to be tried with a live model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from kronkers_studio.desktop.localization import tr
from kronkers_studio.desktop.widgets.buttons import Button
from kronkers_studio.desktop.widgets.hints import set_hint
from kronkers_studio.desktop.work.studio import Studio
from kronkers_studio.domain.errors import StudioError
from kronkers_studio.domain.models import ModelVersion
from kronkers_studio.domain.progress import CancelToken

if TYPE_CHECKING:
    from kronkers_studio.workflows.session import Session

_MOST = 1000  # rows that are gone through before the first one comes again


class ExampleRows(Button):
    """A button that gives a row each time it is pressed; it is seen only where the version's data is a table.

    given(row)      values by column, None where one is missing
    failed(error)   its data could not be read, or does not fit the model
    """

    given = Signal(object)
    failed = Signal(object)

    def __init__(self, studio: Studio, parent: QWidget | None = None) -> None:
        super().__init__(tr("Fill in a row of its data"), self.give, kind="link", parent=parent)
        set_hint(self, tr("A row of the data that this version is registered with; press again for the next one"))
        self._studio = studio
        self._model: ModelVersion | None = None
        self._rows: Sequence[Mapping[str, Any]] = ()
        self._next = 0
        self.setVisible(False)

    def show_model(self, model: ModelVersion) -> None:
        """Give rows of ``model`` from now on."""
        from kronkers_studio.workflows.row_files import KINDS

        self._model, self._rows, self._next = model, (), 0
        self.setVisible(model.data is not None and model.data.path.lower().endswith(KINDS))
        self.setEnabled(True)

    def give(self) -> None:
        """Give the next row; the first time the data is read, off the main thread."""
        model = self._model
        if model is None:
            return
        if self._rows:
            self.given.emit(self._rows[self._next % len(self._rows)])
            self._next += 1
            return
        self.setEnabled(False)

        def work(session: Session, cancel: CancelToken) -> list[Mapping[str, Any]]:
            return _read(session, model, cancel)

        def done(rows: list[Mapping[str, Any]]) -> None:
            self.setEnabled(True)
            if model is self._model and rows:
                self._rows = rows
                self.give()

        def failed(error: StudioError) -> None:
            self.setEnabled(True)
            self.failed.emit(error)

        self._studio.look(work, done, owner=self, failed=failed)


def _read(session: Session, model: ModelVersion, cancel: CancelToken) -> list[Mapping[str, Any]]:
    from kronkers_studio.workflows.row_files import read_table
    from kronkers_studio.workflows.row_matching import match_rows

    if model.data is None:
        return []
    table = read_table(session, model.data, model.signature, cancel)
    rows = match_rows(table, model.signature, model.name).values[:_MOST]
    return [row for row in rows if isinstance(row, Mapping)]
