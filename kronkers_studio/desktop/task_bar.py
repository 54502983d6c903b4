"""The bar at the bottom (what is being done now) and the panel of all tasks that opens from it."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QProgressBar, QVBoxLayout, QWidget

from kronkers_studio.desktop.localization import counted, tr
from kronkers_studio.desktop.look.icons import IconLabel
from kronkers_studio.desktop.widgets.buttons import Button
from kronkers_studio.desktop.widgets.labels import ElidedLabel, label
from kronkers_studio.desktop.widgets.passing_time import PassingTime
from kronkers_studio.desktop.widgets.pills import Pill
from kronkers_studio.desktop.widgets.views import scrolling
from kronkers_studio.desktop.work.task_words import progress_words, state_pill, step_words
from kronkers_studio.desktop.work.tasks import Task, TaskRunner, TaskState

_STEPS = 1000
_HEIGHT = 33
_PANEL_WIDTH, _PANEL_HEIGHT = 520, 380


class TaskProgress(QProgressBar):
    """A thin bar; it runs to and fro while nothing is known of the total."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(name)
        self.setTextVisible(False)
        self.setRange(0, _STEPS)

    def show_task(self, task: Task) -> None:
        fraction = 1.0 if task.state is TaskState.DONE else task.fraction
        if fraction is None and task.state is TaskState.RUNNING:
            self.setRange(0, 0)
        else:
            self.setRange(0, _STEPS)
            self.setValue(round((fraction or 0.0) * _STEPS))


class TaskBar(QFrame):
    """``panel_wanted`` asks for the Tasks panel to open or close."""

    panel_wanted = Signal()

    def __init__(self, runner: TaskRunner, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._runner = runner
        self.setObjectName("taskbar")
        self.setFixedHeight(_HEIGHT)
        row = QHBoxLayout(self)
        row.setContentsMargins(20, 0, 14, 0)
        row.setSpacing(8)
        self._mark = IconLabel("done", "ok", 16)
        self._title = ElidedLabel("", "text")
        self._title.setMaximumWidth(420)
        self._bar = TaskProgress(tr("Progress of the current task"))
        self._bar.setFixedWidth(220)
        self._words = ElidedLabel("", "muted")
        self._button = Button("", self.panel_wanted.emit, kind="bar", name=tr("Show or hide the Tasks panel"))
        self._button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        for widget in (self._mark, self._title, self._bar):
            row.addWidget(widget)
        row.addWidget(self._words, 1)
        row.addWidget(self._button)
        runner.added.connect(self.refresh)
        runner.changed.connect(self.refresh)
        runner.ended.connect(self.refresh)
        PassingTime.of_program().passed.connect(self.refresh)
        self.refresh()

    def refresh(self, _task: Task | None = None) -> None:
        """Show the task that runs, else how the last one ended."""
        active = self._runner.active
        running = next((task for task in active if task.state is TaskState.RUNNING), active[0] if active else None)
        last = running or (self._runner.tasks[0] if self._runner.tasks else None)
        self._bar.setVisible(running is not None)
        self._mark.setVisible(running is None and last is not None)
        self._button.setText(counted(len(active), tr("{n} task"), tr("{n} tasks")) if active else tr("Tasks"))
        if last is None:
            self._title.setText("")
            self._words.setText(tr("Nothing is being worked on."))
            return
        self._title.setText(last.title)
        self._words.setText(progress_words(last))
        if running is not None:
            self._bar.show_task(running)
        else:
            icon, colour = _MARKS[last.state]
            self._mark.show_icon(icon, colour)


_MARKS = {
    TaskState.DONE: ("done", "ok"),
    TaskState.FAILED: ("error", "bad"),
    TaskState.CANCELLED: ("warning", "warn"),
}


class TasksPanel(QFrame):
    """All tasks of this session, newest first; opens above the bar, over the page."""

    def __init__(self, runner: TaskRunner, parent: QWidget) -> None:
        super().__init__(parent)
        self._over = parent
        self.setProperty("card", True)
        self.setAccessibleName(tr("Tasks"))
        self.setFixedSize(_PANEL_WIDTH, _PANEL_HEIGHT)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(16, 12, 8, 8)
        head = QHBoxLayout()
        head.addWidget(label(tr("Tasks"), "heading"))
        head.addStretch(1)
        self.close_button = Button("", self.hide, kind="icon", icon="close", name=tr("Close the Tasks panel"))
        head.addWidget(self.close_button)
        whole.addLayout(head)
        empty = tr("Long work is listed here, with its progress and a way to cancel it.")
        self._empty = label(empty, "muted", wrap=True)
        whole.addWidget(self._empty)
        inner = QWidget()
        self._rows = QVBoxLayout(inner)
        self._rows.setContentsMargins(0, 0, 8, 0)
        self._rows.setSpacing(0)
        self._rows.addStretch(1)
        whole.addWidget(scrolling(inner, tr("List of tasks")), 1)
        for task in reversed(runner.tasks):
            self._add(task)
        runner.added.connect(self._add)
        parent.installEventFilter(self)
        self.hide()

    def toggle(self) -> None:
        """Open it, or close it when it is open."""
        self.setVisible(self.isHidden())
        if self.isVisible():
            self._place()
            self.raise_()
            self.close_button.setFocus()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() is QEvent.Type.Resize:
            self._place()
        return super().eventFilter(watched, event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.hide()
        else:
            super().keyPressEvent(event)

    def _place(self) -> None:
        parent = self._over
        self.move(parent.width() - self.width() - 14, parent.height() - self.height() - _HEIGHT - 8)

    def _add(self, task: Task) -> None:
        self._empty.hide()
        self._rows.insertWidget(0, _TaskRow(task))


class _TaskRow(QWidget):
    def __init__(self, task: Task) -> None:
        super().__init__()
        self._task = task
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 10, 0, 10)
        whole.setSpacing(6)
        head = QHBoxLayout()
        head.setSpacing(10)
        self._pill = Pill("", "accent")
        self._cancel = Button(
            tr("Cancel"), task.cancel, kind="quiet", name=tr("Cancel “{task}”").format(task=task.title)
        )
        head.addWidget(ElidedLabel(task.title, "medium"), 1)
        head.addWidget(self._pill)
        head.addWidget(self._cancel)
        self._bar = TaskProgress(task.title)
        self._words = label("", "caption", wrap=True)
        whole.addLayout(head)
        whole.addWidget(self._bar)
        whole.addWidget(self._words)
        task.changed.connect(self.refresh)
        PassingTime.of_program().passed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        task = self._task
        self._pill.show_state(*state_pill(task))
        self._bar.setVisible(not task.state.ended)
        self._bar.show_task(task)
        self._cancel.setVisible(task.cancellable and not task.state.ended)
        self._cancel.setEnabled(not task.cancelling)
        self._words.setText(" · ".join(words for words in (step_words(task), progress_words(task)) if words))
