"""Work off the main thread: one runner for every workflow the window starts.

Work of one resource runs one after another, work of different resources side by side. What a workflow reports is kept
by its task and announced at most ten times a second; results and expected failures come back on the main thread; any
other exception is a bug and is announced by ``crashed``.
"""

from __future__ import annotations

import threading
import time
import traceback
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, NamedTuple, TypeVar

import shiboken6
from PySide6.QtCore import QObject, Qt, QTimer, Signal

from kronkers_studio.domain.errors import Cancelled, StudioError
from kronkers_studio.domain.printable import printable
from kronkers_studio.domain.progress import CancelSource, CancelToken, Progress

Result = TypeVar("Result")
Work = Callable[[Progress, CancelToken], Result]

_ANNOUNCE_MS = 100
_HISTORY = 200
_SETTLED = 1.0  # seconds of a step before its speed is believed


class TaskState(StrEnum):
    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def ended(self) -> bool:
        return self in (TaskState.DONE, TaskState.FAILED, TaskState.CANCELLED)


class Report(NamedTuple):
    """What a workflow last said of its progress, all of one moment: it never changes."""

    title: str = ""
    total: int | None = None
    unit: str = ""
    done: int = 0
    text: str = ""
    since: float = 0.0  # when the step began, by the monotonic clock


