"""Facts: a name, what it is, and a hint that says more."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtWidgets import QGridLayout, QWidget

from kronkers_studio.desktop.widgets.labels import ElidedLabel

Fact = tuple[str, str, str]
"""A name, what it is, and a hint that says more; "" for none."""

_NAMES = 92  # pixels of the names at least
_VALUES = 130  # and of what stands beside them, however long a name is


def fact_grid(facts: Sequence[Fact]) -> QWidget:
    """``facts`` below each other, the names in a column of their own; what is too long is cut and in the tooltip."""
    holder = QWidget()
    grid = QGridLayout(holder)
    grid.setContentsMargins(0, 0, 0, 0)
    grid.setHorizontalSpacing(12)
    grid.setVerticalSpacing(4)
    grid.setColumnMinimumWidth(0, _NAMES)
    grid.setColumnStretch(1, 1)
    for position, (name, value, hint) in enumerate(facts):
        grid.addWidget(ElidedLabel(name, "muted"), position, 0)
        shown = ElidedLabel(value, middle=True, hint=hint)
        shown.setMinimumWidth(min(shown.sizeHint().width(), _VALUES))
        grid.addWidget(shown, position, 1)
    return holder
