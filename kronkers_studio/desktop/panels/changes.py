"""What differs between two versions: a list of files, and each of them compared in the way that suits it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from kronkers_studio.desktop.branch_words import branch_words, tag_words
from kronkers_studio.desktop.difference_rows import change_path, tree_words
from kronkers_studio.desktop.localization import date_time, tr
from kronkers_studio.desktop.panels.change_list import ChangeList
from kronkers_studio.desktop.panels.compared_content import ComparedContent, Content
from kronkers_studio.desktop.widgets.buttons import Button
from kronkers_studio.desktop.widgets.cards import clear
from kronkers_studio.desktop.widgets.fields import ComboBox
from kronkers_studio.desktop.widgets.labels import ElidedLabel, label
from kronkers_studio.desktop.widgets.states import EmptyState
from kronkers_studio.desktop.widgets.views import Views
from kronkers_studio.desktop.work.studio import Studio
from kronkers_studio.domain.content import Branch, Commit, EntryKind, Tag
from kronkers_studio.domain.differences import (
    ChangeKind,
    EntryChange,
    TreeDifference,
)
from kronkers_studio.domain.errors import StudioError
from kronkers_studio.domain.progress import CancelToken

if TYPE_CHECKING:
    from kronkers_studio.workflows.session import Session

_BEFORE = ""  # the choice "the version before"
_MOST_VERSIONS = 50  # that are offered besides those with a name
_ID = 8  # characters of a version's id that tell it from others
_MESSAGE = 40  # characters of what happened in a version


class ChangesPanel(QWidget):
    """Views: "list", "file" and "nothing". ``room_wanted``: a file is compared, in all the width."""

    room_wanted = Signal(bool)

    def __init__(self, studio: Studio, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._studio = studio
        self.commit: Commit | None = None  # that is compared
        self._old = self._path = ""
        self._asked = 0
        self._choices: list[tuple[str, object]] = [(tr("the version before"), _BEFORE)]
        self.compared_with = ComboBox(tr("Compared with"), self._choices)
        self.compared_with.currentIndexChanged.connect(self._compare)
        self.summary = label("", "caption")
        self.list = ChangeList(studio)
        self.list.opened.connect(self.open_change)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(10)
        head = QHBoxLayout()
        head.setSpacing(8)
        head.addWidget(label(tr("Compared with"), "muted"))
        head.addWidget(self.compared_with)
        head.addStretch(1)
        head.addWidget(self.summary)
        whole.addLayout(head)
        self._nothing = QVBoxLayout()
        self._file_title = ElidedLabel("", "strong", middle=True)
        self._content = ComparedContent()
        self.views = Views({"list": lambda: self.list, "file": self._file_view, "nothing": self._nothing_view})
        self._show("nothing")
        whole.addWidget(self.views, 1)

    def offer(self, branches: Sequence[Branch], tags: Sequence[Tag], commits: Sequence[Commit] = ()) -> None:
        """Offer these to be compared with: the names there are, then the newest of the other versions."""
        choices: list[tuple[str, object]] = [(tr("the version before"), _BEFORE)]
        choices += [(branch_words(branch.name), branch.head.id) for branch in branches]
        choices += [(tag_words(tag.name), tag.commit.id) for tag in tags]
        named = {value for _words, value in choices}
        others = [commit for commit in commits if commit.id not in named][:_MOST_VERSIONS]
        choices += [(_version_words(commit), commit.id) for commit in others]
        self._choices = choices
        self.compared_with.set_choices(choices)

    def show_version(self, commit: Commit, old: str | None = None, path: str = "") -> None:
        """Compare ``commit`` with ``old`` (an id; "": the version before), else with what is chosen; and show what
        changed in the file ``path``, if it did."""
        self.commit = commit
        self._path = path
        if old is not None:
            if old not in self.compared_with.values:  # one further back
                words = tr("version {id}").format(id=old[:_ID])
                self.compared_with.set_choices([*self._choices, (words, old)])
            self.compared_with.blockSignals(True)
            self.compared_with.choose(old)
            self.compared_with.blockSignals(False)
        self._compare()

    def _compare(self) -> None:
        commit = self.commit
        if commit is None:
            return
        self._asked += 1
        asked = self._asked
        old = str(self.compared_with.value) or (commit.parents[0] if commit.parents else "")
        self._old = old
        if not old or old == commit.id:
            self.summary.setText("")
            words = tr("It is the same version.") if old else tr("It is the first version of this project.")
            self._say(tr("There is nothing to compare with"), words)
            return

        def work(session: Session) -> TreeDifference:
            from kronkers_studio.workflows.versions import diff_versions

            return diff_versions(session, commit.project, old, commit.id)

        def show(difference: TreeDifference) -> None:
            if asked == self._asked:
                self._show_list(difference)

        self._studio.read(work, show, owner=self, failed=self._failed)

    def _show_list(self, difference: TreeDifference) -> None:
        told = [change for change in difference.changes if change.kind is not ChangeKind.TOUCHED]
        self.summary.setText(tree_words(difference))
        if not told:
            self._say(tr("Nothing differs"), tr("Both versions hold the same files with the same content."))
            return
        self.list.show_changes(told)
        path, self._path = self._path, ""
        change = next((change for change in told if change.path == path), None) if path else None
        self._show("list")
        if change is not None:
            self.open_change(change)

    def _failed(self, error: StudioError) -> None:
        self._say(error.message, error.next_step)

    def _say(self, title: str, words: str) -> None:
        self.views.view("nothing")
        clear(self._nothing)
        self._nothing.addWidget(EmptyState("file", title, words))
        self._show("nothing")

    # One file

    def open_change(self, change: EntryChange) -> None:
        """Compare the content of a file."""
        commit, old = self.commit, self._old
        entry = change.after or change.before
        if commit is None or entry is None or entry.kind is not EntryKind.FILE:
            return
        self._asked += 1
        asked = self._asked

        def work(session: Session, cancel: CancelToken) -> Content:
            from kronkers_studio.workflows.versions import diff_path

            return diff_path(session, commit.project, old, commit.id, change.path, cancel=cancel)

        def show(content: Content) -> None:
            if asked == self._asked:
                self.show_content(change, content)

        self._studio.look(work, show, owner=self, failed=self._failed)

    def show_content(self, change: EntryChange, content: Content) -> None:
        """Show what differs in one file."""
        self.views.view("file")
        self._file_title.setText(change_path(change))
        self._content.show_content(change.before, change.after, content)
        self._show("file")

    def _back(self) -> None:
        self._show("list")

    def _show(self, view: str) -> None:
        self.views.show_view(view)
        self.room_wanted.emit(view == "file")

    def _file_view(self) -> QWidget:
        view = QWidget()
        column = QVBoxLayout(view)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        head = QHBoxLayout()
        head.addWidget(Button(tr("All changes"), self._back, kind="link", icon="back"))
        head.addWidget(self._file_title, 1)
        column.addLayout(head)
        column.addWidget(self._content, 1)
        return view

    def _nothing_view(self) -> QWidget:
        view = QWidget()
        view.setLayout(self._nothing)
        return view


def _version_words(commit: Commit) -> str:
    message = commit.message if len(commit.message) <= _MESSAGE else f"{commit.message[: _MESSAGE - 1]}…"
    return tr("{time}: “{message}”").format(time=date_time(commit.created), message=message)
