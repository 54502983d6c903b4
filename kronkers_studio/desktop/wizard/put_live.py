"""The end of the guided way: register a model that was found, package it, put it live on this computer."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from kronkers_studio.desktop.dialogs.unprotected import ask_unprotected
from kronkers_studio.desktop.localization import counted, file_size, path_words, tr
from kronkers_studio.desktop.look.icons import IconLabel
from kronkers_studio.desktop.task_bar import TaskProgress
from kronkers_studio.desktop.widgets.cards import Card
from kronkers_studio.desktop.widgets.labels import ElidedLabel, label
from kronkers_studio.desktop.widgets.states import EmptyState, Notice
from kronkers_studio.desktop.widgets.tables import Column, Table
from kronkers_studio.desktop.work.studio import Studio
from kronkers_studio.desktop.work.task_words import progress_words, step_words
from kronkers_studio.desktop.work.tasks import Task
from kronkers_studio.domain.errors import Cancelled, ConfinementUnavailable, StudioError
from kronkers_studio.domain.models import ModelVersion
from kronkers_studio.domain.progress import CancelToken, Progress
from kronkers_studio.domain.releases import THIS_COMPUTER, Release

if TYPE_CHECKING:
    from kronkers_studio.workflows.models import FoundModel

Work = Callable[[Progress, CancelToken], Any]


class PutLiveStep(QWidget):
    """``looked``: is there any model; ``live`` carries the release; after ``failed`` it may be tried again."""

    looked = Signal(bool)
    live = Signal(object)
    failed = Signal()

    def __init__(self, studio: Studio, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._studio = studio
        self._task: Task | None = None
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(14)
        self.notice = Notice()
        self._none = EmptyState(
            "models",
            tr("No model in this folder can be put live yet"),
            tr(
                "Those of scikit-learn, XGBoost, LightGBM, CatBoost, Keras, PyTorch, in ONNX and PMML can; of R and "
                "Julia on a server, from the page Models. Everything else is kept all the same, in every state."
            ),
        )
        self._none.setVisible(False)
        column.addWidget(self._none, 1)
        self._models = Card(tr("Which model?"))
        self.table: Table[FoundModel] = Table(tr("Models found"), _columns())
        self._models.body.addWidget(self.table)
        column.addWidget(self._models)
        self.steps = Card(tr("What will be done"))
        self._lines = [
            _Line(
                tr("Register it"),
                tr("Registered"),
                tr("Version 1, with the columns it needs and the file it came from"),
            ),
            _Line(
                tr("Package it"),
                tr("Packaged"),
                tr("With the exact libraries it was made with"),
            ),
            _Line(
                tr("Put it live on this computer"),
                tr("Live on this computer"),
                tr("It goes live after it has answered a test"),
                tr("It has answered a test"),
            ),
        ]
        for line in self._lines:
            self.steps.body.addWidget(line)
        column.addWidget(self.steps)
        column.addWidget(self.notice)
        column.addStretch(1)

    def look_for_models(self, project: str) -> None:
        """Find the models of the project that was just brought in."""

        def work(*_: object) -> list[FoundModel]:
            from kronkers_studio.workflows.models import find_models

            assert self._studio.session is not None  # noqa: S101 — the step comes after the workspace was made
            return [model for model in find_models(self._studio.session, project) if _runs_here(model)]

        self._studio.runner.run("look", work, done=self.show_models, failed=self._show_failure, owner=self, shown=False)

    def cancel(self) -> None:
        """Stop what is being done at its next safe point; ``failed`` follows."""
        if self._task is not None:
            self._task.cancel()

    def show_models(self, models: list[FoundModel]) -> None:
        """Offer ``models``; without any, say so."""
        self.table.content.show_rows(models)
        self.table.fit_rows(5)
        for card in (self._models, self.steps):
            card.setVisible(bool(models))
        self._none.setVisible(not models)
        if models:
            self.table.choose(0)
        self.looked.emit(bool(models))

    def go(self) -> None:
        """Register, package, put live; each once the one before is done."""
        session, found = self._studio.session, self.table.chosen
        if session is None or found is None:
            return
        self.notice.clear()
        self.steps.set_heading(tr("What is being done"))
        for line in self._lines:
            line.show_waiting()
        self.table.setEnabled(False)
        source = found.source

        def register(progress: Progress, _cancel: CancelToken) -> ModelVersion:
            from kronkers_studio.workflows.models import register_model

            return register_model(session, source.project, source.path, ref=source.commit, progress=progress)

        def package(version: ModelVersion) -> Work:
            def work(progress: Progress, cancel: CancelToken) -> ModelVersion:
                from kronkers_studio.workflows.packages import package_model

                package_model(session, version.name, version.version, progress=progress, cancel=cancel)
                return version

            return work

        def release(version: ModelVersion) -> Work:
            def work(progress: Progress, cancel: CancelToken) -> Release:
                from kronkers_studio.workflows.releases import release_model

                return release_model(
                    session, version.name, version.version, to=THIS_COMPUTER, progress=progress, cancel=cancel
                )

            return work

        name = found.suggested_name
        titles = [
            tr("Registering {model}").format(model=name),
            tr("Packaging {model}").format(model=name),
            tr("Putting {model} live on this computer").format(model=name),
        ]
        self._run(0, titles, register, [package, release])

    def _run(self, step: int, titles: list[str], work: Work, rest: list[Callable[[Any], Work]]) -> None:
        line = self._lines[step]

        def done(result: Any) -> None:
            line.show_done()
            if rest:
                self._run(step + 1, titles, rest[0](result), rest[1:])
            else:
                self._task = None
                self.steps.set_heading(tr("What was done"))
                self.live.emit(result)

        def failed(error: StudioError) -> None:
            self._task = None
            self.steps.set_heading(tr("What will be done"))
            line.show_failed(cancelled=isinstance(error, Cancelled))
            self._show_failure(error)

        task = self._studio.do(
            titles[step],
            work,
            changes=("models", "releases"),
            done=done,
            failed=failed,
            owner=self,
            resource=f"guide {titles[0]}",
        )
        self._task = task
        line.show_working(task)

    def _show_failure(self, error: StudioError) -> None:
        self.table.setEnabled(True)
        if isinstance(error, Cancelled):
            self.notice.say(tr("Cancelled. Nothing of it is live."), tr("What was built so far is used the next time."))
        else:
            self.notice.show_error(error)
        self.failed.emit()
        if isinstance(error, ConfinementUnavailable):
            ask_unprotected(self, self._studio, error, self.go)


class _Line(QWidget):
    """One thing that will be done: its mark, its name, and how it goes."""

    def __init__(self, title: str, title_done: str, words: str, words_done: str = "") -> None:
        """What is said of it before and after."""
        super().__init__()
        self._to_do, self._done = (title, words), (title_done, words_done or words)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 4, 0, 4)
        row.setSpacing(12)
        self._mark = IconLabel("forward", "muted", 20)
        row.addWidget(self._mark)
        column = QVBoxLayout()
        column.setSpacing(5)
        self._title = label(title, "medium")
        column.addWidget(self._title)
        self._words = ElidedLabel(words, "caption")
        column.addWidget(self._words)
        self._bar = TaskProgress(title)
        self._bar.setVisible(False)
        column.addWidget(self._bar)
        row.addLayout(column, 1)

    def show_waiting(self) -> None:
        self._mark.show_icon("forward", "muted")
        self._bar.setVisible(False)
        self._title.setText(self._to_do[0])
        self._words.setText(self._to_do[1])

    def show_working(self, task: Task) -> None:
        self._mark.show_icon("refresh", "accent")
        self._bar.setVisible(True)
        task.changed.connect(lambda: self._follow(task))
        self._follow(task)

    def _follow(self, task: Task) -> None:
        if not task.state.ended:
            self._bar.show_task(task)
            words = " · ".join(part for part in (step_words(task), progress_words(task)) if part)
            self._words.setText(words or self._to_do[1])

    def show_done(self) -> None:
        self._mark.show_icon("done", "ok")
        self._bar.setVisible(False)
        self._title.setText(self._done[0])
        self._words.setText(self._done[1])

    def show_failed(self, *, cancelled: bool) -> None:
        self._mark.show_icon("warning" if cancelled else "error", "warn" if cancelled else "bad")
        self._bar.setVisible(False)
        self._words.setText(tr("Cancelled") if cancelled else tr("Not done; see below"))


def _runs_here(found: FoundModel) -> bool:
    """Without anybody being asked for more."""
    facts = found.facts
    return facts is not None and not facts.framework.in_container_only and not facts.unsafe


def _columns() -> list[Column[FoundModel]]:
    return [
        Column(tr("Model"), lambda row: row.suggested_name, stretch=3, icon=lambda _row: "models"),
        Column(tr("File"), lambda row: path_words(row.source.path), stretch=5, middle=True, muted=True),
        Column(tr("Made with"), _made_with, stretch=3),
        Column(tr("Takes"), _takes, 110, muted=True),
        Column(tr("Size"), lambda row: file_size(row.size), 84, right=True),
    ]


def _made_with(found: FoundModel) -> str:
    return f"{found.facts.framework.label} {found.facts.framework_version}".strip() if found.facts else ""


def _takes(found: FoundModel) -> str:
    if found.facts is None:
        return ""
    columns = sum(len(tensor.columns) for tensor in found.facts.signature.inputs)
    return counted(columns, tr("{n} column"), tr("{n} columns")) if columns else "–"
