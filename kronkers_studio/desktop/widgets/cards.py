"""Cards: white panels on the page's ground, with or without a heading."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QBoxLayout, QFrame, QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from kronkers_studio.desktop.look.tokens import GAP, PADDING_X, PADDING_Y, Tone
from kronkers_studio.desktop.widgets.labels import ElidedLabel, label
from kronkers_studio.desktop.widgets.pills import Pill


class Card(QFrame):
    """A bordered panel. Put content into ``body``; ``head`` is the row of the heading, filled from the left."""

    def __init__(self, heading: str = "", parent: QWidget | None = None, *, margins: bool = True) -> None:
        super().__init__(parent)
        self.setProperty("card", True)
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.body = QVBoxLayout(self)
        if margins:
            self.body.setContentsMargins(PADDING_X, PADDING_Y, PADDING_X, PADDING_Y)
        else:
            self.body.setContentsMargins(0, 0, 0, 0)
        self.body.setSpacing(10)
        self.head = QHBoxLayout()
        self.head.setSpacing(10)
        self.heading = ElidedLabel(heading, "heading")
        if heading:
            self.head.addWidget(self.heading)
            self.body.addLayout(self.head)

    def set_heading(self, heading: str) -> None:
        """Say something else above the content."""
        self.heading.setText(heading)

    def add_to_head(self, *widgets: QWidget) -> None:
        """Put ``widgets`` at the right end of the heading's row."""
        self.head.addStretch(1)
        for widget in widgets:
            self.head.addWidget(widget)


def centred(card: QWidget, weight: int = 0) -> QVBoxLayout:
    """A layout with ``card`` a little above its middle, as wide as it is or, with ``weight``, a part of the room."""
    column = QVBoxLayout()
    column.addStretch(2)
    row = QHBoxLayout()  # an alignment would ask for the card's height at the width of the window
    row.addStretch(1)
    row.addWidget(card, weight)
    row.addStretch(1)
    column.addLayout(row)
    column.addStretch(3)
    return column


class FigureCard(Card):
    """A caption, one large figure, and a pill that puts it into words."""

    def __init__(self, caption: str, figure: str = "–", parent: QWidget | None = None) -> None:
        super().__init__(parent=parent)
        self.body.setSpacing(2)
        self._caption = label(caption, "caption")
        self._figure = label(figure, "figure")
        self._pill = Pill("", "accent")
        self._pill.setVisible(False)
        self._tone: Tone = "accent"
        self._old = False
        self.body.addWidget(self._caption)
        self.body.addWidget(self._figure)
        row = QHBoxLayout()
        row.addWidget(self._pill)
        row.addStretch(1)
        self.body.addLayout(row)
        self.body.addStretch(1)
        self.setMinimumHeight(102)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)  # so that columns are equal
        self.setMinimumWidth(140)
        self.setAccessibleName(caption)

    def show_figure(self, figure: str, pill: str = "", tone: Tone = "accent") -> None:
        """Show ``figure`` and, unless empty, ``pill`` below it."""
        self._figure.setText(figure)
        self._tone = tone
        self._pill.show_state(pill, "plain" if self._old else tone)
        self.setAccessibleDescription(f"{figure} {pill}".strip())

    def show_muted(self, muted: bool) -> None:
        """Whether the figure is an old one, which is no longer so."""
        if self._old != muted:
            self._old = muted
            self._figure.setProperty("old", muted)
            self._figure.style().polish(self._figure)
            self._pill.show_state(self._pill.text(), "plain" if muted else self._tone)

    def show_caption(self, caption: str) -> None:
        self._caption.setText(caption)
        self.setAccessibleName(caption)


def row_of(*widgets: QWidget, gap: int = GAP) -> QHBoxLayout:
    """``widgets`` side by side in equal columns."""
    layout = QHBoxLayout()
    layout.setSpacing(gap)
    for widget in widgets:
        layout.addWidget(widget, 1)
    return layout


def clear(layout: QBoxLayout) -> None:
    """Take everything out of ``layout`` and delete it."""
    while layout.count():
        item = layout.takeAt(0)
        if item is None:
            continue
        widget, inner = item.widget(), item.layout()
        if widget is not None:
            widget.hide()
            widget.setParent(None)
            widget.deleteLater()
        elif isinstance(inner, QBoxLayout):
            clear(inner)
