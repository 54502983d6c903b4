"""What stands before the pages while no workspace is open: a welcome, the question for the key, or what to mend."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent, QShowEvent
from PySide6.QtWidgets import QApplication, QHBoxLayout, QVBoxLayout, QWidget

from kronkers_studio.desktop.localization import home_short, tr
from kronkers_studio.desktop.look.icons import IconLabel
from kronkers_studio.desktop.panels.rebuild import MendingPanel
from kronkers_studio.desktop.widgets.buttons import Button
from kronkers_studio.desktop.widgets.cards import Card, centred
from kronkers_studio.desktop.widgets.fields import Field, LineField
from kronkers_studio.desktop.widgets.keyboard import first_entry, press_primary
from kronkers_studio.desktop.widgets.labels import label
from kronkers_studio.desktop.widgets.pills import FilterPills
from kronkers_studio.desktop.widgets.states import EmptyState, Notice
from kronkers_studio.desktop.work.studio import Key, Studio
from kronkers_studio.domain.errors import IndexDamaged, KeyUnavailable, StudioError, WrongKey
from kronkers_studio.settings.secrets import Secret


class Gate(QWidget):
    """Shows the welcome, the key question, why the workspace does not open, or how its index is made again.

    rebuilt(report)   the index was made again and the workspace is open: a ``RebuildReport``
    """

    begin_wanted = Signal()
    rebuilt = Signal(object)

    def __init__(self, studio: Studio, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.studio = studio
        self.setProperty("page", True)
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(28, 22, 28, 22)
        self._shown: QWidget | None = None
        self.unlock_card: UnlockCard | None = None
        self.setAccessibleName(tr("Your workspace"))
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        studio.opened.connect(lambda: self._show_words(""))

    def take_focus(self) -> None:
        """The keyboard comes here: to what is asked for, if anything is."""
        (first_entry(self) or self).setFocus(Qt.FocusReason.OtherFocusReason)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if not press_primary(self, event):
            super().keyPressEvent(event)

    def on_active(self) -> None:
        """The window may become active only after the question is shown; what is typed then belongs into its field."""
        if self.unlock_card is not None:
            self.unlock_card.take_focus()

    def show_welcome(self) -> None:
        """There is no workspace yet."""
        self._show(
            EmptyState(
                "logo",
                tr("Welcome to Kronkers Studio"),
                tr("Choose a OneDrive folder. A few minutes later its model answers requests, with live charts."),
                tr("Begin"),
                self.begin_wanted.emit,
            )
        )

    def show_opening(self, directory: Path) -> None:
        """The workspace is being opened; a question for its key stays until that is known to be right."""
        if self.unlock_card is None:
            self._show_words(tr("Opening {folder} …").format(folder=home_short(directory)))

    def show_closing(self, directory: Path) -> None:
        """The workspace is being closed."""
        self._show_words(tr("Closing {folder} …").format(folder=home_short(directory)))

    def show_failure(self, directory: Path, key: Key, error: StudioError) -> None:
        """The workspace did not open with ``key``: ask for another one, offer to mend it, or say why."""
        if isinstance(error, KeyUnavailable | WrongKey):
            if self.unlock_card is not None and self.unlock_card.directory == directory:
                self.unlock_card.refuse(error)
            else:
                self.ask_for_key(directory, lambda given: self.studio.open_directory(directory, given))
        elif isinstance(error, IndexDamaged):
            self.mend(directory, key, error)
        else:
            self._show(self._failure(directory, key, error))

    def ask_for_key(self, directory: Path, use: Callable[[Key], object], error: StudioError | None = None) -> None:
        """Ask for the key, which ``use`` gets; ``error`` says what was wrong with the last one."""
        self.unlock_card = UnlockCard(directory, use)
        self._show(self.unlock_card)
        if error is not None:
            self.unlock_card.refuse(error)

    def mend(self, directory: Path, key: Key, error: IndexDamaged | None = None) -> MendingPanel:
        """Offer to make the workspace's index again; without ``error``, it was agreed to and begins at once."""
        panel = MendingPanel(self.studio, directory, key, error, self.rebuilt.emit)
        panel.key_wanted.connect(lambda refused: self._ask_for_mending(panel, refused))
        self._show(panel)
        if error is None:
            panel.rebuild()
        return panel

    def _ask_for_mending(self, panel: MendingPanel, refused: StudioError) -> None:
        """Ask for the key that ``panel`` lacks, and go on with it."""

        def go_on(key: Key) -> None:
            self.mend(panel.directory, key, panel.error).rebuild()

        self.ask_for_key(panel.directory, go_on, refused if isinstance(refused, WrongKey) else None)

    def _failure(self, directory: Path, key: Key, error: StudioError) -> QWidget:
        card = Card(tr("The workspace does not open"))
        card.setMaximumWidth(620)
        notice = Notice()
        notice.show_error(error)
        card.body.addWidget(notice)
        retry = Button(tr("Try again"), lambda: self.studio.open_directory(directory, key), kind="primary")
        row = QHBoxLayout()
        row.addStretch(1)
        row.addWidget(retry)
        card.body.addLayout(row)
        failure = QWidget()
        failure.setLayout(centred(card, 4))
        return failure

    def _show_words(self, text: str) -> None:
        words = label(text, "muted")
        words.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._show(words)

    def _show(self, widget: QWidget) -> None:
        if not isinstance(widget, UnlockCard):
            self.unlock_card = None
        if self._shown is not None:
            self._shown.hide()
            self._shown.deleteLater()
        self._shown = widget
        self._column.addWidget(widget)
        if self.isVisible():
            self.take_focus()


