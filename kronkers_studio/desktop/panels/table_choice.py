"""Choose a table among the files of the projects."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QHBoxLayout, QWidget

from kronkers_studio.desktop.localization import counted, file_size, moment, number, tr
from kronkers_studio.desktop.widgets.dialog import Dialog
from kronkers_studio.desktop.widgets.fields import ComboBox, LineField
from kronkers_studio.desktop.widgets.labels import label
from kronkers_studio.desktop.widgets.tables import Column, Table
from kronkers_studio.desktop.work.studio import Studio
from kronkers_studio.domain.content import Entry, time_of
from kronkers_studio.domain.models import ContentRef
from kronkers_studio.domain.progress import CancelToken

if TYPE_CHECKING:
    from kronkers_studio.workflows.session import Session

_WIDTH, _HEIGHT = 720, 300  # pixels of the table of files


class TableChoiceDialog(Dialog):
    """``on_choice`` gets the file as it is in the project's current state."""

    def __init__(
        self, parent: QWidget, studio: Studio, on_choice: Callable[[ContentRef], object], *, project: str = ""
    ) -> None:
        """The tables of ``project`` are shown first, by default those of any."""
        super().__init__(
            parent, tr("Choose a table"), tr("Tables in the current state of a project: CSV, Excel, Parquet and JSON.")
        )
        self._studio = studio
        self._on_choice, self._first = on_choice, project
        self._entries: Sequence[Entry] = ()
        self.project = ComboBox(tr("Project"))
        self.project.currentIndexChanged.connect(self._read)
        self.filter = LineField(tr("Filter by name"), placeholder=tr("Filter by name"), on_return=self._choose)
        self.filter.textChanged.connect(self._show)
        row = QHBoxLayout()
        row.setSpacing(10)
        row.addWidget(self.project)
        row.addWidget(self.filter, 1)
        self.content.addLayout(row)
        self.table: Table[Entry] = Table(
            tr("Tables"),
            [
                Column(tr("File"), lambda entry: entry.path, middle=True, icon=lambda _entry: "data"),
                Column(tr("Size"), lambda entry: file_size(entry.size), 90, right=True, muted=True),
                Column(tr("Changed"), lambda entry: moment(time_of(entry.mtime_ns)), 120, muted=True),
            ],
        )
        self.table.setMinimumSize(_WIDTH, _HEIGHT)
        self.table.opened.connect(self._take)
        self.table.picked.connect(lambda _entry: self._enable())
        self.content.addWidget(self.table, 1)
        self.found = label(tr("Looking for tables …"), "caption")
        self.content.addWidget(self.found)
        self.make_room(_WIDTH)
        self.add_button(tr("Cancel"), self.reject)
        self.go = self.add_button(tr("Use this table"), self._choose, "primary")
        self.go.setDefault(True)
        self.go.setEnabled(False)
        self.filter.setFocus()
        studio.look(_read_projects, self._show_projects, owner=self.project, failed=self.notice.show_error)

    def _show_projects(self, names: list[str]) -> None:
        self.project.blockSignals(True)
        self.project.set_choices([(name, name) for name in names])
        self.project.choose(self._first)
        self.project.blockSignals(False)
        if names:
            self._read()
        else:
            self.found.setText(tr("There is no project yet. Bring a folder in first."))

    def _read(self) -> None:
        project = self.project.value
        if not isinstance(project, str):
            return
        self.found.setText(tr("Looking for tables …"))

        def work(session: Session, cancel: CancelToken) -> list[Entry]:
            from kronkers_studio.workflows.row_files import list_tables

            return list_tables(session, project, cancel)

        self._studio.look(work, self._show_entries, owner=self, failed=self.notice.show_error)

    def _show_entries(self, entries: list[Entry]) -> None:
        self._entries = entries
        self._show()

    def _show(self) -> None:
        words = self.filter.text().casefold().split()
        shown = [entry for entry in self._entries if all(word in entry.path.casefold() for word in words)]
        self.table.content.show_rows(shown)
        if shown:
            self.table.choose(0)
        total = counted(len(self._entries), tr("{n} table"), tr("{n} tables"))
        some = tr("{n} of {total}").format(n=number(len(shown)), total=total)
        self.found.setText(total if len(shown) == len(self._entries) else some)
        self._enable()

    def _enable(self) -> None:
        self.go.setEnabled(self.table.chosen is not None)

    def _choose(self) -> None:
        if self.table.chosen is not None:
            self._take(self.table.chosen)

    def _take(self, entry: Entry) -> None:
        project = self.project.value
        self.accept()
        self._on_choice(ContentRef(str(project), "", entry.path))


def _read_projects(session: Session, _cancel: CancelToken) -> list[str]:
    from kronkers_studio.workflows.browsing import list_projects

    return [project.name for project in list_projects(session) if project.head]
