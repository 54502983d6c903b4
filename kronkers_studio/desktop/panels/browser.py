"""A look into the folders of one version: rows as they come, found and sorted off the main thread."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, cast

from PySide6.QtCore import QMimeData, Qt, QTimer, QUrl, Signal
from PySide6.QtGui import QDrag, QGuiApplication, QKeyEvent
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from kronkers_studio.desktop.actions import Action
from kronkers_studio.desktop.destinations import SaveFile, ShowFileHistory
from kronkers_studio.desktop.file_icons import entry_icon
from kronkers_studio.desktop.localization import counted, file_size, moment, number, tr
from kronkers_studio.desktop.offer_buttons import OfferMenuButton
from kronkers_studio.desktop.offers.content import content_actions, place_actions, restore_what
from kronkers_studio.desktop.panels.breadcrumbs import Trail
from kronkers_studio.desktop.panels.preview import PreviewPanel
from kronkers_studio.desktop.row_menus import give_menu
from kronkers_studio.desktop.widgets.buttons import Button
from kronkers_studio.desktop.widgets.fields import ComboBox, LineField
from kronkers_studio.desktop.widgets.labels import label
from kronkers_studio.desktop.widgets.tables import Column, Table
from kronkers_studio.desktop.widgets.views import Views
from kronkers_studio.desktop.work.studio import Studio
from kronkers_studio.domain.content import Commit, Entry, EntryKind, time_of
from kronkers_studio.domain.errors import NotFound, StudioError
from kronkers_studio.domain.migration import MigrationSource
from kronkers_studio.domain.paths import lies_in, relative_to

if TYPE_CHECKING:
    from kronkers_studio.desktop.folder_rows import Order
    from kronkers_studio.workflows.session import Session

_PAUSE_MS = 120  # in typing, before what was typed is looked for
_LOOKED_THROUGH = 12  # entries from which on looking for one and sorting them is worth the room


class FolderBrowser(QWidget):
    """The entries of one folder at one version, or a look at one of its files. ``moved`` carries the folder's path,
    ``troubled`` why a folder could not be read, ``wanted`` what is to be done with a file or folder."""

    moved = Signal(object)
    troubled = Signal(object)
    wanted = Signal(object)

    def __init__(self, studio: Studio, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._studio = studio
        self._commit: Commit | None = None
        self.path = ""
        self.file: Entry | None = None  # that is looked at
        self.sources: Sequence[MigrationSource] = ()  # the folders that the project is brought in from
        self._entries: Sequence[Entry] = ()
        self._whole = ""  # what there is, in words: counted where it is read, as it may be much
        self._wanted = 0  # grows with each thing asked for: an answer to an older one is not shown
        self.trail = Trail()
        self.trail.wanted.connect(self.open_folder)
        self._found = label("", "caption")
        self.words = LineField(tr("Find in this folder"), placeholder=tr("Find in this folder"))
        self.order = ComboBox(tr("Sort"), _orders())
        self.table: Table[Entry] = Table(tr("Content"), entry_columns(), sortable=True, draggable=True)
        self.table.drag_wanted.connect(self.take_out)
        self._taken_into: TemporaryDirectory[str] | None = None  # where what was dragged out last is
        self.table.opened.connect(self.open_entry)
        self.table.sort_wanted.connect(self._sort_by_column)
        self.order.currentIndexChanged.connect(self.arrange)
        studio.closed.connect(self.forget_taken_out)
        self._typed = QTimer(self, singleShot=True, interval=_PAUSE_MS)
        self._typed.timeout.connect(self.arrange)
        self.words.textChanged.connect(lambda _words: self._typed.start())
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(10)
        head = QHBoxLayout()
        head.addWidget(self.trail, 1)
        head.addWidget(self._found)
        self.history_button = Button(tr("History"), self._ask_history, kind="quiet", icon="history")
        self.save_button = Button(tr("Save as …"), self._ask_save, kind="quiet", icon="save")
        name = tr("What can be done with the file or folder")
        self.more_button = OfferMenuButton(tr("More"), self.offered, self.wanted.emit, name=name, icon="chevron-down")
        head.addWidget(self.more_button)
        whole.addLayout(head)
        give_menu(self.table, lambda _entry: self.offered(), self.wanted.emit)
        self._tools = QWidget()
        tools = QHBoxLayout(self._tools)
        tools.setContentsMargins(0, 0, 0, 0)
        tools.setSpacing(8)
        tools.addWidget(self.words, 1)
        tools.addWidget(self.order)
        self._tools.setVisible(False)
        whole.addWidget(self._tools)
        self.preview = PreviewPanel(studio, (self.history_button, self.save_button))
        self.views = Views({"folder": lambda: self.table, "file": lambda: self.preview})
        self.views.show_view("folder")
        whole.addWidget(self.views, 1)

    def offered(self) -> list[Action]:
        """What can be done with what is chosen; when nothing is, with the folder in view."""
        entry, commit = self.chosen, self._commit
        path = entry.path if entry is not None else self.path
        if commit is None or not path:
            return [restore_what(), *place_actions(self.place_of(""))] if commit is not None else []
        is_file, place = entry is not None and entry.kind is EntryKind.FILE, self.place_of(path)
        return content_actions(commit.project, commit.id, path, is_file=is_file, place=place)

    def place_of(self, path: str) -> Path | None:
        """Where what is at ``path`` in the project lies on this computer, or did."""
        return place_in(self.sources, path)

    def _ask_history(self) -> None:
        if self.file is not None and self._commit is not None:
            self.wanted.emit(ShowFileHistory(self._commit.project, self.file.path, self._commit.id))

    def _ask_save(self) -> None:
        if self.file is not None and self._commit is not None:
            self.wanted.emit(SaveFile(self._commit.project, self.file.path, self._commit.id))

    @property
    def chosen(self) -> Entry | None:
        """The file that is looked at, or the selected entry."""
        return self.file or self.table.chosen

    def show_version(self, commit: Commit, path: str = "", name: str = "") -> None:
        """Look into ``path`` at ``commit``, with the entry ``name`` chosen; into the top folder when there is no such
        folder then."""
        self._commit = commit
        self.open_folder(path, name)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Backspace, or Alt and the up key, go up to the folder around, as in file managers."""
        alt_up = event.key() == Qt.Key.Key_Up and event.modifiers() & Qt.KeyboardModifier.AltModifier
        if (alt_up or event.key() == Qt.Key.Key_Backspace) and (self.path or self.file is not None):
            self.go_up()
            return
        super().keyPressEvent(event)

    def go_up(self) -> None:
        """From a file to its folder, from a folder to the one around it, with where one was chosen there."""
        here = self.file.path if self.file is not None else self.path
        folder, _, name = here.rpartition("/")
        self.table.setFocus()
        self.open_folder(folder, name)

    def open_entry(self, entry: Entry) -> None:
        """Go into a folder; look at a file."""
        if entry.kind is EntryKind.FOLDER:
            self.open_folder(entry.path)
        elif entry.kind is EntryKind.FILE and self._commit is not None:
            self._ask()
            self.file = entry
            self._tools.setVisible(False)
            self._found.setText("")
            self._show_trail(self._commit)
            by_keyboard = self.table.hasFocus()
            self.views.show_view("file")
            self.preview.show_file(self._commit, entry)
            if by_keyboard:
                self.preview.setFocus()

    def open_folder(self, path: str, name: str = "") -> None:
        """Show what is directly inside ``path``, with the entry ``name`` chosen."""
        commit = self._commit
        if commit is None:
            return
        asked = self._ask()
        order = self._order

        def work(session: Session) -> tuple[list[Entry], list[Entry], int, str]:
            from kronkers_studio.desktop.folder_rows import arrange
            from kronkers_studio.workflows.browsing import list_folder

            entries = list_folder(session, commit.project, commit.id, path)
            arranged = arrange(entries, "", order)
            place = next((at for at, entry in enumerate(arranged) if entry.name == name), -1) if name else -1
            return entries, arranged, place, entries_words(entries)

        def show(answer: tuple[list[Entry], list[Entry], int, str]) -> None:
            if asked != self._wanted:
                return
            self._entries, arranged, place, self._whole = answer
            self.path, self.file = path, None
            self.views.show_view("folder")
            self.words.blockSignals(True)
            self.words.clear()
            self.words.blockSignals(False)
            self._tools.setVisible(len(self._entries) >= _LOOKED_THROUGH)
            self._show_trail(commit)
            self._show(arranged)
            self._choose(place)
            self.moved.emit(path)

        def failed(error: StudioError) -> None:
            if asked != self._wanted:
                return
            if path and isinstance(error, NotFound):  # in that version of the project
                self.open_folder("")
                return
            self._entries, self._whole = (), entries_words(())
            self._show([])
            self.troubled.emit(error)

        self._studio.read(work, show, owner=self, failed=failed)

    def arrange(self) -> None:
        """Show those entries whose names hold the words, in the chosen order."""
        entries, words, order, asked = self._entries, self.words.text(), self._order, self._ask()

        def work(_session: Session) -> list[Entry]:
            from kronkers_studio.desktop.folder_rows import arrange

            return arrange(entries, words, order)

        self._studio.read(work, lambda rows: self._show(rows) if asked == self._wanted else None, owner=self)

    # Dragging out

    def take_out(self, entry: Entry) -> None:
        """Restore ``entry`` into a temporary folder, then let it be dragged from there while the button is still held.

        The folder lives until something else is taken out, or the workspace is closed.
        """
        commit = self._commit
        if commit is None:
            return

        def work(session: Session) -> tuple[TemporaryDirectory[str], Path]:
            from kronkers_studio.workflows.browsing import restore

            folder = TemporaryDirectory(prefix="kronkers-", ignore_cleanup_errors=True)
            restore(session, commit.project, commit.id, Path(folder.name), (entry.path,))
            return folder, Path(folder.name) / entry.path

        def drag(answer: tuple[TemporaryDirectory[str], Path]) -> None:
            self.forget_taken_out()
            self._taken_into, path = answer
            if QGuiApplication.mouseButtons() & Qt.MouseButton.LeftButton:
                drag = QDrag(self.table)
                drag.setMimeData(file_data(path))
                drag.exec(Qt.DropAction.CopyAction)

        self._studio.read(work, drag, owner=self, failed=self.troubled.emit)

    def forget_taken_out(self) -> None:
        """Remove the temporary folder of what was dragged out."""
        if self._taken_into is not None:
            self._taken_into.cleanup()
        self._taken_into = None

    def _ask(self) -> int:
        self._wanted += 1
        return self._wanted

    @property
    def _order(self) -> Order:
        return cast("Order", self.order.value)

    def _show(self, entries: list[Entry]) -> None:
        self.table.content.show_rows(entries)
        self.table.scrollToTop()
        position = ("name", "size", "changed").index(self._order.removeprefix("-"))
        self.table.show_sorted(position, descending=self._order.startswith("-"))
        whole = self._whole
        found = tr("{n} of {whole}").format(n=number(len(entries)), whole=whole)
        self._found.setText(whole if len(entries) == len(self._entries) else found)

    def _choose(self, position: int) -> None:
        """Choose the entry at ``position``; none for -1."""
        if position >= 0:
            self.table.choose(position)
            self.table.scrollTo(self.table.content.index(position, 0))

    def _sort_by_column(self, position: int) -> None:
        order = ("name", "-size", "-changed")[position]
        other = order.removeprefix("-") if order.startswith("-") else f"-{order}"
        self.order.choose(other if self.order.value == order else order)

    def _show_trail(self, commit: Commit) -> None:
        self.trail.show_path(commit.project, self.file.path if self.file is not None else self.path)


