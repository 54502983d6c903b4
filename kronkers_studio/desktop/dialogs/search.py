"""Find a file, a model or a project by a few letters of its name, wherever in the workspace it is.

Data files are found by their columns too. Those of new files are read beside the first answer, which comes at once from
what is known; when they are, what is typed is looked for again.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, Qt, QTimer
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QHBoxLayout, QWidget

from kronkers_studio.desktop.actions import Act, Action, CopyText, ShowInFileManager
from kronkers_studio.desktop.destinations import SaveFile, ShowContent, ShowFileHistory, ShowModelVersion
from kronkers_studio.desktop.localization import counted, tr
from kronkers_studio.desktop.offers.content import found_file_actions
from kronkers_studio.desktop.panels.hit_columns import found_columns
from kronkers_studio.desktop.row_menus import do_on_computer, give_menu
from kronkers_studio.desktop.widgets.dialog import Dialog
from kronkers_studio.desktop.widgets.fields import LineField
from kronkers_studio.desktop.widgets.labels import label
from kronkers_studio.desktop.widgets.pills import FilterPills
from kronkers_studio.desktop.widgets.tables import Table
from kronkers_studio.desktop.work.studio import Studio
from kronkers_studio.desktop.work.tasks import Task
from kronkers_studio.domain.content import DEFAULT_BRANCH
from kronkers_studio.domain.errors import Cancelled, StudioError
from kronkers_studio.domain.progress import CancelToken, Progress
from kronkers_studio.domain.search import ColumnsRead, SearchFilters, SearchHit, SearchKind, SearchPage

if TYPE_CHECKING:
    from kronkers_studio.workflows.session import Session

_PAUSE_MS = 120  # in typing, before what was typed is looked for
_PAGE = 100


class SearchDialog(Dialog):
    """Enter, or a double click, goes to what is chosen; rows come as they are scrolled to."""

    def __init__(self, parent: QWidget | None, studio: Studio) -> None:
        super().__init__(parent, tr("Find in everything that was brought in"), width=760)
        self._studio = studio
        self._asked = 0
        self._task: Task | None = None
        self._reading: Task | None = None
        self._again: SearchHit | None = None  # to be chosen when the same is looked for once more
        self.words = LineField(
            tr("Find"), placeholder=tr("A few letters of a name, a folder, a column or a description")
        )
        self.words.installEventFilter(self)
        self.content.addWidget(self.words)
        kinds = [("all", tr("All")), *((kind.value, words) for kind, words in _kind_words())]
        self.kinds = FilterPills(kinds, tr("Show"))
        self.summary = label("", "caption")
        row = QHBoxLayout()
        row.addWidget(self.kinds)
        row.addStretch(1)
        row.addWidget(self.summary)
        self.content.addLayout(row)
        self.table: Table[SearchHit] = Table(tr("What was found"), found_columns())
        self.table.setMinimumHeight(320)
        self.content.addWidget(self.table, 1)
        self.add_button(tr("Close"), self.reject)
        self.go = self.add_button(tr("Go to it"), self.open_chosen, "primary")
        self.go.setEnabled(False)
        self._pause = QTimer(self, singleShot=True, interval=_PAUSE_MS)
        self._pause.timeout.connect(self.look)
        self.words.textChanged.connect(lambda _words: self._pause.start())
        self.kinds.chosen.connect(lambda _kind: self.look())
        self.table.picked.connect(lambda _hit: self.go.setEnabled(True))
        self.table.opened.connect(self.open_hit)
        give_menu(self.table, self._actions, self._do)
        self.finished.connect(self._stop)
        self.finished.connect(self._stop_reading)
        self.words.setFocus()
        self.look()

    def look(self) -> None:
        """Look for what is typed, from the beginning."""
        self._pause.stop()
        self._asked += 1
        self.go.setEnabled(False)
        self.table.content.show_pages(self._fetch)

    def _fetch(self, offset: int) -> None:
        session, asked, words = self._studio.session, self._asked, self.words.text()
        if session is None:
            return
        kind = self.kinds.key
        filters = SearchFilters(kinds=() if kind == "all" else (SearchKind(kind),))

        def work(progress: Progress, cancel: CancelToken) -> SearchPage:
            return _search(session, words, filters, offset, progress, cancel)

        def show(page: SearchPage) -> None:
            if asked == self._asked:
                self._show(page, offset)

        self._stop()
        if not offset:
            self.summary.setText(tr("Looking …"))
        self._task = self._studio.runner.run("search", work, done=show, failed=self._failed, owner=self, shown=False)

    def _show(self, page: SearchPage, offset: int) -> None:
        self.table.content.add_page(page.hits, more=offset + len(page.hits) < page.total)
        self.summary.setText(_total_words(page))
        if offset == 0 and page.hits:
            before, self._again = self._again, None
            self.table.choose(next((row for row, hit in enumerate(page.hits) if _is_same(hit, before)), 0))
        if page.unread:
            self._read_columns()

    def _read_columns(self) -> None:
        """Read those of new files; what was read when this dialog is closed is kept, and the next one goes on."""
        session = self._studio.session
        if session is None or (self._reading is not None and not self._reading.state.ended):
            return

        def work(progress: Progress, cancel: CancelToken) -> ColumnsRead:
            from kronkers_studio.workflows.searching import read_columns

            return read_columns(session, progress=progress, cancel=cancel)

        self._reading = self._studio.runner.run(
            "columns", work, done=self._columns_are_known, failed=self._failed, owner=self, shown=False
        )

    def _columns_are_known(self, _read: ColumnsRead) -> None:
        self._again = self.table.chosen
        self.look()

    def _failed(self, error: StudioError) -> None:
        if not isinstance(error, Cancelled):
            self.summary.setText("")
            self.notice.show_error(error)

    def _stop(self) -> None:
        """What is no longer asked for need not be looked for."""
        if self._task is not None and not self._task.state.ended:
            self._task.cancel()

    def _stop_reading(self) -> None:
        if self._reading is not None and not self._reading.state.ended:
            self._reading.cancel()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """In the field, the arrow keys move in the list and Enter goes to what is chosen there."""
        if watched is self.words and event.type() is QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
            if event.key() in (Qt.Key.Key_Down, Qt.Key.Key_Up, Qt.Key.Key_PageDown, Qt.Key.Key_PageUp):
                self.table.keyPressEvent(event)
                return True
            if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
                self.open_chosen()
                return True
        return super().eventFilter(watched, event)

    def open_chosen(self) -> None:
        """Go to what is chosen; when the answer to what was typed is still out, nothing happens."""
        if self.table.chosen is not None and not self._pause.isActive():
            self.open_hit(self.table.chosen)

    def open_hit(self, hit: SearchHit) -> None:
        """Show it on its own page."""
        self.accept()
        if hit.kind is SearchKind.MODEL:
            self._studio.go.emit(ShowModelVersion(f"{hit.model}:{hit.version}"))
            return
        folder, _, name = hit.path.rpartition("/")
        self._studio.go.emit(ShowContent(hit.project, folder, name, _branch(hit)))

    def _actions(self, hit: SearchHit) -> list[Action]:
        return found_file_actions(hit.project, _branch(hit), hit.path) if hit.kind is SearchKind.FILE else []

    def _do(self, act: Act) -> None:
        if isinstance(act, CopyText | ShowInFileManager):
            do_on_computer(act, self._studio.runner, self, self._failed)
        elif isinstance(act, ShowContent | ShowFileHistory | SaveFile):
            self.accept()
            self._studio.go.emit(act)


def _branch(hit: SearchHit) -> str:
    """The branch that a file is shown on."""
    return DEFAULT_BRANCH if DEFAULT_BRANCH in hit.branches else next(iter(hit.branches), "")


def _search(
    session: Session, words: str, filters: SearchFilters, offset: int, progress: Progress, cancel: CancelToken
) -> SearchPage:
    from kronkers_studio.workflows.searching import search

    return search(session, words, filters, _PAGE, offset, progress=progress, cancel=cancel)


def _is_same(hit: SearchHit, other: SearchHit | None) -> bool:
    """Whether both are one thing, which may be known better meanwhile."""
    return other is not None and replace(hit, columns=()) == replace(other, columns=())


def _kind_words() -> list[tuple[SearchKind, str]]:
    return [(SearchKind.FILE, tr("Files")), (SearchKind.MODEL, tr("Models")), (SearchKind.PROJECT, tr("Projects"))]


def _total_words(page: SearchPage) -> str:
    counts = [
        (SearchKind.PROJECT, tr("{n} project"), tr("{n} projects")),
        (SearchKind.MODEL, tr("{n} model version"), tr("{n} model versions")),
        (SearchKind.FILE, tr("{n} file"), tr("{n} files")),
    ]
    parts = [counted(number, one, many) for kind, one, many in counts if (number := page.counts.get(kind, 0))]
    found = ", ".join(parts) or tr("Nothing was found")
    if not page.unread:
        return found
    reading = counted(page.unread, tr("reading the columns of {n} file"), tr("reading the columns of {n} files"))
    return f"{found} · {reading} …"
