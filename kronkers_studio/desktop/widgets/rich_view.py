"""Words with marks, of several lines, to read: nothing in them is opened, fetched or run."""

from __future__ import annotations

from PySide6.QtCore import Qt, QUrl
from PySide6.QtWidgets import QFrame, QTextEdit, QWidget


class RichView(QTextEdit):
    """Shows rich text that whoever gives it answers for; it scrolls when there is more than room."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setReadOnly(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setAccessibleName(name)
        self.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setTabChangesFocus(True)
        self.document().setDocumentMargin(0)

    def loadResource(self, _kind: int, _name: QUrl | str) -> None:
        """Nothing that a text names is ever got."""

    def show_text(self, text: str) -> None:
        """Show ``text`` from its beginning, unless it is what is shown already."""
        if text != self.property("shown"):
            self.setProperty("shown", text)
            self.setHtml(text)
