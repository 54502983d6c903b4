"""What those who help need to know: shown whole before it is written, and sent to nobody."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QStandardPaths, Qt
from PySide6.QtWidgets import QFileDialog, QWidget

from kronkers_studio.desktop.localization import file_size, home_short, tr
from kronkers_studio.desktop.widgets.code_view import CodeView
from kronkers_studio.desktop.widgets.dialog import Dialog
from kronkers_studio.desktop.widgets.fields import CheckBox
from kronkers_studio.desktop.widgets.tables import Column, Table
from kronkers_studio.desktop.work.studio import Studio
from kronkers_studio.domain.progress import CancelToken, Progress

if TYPE_CHECKING:
    from kronkers_studio.workflows.diagnostics import Part

_WIDTH, _VIEW_HEIGHT = 860, 220  # pixels


class DiagnosticsDialog(Dialog):
    """Lists every file that would be in the zip, with all that is in it."""

    of_workspace = False

    def __init__(self, parent: QWidget, studio: Studio) -> None:
        sentence = tr("A zip file for whoever helps you. Look into it first: you alone decide who gets it.")
        super().__init__(parent, tr("Diagnostics"), sentence)
        self.resize(_WIDTH, self.height())
        self._studio = studio
        self._parts: list[Part] = []
        self.table: Table[Part] = Table(tr("What is in it"), _columns())
        self.table.clicked.connect(self._show_chosen)
        self.table.selectionModel().currentRowChanged.connect(self._show_chosen)
        self.content.addWidget(self.table)
        self.view = CodeView(tr("All that the chosen file holds"), height=_VIEW_HEIGHT)
        self.content.addWidget(self.view, 1)
        self.names = CheckBox(tr("With the names of files, models, servers and people"))
        self.names.setAccessibleName(self.names.text())
        self.names.toggled.connect(self.collect)
        self.content.addWidget(self.names)
        self.add_cancel(tr("Close"))
        self.save_button = self.add_button(tr("Save as …"), self._ask_file, "primary")
        self.save_button.setEnabled(False)
        self.collect()

    def collect(self) -> None:
        """Look everything up, off the main thread."""
        studio, names = self._studio, self.names.isChecked()
        session = studio.session

        def work(_progress: Progress, _cancel: CancelToken) -> list[Part]:
            from kronkers_studio.workflows.diagnostics import collect_diagnostics

            return collect_diagnostics(studio.settings, session, names=names)

        self.save_button.setEnabled(False)
        studio.runner.run(
            "diagnostics", work, done=self.show_parts, failed=self.notice.show_error, owner=self, shown=False
        )

    def show_parts(self, parts: list[Part]) -> None:
        """Show what would be written."""
        at = self._parts.index(self.table.chosen) if self.table.chosen in self._parts else 0
        self._parts = parts
        self.table.content.show_rows(parts)
        self.table.fit_rows(len(parts))
        self.table.choose(at)
        self._show_chosen()
        self.save_button.setEnabled(bool(parts))

    def save(self, file: Path) -> None:
        """Write what is shown into ``file``."""
        parts = list(self._parts)

        def work(_progress: Progress, _cancel: CancelToken) -> Path:
            from kronkers_studio.workflows.diagnostics import write_diagnostics

            return write_diagnostics(parts, file, overwrite=True)  # the system's dialog has asked

        def done(written: Path) -> None:
            self.notice.say(tr("Saved in {file}.").format(file=home_short(written)), "", "ok")

        self._studio.runner.run("diagnostics", work, done=done, failed=self.notice.show_error, owner=self, shown=False)

    def _show_chosen(self) -> None:
        part = self.table.chosen
        self.view.show_text(part.text if part is not None else "")

    def _ask_file(self) -> None:
        places = QStandardPaths.standardLocations(QStandardPaths.StandardLocation.DocumentsLocation)
        folder = Path(places[0]) if places else Path.home()
        name = tr("Kronkers diagnostics {date}.zip").format(date=f"{datetime.now(UTC).astimezone():%Y-%m-%d %H%M}")
        dialog = QFileDialog(self.window(), tr("Save the diagnostics"), str(folder / name), tr("Zip files (*.zip)"))
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setDefaultSuffix("zip")
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(lambda chosen: self.save(Path(chosen)))
        dialog.open()


def _columns() -> list[Column[Part]]:
    return [
        Column(tr("File"), lambda part: part.name, 150),
        Column(tr("What it is"), lambda part: tr(part.about), stretch=1, muted=True),
        Column(tr("Size"), lambda part: file_size(len(part.text.encode("utf-8"))), 90, right=True),
    ]
