"""Work runs off the main thread, in order per resource, and always comes back."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from types import FrameType
from typing import Any

import pytest
from PySide6.QtCore import QObject
from pytestqt.qtbot import QtBot

from kronkers_studio.desktop.work import task_words, tasks
from kronkers_studio.desktop.work.task_words import progress_words, state_pill
from kronkers_studio.desktop.work.tasks import Report, TaskRunner, TaskState
from kronkers_studio.domain.errors import NotFound, StudioError
from kronkers_studio.domain.progress import CancelToken, Progress


@pytest.fixture
def runner(qtbot: QtBot) -> Iterator[TaskRunner]:
    made = TaskRunner()
    yield made
    assert made.stop()


def test_a_result_comes_back_on_the_main_thread(runner: TaskRunner, qtbot: QtBot) -> None:
    seen: list[threading.Thread] = []

    def work(_progress: Progress, _cancel: CancelToken) -> int:
        seen.append(threading.current_thread())
        return 42

    def done(answer: int) -> None:
        seen.append(threading.current_thread())
        assert answer == 42

    task = runner.run("count", work, done=done)
    qtbot.waitUntil(lambda: task.state.ended)
    assert task.state is TaskState.DONE
    assert seen[0] is not threading.main_thread()
    assert seen[1] is threading.main_thread()


def test_an_expected_failure_goes_to_failed_and_a_bug_to_the_crash_dialog(runner: TaskRunner, qtbot: QtBot) -> None:
    errors: list[StudioError] = []
    crashes: list[tuple[str, str]] = []
    runner.crashed.connect(lambda title, details: crashes.append((title, details)))

    def expected(*_: object) -> None:
        raise NotFound("There is no such project.", next_step="Look at the list.")

    def bug(*_: object) -> None:
        raise ZeroDivisionError("a bug")

    first = runner.run("expected", expected, failed=errors.append)
    second = runner.run("bug", bug, failed=errors.append)
    qtbot.waitUntil(lambda: first.state.ended and second.state.ended)

    assert [error.message for error in errors] == ["There is no such project."]
    assert progress_words(first) == "There is no such project."
    assert crashes[0][0] == "bug"
    assert "ZeroDivisionError: a bug" in crashes[0][1]
    assert state_pill(second)[0] == "Failed"


def test_work_of_one_resource_runs_in_order_and_of_different_ones_side_by_side(
    runner: TaskRunner, qtbot: QtBot
) -> None:
    at_work: set[str] = set()
    most: dict[str, int] = {"one": 0, "all": 0}
    order: list[str] = []
    lock = threading.Lock()

    def job(name: str, resource: str):  # type: ignore[no-untyped-def]
        def work(*_: object) -> None:
            with lock:
                at_work.add(name)
                order.append(name)
                most["all"] = max(most["all"], len(at_work))
                most["one"] = max(most["one"], sum(1 for other in at_work if other.startswith("a")))
            time.sleep(0.05)
            with lock:
                at_work.discard(name)

        return runner.run(name, work, resource=resource)

    tasks = [job("a1", "a"), job("a2", "a"), job("b1", "b"), job("a3", "a")]
    assert tasks[1].state is TaskState.WAITING
    assert progress_words(tasks[1]) == "Waits for other work to finish"
    qtbot.waitUntil(lambda: all(task.state.ended for task in tasks))
    assert most["one"] == 1
    assert most["all"] == 2
    assert [name for name in order if name.startswith("a")] == ["a1", "a2", "a3"]


def test_cancelling_stops_work_at_its_next_safe_point_and_the_next_in_line_goes_on(
    runner: TaskRunner, qtbot: QtBot
) -> None:
    def endless(_progress: Progress, cancel: CancelToken) -> None:
        while True:
            cancel.check()
            time.sleep(0.005)

    task = runner.run("endless", endless, resource="x")
    after = runner.run("after", lambda *_: "done", resource="x")
    qtbot.waitUntil(lambda: task.state is TaskState.RUNNING)
    task.cancel()
    assert state_pill(task)[0] == "Stopping"
    qtbot.waitUntil(lambda: after.state.ended)
    assert task.state is TaskState.CANCELLED
    assert after.state is TaskState.DONE


def test_a_waiting_task_that_is_cancelled_never_begins(runner: TaskRunner, qtbot: QtBot) -> None:
    begun: list[str] = []
    first = runner.run("first", lambda *_: time.sleep(0.1), resource="x")
    second = runner.run("second", lambda *_: begun.append("second"), resource="x")
    second.cancel()
    qtbot.waitUntil(lambda: first.state.ended and second.state.ended)
    assert second.state is TaskState.CANCELLED
    assert begun == []


def test_progress_is_announced_at_most_ten_times_a_second(runner: TaskRunner, qtbot: QtBot) -> None:
    def busy(progress: Progress, _cancel: CancelToken) -> None:
        progress.step("Storing files", 200_000, "files")
        until = time.monotonic() + 0.6
        for _ in range(200_000):
            progress.advance()
        while time.monotonic() < until:
            progress.note("still here")
            time.sleep(0.001)

    announced: list[int] = []
    task = runner.run("busy", busy)
    task.changed.connect(lambda: announced.append(1))
    qtbot.waitUntil(lambda: task.state.ended, timeout=20_000)
    assert task.reported.now.done == 200_000
    began, finished = task.began, task.finished
    assert began is not None and finished is not None
    seconds = (finished - began).total_seconds()
    assert len(announced) <= 10 * seconds + 4


def test_time_left_follows_the_speed_so_far(runner: TaskRunner, qtbot: QtBot) -> None:
    go = threading.Event()

    def work(progress: Progress, _cancel: CancelToken) -> None:
        progress.step("Storing files", 29_310, "files")
        progress.advance(18_204)
        go.wait(20)

    task = runner.run("Migrating", work)
    qtbot.waitUntil(lambda: task.reported.now.done == 18_204)
    assert task.seconds_left is None
    task.reported.now = task.reported.now._replace(since=task.reported.now.since - 200)
    left = task.seconds_left
    assert left == pytest.approx(200 * (29_310 - 18_204) / 18_204, rel=0.05)
    assert progress_words(task) == "18,204 of 29,310 files · 2 min left"
    go.set()
    qtbot.waitUntil(lambda: task.state.ended)


def test_a_step_may_begin_between_any_two_looks_at_a_tasks_progress(runner: TaskRunner, qtbot: QtBot) -> None:
    """Whatever the bar reads of a task, another thread may begin a step without a total just before it reads on.

    Seen to fail when the words, or the time left, looked at the total once to know whether there is one and once more
    to tell it: `int() argument must be … not 'NoneType'`.
    """
    go_on = threading.Event()
    task = runner.run("Migrating", lambda *_: go_on.wait(20))
    qtbot.waitUntil(lambda: task.state is TaskState.RUNNING)
    began = time.monotonic() - 100

    def look(at: int) -> int:
        """Look at the progress; a step begins before its operation number ``at``. How many operations it took."""
        task.reported.now = Report("Storing files", total=4, unit="files", done=2, since=began)
        passed = 0

        def watched(frame: FrameType, event: str, _argument: object) -> Any:
            nonlocal passed
            frame.f_trace_opcodes = True
            if event == "opcode":
                passed += 1
                if passed == at:
                    task.reported.step("Looking for duplicates")
            return watched if frame.f_code.co_filename in (tasks.__file__, task_words.__file__) else None

        before = sys.gettrace()
        sys.settrace(watched)
        try:
            words, fraction = progress_words(task), task.fraction
        finally:
            sys.settrace(before)
        assert words in ("2 of 4 files · 2 min left", "2 of 4 files", "")
        assert fraction in (0.5, None)
        return passed

    operations = look(0)
    assert operations > 100
    for at in range(1, operations + 1):
        look(at)
    go_on.set()
    qtbot.waitUntil(lambda: task.state.ended)


def test_nothing_is_called_back_once_the_asking_widget_is_gone(runner: TaskRunner, qtbot: QtBot) -> None:
    import shiboken6

    called: list[int] = []
    owner = QObject()
    task = runner.run("late", lambda *_: time.sleep(0.05), done=lambda _: called.append(1), owner=owner)
    shiboken6.delete(owner)
    qtbot.waitUntil(lambda: task.state.ended)
    assert called == []


def test_stopping_the_runner_asks_everything_to_stop_and_waits(qtbot: QtBot) -> None:
    runner = TaskRunner()

    def endless(_progress: Progress, cancel: CancelToken) -> None:
        while True:
            cancel.check()
            time.sleep(0.005)

    runner.run("endless", endless)
    assert runner.stop(seconds=5)
    assert not [thread for thread in threading.enumerate() if thread.name == "task: endless"]
