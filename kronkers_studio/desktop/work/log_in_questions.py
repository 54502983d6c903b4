"""What servers ask at a log-in, brought from tasks' threads to the person, one question after the other."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from PySide6.QtCore import QObject, Qt, Signal

from kronkers_studio.domain.log_ins import LogInQuestions
from kronkers_studio.settings.secrets import Secret


class OpenQuestions:
    """Questions that wait for their answers; the first ``answer`` counts."""

    def __init__(self, questions: LogInQuestions) -> None:
        self.questions = questions
        self.given: Sequence[Secret] | None = None
        self._answered = threading.Event()

    @property
    def answered(self) -> bool:
        return self._answered.is_set()

    def answer(self, given: Sequence[Secret] | None) -> None:
        """``given`` are the answers, in order; None: there will be none."""
        if not self.answered:
            self.given = given
            self._answered.set()

    def wait(self) -> Sequence[Secret] | None:
        self._answered.wait()
        return self.given


class LogInQuestioner(QObject):
    """``ask`` is called on a task's thread, which waits; ``show`` on the main one, which never does."""

    _came = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.show: Callable[[OpenQuestions], object] | None = None
        """Shows questions to the person, and has them answered; without it, nobody is there."""

        self._one_at_a_time = threading.Lock()
        self._open: OpenQuestions | None = None
        self._round = 0
        self._came.connect(self._show, Qt.ConnectionType.QueuedConnection)

    def ask(self, questions: LogInQuestions) -> Sequence[Secret] | None:
        """The person's answers; None when they want to give none, or the workspace is left meanwhile."""
        round_ = self._round
        with self._one_at_a_time:
            if self.show is None or round_ != self._round:
                return None
            self._open = OpenQuestions(questions)
            self._came.emit(self._open)
            return self._open.wait()

    def give_up(self) -> None:
        """What is asked now, or waits to be, gets no answer."""
        self._round += 1
        if self._open is not None:
            self._open.answer(None)

    def _show(self, questions: OpenQuestions) -> None:
        if self.show is None:
            questions.answer(None)
        elif not questions.answered:  # given up before it was shown
            self.show(questions)
