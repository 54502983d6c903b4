"""The projects' folders that are brought in: how each of them stands, and whether this window keeps them in step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtGui import QContextMenuEvent
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from kronkers_studio.desktop.actions import Act, Action
from kronkers_studio.desktop.destinations import ForgetFolder, WatchProject
from kronkers_studio.desktop.localization import clock_time, counted, home_short, moment, tr
from kronkers_studio.desktop.look.icons import IconLabel
from kronkers_studio.desktop.look.tokens import Tone
from kronkers_studio.desktop.offers.content import brought_in_actions
from kronkers_studio.desktop.row_menus import open_menu
from kronkers_studio.desktop.widgets.buttons import Button
from kronkers_studio.desktop.widgets.cards import Card, clear
from kronkers_studio.desktop.widgets.labels import ElidedLabel, label, rule
from kronkers_studio.desktop.widgets.passing_time import keep_current
from kronkers_studio.desktop.widgets.pills import Pill
from kronkers_studio.desktop.widgets.views import scrolling
from kronkers_studio.desktop.work.folder_watches import Watchers, Watching
from kronkers_studio.desktop.work.studio import Studio
from kronkers_studio.domain.content import Commit
from kronkers_studio.domain.errors import WouldUndo
from kronkers_studio.domain.migration import WatchReason, WatchStatus

if TYPE_CHECKING:
    from kronkers_studio.workflows.watching import BroughtIn

_PILL_WIDTH, _BUTTON_WIDTH = 118, 124
_ID = 8  # characters of a version's id that tell it from others


class BroughtInCard(Card):
    """``look_wanted`` asks to look into a folder: it carries the folder and its project.

    ``forget_wanted`` asks to bring one of a project's folders in no more: it carries the project and its folders.
    ``wanted`` carries what else is to be done.
    """

    wanted = Signal(object)
    look_wanted = Signal(object, object)
    forget_wanted = Signal(object, object)

    def __init__(self, studio: Studio, parent: QWidget | None = None) -> None:
        super().__init__(tr("Brought in before"), parent)
        self._watchers = Watchers.of(studio)
        self.summary = label("", "caption")
        self.add_to_head(self.summary)
        self.rows: dict[str, ProjectRow] = {}
        inner = QWidget()
        self._list = QVBoxLayout(inner)
        self._list.setContentsMargins(0, 0, 6, 0)
        self._list.setSpacing(0)
        self.body.addWidget(scrolling(inner, tr("Projects and their folders")), 1)
        self._watchers.changed.connect(self._refresh)

    def show_projects(self, projects: Sequence[BroughtIn]) -> None:
        """Show exactly ``projects``."""
        if [project.project for project in projects] != list(self.rows):
            clear(self._list)
            self.rows = {}
            for project in projects:
                if self.rows:
                    self._list.addWidget(rule())
                self.rows[project.project] = self._make_row(project)
                self._list.addWidget(self.rows[project.project])
            self._list.addStretch(1)
        for project in projects:
            self.rows[project.project].show_project(project)
            self._refresh(project.project)

    def _make_row(self, brought: BroughtIn) -> ProjectRow:
        def look() -> None:
            self.look_wanted.emit(row.folders[0], brought.project)

        def watch() -> None:
            self.toggle_watching(brought.project)

        def forget() -> None:
            self.forget_wanted.emit(brought.project, row.folders)

        row = ProjectRow(brought.project, look, watch, forget)
        do = partial(self._do, brought.project)
        row.menu_wanted.connect(lambda at: open_menu(row, self.offered(brought.project), do, at))
        return row

    def offered(self, project: str) -> list[Action]:
        """What can be done with a project and its folders."""
        return brought_in_actions(project, self.rows[project].folders)

    def _do(self, project: str, act: Act) -> None:
        match act:
            case WatchProject():
                self.toggle_watching(project)
            case ForgetFolder():
                self.forget_wanted.emit(project, self.rows[project].folders)
            case _:
                self.wanted.emit(act)

    def toggle_watching(self, project: str) -> None:
        """Watch the project's folders, or stop doing so; nothing happens when it is not shown."""
        known, row = self._watchers.watching(project), self.rows.get(project)
        if known is not None and known.running:
            self._watchers.stop(project)
        elif row is not None:
            self._watchers.start(project, row.folders)

    def _refresh(self, project: str) -> None:
        if project in self.rows:
            self.rows[project].show_watching(self._watchers.watching(project))
        every = [self._watchers.watching(name) for name in self.rows]
        watched = sum(1 for known in every if known is not None and known.running)
        self.summary.setText(counted(watched, tr("{n} is watched"), tr("{n} are watched")) if watched else "")