class Reported:
    """What a workflow says of its progress: written by any thread; ``now`` is read by the main one.

    Whoever needs more than one figure takes ``now`` once: between two looks another thread may have begun a step that
    has no total.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.now = Report(since=time.monotonic())

    def step(self, title: str, total: int | None = None, unit: str = "") -> None:
        with self._lock:
            self.now = Report(title, total, unit, 0, self.now.text, time.monotonic())

    def expect(self, total: int) -> None:
        with self._lock:
            self.now = self.now._replace(total=total)

    def advance(self, amount: int = 1) -> None:
        with self._lock:
            self.now = self.now._replace(done=self.now.done + amount)

    def note(self, text: str) -> None:
        with self._lock:
            self.now = self.now._replace(text=text)


class Task(QObject):
    """One piece of work. ``changed`` follows its progress and state; ``shown`` says whether people see it listed."""

    changed = Signal()
    ended = Signal()

    def __init__(self, title: str, work: Work[Any], resource: str, *, shown: bool, cancellable: bool) -> None:
        super().__init__()
        self.title = printable(title)  # it also names a thread
        self.resource = resource
        self.shown = shown
        self.cancellable = cancellable
        self.state = TaskState.WAITING
        self.reported = Reported()
        self.error: StudioError | None = None
        self.result: Any = None
        self.began: datetime | None = None
        self.finished: datetime | None = None
        self._work = work
        self._cancel = CancelSource()
        self._cancel_asked = False
        self._seen: Report | None = None

    @property
    def cancelling(self) -> bool:
        """Cancel was asked for and the work has not stopped yet."""
        return self._cancel_asked and not self.state.ended

    @property
    def fraction(self) -> float | None:
        """How much of the current step is done, 0 … 1; None when that cannot be known."""
        now = self.reported.now
        return None if not now.total else min(1.0, now.done / now.total)

    @property
    def seconds_left(self) -> float | None:
        """How long the current step still takes at its speed so far; None before that is worth saying."""
        now = self.reported.now
        elapsed = time.monotonic() - now.since
        if not now.total or not now.done or elapsed < _SETTLED:
            return None
        return max(0, now.total - now.done) * elapsed / now.done

    def cancel(self) -> None:
        """Ask the work to stop at its next safe point."""
        self._cancel_asked = True
        self._cancel.cancel()
        self.changed.emit()

    def announce(self) -> None:
        """Emit ``changed`` when there is news."""
        now = self.reported.now
        if now is not self._seen:
            self._seen = now
            self.changed.emit()

    def work(self) -> Any:
        """Do it, on the calling thread."""
        self._cancel.check()
        return self._work(self.reported, self._cancel)


class TaskRunner(QObject):
    """Runs tasks. ``crashed`` carries (title, traceback text) of what should never have happened."""

    added = Signal(object)
    changed = Signal(object)
    ended = Signal(object)
    crashed = Signal(str, str)
    _came_back = Signal(object, object, object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.tasks: deque[Task] = deque(maxlen=_HISTORY)
        self._waiting: dict[str, deque[Task]] = {}
        self._running: set[Task] = set()
        self._threads: set[threading.Thread] = set()
        self._answers: dict[Task, tuple[QObject | None, Callable[[Any], object] | None, Any]] = {}
        self._came_back.connect(self._finish, Qt.ConnectionType.QueuedConnection)
        self._clock = QTimer(self)
        self._clock.setInterval(_ANNOUNCE_MS)
        self._clock.timeout.connect(self._announce)

    def run(
        self,
        title: str,
        work: Work[Result],
        *,
        done: Callable[[Result], object] | None = None,
        failed: Callable[[StudioError], object] | None = None,
        owner: QObject | None = None,
        resource: str = "",
        shown: bool = True,
        cancellable: bool = True,
    ) -> Task:
        """Start ``work(progress, cancel)``; with ``resource``, after all earlier work of the same resource.

        ``done`` gets the result, ``failed`` the expected failure (also ``Cancelled``), both on the main thread and only
        while ``owner`` still exists.
        """
        task = Task(title, work, resource, shown=shown, cancellable=cancellable)
        task.setParent(self)
        self._answers[task] = (owner, done, failed)
        if shown:
            self.tasks.appendleft(task)
            task.changed.connect(lambda: self.changed.emit(task))
        lane = self._waiting.setdefault(resource, deque()) if resource else None
        busy = resource and any(other.resource == resource for other in self._running)
        if shown:
            self.added.emit(task)
        if lane is not None and (busy or lane):
            lane.append(task)
        else:
            self._start(task)
        return task

    @property
    def active(self) -> list[Task]:
        """Listed tasks that wait or run, oldest first."""
        return [task for task in reversed(self.tasks) if not task.state.ended]

    @property
    def idle(self) -> bool:
        """True when nothing runs or waits, listed or not."""
        return not self._running and not any(self._waiting.values())

    def stop(self, seconds: float = 5.0) -> bool:
        """Ask everything to stop and wait up to ``seconds``; True when all of it did. Nothing is called back."""
        self._clock.stop()
        for lane in self._waiting.values():
            lane.clear()
        for task in list(self._running):
            task.cancel()
        until = time.monotonic() + seconds
        for thread in list(self._threads):
            thread.join(max(0.0, until - time.monotonic()))
        stopped = not any(thread.is_alive() for thread in self._threads)
        self._answers.clear()
        return stopped

    def _start(self, task: Task) -> None:
        task.state = TaskState.RUNNING
        task.began = datetime.now(UTC)
        self._running.add(task)
        if not self._clock.isActive():
            self._clock.start()
        # A daemon: work that hangs in the network must not keep the program alive after the window was closed.
        thread = threading.Thread(target=self._work, args=(task,), name=f"task: {task.title}", daemon=True)
        self._threads.add(thread)
        thread.start()
        task.changed.emit()

    def _work(self, task: Task) -> None:
        """On the task's own thread."""
        result: Any = None
        error: BaseException | None = None
        try:
            result = task.work()
        except BaseException as problem:  # noqa: BLE001 — every failure must come back to the main thread
            error = problem
        self._threads.discard(threading.current_thread())
        if shiboken6.isValid(self):
            self._came_back.emit(task, result, error)

    def _finish(self, task: Task, result: Any, error: BaseException | None) -> None:
        """Back on the main thread."""
        self._running.discard(task)
        owner, done, failed = self._answers.pop(task, (None, None, None))
        alive = owner is None or shiboken6.isValid(owner)
        task.finished = datetime.now(UTC)
        task.result = result
        task.state = _state_after(error)
        task.error = error if isinstance(error, StudioError) else None
        self._start_next(task.resource)
        if error is None:
            if done is not None and alive:
                done(result)
        elif isinstance(error, StudioError):
            if failed is not None and alive:
                failed(error)
        else:
            self.crashed.emit(task.title, "".join(traceback.format_exception(error)))
        task.changed.emit()
        task.ended.emit()
        if task.shown:
            self.ended.emit(task)
        else:
            task.deleteLater()
        if not self._running:
            self._clock.stop()

    def _start_next(self, resource: str) -> None:
        lane = self._waiting.get(resource)
        if lane:
            self._start(lane.popleft())

    def _announce(self) -> None:
        for task in list(self._running):
            task.announce()


def _state_after(error: BaseException | None) -> TaskState:
    if error is None:
        return TaskState.DONE
    return TaskState.CANCELLED if isinstance(error, Cancelled) else TaskState.FAILED
