"""Protect a new workspace: how its key is kept, and the recovery key that is shown once."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QDialog, QFileDialog, QHBoxLayout, QVBoxLayout, QWidget

from kronkers_studio.desktop.localization import home_short, tr
from kronkers_studio.desktop.look.icons import IconLabel
from kronkers_studio.desktop.widgets.buttons import Button
from kronkers_studio.desktop.widgets.cards import Card
from kronkers_studio.desktop.widgets.fields import CheckBox, Field, LineField
from kronkers_studio.desktop.widgets.labels import ElidedLabel, label
from kronkers_studio.desktop.widgets.states import Notice
from kronkers_studio.desktop.work.studio import Studio
from kronkers_studio.settings.secrets import Secret

SHORTEST_PASSPHRASE = 8
_WIDTH = 620


@dataclass(frozen=True, slots=True)
class Choice:
    """Where the workspace is made and what opens it besides the recovery key."""

    directory: Path
    keyring: bool
    passphrase: Secret | None


class ProtectStep(QWidget):
    """Asks how the workspace is to be opened later; ``submitted`` when Enter says that all is typed."""

    submitted = Signal()

    def __init__(self, studio: Studio, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._studio = studio
        self._directory = studio.settings.workspace
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(14)
        self.notice = Notice()
        column.addWidget(self._keyring_card())
        column.addWidget(self._passphrase_card())
        column.addWidget(self._place_card())
        column.addWidget(self.notice)
        column.addStretch(1)
        self.setMaximumWidth(_WIDTH)

    def look_for_keyring(self) -> None:
        """Find out, off the main thread, whether the system's keyring can be used."""

        def work(*_: object) -> bool:
            from kronkers_studio.workflows.session import keyring_usable

            return keyring_usable()

        self._studio.runner.run("keyring", work, done=self._show_keyring, owner=self, shown=False)

    def choice(self) -> Choice | None:
        """What was chosen; None when something is missing, which is then said beside it."""
        typed, again = self.passphrase.text(), self.confirmation.text()
        self._first.show_problem("")
        self._second.show_problem("")
        self.notice.clear()
        if typed and len(typed) < SHORTEST_PASSPHRASE:
            self._first.show_problem(tr("At least {n} characters.").format(n=SHORTEST_PASSPHRASE))
        elif typed != again:
            self._second.show_problem(tr("The two are not the same."))
        elif not typed and not self.keyring.isChecked():
            self._first.show_problem(tr("Without this computer's password store, a passphrase is needed."))
        else:
            return Choice(self._directory, self.keyring.isChecked(), Secret(typed) if typed else None)
        wrong = self.confirmation if self.confirmation.property("invalid") else self.passphrase
        wrong.setFocus(Qt.FocusReason.OtherFocusReason)
        return None

    def _show_keyring(self, usable: bool) -> None:
        self.keyring.setEnabled(usable)
        self.keyring.setChecked(usable)
        self._keyring_words.setText(
            tr("You need not type anything on this computer. Others who use it cannot open your workspace.")
            if usable
            else tr("This computer has no password store that can be used, so a passphrase is needed.")
        )

    def _keyring_card(self) -> Card:
        card = Card()
        self.keyring = CheckBox(tr("Keep the key in this computer's password store"))
        self.keyring.setAccessibleName(tr("Keep the key in this computer's password store"))
        self.keyring.setEnabled(False)
        self._keyring_words = label(tr("Looking for this computer's password store …"), "muted", wrap=True)
        card.body.setSpacing(4)
        card.body.addWidget(self.keyring)
        card.body.addWidget(self._keyring_words)
        return card

    def _passphrase_card(self) -> Card:
        card = Card()
        card.body.addWidget(label(tr("Passphrase"), "heading"))
        words = tr("Opens the workspace on any computer. Four or five words are easier to remember than symbols.")
        card.body.addWidget(label(words, "muted", wrap=True))
        self.passphrase = LineField(tr("Passphrase"), secret=True, on_return=self._first_typed)
        self.confirmation = LineField(tr("The passphrase once more"), secret=True, on_return=self.submitted.emit)
        self._first = Field(tr("Passphrase"), self.passphrase, problem_lines=1)
        self._second = Field(tr("Once more"), self.confirmation, problem_lines=1)
        row = QHBoxLayout()
        row.setSpacing(14)
        row.addWidget(self._first, 1)
        row.addWidget(self._second, 1)
        card.body.addLayout(row)
        return card

    def _first_typed(self) -> None:
        """Enter goes on to what is still to be typed."""
        if self.passphrase.text() and not self.confirmation.text():
            self.confirmation.setFocus(Qt.FocusReason.TabFocusReason)
        else:
            self.submitted.emit()

    def _place_card(self) -> Card:
        card = Card()
        row = QHBoxLayout()
        row.setSpacing(10)
        row.addWidget(IconLabel("folder", "muted", 18))
        row.addWidget(label(tr("Made in"), "muted"))
        self._where = ElidedLabel(home_short(self._directory), middle=True)
        row.addWidget(self._where, 1)
        row.addWidget(Button(tr("Elsewhere …"), self._ask_where, name=tr("Make the workspace elsewhere")))
        card.body.addLayout(row)
        return card

    def _ask_where(self) -> None:
        dialog = QFileDialog(self.window(), tr("Make the workspace in which folder?"), str(Path.home()))
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.setOption(QFileDialog.Option.ShowDirsOnly)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(self._set_where)
        dialog.open()

    def _set_where(self, chosen: str) -> None:
        folder = Path(chosen)
        empty = folder.is_dir() and not any(folder.iterdir())
        self._directory = folder if empty else folder / "Kronkers workspace"
        self._where.setText(home_short(self._directory))


