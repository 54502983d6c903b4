"""Choose a file of some kind among those of the projects: a table, or what a model is tested by."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QHBoxLayout, QWidget

from kronkers_studio.desktop.localization import counted, file_size, moment, number, tr
from kronkers_studio.desktop.widgets.dialog import Dialog
from kronkers_studio.desktop.widgets.fields import ComboBox, LineField
from kronkers_studio.desktop.widgets.labels import label
from kronkers_studio.desktop.widgets.tables import Column, Table
from kronkers_studio.desktop.work.studio import Studio
from kronkers_studio.domain.content import Entry, time_of
from kronkers_studio.domain.errors import StudioError
from kronkers_studio.domain.expectations import is_test_set_name
from kronkers_studio.domain.models import ContentRef
from kronkers_studio.domain.progress import CancelToken

if TYPE_CHECKING:
    from kronkers_studio.workflows.session import Session

_WIDTH, _HEIGHT = 720, 300  # pixels of the table of files


@dataclass(frozen=True, slots=True)
class Choosable:
    """What can be chosen: words for it, the files of a project that are of it, and ``kind``, what each is, where there
    are several kinds."""

    title: str
    sentence: str
    files: str
    use: str
    looking: str
    found: Callable[[int], str]
    files_of: Callable[[Session, str, CancelToken], list[Entry]]
    kind: Callable[[Entry], str] | None = None


class _FileChoiceDialog(Dialog):
    """``on_choice`` gets the file as it is in the project's current state."""

    def __init__(
        self,
        parent: QWidget,
        studio: Studio,
        what: Choosable,
        on_choice: Callable[[ContentRef], object],
        project: str,
    ) -> None:
        """The files of ``project`` are shown first, by default those of any."""
        super().__init__(parent, what.title, what.sentence)
        self._studio, self._what = studio, what
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
        kinds = [Column(tr("What it is"), what.kind, 110, muted=True)] if what.kind is not None else []
        self.table: Table[Entry] = Table(
            what.files,
            [
                Column(tr("File"), lambda entry: entry.path, middle=True, icon=_icon),
                *kinds,
                Column(tr("Size"), lambda entry: file_size(entry.size), 90, right=True, muted=True),
                Column(tr("Changed"), lambda entry: moment(time_of(entry.mtime_ns)), 120, muted=True),
            ],
        )
        self.table.setMinimumSize(_WIDTH, _HEIGHT)
        self.table.opened.connect(self._take)
        self.table.picked.connect(lambda _entry: self._enable())
        self.content.addWidget(self.table, 1)
        self.found = label(what.looking, "caption")
        self.content.addWidget(self.found)
        self.make_room(_WIDTH)
        self.add_button(tr("Cancel"), self.reject)
        self.go = self.add_button(what.use, self._choose, "primary")
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
        self._show_entries(())  # those of another project cannot be chosen as if they were of this one
        self.found.setText(self._what.looking)

        def work(session: Session, cancel: CancelToken) -> list[Entry]:
            return self._what.files_of(session, project, cancel)

        def done(entries: list[Entry]) -> None:
            if self.project.value == project:  # nobody chose another one meanwhile
                self._show_entries(entries)

        def failed(error: StudioError) -> None:
            self.found.setText("")
            self.notice.show_error(error)

        self.notice.clear()
        self._studio.look(work, done, owner=self, failed=failed)

    def _show_entries(self, entries: Sequence[Entry]) -> None:
        self._entries = entries
        self._show()

    def _show(self) -> None:
        words = self.filter.text().casefold().split()
        shown = [entry for entry in self._entries if all(word in entry.path.casefold() for word in words)]
        self.table.content.show_rows(shown)
        if shown:
            self.table.choose(0)
        total = self._what.found(len(self._entries))
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


class TableChoiceDialog(_FileChoiceDialog):
    """A table; those of ``project`` are shown first."""

    def __init__(
        self, parent: QWidget, studio: Studio, on_choice: Callable[[ContentRef], object], *, project: str = ""
    ) -> None:
        what = Choosable(
            tr("Choose a table"),
            tr("Tables in the current state of a project: CSV, Excel, Parquet and JSON."),
            tr("Tables"),
            tr("Use this table"),
            tr("Looking for tables …"),
            lambda n: counted(n, tr("{n} table"), tr("{n} tables")),
            _tables,
        )
        super().__init__(parent, studio, what, on_choice, project)


class TestFileChoiceDialog(_FileChoiceDialog):
    """A test set, or a table of which one is made; those of ``project`` are shown first."""

    __test__ = False  # no test of pytest's

    def __init__(
        self, parent: QWidget, studio: Studio, on_choice: Callable[[ContentRef], object], *, project: str = ""
    ) -> None:
        what = Choosable(
            tr("Choose what the model is tested by"),
            tr("A test set of a project; or a table with the true answers, for which a first test set is made."),
            tr("Test sets and tables"),
            tr("Test by this file"),
            tr("Looking for test sets and tables …"),
            lambda n: counted(n, tr("{n} file"), tr("{n} files")),
            _test_files,
            lambda entry: tr("Test set") if is_test_set_name(entry.name) else tr("Table"),
        )
        super().__init__(parent, studio, what, on_choice, project)


def _icon(entry: Entry) -> str:
    return "document" if is_test_set_name(entry.name) else "data"


def _tables(session: Session, project: str, cancel: CancelToken) -> list[Entry]:
    from kronkers_studio.workflows.row_files import list_tables

    return list_tables(session, project, cancel)


def _test_files(session: Session, project: str, cancel: CancelToken) -> list[Entry]:
    from kronkers_studio.workflows.model_tests import list_test_files

    return list_test_files(session, project, cancel)


def _read_projects(session: Session, _cancel: CancelToken) -> list[str]:
    from kronkers_studio.workflows.browsing import list_projects

    return [project.name for project in list_projects(session) if project.head]
