"""From when to when charts show what was measured."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QDateTime
from PySide6.QtWidgets import QHBoxLayout, QWidget

from kronkers_studio.desktop.localization import tr
from kronkers_studio.desktop.look.tokens import GAP
from kronkers_studio.desktop.widgets.dialog import Dialog
from kronkers_studio.desktop.widgets.fields import DateTimeField, Field


class TimeRangeDialog(Dialog):
    """Asks for a range that begins before it ends; both in seconds since the epoch."""

    def __init__(
        self, parent: QWidget | None, start: float, end: float, on_chosen: Callable[[float, float], object]
    ) -> None:
        """``start`` and ``end`` are what is offered first. ``on_chosen`` gets what was chosen."""
        sentence = tr("The charts stay at this time until another is chosen.")
        super().__init__(parent, tr("Show a time of your own"), sentence)
        self._on_chosen = on_chosen
        self.start = DateTimeField(tr("From"), QDateTime.fromSecsSinceEpoch(int(start) // 60 * 60))
        self.end = DateTimeField(tr("To"), QDateTime.fromSecsSinceEpoch(-(-int(end) // 60) * 60))
        self._start_field = Field(tr("From"), self.start, problem_lines=1)
        self._end_field = Field(tr("To"), self.end, problem_lines=1)
        row = QHBoxLayout()
        row.setSpacing(GAP)
        row.addWidget(self._start_field, 1)
        row.addWidget(self._end_field, 1)
        self.content.addLayout(row)
        self.add_button(tr("Cancel"), self.reject)
        self.go = self.add_button(tr("Show"), self.choose, "primary")
        for field in (self.start, self.end):
            field.dateTimeChanged.connect(self._check)
        self.start.setFocus()
        self._check()

    def choose(self) -> None:
        """Take what is in the fields, when it is a range."""
        if not self._check():
            return
        start, end = (float(field.dateTime().toSecsSinceEpoch()) for field in (self.start, self.end))
        self.accept()
        self._on_chosen(start, end)

    def _check(self) -> bool:
        rises = self.start.dateTime() < self.end.dateTime()
        self._end_field.show_problem("" if rises else tr("This is not after “From”."))
        self.go.setEnabled(rises)
        return rises
