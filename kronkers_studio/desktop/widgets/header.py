"""The top of every page: title and pills on the left, actions on the right, one grey sentence below."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from kronkers_studio.desktop.look.tokens import Tone
from kronkers_studio.desktop.widgets.labels import ElidedLabel, label
from kronkers_studio.desktop.widgets.layout_items import held_at
from kronkers_studio.desktop.widgets.passing_time import keep_current
from kronkers_studio.desktop.widgets.pills import Pill

_WHOLE_PILL = 150  # pixels up to which a pill is never cut


class PageHeader(QWidget):
    """Title, state pills, actions and the sentence that says what the page is for, or as of when it speaks."""

    def __init__(self, title: str, sentence: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(12)
        row = QHBoxLayout()
        row.setSpacing(8)
        self._title = ElidedLabel(title, "title")
        self._title.setFixedHeight(32)
        self._pills = QHBoxLayout()
        self._pills.setSpacing(8)
        self._actions = QHBoxLayout()
        self._actions.setSpacing(8)
        row.addWidget(self._title)
        row.addLayout(self._pills)
        row.addStretch(1)
        row.addLayout(self._actions)
        self._sentence = label(sentence, "muted", wrap=True)
        whole.addLayout(row)
        whole.addWidget(self._sentence)

    def set_title(self, title: str) -> None:
        self._title.setText(title)
        layout = self.layout()
        if layout is not None:
            layout.activate()  # now: what is read meanwhile may hold up the event that would make room for it

    def set_sentence(self, sentence: str | Callable[[], str]) -> None:
        """What is said below the title; something to call where it goes on with the time."""
        keep_current(self._sentence, sentence if callable(sentence) else lambda: sentence)

    def set_pills(self, pills: Sequence[tuple[str, Tone]]) -> None:
        """Show exactly ``pills``, from left to right."""
        while self._pills.count() > len(pills):
            item = self._pills.takeAt(self._pills.count() - 1)
            widget = item.widget() if item is not None else None
            if widget is not None:
                widget.hide()
                widget.deleteLater()
        for index, (text, tone) in enumerate(pills):
            if index < self._pills.count():
                _, pill = held_at(self._pills, index)
                if isinstance(pill, Pill):
                    pill.show_state(text, tone)
            else:
                pill = Pill(text, tone)
                self._pills.addWidget(pill)
            if isinstance(pill, Pill):
                pill.setMinimumWidth(min(pill.sizeHint().width(), _WHOLE_PILL))  # rather the title is cut

    def add_action(self, widget: QWidget) -> None:
        """Put ``widget`` at the right end; the primary button comes last."""
        self._actions.addWidget(widget)
