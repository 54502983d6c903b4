"""Everything that was brought in, in every state it was in: look inside, take it out again, check it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFileDialog, QWidget

from kronkers_studio.desktop.actions import Act, Action, Command, ShowInFileManager
from kronkers_studio.desktop.check_notice import say_checked
from kronkers_studio.desktop.destinations import (
    CheckWorkspace,
    ChooseFolder,
    CompareWith,
    Destination,
    MergeBranches,
    NameVersion,
    OpenIn,
    OpenTrash,
    RemoveContent,
    RestoreContent,
    SaveFile,
    ShowChanges,
    ShowContent,
    ShowFileHistory,
    ShowWorkingCopies,
)
from kronkers_studio.desktop.localization import counted, file_size, home_short, moment, tr
from kronkers_studio.desktop.look.tokens import CONTROL_HEIGHT, Tone
from kronkers_studio.desktop.offer_buttons import OfferButton, OfferMenuButton
from kronkers_studio.desktop.offers.content import (
    check_for_damage,
    content_actions,
    find_anything,
    gone_actions,
    make_project,
    merge_branches,
    name_version,
    open_in,
    open_trash,
    remove_content,
    restore_what,
    version_row_actions,
)
from kronkers_studio.desktop.page_titles import page_title
from kronkers_studio.desktop.pages.page import Page
from kronkers_studio.desktop.pages.registry_copies import RegistryCopies
from kronkers_studio.desktop.panels.browser import FolderBrowser
from kronkers_studio.desktop.panels.changes import ChangesPanel
from kronkers_studio.desktop.panels.history import history_columns
from kronkers_studio.desktop.row_menus import give_menu
from kronkers_studio.desktop.widgets.cards import Card
from kronkers_studio.desktop.widgets.fields import ComboBox
from kronkers_studio.desktop.widgets.pills import FilterPills
from kronkers_studio.desktop.widgets.states import EmptyState
from kronkers_studio.desktop.widgets.tables import Table
from kronkers_studio.desktop.widgets.views import Split, Views
from kronkers_studio.desktop.work.studio import State, Studio
from kronkers_studio.domain.content import DEFAULT_BRANCH, CheckReport, Commit, EntryKind, Project, RestoreReport
from kronkers_studio.domain.differences import EntryChange
from kronkers_studio.domain.history import HistoryRow
from kronkers_studio.domain.maintenance import TrashItem, TrashKind
from kronkers_studio.domain.migration import MigrationSource
from kronkers_studio.domain.naming import WINDOWS, safe_name
from kronkers_studio.domain.progress import CancelToken, Progress

if TYPE_CHECKING:
    from kronkers_studio.workflows.session import Session
    from kronkers_studio.workflows.timeline import Timeline

_PAGE = 100  # commits asked for at a time
_PATH = 56  # characters of a folder's path in a sentence
_HISTORY_SHARE = 0.34  # of the width, until somebody moves the handle
_NARROWEST_HISTORY, _NARROWEST_CONTENT = 290, 380  # pixels
_ALL_WORDS = 340  # pixels of the history in which its buttons have room for all that they say


class RegistryPage(Page):
    key = "registry"
    widest = 0
    changes = ("content",)

    def __init__(self, studio: Studio) -> None:
        super().__init__(
            studio, page_title(self.key), tr("Every state of every folder you brought in, and a way back to it.")
        )
        self._wish: Destination | None = None
        self._wanted_project = ""
        self._wanted_path: str | None = None  # None: as it is
        self._wanted_name = ""
        self._wanted_branch = ""
        self._project = ""
        self._row: HistoryRow | None = None
        self._timeline: Timeline | None = None
        self._path = ""
        self.project_box = ComboBox(tr("Project"))
        self.project_box.setMinimumWidth(180)
        self.project_box.currentIndexChanged.connect(self._project_chosen)
        self.find_button = OfferButton(find_anything(), self.do)
        name = tr("New project, open in an editor, check for damage, remove, or open the trash")
        self.more_button = OfferMenuButton(tr("More"), self._more, self.do, icon="chevron-down", name=name)
        self.restore_button = OfferButton(restore_what(), self.do)
        self.merge_button = OfferButton(merge_branches(), self.do, kind="quiet", icon=False)
        self.merge_button.setVisible(False)
        self.name_button = OfferButton(name_version(), self.do, kind="quiet", icon=False)
        for widget in (
            self.find_button,
            self.project_box,
            self.restore_button,
            self.more_button,
        ):
            self.header.add_action(widget)
        self.views = Views({"empty": self._empty, "full": self._full})
        self.content.addWidget(self.views, 1)
        self.history: Table[HistoryRow] = Table(tr("History"), history_columns())
        self._version = Card(tr("The chosen version"))
        self.browser = FolderBrowser(studio)
        self.changes_panel = ChangesPanel(studio)
        self.copies = RegistryCopies(studio, self, lambda: self._show_side("copies"))
        self.side_views = Views(
            {
                "content": lambda: self.browser,
                "changes": lambda: self.changes_panel,
                "copies": lambda: self.copies.panel,
            }
        )
        sides = [("content", tr("Content")), ("changes", tr("Changes")), ("copies", tr("Working copies"))]
        self.sides = FilterPills(sides, tr("Show"))
        self.sides.chosen.connect(self._show_side)
        self.history.picked.connect(self._row_chosen)
        self.browser.moved.connect(self._moved)
        self.browser.troubled.connect(self.notice.show_error)
        self.browser.wanted.connect(self.do)
        self.changes_panel.list.give_menu(self._change_actions, self.do)
        give_menu(self.history, self._version_actions, self.do)
        self._share = _HISTORY_SHARE
        self.split: Split | None = None

    def refresh(self) -> None:
        self.studio.read(_projects, self._show_projects, owner=self, failed=self.notice.show_error)

    def state(self) -> State:
        return {
            "project": self._project or self._wanted_project,
            "path": self._path if self._project else self._wanted_path or "",
            "history": round(self.split.share if self.split is not None else self._share, 3),
        }

    def restore(self, state: State) -> None:
        share = state.get("history")
        if isinstance(share, int | float) and 0 < share < 1:
            self._share = float(share)
            if self.split is not None:
                self.split.set_share(self._share)
        self._show_content(ShowContent(str(state.get("project") or ""), str(state.get("path") or "")))

    def visit(self, destination: Destination) -> None:
        match destination:
            case ShowContent():
                self._show_content(destination)
            case ShowChanges():
                self._wish = destination
                self._show_content(ShowContent(destination.project, branch=destination.branch))
            case (
                RestoreContent(project)
                | NameVersion(project)
                | MergeBranches(project)
                | RemoveContent(project)
                | OpenIn(project)
                | ShowWorkingCopies(project)
            ):
                self._wish = destination
                self._show_content(ShowContent(project or self._project or self._wanted_project, self._path))
            case _:
                self.do(destination)

    def do(self, act: Act) -> None:
        """Do what a button here, or another page, asks for, with what is in view."""
        if not self.copies.do(act, self._project):
            self._do(act)

    def _do(self, act: Act) -> None:
        match act:
            case CheckWorkspace():
                self.check()
            case OpenTrash():
                self.ask_trash()
            case Command.FIND:
                self.ask_find()
            case RestoreContent():
                self.ask_what(act.path)
            case ShowFileHistory(project, path, ref):
                self.show_file_history(project, path, ref)
            case SaveFile(project, path, ref):
                self.ask_save(project, path, ref)
            case ShowChanges(_, path, _, old):
                self.show_changes(old, path)
            case CompareWith(old):
                self.show_changes(old)
            case NameVersion():
                self.ask_name()
            case MergeBranches():
                self.ask_merge()
            case RemoveContent():
                self.ask_remove()
            case _:
                super().do(act)

    def _version_actions(self, row: HistoryRow) -> list[Action]:
        return version_row_actions(row.commit.id, self._current, row.commit.project)

    @property
    def _current(self) -> str:
        """The newest version of the default branch."""
        branches = self._timeline.branches if self._timeline is not None else ()
        return next((branch.head.id for branch in branches if branch.name == DEFAULT_BRANCH), "")

    def _change_actions(self, change: EntryChange) -> list[Action]:
        commit, entry = self.changes_panel.commit, change.after
        if commit is None:
            return []
        if entry is None:  # it is in the version before only
            return gone_actions(commit.project, commit.id, change.path, self.browser.place_of(change.path))
        is_file, place = entry.kind is EntryKind.FILE, self.browser.place_of(entry.path)
        return content_actions(commit.project, commit.id, entry.path, is_file=is_file, place=place)

    def _follow_wish(self) -> None:
        """What another page asked for, once the versions are there."""
        wish, self._wish = self._wish, None
        if wish is not None:
            self.do(wish)

    def _show_content(self, wanted: ShowContent) -> None:
        self._wanted_project, self._wanted_path = wanted.project, wanted.path
        self._wanted_name, self._wanted_branch = wanted.name, wanted.branch
        if self._project:
            self.refresh()

    # Projects and history

    def _show_projects(self, projects: list[Project]) -> None:
        for widget in (self.project_box, self.restore_button):
            widget.setVisible(bool(projects))
        self.views.show_view("full" if projects else "empty")
        if not projects:
            self._wish = None
            return
        self.project_box.set_choices([(project.name, project.name) for project in projects])
        if self._wanted_project:
            self.project_box.blockSignals(True)  # it is shown below
            self.project_box.choose(self._wanted_project)
            self.project_box.blockSignals(False)
        chosen = next(project for project in projects if project.name == self.project_box.value)
        self._show_project(chosen.name)
        self.header.set_sentence(lambda: _project_words(chosen))

    def _project_chosen(self) -> None:
        if str(self.project_box.value) != self._project:
            self._wanted_project = str(self.project_box.value)
            self._wanted_path, self._wanted_name, self._wanted_branch = None, "", ""
            self.refresh()

    def _show_project(self, name: str) -> None:
        if name != self._project:
            self._path, self._row = "", None
        if self._wanted_path is not None:
            self._path, self._wanted_path = self._wanted_path, None
        self._project = name
        self._timeline = None
        self.history.content.show_pages(self._ask_history)

    def _ask_history(self, offset: int) -> None:
        project, known = self._project, self._timeline

        def work(session: Session) -> tuple[Timeline, list[HistoryRow], list[MigrationSource]]:
            from kronkers_studio.workflows.sources import project_sources
            from kronkers_studio.workflows.timeline import Timeline

            timeline = known or Timeline(session, project)
            return timeline, timeline.page(_PAGE), project_sources(session, project)

        def show(answer: tuple[Timeline, list[HistoryRow], list[MigrationSource]]) -> None:
            if project != self._project or self._timeline is not known:
                return
            self._timeline, rows, self.browser.sources = answer
            self.history.content.add_page(rows, more=len(rows) == _PAGE)
            if offset == 0:
                self.merge_button.setVisible(len(self._timeline.branches) > 1)
                commits = [row.commit for row in rows]
                self.changes_panel.offer(self._timeline.branches, self._timeline.tags, commits)
            if offset == 0 and rows:
                self.history.choose(self._place_to_begin(rows))
                self._follow_wish()

        self.studio.read(work, show, owner=self, failed=self.notice.show_error)

    def _place_to_begin(self, rows: list[HistoryRow]) -> int:
        """The version looked at before, else the newest one of the branch asked for, else of the default branch."""
        branch, self._wanted_branch = self._wanted_branch, ""
        wanted = next((at for at, row in enumerate(rows) if branch in row.branches), -1) if branch else -1
        if wanted >= 0:
            return wanted
        chosen = self._row.commit.id if self._row is not None else ""
        before = (at for at, row in enumerate(rows) if row.commit.id == chosen)
        newest = (at for at, row in enumerate(rows) if DEFAULT_BRANCH in row.branches)
        return next(before, next(newest, 0))

    def _row_chosen(self, row: HistoryRow) -> None:
        self._row = row
        self._show_side(self.sides.key)

    def _show_side(self, key: str) -> None:
        """Show the chosen version's content, or its changes; the other side is read when it is looked at."""
        self.sides.select(key)
        self.side_views.show_view(key)
        if self._row is None:
            return
        self._version.set_heading(tr("“{message}”").format(message=self._row.commit.message))
        if key == "copies":
            self._version.set_heading(self._project)
            self.copies.panel.show_project(self._project)
        elif key == "changes":
            self.changes_panel.show_version(self._row.commit)
        else:
            name, self._wanted_name = self._wanted_name, ""
            self.browser.show_version(self._row.commit, self._path, name)

    def _moved(self, path: str) -> None:
        self._path = path

    # Restore and check

    def ask_what(self, path: str = "") -> None:
        """Ask what is to be restored (``path``, where it is known), as it was when, and where to."""
        if self._row is not None:
            self._ask_restore(self._row.commit, list(dict.fromkeys([*filter(None, [path]), *self._paths()])))

    def _ask_restore(self, commit: Commit, paths: list[str]) -> None:
        from kronkers_studio.desktop.dialogs.restore import RestoreDialog

        branches = self._branches() or [DEFAULT_BRANCH]
        RestoreDialog(self.window(), self.studio, commit, paths, self.restore_as, branches=branches).open()

    # One file, and what changed

    def show_file_history(self, project: str, path: str, ref: str = "") -> None:
        """Show the versions in which a file changed."""
        from kronkers_studio.desktop.dialogs.file_history import FileHistoryDialog

        def restore(commit: Commit, path: str) -> None:
            self._ask_restore(commit, [path])

        FileHistoryDialog(self.window(), self.studio, project, path, ref, self.do, restore).open()

    def show_changes(self, old: str = "", path: str = "") -> None:
        """Show what changed in the chosen version beside ``old`` ("": the version before), and in the file ``path``."""
        if self._row is None:
            return
        self.sides.select("changes")
        self.side_views.show_view("changes")
        self.changes_panel.show_version(self._row.commit, old, path)

    def ask_save(self, project: str, path: str, ref: str = "") -> None:
        """Ask where one file of a version is to be saved."""
        name = safe_name(path.rpartition("/")[2], WINDOWS)  # any bytes become what every dialog and system can hold
        dialog = QFileDialog(self.window(), tr("Save as"), str(Path.home() / name))
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(lambda chosen: self.save_as(project, path, ref, Path(chosen)))
        dialog.open()

    def save_as(self, project: str, path: str, ref: str, file: Path) -> None:
        """Write one file as it was at ``ref`` as ``file``."""
        session = self.studio.session
        if session is None:
            return

        def work(progress: Progress, cancel: CancelToken) -> int:
            from kronkers_studio.workflows.browsing import save_file

            return save_file(session, project, ref, path, file, progress=progress, cancel=cancel)

        def done(size: int) -> None:
            words = tr("Saved {file}, {size}.").format(file=file.name, size=file_size(size))
            show = (tr("Show it"), lambda: self.do(ShowInFileManager(file)))
            self.notice.say(words, home_short(file.parent), "ok", action=show)

        title = tr("Saving “{what}”").format(what=file.name)
        self.studio.do(title, work, done=done, failed=self.notice.show_error, owner=self)

    def restore_as(self, commit: Commit, paths: tuple[str, ...], target: Path) -> None:
        """Write ``paths`` (all when empty) as they were at ``commit`` below ``target``."""
        session = self.studio.session
        if session is None:
            return

        def work(progress: Progress, cancel: CancelToken) -> RestoreReport:
            from kronkers_studio.workflows.browsing import restore

            return restore(session, commit.project, commit.id, target, paths, progress=progress, cancel=cancel)

        what = paths[0].rsplit("/", 1)[-1] if paths else commit.project
        title = tr("Restoring “{what}”").format(what=what)
        self.studio.do(title, work, done=self._restored, failed=self.notice.show_error, owner=self)
        self.notice.say(tr("Restoring “{what}” …").format(what=what), home_short(target))

    def _paths(self) -> list[str]:
        """What is chosen, and the folder it is in."""
        chosen = self.browser.chosen
        return list(dict.fromkeys(path for path in (chosen.path if chosen else "", self._path) if path))

    # Branches and tags

    def ask_name(self) -> None:
        """Ask for a branch or a tag at the chosen version."""
        from kronkers_studio.desktop.dialogs.name_version import NameVersionDialog

        if self._row is not None:
            NameVersionDialog(self.window(), self.studio, self._row.commit).open()

    def ask_merge(self) -> None:
        """Ask which branches to merge."""
        from kronkers_studio.desktop.dialogs.merge import MergeDialog

        source = next(iter(self._row.branches), "") if self._row is not None else ""
        MergeDialog(self.window(), self.studio, self._project, self._branches(), source).open()

    # Finding and removing

    def ask_find(self) -> None:
        """Find a file, a model or a project."""
        from kronkers_studio.desktop.dialogs.search import SearchDialog

        SearchDialog(self.window(), self.studio).open()

    def _more(self) -> list[Action]:
        own = [open_in(self._project), remove_content()] if self._project else []
        return [make_project(), check_for_damage(), *own, open_trash()]

    def ask_remove(self) -> None:
        """Ask what is to go to the trash."""
        from kronkers_studio.desktop.dialogs.remove import RemoveDialog

        if self._project:
            branch = next(iter(self._row.branches), "") if self._row is not None else ""
            RemoveDialog(
                self.window(), self.studio, self._project, self._branches(), self._removed, branch=branch
            ).open()

    def ask_trash(self) -> None:
        """Show what was removed."""
        from kronkers_studio.desktop.dialogs.trash import TrashDialog

        TrashDialog(self.window(), self.studio, self._brought_back).open()

    def _removed(self, item: TrashItem) -> None:
        from kronkers_studio.desktop.dialogs.trash import bring_back, removed_words

        def undo() -> None:
            failed = self.notice.show_error
            bring_back(self.studio, item, done=self._brought_back, failed=failed, owner=self)

        words = tr("{what} is in the trash.").format(what=removed_words(item))
        self.notice.say(words, tr("Nothing of it is lost: it can be brought back."), action=(tr("Undo"), undo))

    def _brought_back(self, item: TrashItem) -> None:
        from kronkers_studio.desktop.dialogs.trash import removed_words

        if item.kind is not TrashKind.MODEL:
            self._wanted_project, self._wanted_branch = item.owner, item.name
        self.notice.say(tr("{what} is back.").format(what=removed_words(item)), tone="ok")

    def _branches(self) -> list[str]:
        return [branch.name for branch in self._timeline.branches] if self._timeline is not None else []

    def _restored(self, report: RestoreReport) -> None:
        files = counted(report.files, tr("{n} file was restored"), tr("{n} files were restored"))
        tone: Tone = "warn" if report.skipped else "ok"
        skipped = (
            counted(len(report.skipped), tr("{n} was left out."), tr("{n} were left out.")) if report.skipped else ""
        )
        self.notice.say(
            tr("{files} and verified, {size}.").format(files=files, size=file_size(report.size)),
            f"{home_short(report.target)} {skipped}".strip(),
            tone,
        )

    def check(self) -> None:
        """Read everything in the workspace and verify it."""
        session = self.studio.session
        if session is None:
            return

        def work(progress: Progress, cancel: CancelToken) -> CheckReport:
            from kronkers_studio.workflows.browsing import check_workspace

            return check_workspace(session, read_data=True, progress=progress, cancel=cancel)

        title = tr("Checking the workspace")
        self.studio.do(title, work, done=self._checked, failed=self.notice.show_error, owner=self, resource="content")
        self.notice.say(tr("Checking the workspace …"), tr("Every stored byte is read and verified."))

    def _checked(self, report: CheckReport) -> None:
        say_checked(self.notice, report, self.studio.rebuild_wanted.emit)

    # Views

    def _empty(self) -> QWidget:
        return EmptyState(
            "registry",
            tr("Nothing was brought in yet"),
            tr("Each time you bring a folder in, its state is kept here, and you can go back to any of them."),
            tr("Bring in a folder"),
            lambda: self.studio.go.emit(ChooseFolder()),
        )

    def _full(self) -> QWidget:
        history = _HistoryCard(self.name_button)
        history.add_to_head(self.merge_button, self.name_button)
        history.body.addWidget(self.history, 1)
        content = self._version
        content.add_to_head(self.sides)
        for card in (history, content):
            card.head.addStrut(CONTROL_HEIGHT)  # so that both begin at the same height
        content.body.addWidget(self.side_views, 1)
        self.changes_panel.room_wanted.connect(lambda wanted: history.setVisible(not wanted))
        self.sides.chosen.connect(
            lambda key: history.setVisible(key != "changes" or self.changes_panel.views.shown != "file")
        )
        history.setMinimumWidth(_NARROWEST_HISTORY)
        content.setMinimumWidth(_NARROWEST_CONTENT)
        self.split = Split(history, content, tr("Width of the history"), share=self._share)
        return self.split


class _HistoryCard(Card):
    """Where there is no room for all words, those of the naming button are fewer."""

    def __init__(self, name_button: OfferButton) -> None:
        super().__init__(tr("History"))
        self._name_button = name_button

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        words = self._name_button.action.words if self.width() >= _ALL_WORDS else tr("Name …")
        if self._name_button.text() != words:
            self._name_button.setText(words)


def _projects(session: Session) -> list[Project]:
    from kronkers_studio.workflows.browsing import list_projects

    return list_projects(session)


def _project_words(project: Project) -> str:
    if project.head is None:
        return tr("Nothing is in this project yet.")
    files = counted(project.head.files, tr("{n} file"), tr("{n} files"))
    words = tr("{files}, {size}, last brought in {time} by {author}").format(
        files=files, size=file_size(project.head.size), time=moment(project.head.created), author=project.head.author
    )
    return f"{words} · {_shortened(home_short(project.source))}" if project.source else words


def _shortened(path: str) -> str:
    """A long path without its middle."""
    half = _PATH // 2
    return path if len(path) <= _PATH else f"{path[:half]}…{path[-half:]}"
