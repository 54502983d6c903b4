"""Pills: a state in words, which a colour only supports."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QFont, QFontMetrics, QKeyEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QLabel, QPushButton, QSizePolicy, QStyle, QStyleOption, QWidget

from kronkers_studio.desktop.look import theme
from kronkers_studio.desktop.look.tokens import TEXT, Tone
from kronkers_studio.desktop.widgets.hints import set_hint
from kronkers_studio.desktop.widgets.keyboard import is_enter
from kronkers_studio.desktop.widgets.labels import restyle
from kronkers_studio.domain.printable import printable

_HEIGHT, _PADDING = 19, 12  # pixels; the padding is the style sheet's
_FILTER_PADDING = 10


class Pill(QLabel):
    """A word or two on a rounded ground."""

    def __init__(self, text: str = "", tone: Tone = "accent", parent: QWidget | None = None, *, hint: str = "") -> None:
        """``hint`` says more of it, in its tooltip."""
        super().__init__(parent)
        self._more = hint
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self.setFixedHeight(_HEIGHT)
        self.setProperty("pill", tone)
        self.setText(text)

    def setText(self, text: str) -> None:
        super().setText(printable(text))

    def sizeHint(self) -> QSize:
        self.ensurePolished()
        return QSize(self.fontMetrics().horizontalAdvance(self.text()) + 2 * _PADDING + 1, _HEIGHT)

    def minimumSizeHint(self) -> QSize:
        return QSize(min(self.sizeHint().width(), 56), _HEIGHT)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """What is too long for the place is cut, and all of it said in the tooltip."""
        option = QStyleOption()
        option.initFrom(self)
        painter = QPainter(self)
        self.style().drawPrimitive(QStyle.PrimitiveElement.PE_Widget, option, painter, self)
        room = self.width() - 2 * _PADDING + 1
        shown = self.fontMetrics().elidedText(self.text(), Qt.TextElideMode.ElideRight, room)
        cut = "" if shown == self.text() else self.text()
        set_hint(self, "\n".join(part for part in (cut, self._more) if part))
        painter.setPen(self.palette().color(self.foregroundRole()))
        painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, shown)

    def show_state(self, text: str, tone: Tone) -> None:
        """Say ``text`` in ``tone``; an empty text hides the pill."""
        self.setText(text)
        self.setVisible(bool(text))
        if self.property("pill") != tone:
            self.setProperty("pill", tone)
            restyle(self)


class _Filter(QPushButton):
    """As wide as when it is chosen, and its words heavier: nothing is cut then, and nothing moves."""

    def sizeHint(self) -> QSize:
        heavier = QFontMetrics(theme.font(TEXT, QFont.Weight.DemiBold)).horizontalAdvance(self.text())
        return QSize(heavier + 2 * _FILTER_PADDING + 4, super().sizeHint().height())

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter chooses it: in a dialog, Qt would press the default button."""
        if is_enter(event):
            self.click()
        else:
            super().keyPressEvent(event)


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
            button = _Filter(text)
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

    def show_option(self, key: str, shown: bool) -> None:
        """Offer ``key``, or do not."""
        self._buttons[key].setVisible(shown)

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

    def _told(self, key: str) -> Callable[[], None]:
        return lambda: self.chosen.emit(key)
