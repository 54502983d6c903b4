"""Tooltips, whose words may come from anywhere: Qt would take them for HTML where they look like it, and fetch the
pictures that they name."""

from __future__ import annotations

from PySide6.QtGui import Qt
from PySide6.QtWidgets import QWidget

from kronkers_studio.domain.printable import printable

_JOINER = "\N{WORD JOINER}"  # seen and heard by nobody; with it, what stands before it begins no tag and no entity


def plain_hint(text: str) -> str:
    """``text`` as a tooltip shows it letter by letter, whatever is in it; lines stay lines."""
    shown = printable(text, lines=True)
    if not Qt.mightBeRichText(shown):
        return shown
    return shown.replace("<", f"<{_JOINER}").replace("&", f"&{_JOINER}")


def set_hint(widget: QWidget, text: str) -> None:
    """Let ``text`` be the tooltip of ``widget``; "" for none."""
    widget.setToolTip(plain_hint(text))
