"""The projects that this window keeps in step with their folders, in the background, until it is closed."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Self

import shiboken6
from PySide6.QtCore import QObject, Qt, Signal

from kronkers_studio.desktop.localization import tr
from kronkers_studio.desktop.work.studio import Studio
from kronkers_studio.desktop.work.tasks import Task, TaskState
from kronkers_studio.domain.errors import Cancelled, StudioError
from kronkers_studio.domain.migration import MigrationResult, WatchState
from kronkers_studio.domain.progress import CancelToken, Progress

if TYPE_CHECKING:
    from kronkers_studio.workflows.session import Session
    from kronkers_studio.workflows.watching import BroughtIn

SETTLE_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Watching:
    """What is known of the watch of one project.

    ``state`` is None before it began; ``result`` is that of the last run, which ended ``at``; ``error`` says why the
    watch ended, when it did.
    """

    project: str
    folders: tuple[Path, ...]
    state: WatchState | None = None
    result: MigrationResult | None = None
    at: datetime | None = None
    error: StudioError | None = None

    @property
    def running(self) -> bool:
        return self.error is None


class Watchers(QObject):
    """One per window; ``Watchers.of`` finds it or makes it. ``changed`` carries the project of which there is news.

    Each watch is an unlisted task of its own, so it ends when the window closes, or another workspace is opened.
    """

    changed = Signal(object)
    _told = Signal(int, object)

    @classmethod
    def of(cls, studio: Studio) -> Self:
        found = studio.findChild(cls)
        return found if found is not None else cls(studio)

    def __init__(self, studio: Studio) -> None:
        super().__init__(studio)
        self._studio = studio
        self.settle_seconds = SETTLE_SECONDS
        self._known: dict[str, Watching] = {}
        self._tasks: dict[str, Task] = {}
        self._numbers: dict[str, int] = {}  # of the watch of each project: news of an older one is none
        self._begun = 0
        self._paused: dict[str, tuple[Path, ...]] = {}
        self._told.connect(self._take, Qt.ConnectionType.QueuedConnection)
        studio.closed.connect(self._stop_all)

    def watching(self, project: str) -> Watching | None:
        """What is known of the watch of ``project``; None when it is not watched."""
        return self._known.get(project)

    @property
    def projects(self) -> list[str]:
        """The projects that are watched now."""
        return [project for project, known in self._known.items() if known.running]

    @property
    def known(self) -> list[Watching]:
        """What is known of every watch, of those too that ended by a failure."""
        return list(self._known.values())

    @property
    def wanted(self) -> list[str]:
        """The projects that are watched now, or will be when the pause is over."""
        return [*self.projects, *self._paused]

    @property
    def paused(self) -> bool:
        return bool(self._paused)

    def pause(self) -> None:
        """Watch nothing until ``go_on``; what is being brought in ends at its next safe point."""
        for known in [known for known in self._known.values() if known.running]:
            self.stop(known.project)
            self._paused[known.project] = known.folders
            self.changed.emit(known.project)

    def go_on(self) -> None:
        """Watch again what was watched before the pause."""
        paused, self._paused = self._paused, {}
        for project, folders in paused.items():
            self.start(project, folders)

    def resume(self, projects: Collection[str]) -> None:
        """Watch those of ``projects`` that are still made of folders, as they were watched in an earlier window."""

        def read(session: Session) -> list[BroughtIn]:
            from kronkers_studio.workflows.watching import brought_in

            return brought_in(session)

        def start(found: list[BroughtIn]) -> None:
            for brought in found:
                if brought.project in projects:
                    self.start(brought.project, brought.folders)

        if projects:
            self._studio.read(read, start, owner=self)

    def start(self, project: str, folders: Sequence[Path]) -> None:
        """Bring ``folders`` in now, and again whenever they have changed."""
        session = self._studio.session
        known = self._known.get(project)
        if session is None or (known is not None and known.running):
            return
        self._paused.pop(project, None)
        self._known[project] = Watching(project, tuple(folders))
        self._begun += 1
        number = self._numbers[project] = self._begun

        def work(_progress: Progress, cancel: CancelToken) -> None:
            from kronkers_studio.workflows.watching import watch_folders

            watch_folders(
                session,
                folders,
                project,
                settle_seconds=self.settle_seconds,
                on_sync=lambda result: self._tell(number, result),
                on_state=lambda state: self._tell(number, state),
                turn=self._studio.turns.take,
                cancel=cancel,
            )

        def failed(error: StudioError) -> None:
            if not isinstance(error, Cancelled):
                self._take(number, error)

        task = self._studio.runner.run("watch", work, failed=failed, owner=self, shown=False)
        task.ended.connect(lambda: self._end(number, task))
        self._tasks[project] = task
        self.changed.emit(project)

    def stop(self, project: str) -> None:
        """Watch ``project`` no more; a run that is under way ends at its next safe point."""
        known = self._known.pop(project, None)
        self._numbers.pop(project, None)
        task = self._tasks.pop(project, None)
        if known is not None:
            if task is not None and known.running:
                task.cancel()
            self.changed.emit(project)

    def _stop_all(self) -> None:
        self._paused.clear()
        for project in list(self._known):
            self.stop(project)

    def _end(self, number: int, task: Task) -> None:
        """A watch never ends of itself: one that no failure ended met with a fault, which is announced elsewhere."""
        if task.state is TaskState.FAILED and task.error is None and shiboken6.isValid(self):
            fault = tr("It was stopped by a fault in the program.")
            self._take(number, StudioError(fault, next_step=tr("Watch it again.")))

    def _tell(self, number: int, news: object) -> None:
        """On the watch's own thread."""
        if shiboken6.isValid(self):
            self._told.emit(number, news)

    def _take(self, number: int, news: object) -> None:
        """Back on the main thread; news of a watch that was stopped is none."""
        project = next((name for name, current in self._numbers.items() if current == number), None)
        if project is None:
            return
        before = self._known[project]
        if isinstance(news, WatchState):
            self._known[project] = replace(before, state=news)
        elif isinstance(news, MigrationResult):
            self._known[project] = replace(before, result=news, at=datetime.now(UTC))
            if news.changed:
                self._studio.changed.emit("content")
        elif isinstance(news, StudioError):
            self._known[project] = replace(before, error=news)
            self._tasks.pop(project, None)
        self.changed.emit(project)
