"""The history of one file: the versions in which it changed, a look at each, and what each changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from kronkers_studio.desktop.actions import Act, Action
from kronkers_studio.desktop.destinations import RestoreContent, ShowFileHistory
from kronkers_studio.desktop.difference_rows import change_words
from kronkers_studio.desktop.localization import counted, date_time, file_size, moment, number, path_words, tr
from kronkers_studio.desktop.offers.content import content_actions, save_as
from kronkers_studio.desktop.panels.change_list import ChangeList
from kronkers_studio.desktop.panels.compared_content import ComparedContent, Content
from kronkers_studio.desktop.panels.preview import PreviewPanel
from kronkers_studio.desktop.row_menus import Do, give_menu
from kronkers_studio.desktop.widgets.cards import clear
from kronkers_studio.desktop.widgets.dialog import Dialog
from kronkers_studio.desktop.widgets.pills import FilterPills
from kronkers_studio.desktop.widgets.states import EmptyState
from kronkers_studio.desktop.widgets.tables import Column, Table
from kronkers_studio.desktop.widgets.views import Split, Views
from kronkers_studio.desktop.work.studio import Studio
from kronkers_studio.domain.content import Commit, Entry, EntryKind
from kronkers_studio.domain.differences import ChangeKind, EntryChange, TreeDifference
from kronkers_studio.domain.errors import StudioError
from kronkers_studio.domain.history import FileHistory, FileState
from kronkers_studio.domain.progress import CancelToken

if TYPE_CHECKING:
    from collections.abc import Callable

    from kronkers_studio.workflows.session import Session

_SHARE = 0.5  # of the width, for the list
_WIDE, _HIGH = 1160, 440  # pixels; of what is below the title
_BESIDE = 40  # pixels of the window that stay in sight


class FileHistoryDialog(Dialog):
    """``on_restore(commit, path)`` asks where to; ``do`` does what else a row's menu says."""

    def __init__(
        self,
        parent: QWidget | None,
        studio: Studio,
        project: str,
        path: str,
        ref: str,
        do: Do,
        on_restore: Callable[[Commit, str], object],
    ) -> None:
        title = tr("History of “{file}”").format(file=path.rpartition("/")[2])
        super().__init__(parent, title, f"{project} / {path_words(path)}", width=720)
        self._studio, self._project, self._path, self._ref = studio, project, path, ref
        self._do, self._on_restore = do, on_restore
        self._asked = 0
        self._state: FileState | None = None  # that is shown
        room = parent.window().width() - _BESIDE if parent is not None else _WIDE
        self.resize(max(self.minimumWidth(), min(_WIDE, room)), self.height())
        self.table: Table[FileState] = Table(tr("States of the file"), _columns())
        self.table.picked.connect(self._show_state)
        give_menu(self.table, self._actions, self._perform)
        self.sides = FilterPills([("changes", tr("What changed")), ("content", tr("Content"))], tr("Show"))
        self.sides.chosen.connect(lambda _key: self._show_side())
        self.preview = PreviewPanel(studio)
        self.compared = ComparedContent()
        self.list = ChangeList(studio)  # of a folder
        self.list.opened.connect(self._follow)
        self._words = QWidget()
        self._place = QVBoxLayout(self._words)
        self._place.setContentsMargins(0, 0, 0, 0)
        self.views = Views(
            {
                "content": lambda: self.preview,
                "changes": lambda: self.compared,
                "list": lambda: self.list,
                "words": lambda: self._words,
            }
        )
        right = QWidget()
        column = QVBoxLayout(right)
        column.setContentsMargins(0, 0, 0, 0)
        head = QHBoxLayout()
        head.addWidget(self.sides)
        head.addStretch(1)
        column.addLayout(head)
        column.addWidget(self.views, 1)
        self.split = Split(self.table, right, tr("Width of the list of states"), share=_SHARE)
        self.split.setMinimumHeight(_HIGH)
        self.content.addWidget(self.split, 1)
        self.save = self.add_button(tr("Save as …"), self._save)
        self.restore = self.add_button(tr("Restore …"), self._restore)
        self.add_button(tr("Close"), self.reject).setDefault(True)
        self._offer(None)
        self._say(tr("Looking through the versions …"), tr("Only the folders on the way to it are read."))
        self._read()

    def _read(self) -> None:
        project, path, ref = self._project, self._path, self._ref

        def work(session: Session, cancel: CancelToken) -> FileHistory:
            from kronkers_studio.workflows.versions import file_history

            return file_history(session, project, path, ref, cancel=cancel)

        self._studio.look(work, self.show_history, owner=self.table, failed=self._failed)

    def show_history(self, history: FileHistory) -> None:
        """Show the states, the newest chosen."""
        where = f"{self._project} / {path_words(self._path)}"
        states = counted(len(history.states), tr("changed in {n} version"), tr("changed in {n} versions"))
        looked = tr("of {n} looked through").format(n=number(history.versions))
        more = "" if history.complete else " · " + tr("older ones are not listed")
        self.sentence.setText(f"{where} · {states} {looked}{more}")
        self.table.content.show_rows(history.states)
        self.table.choose(0)
        self.table.setFocus()

    def _show_state(self, state: FileState) -> None:
        self._state = state
        self._offer(state.change.after)
        self._show_side()

    def _show_side(self) -> None:
        state = self._state
        if state is None:
            return
        self._asked += 1
        after = state.change.after
        if after is None:
            words = tr("It is not in this version. Choose an older state to see it or to have it back.")
            self._say(tr("It was removed here"), words)
        elif self.sides.key == "content":
            if after.kind is not EntryKind.FILE:
                self._say(tr("It is not a file"), tr("What changed in it is listed under “What changed”."))
                return
            self.views.show_view("content")
            self.preview.show_file(state.commit, after)
        elif state.change.before is None:
            self._say(tr("It begins here"), tr("There was no such file before this version."))
        else:
            self._compare(state, after)

    def _compare(self, state: FileState, after: Entry) -> None:
        asked, project = self._asked, self._project

        def work(session: Session, cancel: CancelToken) -> Content:
            from kronkers_studio.workflows.versions import diff_path

            return diff_path(session, project, state.before, state.commit.id, after.path, cancel=cancel)

        def show(content: Content) -> None:
            if asked != self._asked:
                return
            if isinstance(content, TreeDifference):
                self.list.show_changes(content.changes)
                self.views.show_view("list")
            else:
                self.compared.show_content(state.change.before, after, content)
                self.views.show_view("changes")

        self._say(tr("Comparing …"), tr("Both states are read and compared."))
        self._studio.look(work, show, owner=self, failed=lambda error: self._failed(error, asked))

    def _follow(self, change: EntryChange) -> None:
        """From a folder's history to that of a file in it."""
        state = self._state
        if state is not None:
            self.accept()
            self._do(ShowFileHistory(self._project, change.path, state.commit.id))

    def _failed(self, error: StudioError, asked: int = 0) -> None:
        if asked == self._asked:
            self._say(error.message, error.next_step)

    def _say(self, title: str, words: str) -> None:
        clear(self._place)
        self._place.addWidget(EmptyState("history", title, words))
        self.views.show_view("words")

    # What can be done

    def _offer(self, entry: Entry | None) -> None:
        self.save.setEnabled(entry is not None and entry.kind is EntryKind.FILE)
        self.restore.setEnabled(entry is not None)

    def _actions(self, state: FileState) -> list[Action]:
        after = state.change.after
        if after is None:
            return []
        is_file = after.kind is EntryKind.FILE
        actions = content_actions(self._project, state.commit.id, after.path, is_file=is_file)
        return actions[1:]  # its history is here

    def _perform(self, act: Act) -> None:
        if isinstance(act, RestoreContent):
            self._restore()
        else:
            self._do(act)

    def _save(self) -> None:
        state = self._state
        if state is not None and state.change.after is not None:
            self._do(save_as(self._project, state.commit.id, state.change.after.path).act)

    def _restore(self) -> None:
        state = self._state
        if state is not None and state.change.after is not None:
            self.accept()
            self._on_restore(state.commit, state.change.after.path)


def _columns() -> list[Column[FileState]]:
    return [
        Column(tr("When"), lambda row: moment(row.commit.created), 92, muted=True, hint=_hint),
        Column(tr("What"), _what, 108, pill=lambda row: change_words(row.change)[1], hint=_hint),
        Column(tr("Version"), lambda row: row.commit.message, hint=_hint),
        Column(tr("Size"), _size, 84, right=True),
        Column(tr("Who"), lambda row: row.commit.author, 88, muted=True, needs=460),
    ]


def _what(row: FileState) -> str:
    return change_words(row.change)[0]


def _hint(row: FileState) -> str:
    parts = [row.commit.message, f"{date_time(row.commit.created)} · {row.commit.author} · {row.commit.id[:12]}"]
    if row.change.kind is ChangeKind.RENAMED and row.change.before is not None:
        parts.append(tr("It was {path} before.").format(path=path_words(row.change.before.path)))
    return "\n".join(parts)


def _size(row: FileState) -> str:
    entry = row.change.after
    return file_size(entry.size) if entry is not None and entry.kind is EntryKind.FILE else ""
