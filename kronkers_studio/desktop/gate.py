"""What stands before the pages while no workspace is open: a welcome, or the question for the key."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from kronkers_studio.desktop.icons import IconLabel
from kronkers_studio.desktop.studio import Studio
from kronkers_studio.desktop.text import home_short, tr
from kronkers_studio.desktop.widgets.buttons import Button
from kronkers_studio.desktop.widgets.cards import Card
from kronkers_studio.desktop.widgets.fields import Field, LineField
from kronkers_studio.desktop.widgets.labels import label
from kronkers_studio.desktop.widgets.pills import FilterPills
from kronkers_studio.desktop.widgets.states import EmptyState, Notice
from kronkers_studio.domain.errors import KeyUnavailable, StudioError, WrongKey
from kronkers_studio.settings.secrets import Secret


class Gate(QWidget):
    """Shows the welcome, the key question, or why the workspace does not open."""

    begin_wanted = Signal()

    def __init__(self, studio: Studio, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.studio = studio
        self.setProperty("page", True)
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(28, 22, 28, 22)
        self._shown: QWidget | None = None
        self.unlock_card: UnlockCard | None = None

    @property
    def asks_for_key(self) -> bool:
        """Whether the question for the key is shown."""
        return self.unlock_card is not None

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
        """The workspace is being opened."""
        words = label(tr("Opening {folder} …").format(folder=home_short(directory)), "muted")
        words.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._show(words)

    def show_failure(self, directory: Path, error: StudioError) -> None:
        """The workspace did not open: ask for the key when that is what is missing, else say why."""
        if isinstance(error, KeyUnavailable | WrongKey):
            self.unlock_card = UnlockCard(self.studio, directory)
            self._show(self.unlock_card)
            return
        card = Card(tr("The workspace does not open"))
        card.setMaximumWidth(620)
        notice = Notice()
        notice.show_error(error)
        card.body.addWidget(notice)
        retry = Button(tr("Try again"), lambda: self.studio.open_directory(directory), kind="primary")
        row = QHBoxLayout()
        row.addStretch(1)
        row.addWidget(retry)
        card.body.addLayout(row)
        self._show(_centred(card))

    def _show(self, widget: QWidget) -> None:
        if not isinstance(widget, UnlockCard):
            self.unlock_card = None
        if self._shown is not None:
            self._shown.hide()
            self._shown.deleteLater()
        self._shown = widget
        self._column.addWidget(widget)


class UnlockCard(QWidget):
    """Asks for the passphrase or the recovery key, and says right there when it is the wrong one."""

    def __init__(self, studio: Studio, directory: Path) -> None:
        super().__init__()
        self._studio, self._directory = studio, directory
        card = Card()
        card.setFixedWidth(460)
        card.body.setContentsMargins(28, 26, 28, 24)
        card.body.setSpacing(12)
        card.body.addWidget(IconLabel("lock", "accent", 32))
        card.body.addWidget(label(tr("Unlock your workspace"), "name"))
        where = tr("{folder} is encrypted. The system's keyring does not hold its key.")
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
        self.field = Field(tr("Passphrase"), self.entry)
        card.body.addWidget(self.field)
        self.button = Button(tr("Unlock"), self.unlock, kind="primary")
        card.body.addWidget(self.button)
        whole = QVBoxLayout(self)
        whole.addStretch(2)
        whole.addWidget(card, 0, Qt.AlignmentFlag.AlignHCenter)
        whole.addStretch(3)
        self.setFocusProxy(self.entry)

    def unlock(self) -> None:
        """Try what was typed."""
        typed = Secret(self.entry.text())
        if not typed:
            self.field.show_problem(tr("Type it first."))
            return
        self._set_busy(True)
        if self.kind.key == "passphrase":
            self._studio.open_directory(self._directory, passphrase=typed, failed=self._refused)
        else:
            self._studio.open_directory(self._directory, recovery_key=typed, failed=self._refused)

    def _refused(self, error: StudioError) -> None:
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


def _centred(widget: QWidget) -> QWidget:
    holder = QWidget()
    column = QVBoxLayout(holder)
    column.addStretch(2)
    row = QHBoxLayout()
    row.addStretch(1)
    row.addWidget(widget, 4)
    row.addStretch(1)
    column.addLayout(row)
    column.addStretch(3)
    return holder