class RecoveryStep(QWidget):
    """Shows the recovery key, once; ``stored`` says whether the box was ticked."""

    stored = Signal(bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._key = Secret("")
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(14)
        card = Card()
        card.body.setSpacing(12)
        head = QHBoxLayout()
        head.setSpacing(10)
        head.addWidget(IconLabel("key", "accent", 20))
        head.addWidget(label(tr("Your recovery key"), "heading"))
        head.addStretch(1)
        card.body.addLayout(head)
        words = tr("It opens the workspace when everything else is lost. It is shown only now and kept nowhere.")
        card.body.addWidget(label(words, "muted", wrap=True))
        self.shown = label("", "key", wrap=True, selectable=True)
        self.shown.setAlignment(Qt.AlignmentFlag.AlignCenter)
        card.body.addWidget(self.shown)
        row = QHBoxLayout()
        row.setSpacing(8)
        self.copy_button = Button(tr("Copy"), self._copy, icon="copy", name=tr("Copy the recovery key"))
        row.addWidget(self.copy_button)
        row.addWidget(Button(tr("Print …"), self._print, icon="print", name=tr("Print the recovery key")))
        row.addWidget(Button(tr("Save …"), self._ask_file, icon="save", name=tr("Save the recovery key in a file")))
        row.addStretch(1)
        card.body.addLayout(row)
        column.addWidget(card)
        self.tick = CheckBox(tr("I have stored it where I will find it, and nobody else"))
        self.tick.setAccessibleName(tr("I have stored the recovery key"))
        self.tick.toggled.connect(self.stored)
        column.addWidget(self.tick)
        self.notice = Notice()
        column.addWidget(self.notice)
        column.addStretch(1)
        self.setMaximumWidth(_WIDTH)

    def show_key(self, key: Secret) -> None:
        self._key = key
        self.shown.setText(key.reveal())
        self.shown.setAccessibleName(tr("Recovery key"))
        self.tick.setChecked(False)

    def forget(self) -> None:
        """The key was stored: it leaves the window's memory."""
        self._key = Secret("")
        self.shown.setText("")

    def save(self, file: Path) -> None:
        """Write the key into ``file``, readable by its owner only."""
        try:
            file.touch(mode=0o600)
            file.write_text(self._page() + "\n", encoding="utf-8")
        except OSError as error:
            self.notice.say(tr("It could not be saved there."), tr("Choose another place."), "bad", str(error))
            return
        self.notice.say(
            tr("Saved in {file}.").format(file=home_short(file)), tr("Keep it away from the workspace."), "ok"
        )

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(self._key.reveal())
        self.copy_button.setText(tr("Copied"))

    def _ask_file(self) -> None:
        dialog = QFileDialog(self.window(), tr("Save the recovery key"), str(Path.home() / "Kronkers recovery key.txt"))
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(lambda chosen: self.save(Path(chosen)))
        dialog.open()

    def _print(self) -> None:
        from PySide6.QtGui import QTextDocument
        from PySide6.QtPrintSupport import QPrintDialog, QPrinter

        printer = QPrinter()
        dialog = QPrintDialog(printer, self.window())
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)

        def on_accept() -> None:
            document = QTextDocument()
            document.setPlainText(self._page())
            document.print_(printer)

        dialog.accepted.connect(on_accept)
        QDialog.open(dialog)

    def _page(self) -> str:
        return "\n\n".join((tr("Kronkers Studio recovery key"), self._key.reveal()))
