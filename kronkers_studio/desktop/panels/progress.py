"""A task's progress in the middle of a page, for whoever stays and watches."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QVBoxLayout, QWidget

from kronkers_studio.desktop.localization import tr
from kronkers_studio.desktop.task_bar import TaskProgress
from kronkers_studio.desktop.widgets.buttons import Button
from kronkers_studio.desktop.widgets.cards import Card
from kronkers_studio.desktop.widgets.labels import label
from kronkers_studio.desktop.work.task_words import progress_words, step_words
from kronkers_studio.desktop.work.tasks import Task


class WorkingPanel(QWidget):
    """Follows one task after another with ``watch``; Cancel asks the task to stop."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._task: Task | None = None
        card = Card()
        card.setFixedWidth(520)
        card.body.setContentsMargins(28, 26, 28, 22)
        card.body.setSpacing(10)
        self._title = label("", "name", wrap=True)
        self._step = label("", "muted", wrap=True)
        self._bar = TaskProgress(tr("Progress"))
        self._words = label("", "caption", wrap=True)
        self._note = label("", "caption", wrap=True)
        self._cancel = Button(tr("Cancel"), self._cancel_task)
        for widget in (self._title, self._step, self._bar, self._words, self._note):
            card.body.addWidget(widget)
        card.body.addWidget(self._cancel, 0, Qt.AlignmentFlag.AlignRight)
        whole = QVBoxLayout(self)
        whole.addStretch(2)
        whole.addWidget(card, 0, Qt.AlignmentFlag.AlignHCenter)
        whole.addStretch(3)

    def watch(self, task: Task, note: str = "", *, cancel: bool = True) -> None:
        """Follow ``task``; ``note`` is a sentence worth knowing meanwhile. Without ``cancel`` it is to be stopped
        elsewhere."""
        if self._task is not None:
            self._task.changed.disconnect(self._refresh)
        self._task = task
        self._note.setText(note)
        self._note.setVisible(bool(note))
        self._cancel.setVisible(cancel and task.cancellable)
        task.changed.connect(self._refresh)
        self._refresh()

    def _refresh(self) -> None:
        task = self._task
        if task is None:
            return
        self._title.setText(task.title)
        self._step.setText(step_words(task) or tr("Starting …"))
        self._bar.show_task(task)
        self._words.setText(progress_words(task) or " ")
        self._cancel.setEnabled(not task.cancelling and not task.state.ended)

    def _cancel_task(self) -> None:
        if self._task is not None:
            self._task.cancel()