class ProjectRow(QWidget):
    """One project: its folders, how it stands, and what can be done. ``menu_wanted`` carries where on the screen."""

    menu_wanted = Signal(object)

    def __init__(
        self,
        project: str,
        on_look: Callable[[], object],
        on_watch: Callable[[], object],
        on_forget: Callable[[], object],
    ) -> None:
        super().__init__()
        self._head: Commit | None = None
        self.folders: tuple[Path, ...] = ()
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 10, 0, 10)
        row.setSpacing(12)
        row.addWidget(IconLabel("folder", "muted", 20))
        words = QVBoxLayout()
        words.setSpacing(2)
        self.name = ElidedLabel(project, "medium")
        self.where = ElidedLabel("", "caption", middle=True)
        self.words = ElidedLabel("", "caption")
        self.remedy = label("", "caption", wrap=True, selectable=True)
        self.remedy.setVisible(False)
        for widget in (self.name, self.where, self.words, self.remedy):
            words.addWidget(widget)
        self.pill = Pill()
        self.look = Button(tr("Look inside"), on_look, name=tr("Look inside {name}").format(name=project))
        self.watch = Button(tr("Watch"), on_watch)
        forget = tr("Forget a folder of {name} …").format(name=project)
        self.forget = Button("", on_forget, kind="icon", icon="close", name=forget)
        self._project = project
        row.addLayout(words, 1)
        place = QWidget()  # so that pills and buttons of all rows stand below one another
        place.setFixedWidth(_PILL_WIDTH)
        inside = QHBoxLayout(place)
        inside.setContentsMargins(0, 0, 0, 0)
        inside.addWidget(self.pill)
        inside.addStretch(1)
        self.watch.setMinimumWidth(_BUTTON_WIDTH)
        row.addWidget(place)
        row.addWidget(self.look)
        row.addWidget(self.watch)
        row.addWidget(self.forget)
        self.show_watching(None)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        self.menu_wanted.emit(event.globalPos())

    def show_project(self, brought: BroughtIn) -> None:
        """Show where it comes from."""
        self._head, self.folders = brought.head, brought.folders
        self.where.setText(" · ".join(home_short(folder) for folder in brought.folders))

    def show_watching(self, watching: Watching | None) -> None:
        """Show how it stands."""
        words, tone = state_pill(watching)
        self.pill.show_state(words, tone)
        keep_current(self.words, lambda: state_words(watching, self._head))
        remedy = remedy_words(watching)
        self.remedy.setText(remedy)
        self.remedy.setVisible(bool(remedy))
        running = watching is not None and watching.running
        action = tr("Stop watching") if running else tr("Watch") if watching is None else tr("Watch again")
        self.watch.setText(action)
        self.watch.setAccessibleName(tr("{action}: {name}").format(action=action, name=self.name.text()))


def state_pill(watching: Watching | None) -> tuple[str, Tone]:
    """How a project stands, in a word or two, with its tone."""
    if watching is None:
        return tr("Not watched"), "plain"
    if watching.error is not None:
        return tr("Stopped"), "bad"
    overflow = watching.state is not None and watching.state.reason is WatchReason.OVERFLOW
    incomplete = watching.result is not None and watching.result.incomplete
    words: dict[WatchStatus, tuple[str, Tone]] = {
        WatchStatus.WATCHING: (tr("In sync, look"), "warn") if incomplete else (tr("In sync"), "ok"),
        WatchStatus.SETTLING: (tr("Changing"), "accent"),
        WatchStatus.SYNCING: (tr("Looking anew") if overflow else tr("Syncing"), "accent"),
        WatchStatus.AWAY: (tr("Folder away"), "warn"),
        WatchStatus.BUSY: (tr("Waiting"), "warn"),
    }
    return words[watching.state.status if watching.state is not None else WatchStatus.SYNCING]


def state_words(watching: Watching | None, head: Commit | None) -> str:
    """When it was last brought in, and as which version."""
    if watching is not None and watching.at is not None and watching.result is not None:
        commit = watching.result.commit
        looked = tr("In sync at {time}").format(time=clock_time(watching.at))
        made = tr("version {id}, {time}").format(id=commit.id[:_ID], time=moment(commit.created))
        return f"{looked} · {made}"
    if head is None:
        return tr("Nothing of it is in yet")
    files = counted(head.files, tr("{n} file"), tr("{n} files"))
    words = tr("Brought in {time} · version {id} · {files}")
    return words.format(time=moment(head.created), id=head.id[:_ID], files=files)


def remedy_words(watching: Watching | None) -> str:
    """What is to be known or done; "" when all is well."""
    if watching is None:
        return ""
    if isinstance(watching.error, WouldUndo):
        words = tr("Combining, or another folder, brought something that this folder has not or has otherwise.")
        return f"{words} {tr('Look inside and choose what counts, then watch it again.')}"
    if watching.error is not None:
        return f"{watching.error.message} {watching.error.next_step}".strip()
    state = watching.state
    if state is None:
        return ""
    parts = []
    if state.status is WatchStatus.AWAY or state.away:
        folders = ", ".join(home_short(folder) for folder in state.away)
        words = tr("{folders} is not there and is waited for: connect its drive, or sign in to OneDrive.")
        parts.append(words.format(folders=folders))
    if state.status is WatchStatus.BUSY:
        parts.append(tr("Another program is writing to the workspace; it is tried again soon."))
    if state.status is WatchStatus.SETTLING:
        parts.append(tr("Something changes in it; it is brought in once that has come to rest."))
    if state.status is WatchStatus.SYNCING and state.reason is WatchReason.OVERFLOW:
        parts.append(tr("More changed at once than the system could tell of, so all of it is looked through."))
    if state.limited:
        parts.append(state.limited)
    if watching.result is not None and watching.result.incomplete:
        left = sum(1 for item in watching.result.skipped if not item.reason.expected)
        parts.append(counted(left, tr("{n} file is not in; look inside."), tr("{n} files are not in; look inside.")))
    return " ".join(parts)
