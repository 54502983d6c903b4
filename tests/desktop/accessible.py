"""What assistive technology and the keyboard need of a widget and of all below it."""

from __future__ import annotations

from typing import TypeVar

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSpinBox,
    QComboBox,
    QDialog,
    QLineEdit,
    QPlainTextEdit,
    QProgressBar,
    QWidget,
)

Shown = TypeVar("Shown", bound=QDialog)


def the_dialog(window: QWidget, kind: type[Shown]) -> Shown:
    """The only dialog of ``kind`` that is open in ``window``; everything in it is named and reachable."""
    (found,) = [dialog for dialog in window.findChildren(kind) if dialog.isVisible()]
    assert unnamed(found) == [], unnamed(found)
    assert unreachable(found) == []
    return found


def unnamed(root: QWidget) -> list[str]:
    """Widgets below ``root`` that take the keyboard, or show how far something is, without an accessible name; parts of
    Qt's own compound widgets aside."""
    return [
        f"{type(widget).__name__} in {type(widget.parent()).__name__}"
        for widget in root.findChildren(QWidget)
        if _is_met(widget)
        and not widget.accessibleName().strip()
        and not isinstance(widget.parent(), QComboBox | QAbstractSpinBox | QAbstractItemView)
        and not widget.objectName().startswith("qt_")
    ]


def _is_met(widget: QWidget) -> bool:
    return bool(widget.focusPolicy() & Qt.FocusPolicy.TabFocus) or isinstance(
        widget, QAbstractButton | QAbstractItemView | QProgressBar
    )


def unreachable(root: QWidget) -> list[str]:
    """Visible buttons and inputs that the keyboard cannot reach."""
    return [
        widget.accessibleName()
        for widget in root.findChildren(QWidget)
        if isinstance(widget, QAbstractButton | QLineEdit | QComboBox | QPlainTextEdit)
        and widget.isVisible()
        and not widget.focusPolicy() & Qt.FocusPolicy.TabFocus
        and not isinstance(widget.parent(), QAbstractItemView)
        and not _reached_by_arrows(widget)
    ]


def _reached_by_arrows(widget: QWidget) -> bool:
    """In a group of which one is chosen, Tab goes to the chosen one and the arrow keys to the others."""
    group = widget.group() if isinstance(widget, QAbstractButton) else None
    return group is not None and group.exclusive() and group.checkedButton() is not None
