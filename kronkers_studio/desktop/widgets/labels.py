"""Words on a page, each in one of the few roles that the style sheet knows."""

from __future__ import annotations

import re
from typing import Literal

from PySide6.QtCore import QEvent, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QFrame, QLabel, QSizePolicy, QWidget

from kronkers_studio.desktop.localization import tr
from kronkers_studio.desktop.widgets.hints import plain_hint, set_hint
from kronkers_studio.domain.printable import printable

Role = Literal[
    "title", "figure", "heading", "name", "strong", "medium", "text", "muted", "caption", "bad", "code", "key",
    "shortcut", "output",
]  # fmt: skip


_NARROWEST = 160  # pixels, of words in several lines


class _Words(QLabel):
    """A label that shows names of any bytes: Qt would drop the bytes that are no text.

    In several lines it needs no more room than some short words: a name of 63 letters is cut, and the tooltip shows it
    whole, instead of what stands beside it being pushed out of sight.
    """

    def setText(self, text: str) -> None:
        super().setText(printable(text, lines=True))

    def minimumSizeHint(self) -> QSize:
        needed = super().minimumSizeHint()
        return QSize(min(needed.width(), _NARROWEST), needed.height()) if self.wordWrap() else needed

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if self.wordWrap() and self.toolTip() in ("", plain_hint(self.text())):
            widest = max(map(self.fontMetrics().horizontalAdvance, re.split(r"[\s-]", self.text())))
            set_hint(self, self.text() if widest > self.width() > 0 else "")


def label(text: str = "", role: Role = "text", *, wrap: bool = False, selectable: bool = False) -> QLabel:
    """A label in ``role``; with ``wrap`` it takes the lines it needs."""
    made = _Words()
    made.setText(text)
    made.setTextFormat(Qt.TextFormat.PlainText)
    made.setProperty("role", role)
    made.setWordWrap(wrap)
    if wrap:
        made.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
    if selectable:
        made.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        made.setAccessibleName(made.text() or tr("Text"))
    return made


class ElidedLabel(QLabel):
    """One line that ends in … where it is too long for its place; the tooltip then shows all of it, before ``hint``."""

    def __init__(
        self,
        text: str = "",
        role: Role = "text",
        *,
        middle: bool = False,
        hint: str = "",
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._more = hint
        self.setTextFormat(Qt.TextFormat.PlainText)  # else laying it out would look for the pictures that it names
        self.setProperty("role", role)
        self._mode = Qt.TextElideMode.ElideMiddle if middle else Qt.TextElideMode.ElideRight
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Preferred)
        self.setText(text)

    def setText(self, text: str) -> None:
        super().setText(printable(text))
        self._hint()

    def minimumSizeHint(self) -> QSize:
        return QSize(min(40, self.sizeHint().width()), super().minimumSizeHint().height())

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        shown = self.fontMetrics().elidedText(self.text(), self._mode, self.width())
        painter.setPen(self.palette().color(self.foregroundRole()))
        painter.drawText(self.rect(), self.alignment() | Qt.AlignmentFlag.AlignVCenter, shown)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._hint()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() is QEvent.Type.FontChange:
            self._hint()

    def _hint(self) -> None:
        cut = self.fontMetrics().horizontalAdvance(self.text()) > self.width() > 0
        set_hint(self, "\n".join(filter(None, (self.text() if cut else "", self._more))))


def rule() -> QFrame:
    """A thin line between two parts."""
    made = QFrame()
    made.setProperty("rule", True)
    return made


def restyle(widget: QWidget) -> None:
    """Apply the style sheet anew after a dynamic property changed."""
    widget.style().unpolish(widget)
    widget.style().polish(widget)
    widget.update()
