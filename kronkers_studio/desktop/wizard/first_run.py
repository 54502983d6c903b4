"""The guided way: choose a folder, protect the workspace, see what was found, bring it in, put its model live."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from kronkers_studio.desktop.destinations import Destination, SendRows, ToPage, WatchService
from kronkers_studio.desktop.localization import home_short, tr
from kronkers_studio.desktop.look.tokens import GAP, MARGIN_X, MARGIN_Y, WIDEST
from kronkers_studio.desktop.panels.folder_choice import FolderChoice
from kronkers_studio.desktop.panels.outcome import OutcomePanel
from kronkers_studio.desktop.panels.plan import PlanPanel
from kronkers_studio.desktop.panels.progress import WorkingPanel
from kronkers_studio.desktop.widgets.buttons import Button
from kronkers_studio.desktop.widgets.header import PageHeader
from kronkers_studio.desktop.widgets.keyboard import press_primary
from kronkers_studio.desktop.widgets.states import Notice
from kronkers_studio.desktop.widgets.views import Views
from kronkers_studio.desktop.wizard.protect import Choice, ProtectStep, RecoveryStep
from kronkers_studio.desktop.wizard.put_live import PutLiveStep
from kronkers_studio.desktop.wizard.steps import Way
from kronkers_studio.desktop.work.studio import Studio
from kronkers_studio.domain.errors import Cancelled, StudioError
from kronkers_studio.domain.migration import MigrationOptions, MigrationPlan, MigrationResult
from kronkers_studio.domain.progress import CancelToken, Progress
from kronkers_studio.domain.releases import Release
from kronkers_studio.settings.secrets import Secret
from kronkers_studio.workflows.replace_branch import bring_in

if TYPE_CHECKING:
    from kronkers_studio.desktop.plan_rows import PreparedPlan
    from kronkers_studio.workflows.session import Session

_TABLES = ("plan", "outcome")


class FirstRunWizard(QWidget):
    """Steps: folder, protect, recovery, plan, working, outcome, live. ``left`` carries where to go then, or None."""

    left = Signal(object)

    def __init__(self, studio: Studio, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.studio = studio
        self.setProperty("page", True)
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setAccessibleName(tr("The guide"))
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self._folder: Path | None = None
        self._made: tuple[Session, Secret] | None = None
        self._plan: MigrationPlan | None = None
        self._release: Release | None = None
        self._build()
        self.show_step("folder")
        self.folder_step.look_around()

    @property
    def step(self) -> str:
        """The step in view."""
        return self.views.shown

    # Folder, protection

    def choose(self, folder: Path) -> None:
        """``folder`` is to be brought in; a workspace is made first when there is none."""
        self._folder = folder
        if self.studio.session is not None:
            self._look_inside()
            return
        self.show_step("protect")
        self.protect_step.look_for_keyring()

    def _make_workspace(self, choice: Choice) -> None:
        def work(_progress: Progress, _cancel: CancelToken) -> tuple[Session, Secret]:
            from kronkers_studio.workflows.session import create_workspace

            return create_workspace(choice.directory, passphrase=choice.passphrase, keyring=choice.keyring)

        def done(made: tuple[Session, Secret]) -> None:
            self._made = made
            self._remember(choice.directory)
            self.recovery_step.show_key(made[1])
            self.show_step("recovery")

        def failed(error: StudioError) -> None:
            self.next_button.setEnabled(True)
            self.notice.show_error(error)

        self.next_button.setEnabled(False)
        title = tr("Making your workspace")
        self.studio.runner.run(title, work, done=done, failed=failed, owner=self, cancellable=False)

    def _remember(self, directory: Path) -> None:
        from kronkers_studio.settings.configuration import change_settings

        if directory != self.studio.settings.workspace:
            self.studio.reload_settings(change_settings(workspace=directory))

    def _use_workspace(self) -> None:
        """The recovery key was stored: it is forgotten here, and the workspace opens."""
        if self._made is not None:
            session, _ = self._made
            self._made = None
            self.recovery_step.forget()
            self.studio.use(session)
        self._look_inside()

    # Looking, bringing in

    def _look_inside(self, options: MigrationOptions | None = None) -> None:
        session, folder = self.studio.session, self._folder
        if session is None or folder is None:
            return

        def work(progress: Progress, cancel: CancelToken) -> PreparedPlan:
            from kronkers_studio.desktop.plan_rows import prepare
            from kronkers_studio.workflows.migrating import plan_migration

            return prepare(plan_migration(session, folder, options=options, progress=progress, cancel=cancel))

        title = tr("Looking through “{folder}”").format(folder=folder.name)
        task = self.studio.do(title, work, done=self.show_plan, failed=self._back_to_folder, owner=self)
        self.working.watch(task, tr("Nothing is copied yet."))
        self.show_step("working")

    def show_plan(self, prepared: PreparedPlan) -> None:
        """Show what was found."""
        self._panel.show_plan(prepared)
        self.show_step("plan")
        self._offer_bring_in()

    def _offer_bring_in(self) -> None:
        shown = self._panel.prepared
        self._plan = self._panel.plan
        self.next_button.setEnabled(bool(shown and shown.figures.kept))

    def _ask_rules(self) -> None:
        from kronkers_studio.desktop.dialogs.rules import RulesDialog

        plan = self._panel.plan
        if plan is not None:
            RulesDialog(self.window(), self.studio, plan, self._look_inside).open()

    def _bring_in(self) -> None:
        session, plan = self.studio.session, self._panel.plan
        if session is None or plan is None:
            return

        keep_both = self._panel.choices.keep_both

        def work(progress: Progress, cancel: CancelToken) -> MigrationResult:
            return bring_in(session, plan, plan.options, keep_both=keep_both, progress=progress, cancel=cancel)

        def failed(error: StudioError) -> None:
            self.show_step("plan")
            self._say(error)

        task = self.studio.do(
            tr("Bringing in “{project}”").format(project=plan.project),
            work,
            changes=("content",),
            done=self.show_result,
            failed=failed,
            owner=self,
            resource="content",
        )
        self.working.watch(task, tr("Your OneDrive is only read. Stopping keeps what is done so far."))
        self.show_step("working")

    def show_result(self, result: MigrationResult) -> None:
        """Show what came of it, and look for models meanwhile."""
        panel = self.views.view("outcome")
        if isinstance(panel, OutcomePanel):
            panel.show_result(result)
        self.show_step("outcome")
        self.live_step.look_for_models(result.project)

    # Putting live

    def _models_known(self, any_model: bool) -> None:
        self._any_model = any_model
        if self.step == "live":
            self.show_step("live")

    def _put_live(self) -> None:
        self.next_button.setEnabled(False)
        self.back_button.setVisible(False)
        self.skip_button.setVisible(False)
        self.cancel_button.setVisible(True)
        self.cancel_button.setEnabled(True)
        self.live_step.go()

    def _cancel_put_live(self) -> None:
        self.cancel_button.setEnabled(False)
        self.live_step.cancel()

    def _is_live(self, release: Release) -> None:
        self._release = release
        self.next_button.setEnabled(True)
        self.next_button.setText(tr("Open the charts"))
        words = tr("{model} is live on this computer.").format(model=release.model)
        self.live_step.notice.say(words, tr("Its charts move as soon as somebody sends it rows."), "ok")
        self.header.set_title(tr("{model} is live").format(model=release.model))
        self.header.set_sentence(tr("It answers on this computer from now on, also when this window is closed."))
        self._way.show_step("live", finished=True)
        self.cancel_button.setVisible(False)
        self.rows_button.setVisible(True)
        self.skip_button.setVisible(False)
        self.back_button.setVisible(False)

    def _live_failed(self) -> None:
        self.next_button.setEnabled(True)
        self.next_button.setText(tr("Try again"))
        self.back_button.setVisible(True)
        self.skip_button.setVisible(True)
        self.cancel_button.setVisible(False)

    # Moving

    def go_on(self) -> None:
        """The primary button."""
        if self.step == "protect":
            choice = self.protect_step.choice()
            if choice is not None:
                self._make_workspace(choice)
        elif self.step == "recovery":
            self._use_workspace()
        elif self.step == "plan":
            self._bring_in()
        elif self.step == "outcome":
            self.show_step("live")
        elif self.step == "live":
            self._finish_or_put_live()

    def next_wanted(self) -> None:
        """Enter: as the primary button, when that can be pressed."""
        if self.next_button.isVisible() and self.next_button.isEnabled():
            self.go_on()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._keep_readable()

    def _keep_readable(self) -> None:
        """Forms and cards are no wider than on pages; tables use all the room."""
        spare = self.width() - self._way.width() - 2 * MARGIN_X - WIDEST
        spare = 0 if self.step in _TABLES else max(0, spare)
        self._work.setContentsMargins(MARGIN_X, MARGIN_Y, MARGIN_X + spare, 16)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if not press_primary(self, event):
            super().keyPressEvent(event)

    def go_back(self) -> None:
        before = {"protect": "folder", "plan": "folder", "outcome": "folder", "live": "outcome"}
        if self.step in before:
            self.show_step(before[self.step])

    def leave(self) -> None:
        """Skip the rest; it can be run again from Home and Settings."""
        self._finish(None)

    def _finish_or_put_live(self) -> None:
        if self._release is not None:
            self._finish(WatchService(self._release.model, self._release.place))
        elif self._any_model:
            self._put_live()
        else:
            self._finish(ToPage("home"))

    def _send_rows(self) -> None:
        if self._release is not None:
            self._finish(SendRows(self._release.model, self._release.place))

    def _finish(self, destination: Destination | None) -> None:
        from kronkers_studio.settings.configuration import change_settings

        if self._made is not None:  # skipped before the recovery key was ticked: the workspace exists all the same
            session, _ = self._made
            self._made = None
            self.studio.use(session)
        self.studio.reload_settings(change_settings(first_run_done=True))
        self.left.emit(destination)

    def _back_to_folder(self, error: StudioError) -> None:
        self.show_step("folder")
        self._say(error)

    def _say(self, error: StudioError) -> None:
        if isinstance(error, Cancelled):
            self.notice.say(error.message, error.next_step)
        else:
            self.notice.show_error(error)

    def show_step(self, step: str) -> None:
        """Show that step as it is now."""
        title, sentence, action = self._words(step)
        self.notice.clear()
        self.views.show_view(step)
        self.header.set_title(title)
        self.header.set_sentence(sentence)
        self.next_button.setVisible(bool(action))
        self.next_button.setText(action)
        self.next_button.setEnabled(step != "recovery")
        self.back_button.setVisible(step in ("protect", "plan", "live"))
        self.back_button.setEnabled(True)
        self.rows_button.setVisible(False)
        self.cancel_button.setVisible(False)
        self.skip_button.setVisible(step not in ("working", "recovery"))
        self._mark_steps(step)
        self._keep_readable()
        self.take_focus()

    def take_focus(self) -> None:
        """Put the keyboard where the step goes on."""
        step = self.step
        if step == "folder":
            self.folder_step.drop.button.setFocus()
        elif step == "protect":
            self.protect_step.passphrase.setFocus()
        elif self.next_button.isVisible() and self.next_button.isEnabled():
            self.next_button.setFocus()
        elif step == "recovery":
            self.recovery_step.copy_button.setFocus()
        else:
            self.setFocus()

    def _words(self, step: str) -> tuple[str, str, str]:
        folder = self._folder.name if self._folder else ""
        words = {
            "folder": (
                tr("Which folder do you want to bring in?"),
                tr("It is only read: your OneDrive stays exactly as it is."),
                "",
            ),
            "protect": (
                tr("Protect your workspace"),
                tr("Everything you bring in is encrypted. Choose what opens it again."),
                tr("Make the workspace"),
            ),
            "recovery": (
                tr("Keep this safe"),
                tr("Your workspace is ready in {folder}.").format(folder=home_short(self.studio.settings.workspace)),
                tr("Continue"),
            ),
            "working": (folder, home_short(self._folder) if self._folder else "", ""),
            "plan": (
                tr("What is in “{folder}”").format(folder=folder),
                tr("Nothing is copied yet. Your OneDrive stays exactly as it is."),
                tr("Bring it in"),
            ),
            "outcome": (
                tr("“{folder}” is in").format(folder=folder),
                tr("Every file is kept in this state, encrypted, and can be had back at any time."),
                tr("Continue"),
            ),
            "live": (
                tr("Put its model live"),
                tr("Registered, packaged and started on this computer, without Docker and without a server."),
                tr("Put it live") if self._any_model else tr("Finish"),
            ),
        }
        return words[step]

    # Building

    def _build(self) -> None:
        self._any_model = True
        self.folder_step = FolderChoice(self.studio)
        self.folder_step.chosen.connect(self.choose)
        self.folder_step.drop.button.set_kind("primary")
        self.protect_step = ProtectStep(self.studio)
        self.protect_step.submitted.connect(self.next_wanted)
        self.recovery_step = RecoveryStep()
        self.working = WorkingPanel()
        self._panel = PlanPanel(self.studio)
        self._panel.rules_wanted.connect(self._ask_rules)
        self._panel.changed.connect(self._offer_bring_in)
        self.live_step = PutLiveStep(self.studio)
        self.live_step.looked.connect(self._models_known)
        self.live_step.live.connect(self._is_live)
        self.live_step.failed.connect(self._live_failed)
        self.views = Views(
            {
                "folder": lambda: self.folder_step,
                "protect": lambda: self.protect_step,
                "recovery": lambda: self.recovery_step,
                "working": lambda: self.working,
                "plan": lambda: self._panel,
                "outcome": lambda: OutcomePanel(self.studio, leads_on=False),
                "live": lambda: self.live_step,
            }
        )
        whole = QHBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(0)
        self._way = Way()
        whole.addWidget(self._way)
        work = self._work = QVBoxLayout()
        work.setContentsMargins(MARGIN_X, MARGIN_Y, MARGIN_X, 16)
        work.setSpacing(GAP)
        self.header = PageHeader("")
        self.notice = Notice()
        work.addWidget(self.header)
        work.addWidget(self.views, 1)
        work.addWidget(self.notice)  # below, so that nothing moves under the mouse when it speaks
        work.addLayout(self._build_buttons())
        whole.addLayout(work, 1)
        self.recovery_step.stored.connect(self.next_button.setEnabled)

    def _build_buttons(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(8)
        self.skip_button = Button(tr("Skip the guide"), self.leave, kind="quiet")
        self.cancel_button = Button(tr("Cancel"), self._cancel_put_live)
        self.back_button = Button(tr("Back"), self.go_back)
        self.rows_button = Button(tr("Send it rows"), self._send_rows, icon="send")
        self.next_button = Button("", self.go_on, kind="primary", name=tr("Go on"))
        row.addWidget(self.skip_button)
        row.addStretch(1)
        for button in (self.cancel_button, self.back_button, self.rows_button, self.next_button):
            row.addWidget(button)
        return row

    def _mark_steps(self, step: str) -> None:
        if step == "working":
            step = "outcome" if self._plan is not None else "plan"
        self._way.show_step(step)
