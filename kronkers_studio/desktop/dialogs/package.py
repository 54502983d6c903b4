"""From a model version to its package: what was found, the libraries to correct, where to; then building it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QVBoxLayout, QWidget

from kronkers_studio.desktop.actions import CopyText, ShowInFileManager
from kronkers_studio.desktop.destinations import AllowCode, PutLive
from kronkers_studio.desktop.dialogs.allow_code import AllowCodeDialog
from kronkers_studio.desktop.dialogs.check_package import CheckPackageDialog
from kronkers_studio.desktop.dialogs.image_registry import way_to_registry
from kronkers_studio.desktop.dialogs.libraries import LibrariesDialog
from kronkers_studio.desktop.dialogs.state_signature import StateSignatureDialog
from kronkers_studio.desktop.localization import tr
from kronkers_studio.desktop.panels.language_base import BuildWish
from kronkers_studio.desktop.panels.package_check import FoundModelPanel, LibrariesPanel
from kronkers_studio.desktop.panels.package_result import PackageResultPanel
from kronkers_studio.desktop.panels.package_target import TargetPanel
from kronkers_studio.desktop.panels.step_list import StepList
from kronkers_studio.desktop.row_menus import do_on_computer
from kronkers_studio.desktop.widgets.dialog import Dialog, confirm
from kronkers_studio.desktop.widgets.stations import StationRow
from kronkers_studio.desktop.widgets.views import Views
from kronkers_studio.desktop.work.studio import Studio
from kronkers_studio.desktop.work.tasks import Task
from kronkers_studio.domain.errors import Cancelled, StudioError
from kronkers_studio.domain.models import ModelVersion
from kronkers_studio.domain.progress import CancelToken, Progress
from kronkers_studio.settings.paths import from_home

if TYPE_CHECKING:
    from kronkers_studio.workflows.dependencies import ModelDependencies
    from kronkers_studio.workflows.language_bases import LanguageBase
    from kronkers_studio.workflows.package_plans import Packaged, PackagePlan, PackageTarget
    from kronkers_studio.workflows.session import Session

_SIZE = (720, 560)
_FOUND, _LIBRARIES, _TARGET, _WORK, _DONE = "found", "libraries", "target", "work", "done"
_STATION = {_FOUND: 0, _LIBRARIES: 1, _TARGET: 2, _WORK: 3, _DONE: 3}


class PackageDialog(Dialog):
    """Views: "found", "libraries", "target", "work", "done". While it is built the dialog may be closed: the work goes
    on, as the bar at the bottom of the window tells."""

    def __init__(self, parent: QWidget | None, studio: Studio, version: ModelVersion) -> None:
        title = tr("Package {model} version {version}").format(model=version.name, version=version.version)
        sentence = tr("A package holds the model with the exact libraries it needs. It is built without Docker.")
        if version.facts.framework.in_container_only:
            sentence = tr("A package holds the model and all that its service needs.")
        super().__init__(parent, title, sentence, width=620)
        self.resize(*_SIZE)
        self._studio, self._version = studio, version
        self._refused = False
        self.task: Task | None = None
        self.stations = StationRow([tr("What was found"), tr("Libraries"), tr("Where to"), tr("Package")])
        self.content.addWidget(self.stations)
        self.found = FoundModelPanel(version)
        self.libraries = LibrariesPanel()
        self.target = TargetPanel(version)
        self.steps = StepList()
        self.outcome = PackageResultPanel()
        self.views = Views(
            {
                _FOUND: lambda: self.found,
                _LIBRARIES: lambda: self.libraries,
                _TARGET: lambda: self.target,
                _WORK: lambda: _padded(self.steps),
                _DONE: lambda: self.outcome,
            }
        )
        self.content.addWidget(self.views, 1)
        self.cancel_button = self.add_button(tr("Cancel"), self.cancel)
        self.back_button = self.add_button(tr("Back"), self.back)
        self.go = self.add_button(tr("Continue"), self.advance, "primary")
        self.found.wanted.connect(self._change_version)
        studio.changed.connect(self._on_changed)
        self.libraries.change_wanted.connect(self._change_libraries)
        self.target.changed.connect(self._show_buttons)
        self.target.entered.connect(self.advance)
        self.target.missing_base.wanted.connect(self._do)
        self.target.missing_base.build_wanted.connect(self.build_base)
        self.outcome.wanted.connect(self._do)
        self.outcome.check_wanted.connect(self._check)
        self.outcome.again_wanted.connect(lambda: self.show_step(_TARGET))
        self.show_step(_FOUND)
        self._read()
        self.go.setFocus()

    @property
    def step(self) -> str:
        """Where one is."""
        return self.views.shown

    def show_step(self, step: str) -> None:
        """Go to ``step``."""
        self.views.show_view(step)
        self.stations.show_station(_STATION[step], finished=step == _DONE)
        self._show_buttons()

    def advance(self) -> None:
        """One step on; from the last one before it, build the package."""
        if not self.go.isEnabled():
            return
        self.notice.clear()
        match self.step:
            case "found":
                self.show_step(_LIBRARIES)
            case "libraries":
                self.show_step(_TARGET)
                self.target.where.setFocus()
            case "target":
                self._begin()
            case "work" | "done":
                self.accept()

    def back(self) -> None:
        """One step back."""
        self.notice.clear()
        self.show_step({_LIBRARIES: _FOUND, _TARGET: _LIBRARIES}.get(self.step, _TARGET))

    def cancel(self) -> None:
        """Stop building it at the next safe point; before that, close."""
        if self.step == _WORK and self.task is not None:
            self.task.cancel()
            self._show_buttons()
        else:
            self.reject()

    def show_plan(self, plan: PackagePlan) -> None:
        """Show what is known before it is built; without a way on where the model cannot be packaged."""
        self._version = plan.model
        self.found.show_plan(plan)
        self.target.show_plan(plan)
        if plan.refusal:
            self._stop_here()
        elif self._refused:
            self._go_on()
        self._show_buttons()

    def show_packaged(self, built: Packaged) -> None:
        """Show what was built."""
        self.outcome.show_package(built)
        self.show_step(_DONE)
        self.go.setFocus()

    def _show_buttons(self) -> None:
        step = self.step
        self.back_button.setVisible(step in (_LIBRARIES, _TARGET))
        self.cancel_button.setVisible(step != _DONE)
        stopping = self.task is not None and self.task.cancelling
        self.cancel_button.setEnabled(not (step == _WORK and stopping))
        self.cancel_button.setText(tr("Stopping …") if step == _WORK and stopping else tr("Cancel"))
        words = {_WORK: tr("Go on working"), _DONE: tr("Close")}.get(step, tr("Continue"))
        target = self.target.target if step == _TARGET else None
        if step == _TARGET:
            words = tr("Put live …") if isinstance(target, PutLive) else tr("Package")
        self.go.setText(words)
        self.go.setAccessibleName(words)
        self.go.setEnabled(not self._refused and (step != _TARGET or target is not None))

    def _stop_here(self) -> None:
        """There is no way on: Enter closes."""
        self._refused = True
        self._show_buttons()
        self.go.setDefault(False)
        self.cancel_button.setDefault(True)
        self.cancel_button.setFocus()

    def _go_on(self) -> None:
        """What stood in the way was done away with."""
        self._refused = False
        self._show_buttons()
        self.go.setDefault(True)
        self.go.setFocus()

    # What is read

    def _read(self) -> None:
        model = (self._version.name, self._version.version, None)

        def plan(session: Session) -> PackagePlan:
            from kronkers_studio.workflows.package_plans import plan_package

            return plan_package(session, model)

        def known(session: Session) -> ModelDependencies:
            from kronkers_studio.workflows.dependencies import model_dependencies

            return model_dependencies(session, model)

        def show(found: ModelDependencies) -> None:
            self._version = found.model
            self.libraries.show_dependencies(found)

        def failed(error: StudioError) -> None:
            self.notice.show_error(error)
            self._stop_here()

        self._studio.read(plan, self.show_plan, owner=self, failed=failed)
        self._studio.read(known, show, owner=self, failed=self.notice.show_error)

    def _change_libraries(self) -> None:
        dialog = LibrariesDialog(self, self._studio, self._version)
        dialog.accepted.connect(self._read)
        dialog.open()

    def _change_version(self, wanted: object) -> None:
        """Allow what its file asks for, or say what it takes; packaging goes on from there."""
        dialog: AllowCodeDialog | StateSignatureDialog
        if isinstance(wanted, AllowCode):
            dialog = AllowCodeDialog(self, self._studio, self._version)
        else:
            dialog = StateSignatureDialog(self, self._studio, self._version)
        dialog.told.connect(self._told)
        dialog.open()

    def _told(self, words: str, undo: Callable[[], object] | None) -> None:
        self.notice.say(words, "", "ok", action=(tr("Undo"), undo) if undo is not None else None)

    def _on_changed(self, kind: str) -> None:
        """What was said of the version counts at once, and what was taken back."""
        if kind == "models" and self.step == _FOUND:
            self._read()

    # Building

    def _begin(self) -> None:
        target = self.target.target
        if isinstance(target, PutLive):
            self._do(target)
        elif target is not None:
            path: Path | None = getattr(target, "path", None)
            if path is None:
                self.build(target)
            else:
                self._ask_before_replacing(path, target)

    def _ask_before_replacing(self, path: Path, target: PackageTarget) -> None:
        def look(_progress: Progress, _cancel: CancelToken) -> bool:
            return from_home(path).is_file()

        def told(there: bool) -> None:
            if not there:
                self.build(target)
                return
            title = tr("Replace {file}?").format(file=path.name)
            sentence = tr("There is a file of that name already. What is in it is gone once the package is written.")
            confirm(self, title, sentence, tr("Replace it"), lambda: self.build(target))

        self._studio.runner.run("look", look, done=told, failed=self._failed, owner=self, shown=False)

    def build(self, target: PackageTarget) -> None:
        """Build it to ``target``."""
        session, version = self._studio.session, self._version
        if session is None:
            return

        def work(progress: Progress, cancel: CancelToken) -> Packaged:
            from kronkers_studio.workflows.package_plans import carry_out

            return carry_out(session, version, target, progress=progress, cancel=cancel)

        title = tr("Packaging {model} version {version}").format(model=version.name, version=version.version)
        self.task = self._studio.do(
            title,
            work,
            changes=("models",),
            done=self.show_packaged,
            failed=self._failed,
            owner=self,
            resource=f"package {version.label}",
        )
        self.steps.watch(self.task)
        self.show_step(_WORK)
        self.cancel_button.setFocus()

    def build_base(self, wish: BuildWish) -> None:
        """Have a server build the base image that the model's language needs; packaging goes on from there."""
        session, language, server = self._studio.session, self._version.facts.framework, wish.server
        if session is None:
            return

        def work(progress: Progress, cancel: CancelToken) -> LanguageBase:
            from kronkers_studio.workflows.language_bases import build_language_base

            return build_language_base(
                session,
                language,
                server,
                dockerfile=wish.dockerfile,
                proxy=wish.proxy,
                progress=progress,
                cancel=cancel,
            )

        def done(_base: LanguageBase) -> None:
            self.show_step(_TARGET)
            words = tr("The base image with {language} is here.").format(language=language.label)
            others = tr("It serves every other model of {language}, too.").format(language=language.label)
            self.notice.say(words, others, "ok")
            self._read()

        def failed(error: StudioError) -> None:
            self.show_step(_TARGET)
            if not isinstance(error, Cancelled):
                self.notice.show_error(error)

        title = tr("Building a base image with {language} on {server}").format(language=language.label, server=server)
        resource = f"base {language.value}"
        self.notice.clear()
        self.task = self._studio.do(title, work, done=done, failed=failed, owner=self, resource=resource)
        self.steps.watch(self.task)
        self.show_step(_WORK)
        self.cancel_button.setFocus()

    def _failed(self, error: StudioError) -> None:
        self.show_step(_TARGET)
        if isinstance(error, Cancelled):
            self.notice.say(tr("Cancelled. No package was made."), tr("What was built so far is used the next time."))
        else:
            self.notice.show_error(error, way_to_registry(self, self._studio, error, self.notice.clear))

    def _do(self, wanted: object) -> None:
        if isinstance(wanted, CopyText | ShowInFileManager):
            do_on_computer(wanted, self._studio.runner, self, self.notice.show_error)
            if isinstance(wanted, CopyText):
                self.notice.say(tr("Copied."), "", "ok")
        else:
            self.accept()
            self._studio.go.emit(wanted)

    def _check(self, where: str) -> None:
        CheckPackageDialog(self, self._studio, where).open()


def _padded(widget: QWidget) -> QWidget:
    holder = QWidget()
    column = QVBoxLayout(holder)
    column.setContentsMargins(0, 8, 8, 0)
    column.addWidget(widget)
    return holder
