"""What a page shows instead of content: that there is none yet, or what went wrong."""

from __future__ import annotations

import traceback
from collections.abc import Callable

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QGuiApplication, QResizeEvent
from PySide6.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QLineEdit, QSizePolicy, QVBoxLayout, QWidget

from kronkers_studio.desktop.localization import tr
from kronkers_studio.desktop.look.icons import IconLabel
from kronkers_studio.desktop.look.tokens import Tone
from kronkers_studio.desktop.widgets.buttons import Button
from kronkers_studio.desktop.widgets.labels import label, restyle
from kronkers_studio.domain.errors import StudioError

_WORDS_WIDTH = 440
_NARROW = 460  # pixels of a notice in which the words need what a button's would take


class EmptyState(QWidget):
    """One sentence on what this place is for, and one button that begins it."""

    def __init__(
        self,
        icon: str,
        title: str,
        sentence: str,
        action: str = "",
        on_action: Callable[[], object] | None = None,
        *,
        second: tuple[str, Callable[[], object]] | None = None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        column = QVBoxLayout(self)
        column.setSpacing(8)
        column.addStretch(2)
        column.addWidget(IconLabel(icon, "accent", 40), 0, Qt.AlignmentFlag.AlignHCenter)
        column.addSpacing(4)
        column.addWidget(label(title, "name"), 0, Qt.AlignmentFlag.AlignHCenter)
        words = label(sentence, "muted", wrap=True)
        words.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        words.setFixedWidth(_WORDS_WIDTH)
        words.setMinimumHeight(words.heightForWidth(_WORDS_WIDTH))
        column.addWidget(words, 0, Qt.AlignmentFlag.AlignHCenter)
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        buttons.addStretch(1)
        if second is not None:
            buttons.addWidget(Button(second[0], second[1]))
        if action:
            self.button = Button(action, on_action, kind="primary")
            buttons.addWidget(self.button)
        buttons.addStretch(1)
        column.addSpacing(8)
        column.addLayout(buttons)
        column.addStretch(3)


class Notice(QFrame):
    """A sentence that belongs here: what happened, what to do, and for errors the details to copy.

    changed   it says something else now, or nothing
    """

    changed = Signal()
    _ICONS = {"accent": "info", "ok": "done", "warn": "warning", "bad": "error"}  # noqa: RUF012

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        self._details = ""
        self._form: QWidget | None = None
        self._tone: Tone = "accent"
        row = QHBoxLayout(self)
        row.setContentsMargins(14, 10, 10, 10)
        row.setSpacing(10)
        self._icon = IconLabel("info", "accent", 18)
        words = QGridLayout()
        words.setHorizontalSpacing(10)
        words.setVerticalSpacing(2)
        words.setColumnStretch(1, 1)
        self._message = label("", "medium", wrap=True, selectable=True)
        self._next = label("", "text", wrap=True, selectable=True)
        words.addWidget(self._icon, 0, 0)  # beside the first line, wherever the buttons push that
        words.addWidget(self._message, 0, 1)
        words.addWidget(self._next, 1, 1)
        self._buttons = QHBoxLayout()
        self._copy = Button(tr("Copy details"), self._copy_details, kind="quiet", icon="copy")
        self._act = Button("", self._do_action, kind="link", name=tr("Do it"))
        self._action: Callable[[], object] | None = None
        self._close = Button("", self.clear, kind="icon", icon="close", name=tr("Close this message"))
        row.addLayout(words, 1)
        row.addLayout(self._buttons)
        row.addWidget(self._act, 0, Qt.AlignmentFlag.AlignTop)
        row.addWidget(self._copy, 0, Qt.AlignmentFlag.AlignTop)
        row.addWidget(self._close, 0, Qt.AlignmentFlag.AlignTop)
        self._layouts = (words, self._buttons, row)  # the outer one last
        self.setVisible(False)

    def belong_to(self, form: QWidget) -> None:
        """What is wrong with ``form`` is taken back as soon as somebody types in it."""
        self._form = form

    def _watch_form(self) -> None:
        for entry in self._form.findChildren(QLineEdit) if self._form is not None else ():
            if not entry.property("clears_notice"):
                entry.setProperty("clears_notice", True)
                entry.textEdited.connect(self._on_typed)

    def _on_typed(self) -> None:
        if self._tone in ("bad", "warn"):
            self.clear()

    @property
    def message(self) -> str:
        """What is said now; empty when nothing is."""
        return self._message.text() if not self.isHidden() else ""

    @property
    def action(self) -> Button | None:
        """The button for what can be done about it; None when there is nothing to do."""
        return self._act if not self.isHidden() and self._action is not None else None

    def say(
        self,
        message: str,
        next_step: str = "",
        tone: Tone = "accent",
        details: str = "",
        *,
        action: tuple[str, Callable[[], object]] | None = None,
    ) -> None:
        """Show ``message`` and below it ``next_step``; ``action`` is a button's words and what it does, once."""
        self._details = details
        self._tone = tone
        self._watch_form()
        words, self._action = action if action is not None else ("", None)
        self._act.setText(words)
        self._act.setAccessibleName(words or tr("Do it"))
        self._act.setVisible(action is not None)
        self._message.setText(message)
        self._message.setAccessibleName(self._message.text())
        self._next.setText(next_step)
        self._next.setAccessibleName(self._next.text() or tr("What to do"))
        self._next.setVisible(bool(next_step))
        self._copy.setVisible(bool(details))
        self._icon.show_icon(self._ICONS.get(tone, "info"), "accent_text" if tone in ("accent", "plain") else tone)
        self.setProperty("notice", tone)
        self._copy.setText(tr("Copy details"))
        restyle(self)
        self.setVisible(True)
        self._fit()
        self.changed.emit()

    def show_error(self, error: BaseException, action: tuple[str, Callable[[], object]] | None = None) -> None:
        """Show what happened and what to do, with a button that does it; a bug never comes here, it has its own
        dialog."""
        if isinstance(error, StudioError):
            details = f"{type(error).__name__}: {error.message}\n{error.next_step}\n{error.details}".strip()
            self.say(error.message, error.next_step, "bad", details, action=action)
        else:
            details = "".join(traceback.format_exception(error))
            words = tr("Something went wrong. Your files are safe.")
            advice = tr("Try it once more; if it happens again, copy the details and report it.")
            self.say(words, advice, "bad", details)

    def clear(self) -> None:
        self.setVisible(False)
        self.changed.emit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """As high as its words take at its width: Qt would take the height that they have at another one."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        self._copy.setText("" if self.width() < _NARROW else tr("Copy details"))
        if self.width() > 0:
            self.setMinimumHeight(self.height_at(self.width()))

    def height_at(self, width: int) -> int:
        """The height that it takes at that width with what it says now. Qt's layouts keep what they were told of the
        words before, each on its own, until it is their turn."""
        for layout in self._layouts:
            layout.invalidate()
        return max(0, self._layouts[-1].totalHeightForWidth(width))

    def _do_action(self) -> None:
        action = self._action
        self.clear()
        if action is not None:
            action()

    def _copy_details(self) -> None:
        QGuiApplication.clipboard().setText(self._details)
        if self._copy.text():
            self._copy.setText(tr("Copied"))
