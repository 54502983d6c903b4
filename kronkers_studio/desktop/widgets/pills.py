"""Pills: a state in words, which a colour only supports."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QLabel, QPushButton, QSizePolicy, QWidget

from kronkers_studio.desktop.theme import Tone
from kronkers_studio.desktop.widgets.labels import restyle
from kronkers_studio.domain.spelling import printable

_HEIGHT, _PADDING = 19, 12  # pixels; the padding is the style sheet's


class Pill(QLabel):
    """A word or two on a rounded ground."""

    def __init__(self, text: str = "", tone: Tone = "accent", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._words = ""
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self.setFixedHeight(_HEIGHT)
        self.setProperty("pill", tone)
        self.setText(text)

    def setText(self, text: str) -> None:
        self._words = printable(text)
        super().setText(self._words)
        self._fit()

    def sizeHint(self) -> QSize:
        self.ensurePolished()
        return QSize(self.fontMetrics().horizontalAdvance(self._words) + 2 * _PADDING + 1, _HEIGHT)

    def minimumSizeHint(self) -> QSize:
        return QSize(min(self.sizeHint().width(), 56), _HEIGHT)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        """Cut what is too long for the place, and say all of it in the tooltip."""
        room = self.width() - 2 * _PADDING + 1
        whole = self.fontMetrics().horizontalAdvance(self._words) <= room or not self.isVisible()
        shown = self._words if whole else self.fontMetrics().elidedText(self._words, Qt.TextElideMode.ElideRight, room)
        super().setText(shown)
        self.setToolTip("" if whole else self._words)

    def show_state(self, text: str, tone: Tone) -> None:
        """Say ``text`` in ``tone``; an empty text hides the pill."""
        self.setText(text)
        self.setVisible(bool(text))
        if self.property("pill") != tone:
            self.setProperty("pill", tone)
            restyle(self)


class FilterPills(QWidget):
    """One of several filters, always exactly one. ``chosen`` carries its key."""

    chosen = Signal(str)

    def __init__(self, options: Sequence[tuple[str, str]], name: str, parent: QWidget | None = None) -> None:
        """``options`` are (key, text) pairs; ``name`` tells assistive technology what is filtered."""
        super().__init__(parent)
        self.setAccessibleName(name)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        self._group = QButtonGroup(self)
        self._buttons: dict[str, QPushButton] = {}
        for key, text in options:
            button = QPushButton(text)
            button.setProperty("kind", "filter")
            button.setCheckable(True)
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            button.setAccessibleName(f"{name}: {text}")
            button.setCursor(Qt.CursorShape.PointingHandCursor)
            button.clicked.connect(self._told(key))
            self._group.addButton(button)
            self._buttons[key] = button
            layout.addWidget(button)
        next(iter(self._buttons.values())).setChecked(True)

    @property
    def key(self) -> str:
        return next(key for key, button in self._buttons.items() if button.isChecked())

    def choose(self, key: str) -> None:
        """Choose ``key`` as if it had been clicked; unknown keys are ignored."""
        if key in self._buttons:
            self.select(key)
            self.chosen.emit(key)

    def select(self, key: str) -> None:
        """Show ``key`` as chosen, and tell nobody."""
        if key in self._buttons:
            self._buttons[key].setChecked(True)

    def relabel(self, key: str, text: str) -> None:
        self._buttons[key].setText(text)

    def _told(self, key: str) -> Callable[[], None]:
        return lambda: self.chosen.emit(key)
