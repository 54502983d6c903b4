"""The shape of every dialog: title, sentence, content, and buttons with Cancel as the safe default."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QDialog, QHBoxLayout, QVBoxLayout, QWidget

from kronkers_studio.desktop.localization import tr
from kronkers_studio.desktop.look.tokens import GAP
from kronkers_studio.desktop.widgets.buttons import Button, Kind
from kronkers_studio.desktop.widgets.keyboard import FocusKeeper
from kronkers_studio.desktop.widgets.labels import label
from kronkers_studio.desktop.widgets.states import Notice
from kronkers_studio.domain.printable import printable

_MARGIN = 24  # pixels beside the content
_TOP = 22  # and above it
_HEAD = 40  # pixels of title and sentence at least
_NOTICE_BESIDE, _NOTICE_TOP = 14, 12  # pixels around the notice


class Dialog(QDialog):
    """Shown with ``open()``, so the window behind goes on living. ``content`` is between the words and the buttons.

    What went wrong is said in ``notice`` instead of title and sentence: nothing moves under the mouse.
    """

    of_workspace: ClassVar[bool] = True
    """It is closed with the workspace that was open when it was asked for: whatever it is about, another workspace may
    have something of the same name."""

    def __init__(self, parent: QWidget | None, title: str, sentence: str = "", *, width: int = 460) -> None:
        super().__init__(parent)
        self.setWindowTitle(printable(title))
        self.setAccessibleName(printable(title))
        self.setMinimumWidth(width)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(_MARGIN, _TOP, _MARGIN, 18)
        whole.setSpacing(GAP)
        self._head = QWidget()
        self._head.setMinimumHeight(_HEAD)
        kept = self._head.sizePolicy()
        kept.setRetainSizeWhenHidden(True)
        self._head.setSizePolicy(kept)
        head = QVBoxLayout(self._head)
        head.setContentsMargins(0, 0, 0, 0)
        head.setSpacing(GAP)
        head.addWidget(label(title, "name", wrap=True))
        self.sentence = label(sentence, "muted", wrap=True)
        head.addWidget(self.sentence)
        self.sentence.setVisible(bool(sentence))  # in its place: before, it would be a window of its own
        head.addStretch(1)
        whole.addWidget(self._head)
        self.notice = Notice(self)
        self.notice.belong_to(self)
        self.notice.changed.connect(self._show_notice)
        self._keeper = FocusKeeper(self, lambda: self)
        self.content = QVBoxLayout()
        self.content.setSpacing(GAP)
        whole.addLayout(self.content, 1)
        self.buttons = QHBoxLayout()
        self.buttons.setSpacing(8)
        self.buttons.addStretch(1)
        whole.addSpacing(4)
        whole.addLayout(self.buttons)

    def focusNextPrevChild(self, next: bool) -> bool:
        return self._keeper.move(next)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._place_notice()

    def _show_notice(self) -> None:
        self._head.setVisible(self.notice.isHidden())
        self._place_notice()

    def _place_notice(self) -> None:
        """Over title and sentence; where it is higher than both, the dialog grows at its top."""
        if self.notice.isHidden():
            return
        width = self.width() - 2 * _NOTICE_BESIDE
        height = self.notice.height_at(width)
        self.notice.setMinimumHeight(height)  # it may have one of where it was narrower
        self.notice.setGeometry(_NOTICE_BESIDE, _NOTICE_TOP, width, height)
        self.notice.raise_()
        lacking = height + _NOTICE_TOP - _TOP - max(self._head.height(), self._head.minimumHeight())
        if lacking > 0:
            self._head.setMinimumHeight(max(self._head.height(), self._head.minimumHeight()) + lacking)
            self.resize(self.width(), self.height() + lacking)
            if self.isVisible():
                self.move(self.x(), max(0, self.y() - lacking))

    def fit_height(self) -> None:
        """Be only as high as what is shown takes."""
        layout = self.layout()
        if layout is not None:
            layout.invalidate()
            layout.activate()
            self.setMinimumHeight(layout.minimumHeightForWidth(self.width()))
            self.resize(self.width(), layout.totalHeightForWidth(self.width()))

    def make_room(self, width: int) -> None:
        """Be so wide that ``width`` pixels of content are seen."""
        margins = self.contentsMargins().left() + self.contentsMargins().right() + 2 * _MARGIN
        self.setMinimumWidth(max(self.minimumWidth(), width + margins))

    def event(self, event: QEvent) -> bool:
        """As high as its words take at its width, or as it was made: Qt would take the height that they have at their
        narrowest."""
        handled = super().event(event)
        if event.type() in (QEvent.Type.LayoutRequest, QEvent.Type.Show, QEvent.Type.Resize):
            layout = self.layout()
            if layout is not None and layout.hasHeightForWidth():
                self.setMinimumHeight(layout.minimumHeightForWidth(self.width()))
                if event.type() is QEvent.Type.Show:
                    made = self.height() if self.testAttribute(Qt.WidgetAttribute.WA_Resized) else 0
                    self.resize(self.width(), max(made, layout.totalHeightForWidth(self.width())))
        return handled

    def add_button(self, text: str, on_click: Callable[[], object], kind: Kind = "secondary") -> Button:
        """A button at the right end of the row; the primary one comes last, and Enter presses it unless another one was
        made the default."""
        button = Button(text, on_click, kind=kind)
        button.setDefault(kind == "primary" and not any(each.isDefault() for each in self.findChildren(Button)))
        self.buttons.addWidget(button)
        return button

    def add_cancel(self, text: str = "") -> Button:
        """The way out that changes nothing; Enter presses it unless another button is made the default."""
        button = self.add_button(text or tr("Cancel"), self.reject)
        button.setDefault(True)
        button.setFocus()
        return button


def confirm(parent: QWidget, title: str, sentence: str, action: str, on_yes: Callable[[], object]) -> Dialog:
    """Ask before something that cannot be taken back; Cancel is the default. ``title`` names the object."""
    dialog = Dialog(parent, title, sentence)
    cancel = dialog.add_cancel()

    def yes() -> None:
        dialog.accept()
        on_yes()

    dialog.add_button(action, yes, "danger")
    cancel.setFocus()
    dialog.open()
    return dialog
