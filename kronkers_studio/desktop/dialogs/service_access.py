"""How other programs ask a live model: its address, its key, and programs to copy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QHBoxLayout, QPlainTextEdit, QVBoxLayout, QWidget

from kronkers_studio.desktop.localization import tr
from kronkers_studio.desktop.place_words import place_words
from kronkers_studio.desktop.widgets.buttons import Button
from kronkers_studio.desktop.widgets.dialog import Dialog
from kronkers_studio.desktop.widgets.fields import Field, LineField
from kronkers_studio.desktop.widgets.labels import label
from kronkers_studio.desktop.widgets.pills import FilterPills
from kronkers_studio.desktop.widgets.states import EmptyState
from kronkers_studio.desktop.widgets.views import Views
from kronkers_studio.desktop.work.studio import Studio
from kronkers_studio.domain.errors import StudioError
from kronkers_studio.domain.progress import CancelToken
from kronkers_studio.domain.releases import Release
from kronkers_studio.domain.service_snippets import LANGUAGES

if TYPE_CHECKING:
    from kronkers_studio.workflows.service_access import ServiceAccess
    from kronkers_studio.workflows.session import Session

_WIDTH = 620
_PROGRAM_HEIGHT = 236


class ServiceAccessDialog(Dialog):
    """For what is live of ``release``'s model in its place."""

    def __init__(self, parent: QWidget, studio: Studio, release: Release) -> None:
        words = {"model": release.model, "place": place_words(release.place)}
        super().__init__(parent, tr("Use {model} from other programs").format(**words), "", width=_WIDTH)
        self._access: ServiceAccess | None = None
        self.views = Views({"looking": _looking, "found": self._found, "failed": QWidget})
        self.views.show_view("looking")
        self.content.addWidget(self.views, 1)
        self.add_cancel(tr("Close"))

        def work(session: Session, _cancel: CancelToken) -> ServiceAccess:
            from kronkers_studio.workflows.service_access import service_access

            return service_access(session, release.model, release.place)

        studio.look(work, self.show_access, owner=self, failed=self._failed)

    def show_access(self, access: ServiceAccess) -> None:
        """Show how to ask what is live."""
        self._access = access
        self.views.show_view("found")
        self.address.setText(access.address)
        here = tr("Rows are sent to this address by POST to /predict. It answers programs on this computer only.")
        there = tr("This address is the server's own. The command below brings it to the computer that runs it.")
        self.sentence.setText(there if access.tunnel else here)
        self.sentence.show()
        self.tunnel.setText(access.tunnel)
        self._tunnel.setVisible(bool(access.tunnel))
        self.language.choose(next(iter(access.snippets)))

    def copy_key(self) -> None:
        """Put the key on the clipboard; it is shown nowhere."""
        if self._access is not None:
            QGuiApplication.clipboard().setText(self._access.key.reveal())
            self.notice.say(tr("The key was copied."), tr("Whoever has it can send rows until the next release."), "ok")

    def _failed(self, error: StudioError) -> None:
        self.views.show_view("failed")
        self.notice.show_error(error)

    def _found(self) -> QWidget:
        whole = QWidget()
        column = QVBoxLayout(whole)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(12)
        self.address, address = _copied(tr("Address"))
        column.addWidget(address)
        self.tunnel, self._tunnel = _copied(tr("From another computer, first run"))
        column.addWidget(self._tunnel)
        row = QHBoxLayout()
        words = tr("Every request carries the key of this release, which the next release changes.")
        row.addWidget(label(words, "muted", wrap=True), 1)
        self.key_button = Button(tr("Copy the key"), self.copy_key, icon="key")
        row.addWidget(self.key_button)
        column.addLayout(row)
        self.language = FilterPills([(language, tr(language)) for language in LANGUAGES], tr("Language"))
        self.program = QPlainTextEdit()
        self.program.setReadOnly(True)
        self.program.setProperty("role", "code")
        self.program.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.program.setAccessibleName(tr("Program"))
        self.program.setTabChangesFocus(True)
        self.program.setMinimumHeight(_PROGRAM_HEIGHT)
        self.language.chosen.connect(self._show_program)
        head = QHBoxLayout()
        head.addWidget(self.language)
        head.addStretch(1)
        head.addWidget(Button(tr("Copy"), lambda: _copy(self.program.toPlainText()), icon="copy"))
        column.addLayout(head)
        column.addWidget(self.program, 1)
        return whole

    def _show_program(self, language: str) -> None:
        if self._access is not None:
            self.program.setPlainText(self._access.snippets[language])


def _copied(caption: str) -> tuple[LineField, QWidget]:
    """A line that can be copied, and the whole of it with its caption and button."""
    line = LineField(caption)
    line.setReadOnly(True)
    row = QHBoxLayout()
    row.setContentsMargins(0, 0, 0, 0)
    row.setSpacing(8)
    row.addWidget(line, 1)
    name = tr("Copy: {what}").format(what=caption)
    row.addWidget(Button(tr("Copy"), lambda: _copy(line.text()), icon="copy", name=name))
    holder = QWidget()
    holder.setLayout(row)
    holder.setFocusProxy(line)
    return line, Field(caption, holder)


def _copy(text: str) -> None:
    QGuiApplication.clipboard().setText(text)


def _looking() -> QWidget:
    return EmptyState("servers", tr("Looking where it answers …"), tr("Address and key are those of what is live."))
