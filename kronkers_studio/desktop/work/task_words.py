"""How a task's progress reads: in the bar at the bottom, in the panel, and on pages that wait for it."""

from __future__ import annotations

from kronkers_studio.desktop.localization import duration, file_size, moment, number, tr
from kronkers_studio.desktop.look.tokens import Tone
from kronkers_studio.desktop.work.tasks import Task, TaskState


def progress_words(task: Task) -> str:
    """ "18,204 of 29,310 files · 2 min left"; how it ended, once it has."""
    if task.state is TaskState.WAITING:
        return tr("Waits for other work to finish")
    if task.state.ended:
        return _ending(task)
    if task.cancelling:
        return tr("Stopping at the next safe point …")
    parts = [_amount(task)]
    left = task.seconds_left
    if left is not None and left >= 2:
        parts.append(tr("{time} left").format(time=duration(left)))
    return " · ".join(part for part in parts if part)


def step_words(task: Task) -> str:
    """What it is doing now."""
    title = task.reported.now.title
    return tr(title) if title and not task.state.ended else ""


def state_pill(task: Task) -> tuple[str, Tone]:
    """A task's state in a word, with its tone."""
    if task.cancelling:
        return tr("Stopping"), "warn"
    words: dict[TaskState, tuple[str, Tone]] = {
        TaskState.WAITING: (tr("Waiting"), "plain"),
        TaskState.RUNNING: (tr("Working"), "accent"),
        TaskState.DONE: (tr("Done"), "ok"),
        TaskState.FAILED: (tr("Failed"), "bad"),
        TaskState.CANCELLED: (tr("Cancelled"), "warn"),
    }
    return words[task.state]


def _amount(task: Task) -> str:
    reported = task.reported.now
    if not reported.total:
        return _done_so_far(reported.done, reported.unit)
    if reported.unit == "bytes":
        return tr("{done} of {total}").format(done=file_size(reported.done), total=file_size(reported.total))
    if reported.unit == "files":
        return tr("{done} of {total} files").format(done=number(reported.done), total=number(reported.total))
    return tr("{done} of {total}").format(done=number(reported.done), total=number(reported.total))


def _done_so_far(done: int, unit: str) -> str:
    if not done:
        return ""
    if unit == "bytes":
        return file_size(done)
    return tr("{n} files").format(n=number(done)) if unit == "files" else number(done)


def _ending(task: Task) -> str:
    if task.error is not None and task.state is TaskState.FAILED:
        return task.error.message
    if task.state is TaskState.FAILED:
        return tr("Stopped by a fault in the program")
    if task.began is None or task.finished is None:
        return ""
    took = duration((task.finished - task.began).total_seconds())
    return tr("{when} · took {time}").format(when=moment(task.finished), time=took)
