"""Where the keyboard goes: Tab in reading order, Enter to the primary button, and to what is near when its place is
gone."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import shiboken6
from PySide6.QtCore import QObject, QPoint, Qt, QTimer
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSpinBox,
    QApplication,
    QBoxLayout,
    QCheckBox,
    QComboBox,
    QGridLayout,
    QLayout,
    QLineEdit,
    QPlainTextEdit,
    QPushButton,
    QScrollArea,
    QStackedLayout,
    QWidget,
)

from kronkers_studio.desktop.widgets.layout_items import held_at

_WHOLE = (QComboBox, QAbstractSpinBox, QAbstractItemView, QLineEdit, QPlainTextEdit)  # what is in them is theirs
_SHOWN_MS = 20  # until what was made instead of something is shown in its place
_ENTERS = (Qt.Key.Key_Return, Qt.Key.Key_Enter)


def is_enter(event: QKeyEvent) -> bool:
    """Whether Enter was pressed, on either side of the keyboard."""
    return event.key() in _ENTERS


def reading_order(root: QWidget, including: QWidget | None = None) -> list[QWidget]:
    """What Tab goes to below ``root``: as it is laid out, from the top to the bottom and from the left to the right. Of
    a group of which one is chosen, only that one, as the arrow keys reach the others. ``including`` is among them in
    its place, whether Tab goes there or not."""
    return list(_below(root, including))


def _below(widget: QWidget, including: QWidget | None) -> Iterator[QWidget]:
    for child in _children(widget):
        if child.isHidden() or child.isWindow():
            continue
        if child is including or takes_tab(child):
            yield child
        if not isinstance(child, _WHOLE):
            yield from _below(child, including)


def _children(widget: QWidget) -> list[QWidget]:
    layout = widget.layout()
    ordered = list(_laid_out(layout)) if layout is not None else []
    known = {id(child) for child in ordered}
    direct = [child for child in widget.children() if isinstance(child, QWidget) and id(child) not in known]
    return ordered + sorted(direct, key=lambda child: (child.y(), child.x()))


def _laid_out(layout: QLayout) -> Iterator[QWidget]:
    places = list(range(layout.count()))
    if isinstance(layout, QGridLayout):
        places.sort(key=lambda at: layout.getItemPosition(at)[:2])  # type: ignore[index]
    elif isinstance(layout, QBoxLayout) and layout.direction() in (
        QBoxLayout.Direction.RightToLeft,
        QBoxLayout.Direction.BottomToTop,
    ):
        places.reverse()
    elif isinstance(layout, QStackedLayout):
        places = [layout.currentIndex()] if layout.currentIndex() >= 0 else []
    for at in places:
        inner, widget = held_at(layout, at)
        if widget is not None:
            yield widget
        elif inner is not None:
            yield from _laid_out(inner)


def takes_tab(widget: QWidget) -> bool:
    """Whether Tab stops at ``widget`` itself."""
    if not widget.focusPolicy() & Qt.FocusPolicy.TabFocus or widget.focusProxy() is not None:
        return False
    if not widget.isEnabled():
        return False
    group = widget.group() if isinstance(widget, QAbstractButton) else None
    return group is None or not group.exclusive() or group.checkedButton() in (None, widget)


def primary_button(root: QWidget) -> QPushButton | None:
    """The button below ``root`` that Enter stands for; None when there is none, or it cannot be pressed now."""
    buttons = (each for each in reading_order(root) if isinstance(each, QPushButton))
    return next((button for button in buttons if button.property("kind") == "primary"), None)


def press_primary(root: QWidget, event: QKeyEvent) -> bool:
    """Press the primary button for Enter, unless the keyboard is where Enter means something else; whether it was."""
    now = QApplication.focusWidget()
    button = primary_button(root) if is_enter(event) else None
    if button is None or not (now is None or now is root or isinstance(now, QLineEdit | QCheckBox)):
        return False
    button.click()
    return True


class FocusKeeper(QObject):
    """Moves the keyboard in a window: by Tab in reading order and, where its place was hidden or disabled, to what has
    the same name there now, else to what is nearest to it. Qt would go to the first thing in the window."""

    def __init__(self, window: QWidget, home: Callable[[], QWidget]) -> None:
        """``home`` is the part of ``window`` that a lost keyboard stays in."""
        super().__init__(window)
        self._window, self._home = window, home
        self._lost: tuple[str, QPoint] | None = None

    def move(self, forward: bool) -> bool:
        """For ``focusNextPrevChild`` of the window: Tab was pressed, or the keyboard's place is gone."""
        now = self._window.focusWidget()
        if now is not None and (not now.isVisible() or not now.isEnabled()):
            return self._lose(now)
        order = reading_order(self._window, now)
        if not order:
            return False
        at = order.index(now) if now in order else -1 if forward else 0
        step = 1 if forward else -1
        there = order[(at + step) % len(order)]
        if there is now:
            return len(order) > 1
        give_focus(there, Qt.FocusReason.TabFocusReason if forward else Qt.FocusReason.BacktabFocusReason)
        return True

    def _lose(self, widget: QWidget) -> bool:
        """The window keeps the keyboard until it is known what is there instead."""
        if self._window.isVisible():
            if self._lost is None:
                QTimer.singleShot(_SHOWN_MS, self, self.recover)
            self._lost = (widget.accessibleName(), widget.mapToGlobal(widget.rect().center()))
        home = self._home()
        if home.focusPolicy() & Qt.FocusPolicy.ClickFocus and home.isVisible():
            home.setFocus(Qt.FocusReason.OtherFocusReason)
            return True
        return False

    def forget(self) -> None:
        """The keyboard was given a new place on purpose."""
        self._lost = None

    def recover(self) -> None:
        """Put the keyboard where its lost place was, unless somebody has put it elsewhere meanwhile."""
        lost, self._lost = self._lost, None
        if lost is None and self._window.focusWidget() is not None:
            return
        home, now = self._home(), self._window.focusWidget()
        kept = now is not None and now.isVisible() and now.isEnabled() and now is not home
        if kept or not self._window.isVisible():
            return
        order = reading_order(home)
        if not order or lost is None:
            home.setFocus(Qt.FocusReason.OtherFocusReason)
            return
        name, place = lost
        same = (each for each in order if name and each.accessibleName() == name)
        give_focus(next(same, None) or min(order, key=lambda each: _distance(each, place)))


def first_entry(root: QWidget) -> QWidget | None:
    """What is to be filled in or chosen from first below ``root``; None when only buttons are there."""
    return next((each for each in reading_order(root) if not isinstance(each, QPushButton)), None)


def give_focus(widget: QWidget, reason: Qt.FocusReason = Qt.FocusReason.OtherFocusReason) -> None:
    """Give ``widget`` the keyboard, scrolled into view."""
    widget.setFocus(reason)
    holder = widget.parentWidget()
    while holder is not None and shiboken6.isValid(holder):
        if isinstance(holder, QScrollArea):
            holder.ensureWidgetVisible(widget, 12, 12)
        holder = holder.parentWidget()


def _distance(widget: QWidget, place: QPoint) -> int:
    return (widget.mapToGlobal(widget.rect().center()) - place).manhattanLength()
