"""Bring a folder in: choose it, see what was found, start, see what came of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from kronkers_studio.desktop.pages.page import Page, Views
from kronkers_studio.desktop.panels.folder_choice import FolderChoice
from kronkers_studio.desktop.panels.outcome import OutcomePanel
from kronkers_studio.desktop.panels.plan import PlanPanel
from kronkers_studio.desktop.panels.working import WorkingPanel
from kronkers_studio.desktop.studio import State, Studio
from kronkers_studio.desktop.text import date_time, home_short, tr
from kronkers_studio.desktop.widgets.buttons import Button
from kronkers_studio.domain.content import Project
from kronkers_studio.domain.errors import Cancelled, StudioError
from kronkers_studio.domain.migration import MigrationPlan, MigrationResult
from kronkers_studio.domain.progress import CancelToken, Progress

if TYPE_CHECKING:
    from kronkers_studio.workflows.session import Session


class MigratePage(Page):
    """Views: "choose", "working", "plan", "outcome"."""

    key = "migrate"
    changes = ("content",)

    def __init__(self, studio: Studio) -> None:
        super().__init__(studio, tr("Bring in a folder"))
        self._plan: MigrationPlan | None = None
        self._folder: Path | None = None
        self.back_button = Button(tr("Back"), self.choose)
        self.again_button = Button(tr("Bring in another folder"), self.choose)
        self.start_button = Button(tr("Start"), self.start, kind="primary", icon="play")
        self.models_button = Button(tr("See the models in it"), self._see_models, kind="primary", icon="models")
        for button in (self.back_button, self.again_button, self.start_button, self.models_button):
            self.header.add_action(button)
        self.choice = FolderChoice(studio)
        self.choice.chosen.connect(self.look_at)
        self.working = WorkingPanel()
        self.views = Views(
            {
                "choose": lambda: self.choice,
                "working": lambda: self.working,
                "plan": PlanPanel,
                "outcome": OutcomePanel,
            }
        )
        self.content.addWidget(self.views, 1)
        self.choose()

    def refresh(self) -> None:
        self.choice.look_around()
        self.studio.read(_projects, self._offer_again, owner=self)

    def state(self) -> State:
        return {"folder": str(self._folder) if self._folder else ""}

    def restore(self, state: State) -> None:
        if state.get("choose"):
            self.choose()
        elif state.get("look_at"):
            self.look_at(Path(state["look_at"]))

    # Steps

    def choose(self) -> None:
        """Ask for the folder."""
        self._show("choose", tr("Bring in a folder"), tr("The folder is only read. Your OneDrive stays as it is."))

    def look_at(self, folder: Path) -> None:
        """Look through ``folder`` and show what is in it; nothing is copied."""
        session = self.studio.session
        if session is None:
            return
        self._folder = folder

        def work(progress: Progress, cancel: CancelToken) -> MigrationPlan:
            from kronkers_studio.workflows.migrating import plan_migration

            return plan_migration(session, folder, progress=progress, cancel=cancel)

        title = tr("Looking through “{folder}”").format(folder=folder.name)
        task = self.studio.do(title, work, done=self.show_plan, failed=self._failed, owner=self)
        self._show("working", title, home_short(folder))
        self.working.watch(task, tr("Nothing is copied yet."))

    def show_plan(self, plan: MigrationPlan) -> None:
        """Show what was found; Start brings it in."""
        self._plan = plan
        self._folder = Path(plan.folder)
        self.panel.show_plan(plan)
        self._show(
            "plan",
            tr("Bring in “{project}”").format(project=plan.project),
            tr("Nothing is copied yet. Your OneDrive stays exactly as it is."),
        )
        self.start_button.setEnabled(bool(plan.kept))
        if not plan.kept:
            self.notice.say(tr("There is nothing in this folder that can be kept."), tr("Choose another one."), "warn")

    def start(self) -> None:
        """Bring in what the plan shows."""
        plan, session = self._plan, self.studio.session
        if plan is None or session is None:
            return

        def work(progress: Progress, cancel: CancelToken) -> MigrationResult:
            from kronkers_studio.workflows.migrating import migrate_folder

            return migrate_folder(session, Path(plan.folder), plan.project, progress=progress, cancel=cancel)

        title = tr("Migrating “{project}”").format(project=plan.project)
        task = self.studio.do(
            title,
            work,
            changes=("content",),
            done=self.show_result,
            failed=self._failed,
            owner=self,
            resource="content",
        )
        self._show("working", title, tr("You can go on working meanwhile."))
        self.working.watch(task, tr("Stopping keeps what is done so far; the next run goes on from there."))

    def show_result(self, result: MigrationResult) -> None:
        """Show what came of it."""
        self.outcome.show_result(result)
        sentence = tr("As of {time}. The folder itself was not touched.").format(time=date_time(result.commit.created))
        self._show("outcome", tr("“{project}” is in").format(project=result.project), sentence)

    def _failed(self, error: StudioError) -> None:
        if self._plan is not None and not isinstance(error, Cancelled):
            self.show_plan(self._plan)
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
        self.models_button.setVisible(view == "outcome")

    @property
    def panel(self) -> PlanPanel:
        panel = self.views.view("plan")
        assert isinstance(panel, PlanPanel)  # noqa: S101 — made so above
        return panel

    @property
    def outcome(self) -> OutcomePanel:
        outcome = self.views.view("outcome")
        assert isinstance(outcome, OutcomePanel)  # noqa: S101 — made so above
        return outcome

    def _offer_again(self, projects: list[Project]) -> None:
        self.choice.offer_again([(project.name, Path(project.source)) for project in projects if project.source])

    def _see_models(self) -> None:
        self.studio.go.emit("models", {})


def _projects(session: Session) -> list[Project]:
    from kronkers_studio.workflows.browsing import list_projects

    return list_projects(session)
