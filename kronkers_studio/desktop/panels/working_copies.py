"""Where a project is worked on: its working copies on this computer, what was changed in each, and saving it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QContextMenuEvent, QGuiApplication
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from kronkers_studio.desktop.actions import Action
from kronkers_studio.desktop.branch_words import branch_title
from kronkers_studio.desktop.difference_rows import tree_words
from kronkers_studio.desktop.localization import counted, home_short, tr
from kronkers_studio.desktop.look.icons import IconLabel
from kronkers_studio.desktop.offers.content import copy_path, place_actions
from kronkers_studio.desktop.row_menus import open_menu
from kronkers_studio.desktop.widgets.buttons import Button
from kronkers_studio.desktop.widgets.cards import clear
from kronkers_studio.desktop.widgets.labels import ElidedLabel, label, rule
from kronkers_studio.desktop.widgets.states import EmptyState
from kronkers_studio.desktop.widgets.views import Views, scrolling
from kronkers_studio.desktop.work.studio import Studio
from kronkers_studio.domain.differences import ChangeKind, EntryChange
from kronkers_studio.domain.errors import StudioError
from kronkers_studio.domain.printable import printable
from kronkers_studio.domain.progress import CancelToken
from kronkers_studio.domain.working_copies import CopyStanding, WorkingCopyState

if TYPE_CHECKING:
    from kronkers_studio.workflows.session import Session

_SHOWN = 8  # changes that are named
_BUTTON_WIDTH = 156
_ID = 8  # characters of a version's id that tell it from others
_MARKS = {ChangeKind.ADDED: "+", ChangeKind.REMOVED: "−", ChangeKind.RENAMED: "→"}


class WorkingCopiesPanel(QWidget):
    """Views: "looking", "none", "list", "failed".

    open_wanted          the project is to be opened in an editor
    save_wanted          carries the state of the working copy that is to be saved
    again_wanted         carries the folder of one that is to be opened again
    update_wanted        carries the folder of one that is to get what is newer
    forget_wanted        carries the folder of one that is to be none any more
    wanted               what else a menu says
    troubled             carries what went wrong with looking at them
    """

    open_wanted = Signal()
    save_wanted = Signal(object)
    again_wanted = Signal(object)
    update_wanted = Signal(object)
    forget_wanted = Signal(object)
    wanted = Signal(object)
    troubled = Signal(object)

    def __init__(self, studio: Studio, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._studio = studio
        self._project = ""
        self.rows: list[CopyRow] = []
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        self.views = Views({"looking": _looking, "none": self._none, "list": self._listed, "failed": self._not_seen})
        whole.addWidget(self.views, 1)
        self._list = QVBoxLayout()
        application = QGuiApplication.instance()
        if isinstance(application, QGuiApplication):  # back from the editor
            application.applicationStateChanged.connect(self._on_state)

    def show_project(self, project: str) -> None:
        """Show those of ``project``, as they are now."""
        if project != self._project:
            self.views.show_view("looking")
        self._project = project
        self.look()

    def look(self) -> None:
        """Find out what was changed in them meanwhile."""
        project = self._project
        if not project:
            return

        def work(session: Session, cancel: CancelToken) -> list[CopyStanding]:
            from kronkers_studio.workflows.working_copies import copies_of

            return copies_of(session, project, cancel=cancel)

        def show(standing: list[CopyStanding]) -> None:
            if project == self._project:
                self.show_standing(standing)

        self._studio.look(work, show, owner=self, failed=self._failed)

    def show_standing(self, standing: list[CopyStanding]) -> None:
        """Show exactly these."""
        self.views.show_view("list" if standing else "none")
        if not standing:
            return
        clear(self._list)
        self.rows = [CopyRow(each, self) for each in standing]
        for number, row in enumerate(self.rows):
            if number:
                self._list.addWidget(rule())
            self._list.addWidget(row)
        self._list.addStretch(1)

    def _on_state(self, state: Qt.ApplicationState) -> None:
        if state is Qt.ApplicationState.ApplicationActive and self.isVisible():
            self.look()

    def _failed(self, error: StudioError) -> None:
        if self.views.shown == "looking":
            self.views.show_view("failed")
        self.troubled.emit(error)

    def _none(self) -> QWidget:
        return EmptyState(
            "code",
            tr("Nobody works on it here"),
            tr("Open it in an editor. What you change there becomes a version."),
            tr("Open in …"),
            self.open_wanted.emit,
        )

    def _not_seen(self) -> QWidget:
        sentence = tr("Why is said below. Nothing in them was changed.")
        return EmptyState("warning", tr("They could not be looked at"), sentence, tr("Try again"), self.look)

    def _listed(self) -> QWidget:
        inner = QWidget()
        inner.setLayout(self._list)
        self._list.setContentsMargins(0, 0, 6, 0)
        self._list.setSpacing(0)
        return scrolling(inner, tr("Working copies"))


class CopyRow(QWidget):
    """One working copy: where it is, what was changed, and what can be done."""

    def __init__(self, standing: CopyStanding, panel: WorkingCopiesPanel) -> None:
        super().__init__()
        self._panel, self.folder = panel, Path(standing.known.folder)
        self.state = state = standing.state
        self.project, self.commit = standing.known.project, state.copy.commit if state is not None else ""
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 10, 0, 10)
        row.setSpacing(12)
        row.addWidget(IconLabel("folder", "muted", 20), 0, Qt.AlignmentFlag.AlignTop)
        words = QVBoxLayout()
        words.setSpacing(2)
        words.addWidget(ElidedLabel(home_short(self.folder), "medium", middle=True))
        words.addWidget(label(standing_words(standing), "caption", wrap=True))
        self.changes = label("\n".join(change_lines(state)) if state is not None else "", "code", selectable=True)
        self.changes.setVisible(bool(self.changes.text()))
        words.addWidget(self.changes)
        words.addStretch(1)
        row.addLayout(words, 1)
        buttons = QVBoxLayout()
        buttons.setSpacing(6)
        place = home_short(self.folder)
        self.save = self.again = self.update_button = None
        if state is not None:
            if state.changes:
                name = tr("Save what was changed in {folder} as a version …").format(folder=place)
                self.save = Button(
                    tr("Save as a version …"), lambda: panel.save_wanted.emit(state), kind="primary", name=name
                )
                buttons.addWidget(self.save)
            if state.newer is not None:
                name = tr("Bring what is new into {folder}").format(folder=place)
                self.update_button = Button(
                    tr("Bring in what is new"), lambda: panel.update_wanted.emit(self.folder), name=name
                )
                buttons.addWidget(self.update_button)
            name = tr("Open {folder} in …").format(folder=place)
            self.again = Button(tr("Open in …"), lambda: panel.again_wanted.emit(self.folder), name=name)
            buttons.addWidget(self.again)
        else:
            name = tr("Forget {folder}").format(folder=place)
            buttons.addWidget(Button(tr("Forget"), lambda: panel.forget_wanted.emit(self.folder), name=name))
        buttons.addStretch(1)
        row.addLayout(buttons)
        for button in self.findChildren(Button):
            button.setMinimumWidth(_BUTTON_WIDTH)  # so that those of all rows stand below one another

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        open_menu(self, self.offered(), self._panel.wanted.emit, event.globalPos())

    def offered(self) -> list[Action]:
        """What a menu of the row says."""
        return [*place_actions(self.folder), copy_path(str(self.folder))]


def standing_words(standing: CopyStanding) -> str:
    """How a working copy stands, in a sentence or two."""
    state = standing.state
    if standing.problem is not None:
        return f"{standing.problem.message} {standing.problem.next_step}".strip()
    if state is None:
        return tr("It is not there now: its drive is not connected, or it was moved or removed.")
    copy = state.copy
    words = tr("{branch}, version {id}").format(branch=branch_title(copy.branch), id=copy.commit[:_ID])
    changed = tree_words(state.changes) or tr("nothing was changed")
    said = f"{words} · {changed}"
    if state.newer is not None:
        said += " · " + tr("others saved versions since")
    if state.skipped:
        left = counted(len(state.skipped), tr("{n} cannot be read"), tr("{n} cannot be read"))
        said += f" · {left}"
    return said


def change_lines(state: WorkingCopyState) -> list[str]:
    """The first changes, a line each."""
    lines = [_change_line(change) for change in state.changes.changes[:_SHOWN]]
    more = len(state.changes.changes) - _SHOWN
    return [*lines, tr("and {n} more").format(n=more)] if more > 0 else lines


def _change_line(change: EntryChange) -> str:
    before = change.before.path if change.kind is ChangeKind.RENAMED and change.before is not None else ""
    renamed = f"  ({printable(before)})" if before else ""
    return f"{_MARKS.get(change.kind, '•')} {printable(change.path)}{renamed}"


def _looking() -> QWidget:
    return EmptyState("search", tr("Looking through the working copies …"), tr("What was changed in each of them."))
