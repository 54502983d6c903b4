"""Take something out again: what, as it was when, and where to."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QDateTime, Qt, QTimer
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QVBoxLayout, QWidget

from kronkers_studio.desktop.branch_words import branch_words
from kronkers_studio.desktop.localization import date_time, home_short, path_words, tr
from kronkers_studio.desktop.widgets.buttons import Button
from kronkers_studio.desktop.widgets.dialog import Dialog
from kronkers_studio.desktop.widgets.fields import ComboBox, DateTimeField, Field, LineField
from kronkers_studio.desktop.widgets.labels import label
from kronkers_studio.desktop.widgets.pills import FilterPills
from kronkers_studio.desktop.work.studio import Studio
from kronkers_studio.domain.content import DEFAULT_BRANCH, Commit
from kronkers_studio.domain.errors import StudioError
from kronkers_studio.domain.naming import RESTORED

if TYPE_CHECKING:
    from kronkers_studio.workflows.session import Session

_PAUSE_MS = 250  # in choosing a moment, before the version of then is looked up


class RestoreDialog(Dialog):
    """Asks; ``on_go(commit, paths, folder)`` does it."""

    def __init__(
        self,
        parent: QWidget | None,
        studio: Studio,
        commit: Commit,
        paths: Sequence[str],
        on_go: Callable[[Commit, tuple[str, ...], Path], object],
        *,
        branches: Sequence[str] = (DEFAULT_BRANCH,),
    ) -> None:
        """``paths`` are what may be meant besides the whole project, the likeliest first."""
        super().__init__(parent, tr("Restore from “{project}”").format(project=commit.project), _promise(), width=520)
        self._studio, self._this, self._on_go = studio, commit, on_go
        self._found: Commit | None = commit
        self._asked = 0
        choices: list[tuple[str, object]] = [(path_words(path), path) for path in paths]
        self.what = ComboBox(tr("What"), [*choices, (tr("Everything in the project"), "")])
        self.content.addWidget(Field(tr("What"), self.what))
        self.when = FilterPills([("this", tr("In the chosen version")), ("moment", tr("At a moment"))], tr("As it was"))
        self.when.chosen.connect(self._look_up)
        self.moment = DateTimeField(tr("Day and time"), QDateTime.currentDateTime().addDays(-1))
        self.branch = ComboBox(
            tr("Of what"), [(tr("of {state}").format(state=branch_words(name)), name) for name in branches]
        )
        self.branch.choose(DEFAULT_BRANCH)
        self._moment_row = QWidget()
        moment_row = QHBoxLayout(self._moment_row)
        moment_row.setContentsMargins(0, 0, 0, 0)
        moment_row.addWidget(self.moment, 1)
        moment_row.addWidget(self.branch)
        self.version = label("", "caption", wrap=True)
        self.content.addLayout(
            _below(label(tr("As it was"), "medium"), _at_left(self.when), self._moment_row, self.version)
        )
        self.where = LineField(tr("Where to"), text=str(Path.home()))
        self.target = label("", "caption", wrap=True)
        where = QWidget()
        where_row = QHBoxLayout(where)
        where_row.setContentsMargins(0, 0, 0, 0)
        where_row.setSpacing(8)
        where_row.addWidget(self.where, 1)
        where_row.addWidget(Button(tr("Browse …"), self._browse, name=tr("Browse for the folder")))
        self.content.addLayout(_below(label(tr("Where to"), "medium"), where, self.target))
        self.content.addStretch(1)
        self.add_button(tr("Cancel"), self.reject)
        self.go = self.add_button(tr("Restore"), self._go, "primary")
        self.go.setDefault(True)
        self._pause = QTimer(self, singleShot=True, interval=_PAUSE_MS)
        self._pause.timeout.connect(self._look_up)
        self.moment.dateTimeChanged.connect(lambda _moment: self._pause.start())
        self.branch.currentIndexChanged.connect(self._look_up)
        self.where.textChanged.connect(self._say_target)
        self._say_target()
        self._look_up()

    def _look_up(self) -> None:
        """Find the version that is meant."""
        self._asked += 1
        asked, project = self._asked, self._this.project
        at_moment = self.when.key == "moment"
        self._moment_row.setVisible(at_moment)
        if not at_moment:
            self._show_version(self._this)
            return
        moment = self.moment.dateTime().toString("yyyy-MM-dd HH:mm")
        branch = str(self.branch.value)

        def work(session: Session) -> Commit:
            from kronkers_studio.workflows.versions import state_at

            return state_at(session, project, moment, branch)

        def show(commit: Commit) -> None:
            if asked == self._asked:
                self._show_version(commit)

        def failed(error: StudioError) -> None:
            if asked == self._asked:
                self._found = None
                self.version.setText(error.message)
                self._offer()

        self._found = None
        self._offer()
        self._studio.read(work, show, owner=self, failed=failed)

    def _show_version(self, commit: Commit) -> None:
        self._found = commit
        words = tr("“{message}”, {time} by {author}")
        self.version.setText(words.format(message=commit.message, time=date_time(commit.created), author=commit.author))
        self._offer()

    def _offer(self) -> None:
        self.go.setEnabled(self._found is not None and bool(self.where.text().strip()))

    def _say_target(self) -> None:
        self.target.setText(tr("Into {folder}").format(folder=home_short(self._target)))
        self._offer()

    @property
    def _target(self) -> Path:
        typed = os.path.expanduser(self.where.text().strip())  # noqa: PTH111  # Path.expanduser fails half-way in ~anna
        return Path(typed) / f"{self._this.project}{RESTORED}"

    def _browse(self) -> None:
        dialog = QFileDialog(self, tr("Restore into which folder?"), self.where.text())
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.setOption(QFileDialog.Option.ShowDirsOnly)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(self.where.setText)
        dialog.open()

    def _go(self) -> None:
        if self._found is None:
            return
        path = str(self.what.value)
        self.accept()
        self._on_go(self._found, (path,) if path else (), self._target)


def _promise() -> str:
    return tr("Each file is verified as it is written. What lies there already with other content is left alone.")


def _below(*widgets: QWidget) -> QVBoxLayout:
    """A caption and what belongs to it, close together."""
    column = QVBoxLayout()
    column.setSpacing(6)
    for widget in widgets:
        column.addWidget(widget)
    return column


def _at_left(widget: QWidget) -> QWidget:
    """``widget`` as wide as it needs to be."""
    whole = QWidget()
    row = QHBoxLayout(whole)
    row.setContentsMargins(0, 0, 0, 0)
    row.addWidget(widget)
    row.addStretch(1)
    return whole
