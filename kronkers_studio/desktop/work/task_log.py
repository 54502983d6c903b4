"""What is done in the window, in the program's log."""

from __future__ import annotations

import logging

from PySide6.QtCore import QObject

from kronkers_studio.desktop.work.tasks import Task, TaskRunner, TaskState
from kronkers_studio.settings.logs import log_failure

_log = logging.getLogger(__name__)


class TaskLog(QObject):
    """Notes how each listed task of ``runner`` ended. A fault of the program is noted by who shows it."""

    def __init__(self, runner: TaskRunner) -> None:
        super().__init__(runner)
        runner.ended.connect(self._note)

    def _note(self, task: Task) -> None:
        if task.error is not None and task.state is TaskState.FAILED:
            log_failure(task.title, task.error)
            return
        seconds = (task.finished - task.began).total_seconds() if task.began and task.finished else 0.0
        _log.info("%s: %s after %.1f s", task.title, task.state.value, seconds)