class UnlockCard(QWidget):
    """Asks for the passphrase or the recovery key, and says right there when it is the wrong one."""

    def __init__(self, directory: Path, use: Callable[[Key], object]) -> None:
        super().__init__()
        self.directory = directory
        self._use = use
        card = Card()
        card.setFixedWidth(460)
        card.body.setContentsMargins(28, 26, 28, 24)
        card.body.setSpacing(12)
        card.body.addWidget(IconLabel("lock", "accent", 32))
        card.body.addWidget(label(tr("Unlock your workspace"), "name"))
        where = tr("{folder} is encrypted. Type your passphrase to open it.")
        card.body.addWidget(label(where.format(folder=home_short(directory)), "muted", wrap=True))
        self.kind = FilterPills(
            [("passphrase", tr("Passphrase")), ("recovery", tr("Recovery key"))], tr("What you unlock it with")
        )
        self.kind.chosen.connect(self._ask_for)
        row = QHBoxLayout()
        row.addWidget(self.kind)
        row.addStretch(1)
        card.body.addLayout(row)
        self.entry = LineField(tr("Passphrase"), secret=True, on_return=self.unlock)
        self.field = Field(tr("Passphrase"), self.entry, problem_lines=2)
        card.body.addWidget(self.field)
        self.button = Button(tr("Unlock"), self.unlock, kind="primary")
        card.body.addWidget(self.button)
        self.setLayout(centred(card))
        self.setFocusProxy(self.entry)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.entry.setFocus(Qt.FocusReason.OtherFocusReason)

    def take_focus(self) -> None:
        """Have the keyboard in the field, unless somebody went with it to another part of this card."""
        now = QApplication.focusWidget()
        if self.isActiveWindow() and self.isVisible() and not (now is not None and self.isAncestorOf(now)):
            self.entry.setFocus(Qt.FocusReason.ActiveWindowFocusReason)

    def unlock(self) -> None:
        """Try what was typed."""
        typed = Secret(self.entry.text())
        if not typed:
            self.field.show_problem(tr("Type it first."))
            return
        self._set_busy(True)
        self._use(Key(passphrase=typed) if self.kind.key == "passphrase" else Key(recovery_key=typed))

    def refuse(self, error: StudioError) -> None:
        """Say what was wrong with what was typed, and ask again."""
        self._set_busy(False)
        self.field.show_problem(f"{error.message} {error.next_step}".strip())
        self.entry.selectAll()
        self.entry.setFocus()

    def _ask_for(self, kind: str) -> None:
        words = tr("Passphrase") if kind == "passphrase" else tr("Recovery key")
        self.field.show_caption(words)
        self.field.show_problem("")
        self.entry.clear()
        self.entry.setEchoMode(LineField.EchoMode.Password if kind == "passphrase" else LineField.EchoMode.Normal)
        self.entry.setFocus()

    def _set_busy(self, busy: bool) -> None:
        self.entry.setEnabled(not busy)
        self.button.setEnabled(not busy)
        self.button.setText(tr("Opening …") if busy else tr("Unlock"))
