"""What PySide wraps the items of layouts in, let go of at once.

Qt deletes an item together with its widget and PySide does not notice: the wrapper stays, and whatever gets the item's
address next is taken for it; calling that ends the program. PySide makes such wrappers when ``itemAt`` is called, and
for all that a layout holds when it is added to another one or given to a widget. The latter is mended here for every
layout, whoever imports this.
"""

from __future__ import annotations

from typing import Any

import shiboken6
from PySide6.QtWidgets import QBoxLayout, QLayout, QWidget


def held_at(layout: QLayout, at: int) -> tuple[QLayout | None, QWidget | None]:
    """The layout or widget at a place of ``layout``."""
    item = layout.itemAt(at)
    if item is None:
        return None, None
    inner, widget = item.layout(), item.widget()
    if inner is None:  # a layout is its own item
        shiboken6.invalidate(item)
    return inner, widget


def _let_go(layout: QLayout) -> None:
    for at in range(layout.count()):
        inner, _ = held_at(layout, at)
        if inner is not None:
            _let_go(inner)


_add_layout, _set_layout = QBoxLayout.addLayout, QWidget.setLayout


def _adding(self: QBoxLayout, layout: QLayout, *stretch: Any, **named: Any) -> None:
    _add_layout(self, layout, *stretch, **named)
    _let_go(layout)


def _setting(self: QWidget, layout: QLayout) -> None:
    _set_layout(self, layout)
    _let_go(layout)


QBoxLayout.addLayout = _adding  # type: ignore[method-assign]
QWidget.setLayout = _setting  # type: ignore[method-assign]