def place_in(sources: Sequence[MigrationSource], path: str) -> Path | None:
    """Where what is at ``path`` in a project of these folders lies on this computer, or did; None when in none."""
    for source in sorted(sources, key=lambda each: -len(each.into)):
        if not source.into or lies_in(path, (source.into,)):
            within = "" if path == source.into else relative_to(path, source.into)
            return Path(source.folder) / within
    return None


def file_data(path: Path) -> QMimeData:
    """``path`` as file managers take it."""
    data = QMimeData()
    data.setUrls([QUrl.fromEncoded(path.as_uri().encode("ascii"))])  # names of any bytes
    return data


def entry_columns() -> list[Column[Entry]]:
    """The columns of a table of entries."""
    return [
        Column(tr("Name"), lambda row: row.name, icon=entry_icon, hint=lambda row: row.path),
        Column(tr("Size"), lambda row: "" if row.kind is EntryKind.FOLDER else file_size(row.size), 84, right=True),
        Column(tr("Changed"), _changed, 108, muted=True),
    ]


def _orders() -> list[tuple[str, object]]:
    return [
        (tr("By name"), "name"),
        (tr("By name, from the end"), "-name"),
        (tr("Largest first"), "-size"),
        (tr("Smallest first"), "size"),
        (tr("Newest first"), "-changed"),
        (tr("Oldest first"), "changed"),
    ]


def _changed(entry: Entry) -> str:
    if entry.kind is EntryKind.FOLDER or not entry.mtime_ns:
        return ""
    return moment(time_of(entry.mtime_ns))


def entries_words(entries: Sequence[Entry]) -> str:
    """ "3 folders, 4 files": what kinds there are, in the order of the list."""
    folders = sum(entry.kind is EntryKind.FOLDER for entry in entries)
    files = len(entries) - folders
    parts = [
        counted(folders, tr("{n} folder"), tr("{n} folders")) if folders else "",
        counted(files, tr("{n} file"), tr("{n} files")) if files or not folders else "",
    ]
    return ", ".join(filter(None, parts))
