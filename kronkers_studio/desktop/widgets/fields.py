"""Input: combo boxes, check boxes and labelled fields, drawn in the window's look."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import QDateTime, QMimeData, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDateTimeEdit,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPlainTextEdit,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionComboBox,
    QStylePainter,
    QVBoxLayout,
    QWidget,
)

from kronkers_studio.desktop.localization import clock_format, tr
from kronkers_studio.desktop.look import icons, theme
from kronkers_studio.desktop.widgets.buttons import Button
from kronkers_studio.desktop.widgets.keyboard import is_enter
from kronkers_studio.desktop.widgets.labels import label, restyle
from kronkers_studio.domain.printable import printable

_BEFORE_ARROW, _ARROW = 16, 28  # pixels of a drop-down that its words do not have
_BESIDE_WORDS = 8  # and of the field that the style gives to them
_PROBLEM_LINE = 16  # pixels of a caption's line


class ComboBox(QComboBox):
    """A drop-down of (text, value) choices with a drawn arrow."""

    def __init__(self, name: str, choices: Sequence[tuple[str, object]] = (), parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._values: list[object] = []  # kept here: Qt would change names whose bytes are no text
        self.setAccessibleName(printable(name))
        self.view().setAccessibleName(printable(name))
        self.setItemDelegate(QStyledItemDelegate(self))  # what opens looks like a menu, not as Qt's style has it
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        self.set_choices(choices)

    def set_choices(self, choices: Sequence[tuple[str, object]]) -> None:
        """Offer ``choices``, keeping the chosen value where it is still among them; emits no change for that."""
        kept = self.value
        self.blockSignals(True)
        self.clear()
        self._values = [value for _text, value in choices]
        self.addItems([printable(text) for text, _value in choices])
        self.blockSignals(False)
        self.choose(kept)

    @property
    def value(self) -> object:
        """What is chosen; None when there is nothing to choose."""
        return self._values[self.currentIndex()] if 0 <= self.currentIndex() < len(self._values) else None

    @property
    def values(self) -> tuple[object, ...]:
        """What can be chosen."""
        return tuple(self._values)

    def choose(self, value: object) -> None:
        """Choose the entry with ``value``; nothing happens when there is none."""
        if value in self._values:
            self.setCurrentIndex(self._values.index(value))

    def sizeHint(self) -> QSize:
        """Wide enough for the longest choice: the style's own hint leaves no room for what it takes of the field."""
        hint = super().sizeHint()
        return QSize(hint.width() + 2 * _BESIDE_WORDS, hint.height())

    def paintEvent(self, _event: QPaintEvent) -> None:
        option = QStyleOptionComboBox()
        self.initStyleOption(option)
        part = QStyle.SubControl.SC_ComboBoxEditField
        field = self.style().subControlRect(QStyle.ComplexControl.CC_ComboBox, option, part, self)
        room = min(field.width() - _BESIDE_WORDS, self.width() - _BEFORE_ARROW - _ARROW)
        option.currentText = self.fontMetrics().elidedText(option.currentText, Qt.TextElideMode.ElideMiddle, room)
        painter = QStylePainter(self)
        painter.drawComplexControl(QStyle.ComplexControl.CC_ComboBox, option)
        painter.drawControl(QStyle.ControlElement.CE_ComboBoxLabel, option)
        token = "muted" if self.isEnabled() else "disabled"
        arrow = icons.pixmap("chevron-down", token, 16, self.devicePixelRatioF())
        painter.drawPixmap(self.width() - 24, (self.height() - 16) // 2, arrow)


class CheckBox(QCheckBox):
    """A check box with its mark drawn in the theme's colours."""

    _BOX = 16

    def sizeHint(self) -> QSize:
        words = self.fontMetrics().size(Qt.TextFlag.TextShowMnemonic, self.text())
        return QSize(self._BOX + 10 + words.width(), max(self._BOX + 4, words.height() + 4))

    def hitButton(self, _position: object) -> bool:
        return True

    def paintEvent(self, _event: QPaintEvent) -> None:
        tokens = theme.current()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        top = (self.height() - self._BOX) / 2
        box = QRectF(0.5, top + 0.5, self._BOX - 1, self._BOX - 1)
        on = self.isChecked()
        border = "accent" if on or self.hasFocus() else "muted"
        painter.setPen(QPen(tokens.colour(border), 1))
        painter.setBrush(tokens.colour("accent") if on else tokens.colour("surface"))
        painter.drawRoundedRect(box, 4, 4)
        if on:
            mark = icons.pixmap("check", "on_accent", 14, self.devicePixelRatioF())
            painter.drawPixmap(1, round(top) + 1, mark)
        painter.setPen(tokens.colour("text" if self.isEnabled() else "disabled"))
        words = self.rect().adjusted(self._BOX + 10, 0, 0, 0)
        painter.drawText(words, Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextShowMnemonic, self.text())


class LineField(QLineEdit):
    """One line of text. ``secret`` hides what is typed."""

    def __init__(
        self,
        name: str,
        *,
        text: str = "",
        placeholder: str = "",
        secret: bool = False,
        on_return: Callable[[], object] | None = None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(printable(text), parent)
        self.setAccessibleName(printable(name))
        self.setPlaceholderText(printable(placeholder))
        if secret:
            self.setEchoMode(QLineEdit.EchoMode.Password)
        self._on_return = on_return
        self.returnPressed.connect(self._returned)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter that is used here is not used once more by what is around."""
        super().keyPressEvent(event)
        if self._on_return is not None and is_enter(event):
            event.accept()

    def _returned(self) -> None:
        if self._on_return is not None:
            self._on_return()


class FileField(QWidget):
    """The path of a file, typed or browsed for; ``line`` is where it is typed."""

    def __init__(self, name: str, *, title: str, placeholder: str = "", folder: Path | None = None) -> None:
        """``title`` stands above the files to choose from, which begin in ``folder``: the home folder by default."""
        super().__init__()
        self._title, self._folder = title, folder
        self.line = LineField(name, placeholder=placeholder)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.line, 1)
        row.addWidget(Button(tr("Browse …"), self._browse, name=tr("Browse: {what}").format(what=name)))
        self.setFocusProxy(self.line)
        self.setAccessibleName(printable(name))

    @property
    def path(self) -> Path | None:
        """What is named; None when nothing is."""
        text = self.line.text().strip()
        return Path(text) if text else None

    def _browse(self) -> None:
        dialog = QFileDialog(self.window(), self._title, str(self._folder or Path.home()))
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(self.line.setText)
        dialog.open()


class TextBox(QPlainTextEdit):
    """Text of several lines. More than ``most`` characters are not taken when they are pasted or dropped: laying them
    out would hold up the window, a line of a million for most of a minute. Tab leads on.

    refused(amount)   so many characters were pasted, which are too many
    """

    refused = Signal(int)

    def __init__(self, name: str, most: int, text: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._most = most
        self.show_text(text)
        self.setAccessibleName(name)
        self.setTabChangesFocus(True)

    def show_text(self, text: str) -> None:
        """Have ``text`` in it, also where that is longer than what can be typed."""
        if len(text) > self._most:
            self.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)  # what takes the time
        self.setPlainText(text)

    def insertFromMimeData(self, source: QMimeData) -> None:
        """As pasted or dropped."""
        amount = len(source.text())
        chosen = self.textCursor()
        if amount + self.document().characterCount() - 1 - len(chosen.selectedText()) > self._most:
            self.refused.emit(amount)
        else:
            super().insertFromMimeData(source)


class DateTimeField(QDateTimeEdit):
    """A day and a time, to the minute, written as people here write them; not in the future."""

    def __init__(self, name: str, moment: QDateTime, parent: QWidget | None = None) -> None:
        super().__init__(moment, parent)
        self.setAccessibleName(name)
        self.setDisplayFormat(f"ddd d MMM yyyy  {clock_format()}")
        self.setMinimumDateTime(QDateTime.fromSecsSinceEpoch(0))
        # where a style sheet's padding has no effect
        self.lineEdit().setTextMargins(_BESIDE_WORDS, 0, _BESIDE_WORDS, 0)
        self.setMaximumDateTime(QDateTime.currentDateTime().addSecs(60))

    def focusNextPrevChild(self, next: bool) -> bool:
        """Tab goes to the next field; the arrow keys go from day to month inside this one."""
        return QWidget.focusNextPrevChild(self, next)


class Field(QWidget):
    """A caption above an input and, below it, a grey sentence of help or a red one of what is wrong, which is taken
    back as soon as somebody types."""

    def __init__(
        self,
        caption: str,
        entry: QWidget,
        help_text: str = "",
        parent: QWidget | None = None,
        *,
        problem_lines: int = 0,
    ) -> None:
        """``problem_lines`` are kept free for what may be wrong, so that nothing moves when it is said."""
        super().__init__(parent)
        self.entry = entry
        self._help = help_text
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        self._caption = label(caption, "medium")
        self._caption.setBuddy(entry)
        self._below: QLabel = label(help_text, "caption", wrap=True)
        self._kept = problem_lines > 0
        if self._kept:
            self._below.setMinimumHeight(problem_lines * _PROBLEM_LINE)
            self._below.setAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop)
        layout.addWidget(self._caption)
        layout.addWidget(entry)
        layout.addWidget(self._below)
        self._below.setVisible(self._kept or bool(help_text))  # in its place: before, it would be a window of its own
        if not entry.accessibleName():
            entry.setAccessibleName(caption)
        if isinstance(entry, QLineEdit):
            entry.textEdited.connect(self._forget_problem)

    def _forget_problem(self) -> None:
        if self.entry.property("invalid"):
            self.show_problem("")

    def show_caption(self, caption: str) -> None:
        """Ask for something else."""
        self._caption.setText(caption)
        self.entry.setAccessibleName(caption)

    def show_help(self, help_text: str) -> None:
        """Say something else below the input while nothing is wrong."""
        self._help = help_text
        self.show_problem("")

    def show_problem(self, text: str) -> None:
        """Say what is wrong with the input; an empty text takes it back."""
        self._below.setText(text or self._help)
        self._below.setVisible(self._kept or bool(text or self._help))
        self._below.setProperty("role", "bad" if text else "caption")
        restyle(self._below)
        self.entry.setProperty("invalid", bool(text))
        restyle(self.entry)


_CAPTION = 22  # pixels that a field's caption takes above it


def row_of(field: Field, button: Button, *, widest: int) -> QHBoxLayout:
    """``field``, at most ``widest`` pixels wide, and on its right ``button``, level with what is typed."""
    field.setMaximumWidth(widest)
    row = QHBoxLayout()
    row.setSpacing(8)
    row.addWidget(field, 1)
    under = QVBoxLayout()
    under.addSpacing(_CAPTION)
    under.addWidget(button)
    under.addStretch(1)
    row.addLayout(under)
    row.addStretch(1)
    return row
