"""The steps of a task as they come: those that are done, and the one that is being done with how far it is."""

from __future__ import annotations

from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from kronkers_studio.desktop.localization import tr
from kronkers_studio.desktop.look.icons import IconLabel
from kronkers_studio.desktop.task_bar import TaskProgress
from kronkers_studio.desktop.widgets.cards import clear
from kronkers_studio.desktop.widgets.labels import ElidedLabel, label, restyle
from kronkers_studio.desktop.work.task_words import progress_words
from kronkers_studio.desktop.work.tasks import Task

_MOST = 14  # steps kept in view


class StepList(QWidget):
    """Follows one task after another with ``watch``."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._task: Task | None = None
        self._rows: list[tuple[QWidget, IconLabel, ElidedLabel]] = []
        self._titles: list[str] = []
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(10)
        self._lines = QVBoxLayout()
        self._lines.setSpacing(6)
        whole.addLayout(self._lines)
        self._bar = TaskProgress(tr("Progress of this step"))
        whole.addWidget(self._bar)
        self._words = label("", "caption", wrap=True)
        whole.addWidget(self._words)
        whole.addStretch(1)

    @property
    def titles(self) -> list[str]:
        """The steps that were seen so far."""
        return list(self._titles)

    def watch(self, task: Task) -> None:
        """Follow ``task`` from its beginning."""
        if self._task is not None:
            self._task.changed.disconnect(self._refresh)
        self._task = task
        self._rows, self._titles = [], []
        clear(self._lines)
        task.changed.connect(self._refresh)
        self._refresh()

    def _refresh(self) -> None:
        task = self._task
        if task is None:
            return
        title = task.reported.now.title or tr("Starting …")
        if not task.state.ended and (not self._titles or self._titles[-1] != title):
            self._begin(title)
        self._bar.show_task(task)
        self._words.setText(progress_words(task) or " ")

    def _begin(self, title: str) -> None:
        if self._rows:
            _line, mark, words = self._rows[-1]
            mark.show_icon("done", "ok")
            words.setProperty("role", "muted")
            restyle(words)
        mark, words = IconLabel("refresh", "accent", 18), ElidedLabel(tr(title), "text")
        line = QWidget()
        row = QHBoxLayout(line)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(10)
        row.addWidget(mark)
        row.addWidget(words, 1)
        self._lines.addWidget(line)
        self._rows.append((line, mark, words))
        self._titles.append(title)
        if len(self._rows) > _MOST:
            self._rows.pop(0)[0].hide()
