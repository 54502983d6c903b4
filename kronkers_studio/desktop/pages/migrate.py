"""Bring a folder in: choose it, see what was found, start, see what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QVBoxLayout, QWidget

from kronkers_studio.desktop.destinations import (
    ChooseFolder,
    Destination,
    ForgetFolder,
    LookThroughFolder,
    ShowContent,
    ToPage,
    TrySample,
    WatchProject,
)
from kronkers_studio.desktop.localization import date_time, home_short, tr
from kronkers_studio.desktop.look.tokens import GAP
from kronkers_studio.desktop.pages.page import Page
from kronkers_studio.desktop.panels.folder_choice import FolderChoice, sample_folder
from kronkers_studio.desktop.panels.outcome import OutcomePanel
from kronkers_studio.desktop.panels.plan import PlanPanel
from kronkers_studio.desktop.panels.progress import WorkingPanel
from kronkers_studio.desktop.panels.watched_folders import BroughtInCard
from kronkers_studio.desktop.widgets.buttons import Button
from kronkers_studio.desktop.widgets.views import Views
from kronkers_studio.desktop.work.folder_watches import Watchers
from kronkers_studio.desktop.work.studio import State, Studio
from kronkers_studio.domain.content import DEFAULT_BRANCH
from kronkers_studio.domain.differences import TreeDifference
from kronkers_studio.domain.errors import Cancelled, StudioError
from kronkers_studio.domain.migration import MigrationOptions, MigrationPlan, MigrationResult
from kronkers_studio.domain.progress import CancelToken, Progress
from kronkers_studio.workflows.replace_branch import bring_in

if TYPE_CHECKING:
    from kronkers_studio.desktop.plan_rows import PreparedPlan
    from kronkers_studio.workflows.session import Session
    from kronkers_studio.workflows.watching import BroughtIn


class MigratePage(Page):
    """Views: "choose", "working", "plan", "outcome"."""

    key = "migrate"
    widest = 0
    changes = ("content",)

    def __init__(self, studio: Studio) -> None:
        super().__init__(studio, tr("Bring in a folder"))
        self._remembered: MigrationOptions | None = None  # how the folder was brought in the last time
        self._folder: Path | None = None
        self._project = ""
        self._wish: Destination | None = None
        self.back_button = Button(tr("Back"), self.choose)
        self.again_button = Button(tr("Bring in another folder"), self.choose)
        self.start_button = Button(tr("Start"), self.start, kind="primary", icon="play")
        self.watch_button = Button(tr("Watch this folder"), self.watch, icon="refresh")
        self.models_button = Button(tr("See the models in it"), self._see_models, kind="primary", icon="models")
        buttons = (self.back_button, self.again_button, self.watch_button, self.start_button, self.models_button)
        for button in buttons:
            self.header.add_action(button)
        self.choice = FolderChoice(studio)
        self.choice.chosen.connect(self.look_at)
        self.before = BroughtInCard(studio)
        self.before.look_wanted.connect(self.look_at)
        self.before.wanted.connect(self.do)
        self.before.forget_wanted.connect(self.ask_forget)
        self.before.setVisible(False)
        self.working = WorkingPanel()
        self.views = Views(
            {
                "choose": self._choose_view,
                "working": lambda: self.working,
                "plan": self._make_panel,
                "outcome": self._make_outcome,
            }
        )
        self.content.addWidget(self.views, 1)
        self.choose()

    def refresh(self) -> None:
        self.choice.look_around()
        self.studio.read(_brought_in, self._show_before, owner=self)

    def state(self) -> State:
        return {"folder": str(self._folder) if self._folder else ""}

    def visit(self, destination: Destination) -> None:
        match destination:
            case ChooseFolder():
                self.choose()
            case LookThroughFolder(folder, project):
                self.look_at(folder, project)
            case TrySample():
                self.look_at(sample_folder())
            case WatchProject() | ForgetFolder():
                self.choose()
                self._wish = destination
                self.become_stale()

    def _follow_wish(self) -> None:
        """What another page asked for, once it is known what was brought in."""
        wish, self._wish = self._wish, None
        match wish:
            case WatchProject(project):
                self.before.toggle_watching(project)
            case ForgetFolder(project) if project in self.before.rows:
                self.ask_forget(project, self.before.rows[project].folders)

    # Steps

    def choose(self) -> None:
        """Ask for the folder."""
        self._show("choose", tr("Bring in a folder"), tr("The folder is only read. Your OneDrive stays as it is."))

    def look_at(self, folder: Path, project: str = "", options: MigrationOptions | None = None) -> None:
        """Look through ``folder`` and show what is in it; nothing is copied.

        ``project`` is the folder's name unless another is given; ``options`` are those of the last time.
        """
        session = self.studio.session
        if session is None:
            return
        self._folder, self._project = folder, project
        if options is None:
            self._remembered = None

        def work(progress: Progress, cancel: CancelToken) -> PreparedPlan:
            from kronkers_studio.desktop.plan_rows import prepare
            from kronkers_studio.workflows.migrating import plan_migration

            return prepare(plan_migration(session, folder, project, options=options, progress=progress, cancel=cancel))

        title = tr("Looking through “{folder}”").format(folder=folder.name)
        task = self.studio.do(title, work, done=self.show_plan, failed=self._failed, owner=self)
        self._show("working", title, home_short(folder))
        self.working.watch(task, tr("Nothing is copied yet."))
        QTimer.singleShot(0, self, self.make_ready)

    def show_plan(self, prepared: PreparedPlan) -> None:
        """Show what was found; Start brings it in."""
        plan = prepared.plan
        self._folder, self._project = Path(plan.folder), plan.project
        self._remembered = self._remembered or plan.options
        self.panel.show_plan(prepared)
        self._show_plan()

    def _show_plan(self) -> None:
        plan = self._plan
        if plan is None:
            return
        self._show(
            "plan",
            tr("Bring in “{project}”").format(project=plan.project),
            tr("Nothing is copied yet. Your OneDrive stays exactly as it is."),
        )
        self._offer_start()

    def _offer_start(self) -> None:
        shown = self.panel.prepared
        kept = bool(shown and shown.figures.kept)
        self.start_button.setEnabled(kept)
        if not kept:
            self.notice.say(tr("There is nothing in this folder that can be kept."), tr("Choose another one."), "warn")

    def ask_rules(self) -> None:
        """Ask for the include and exclude rules; then look through the folder with them."""
        from kronkers_studio.desktop.dialogs.rules import RulesDialog

        plan = self._plan
        if plan is not None:
            folder, project = Path(plan.folder), plan.project
            RulesDialog(self.window(), self.studio, plan, lambda options: self.look_at(folder, project, options)).open()

    def start(self) -> None:
        """Bring in what the plan shows."""
        plan, session = self._plan, self.studio.session
        if plan is None or session is None:
            return
        options = plan.options if plan.options != self._remembered else None

        keep_both = self.panel.choices.keep_both

        def work(progress: Progress, cancel: CancelToken) -> tuple[MigrationResult, TreeDifference | None]:
            from kronkers_studio.workflows.migrating import changes_of

            result = bring_in(session, plan, options, keep_both=keep_both, progress=progress, cancel=cancel)
            progress.step(tr("Comparing with the last version"))
            return result, changes_of(session, result)

        title = tr("Bringing in “{project}”").format(project=plan.project)
        task = self.studio.do(
            title,
            work,
            changes=("content",),
            done=lambda answer: self.show_result(*answer),
            failed=self._failed,
            owner=self,
            resource="content",
        )
        self._show("working", title, tr("You can go on working meanwhile."))
        self.working.watch(task, tr("Stopping keeps what is done so far; the next run goes on from there."))

    def watch(self) -> None:
        """Keep what was just brought in in sync with its folder, and show how it stands."""
        if self._folder is not None:
            Watchers.of(self.studio).start(self._project, [self._folder])
        self.choose()

    def ask_forget(self, project: str, folders: Sequence[Path]) -> None:
        """Ask which of the project's folders is to be brought in no more."""
        from kronkers_studio.desktop.dialogs.forget_folder import ForgetFolderDialog

        def forgotten(folder: Path) -> None:
            words = tr("“{folder}” is no longer brought into “{project}”.").format(folder=folder.name, project=project)
            self.notice.say(words, tr("Its versions stay. Bring the folder in again to have it back here."), "ok")

        ForgetFolderDialog(self.window(), self.studio, project, folders, forgotten).open()

    def show_result(self, result: MigrationResult, changes: TreeDifference | None = None) -> None:
        """Show what came of it, with the ``changes`` to the version before."""
        self.outcome.show_result(result, changes, self._folder)
        sentence = tr("As of {time}. The folder itself was not touched.").format(time=date_time(result.commit.created))
        self._show("outcome", tr("“{project}” is in").format(project=result.project), sentence)
        if result.branch != DEFAULT_BRANCH:
            self.watch_button.setVisible(False)  # it is the default branch that is kept in sync
            there = ShowContent(result.project, branch=result.branch)
            merge = (tr("Go to Files & history"), lambda: self.studio.go.emit(there))
            words = tr("It is in the copy “{branch}”, and nothing that came from elsewhere was lost.")
            self.notice.say(
                words.format(branch=result.branch), tr("Combine them under Files & history to have both."), action=merge
            )

    def _failed(self, error: StudioError) -> None:
        if self._plan is not None and not isinstance(error, Cancelled):
            self._show_plan()
        else:
            self.choose()
        if isinstance(error, Cancelled):
            self.notice.say(error.message, error.next_step)
        else:
            self.notice.show_error(error)

    # Views

    def _show(self, view: str, title: str, sentence: str) -> None:
        self.notice.clear()
        self.header.set_title(title)
        self.header.set_sentence(sentence)
        self.views.show_view(view)
        self.back_button.setVisible(view == "plan")
        self.start_button.setVisible(view == "plan")
        self.again_button.setVisible(view == "outcome")
        self.watch_button.setVisible(view == "outcome" and not self._is_watched())
        self.models_button.setVisible(view == "outcome")

    def _is_watched(self) -> bool:
        watching = Watchers.of(self.studio).watching(self._project)
        return watching is not None and watching.running

    @property
    def _plan(self) -> MigrationPlan | None:
        """The plan with the choices made; None before the first."""
        return self.panel.plan if "plan" in self.views.made else None

    def make_ready(self) -> None:
        """Make what will show the plan while it is still being made."""
        self.views.view("plan")

    def _make_panel(self) -> PlanPanel:
        panel = PlanPanel(self.studio)
        panel.rules_wanted.connect(self.ask_rules)
        panel.wanted.connect(self.do)
        panel.changed.connect(self._offer_start)
        return panel

    @property
    def panel(self) -> PlanPanel:
        panel = self.views.view("plan")
        assert isinstance(panel, PlanPanel)  # noqa: S101 — made so above
        return panel

    def _make_outcome(self) -> OutcomePanel:
        panel = OutcomePanel(self.studio)
        panel.wanted.connect(self.do)
        return panel

    @property
    def outcome(self) -> OutcomePanel:
        outcome = self.views.view("outcome")
        assert isinstance(outcome, OutcomePanel)  # noqa: S101 — made so above
        return outcome

    def _show_before(self, projects: list[BroughtIn]) -> None:
        self.before.show_projects(projects)
        self.before.setVisible(bool(projects))
        self.choice.leave_out(folder for project in projects for folder in project.folders)
        self._follow_wish()

    def _choose_view(self) -> QWidget:
        view = QWidget()
        column = QVBoxLayout(view)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(GAP)
        column.addWidget(self.choice, 2)
        column.addWidget(self.before, 3)
        return view

    def _see_models(self) -> None:
        self.studio.go.emit(ToPage("models"))


def _brought_in(session: Session) -> list[BroughtIn]:
    from kronkers_studio.workflows.watching import brought_in

    return brought_in(session)
