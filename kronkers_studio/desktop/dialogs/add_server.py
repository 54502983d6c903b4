"""Add a server: its address and how to log in, then its fingerprint to compare, asked once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from kronkers_studio.desktop.dialogs.fingerprint import FingerprintStep
from kronkers_studio.desktop.text import tr
from kronkers_studio.desktop.widgets.dialog import Dialog
from kronkers_studio.desktop.widgets.fields import Field, FileField, LineField
from kronkers_studio.desktop.widgets.labels import label
from kronkers_studio.desktop.widgets.pills import FilterPills
from kronkers_studio.desktop.widgets.views import Views
from kronkers_studio.desktop.work.studio import Studio
from kronkers_studio.domain.errors import StudioError
from kronkers_studio.domain.progress import CancelToken, Progress
from kronkers_studio.domain.servers import HostKey, Server
from kronkers_studio.settings.secrets import Secret


class AddServerDialog(Dialog):
    """Two steps: "address", then "fingerprint". ``on_added(server)`` gets what was added."""

    def __init__(self, parent: QWidget, studio: Studio, on_added: Callable[[Server], object]) -> None:
        super().__init__(
            parent,
            tr("Add a server"),
            tr("The studio reaches it over SSH, as you would in a terminal. Nothing is installed on it yet."),
            width=500,
        )
        self._studio, self._on_added = studio, on_added
        self._host_key: HostKey | None = None
        self.views = Views({"address": self._address_step, "fingerprint": self._fingerprint_step})
        self.content.addWidget(self.views)
        self.cancel = self.add_button(tr("Cancel"), self.reject)
        self.back = self.add_button(tr("Back"), self._ask_address)
        self.next = self.add_button(tr("Continue"), self.go_on, "primary")
        self.next.setDefault(True)
        self._ask_address()

    def go_on(self) -> None:
        """The primary button: from the address to the fingerprint, from there to the end."""
        if self.views.shown == "address":
            self._fetch_host_key()
        else:
            self._add()

    # Step 1

    def _address_step(self) -> QWidget:
        step = QWidget()
        column = QVBoxLayout(step)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(12)
        self.name = LineField(tr("Name"), placeholder="lab-server")
        self.address = LineField(tr("Address"), placeholder="ssh://me@server.example.org")
        column.addWidget(Field(tr("Name"), self.name, tr("Small letters, digits and hyphens, as you will call it.")))
        column.addWidget(Field(tr("Address"), self.address, tr("User and host, with :port where it is not 22.")))
        column.addWidget(label(tr("Log in with"), "medium"))
        self.how = FilterPills(
            [("agent", tr("SSH agent")), ("key", tr("Key file")), ("password", tr("Password"))], tr("Log in with")
        )
        self.how.chosen.connect(self._show_login)
        row = QHBoxLayout()
        row.addWidget(self.how)
        row.addStretch(1)
        column.addLayout(row)
        self._login_words = label("", "caption", wrap=True)
        column.addWidget(self._login_words)
        self.key_file = FileField(
            tr("Key file"),
            title=tr("Choose the key file"),
            placeholder="~/.ssh/id_ed25519",
            folder=Path.home() / ".ssh",
        )
        self.secret = LineField(tr("Password"), secret=True)
        column.addWidget(self.key_file)
        column.addWidget(self.secret)
        self._show_login("agent")
        return step

    def _show_login(self, how: str) -> None:
        self.key_file.setVisible(how == "key")
        self.secret.setVisible(how != "agent")
        self.secret.setPlaceholderText(tr("The key's passphrase, if it has one") if how == "key" else tr("Password"))
        self.secret.setAccessibleName(tr("The key's passphrase") if how == "key" else tr("Password"))
        words = {
            "agent": tr("The keys that your SSH agent holds are offered, then those in your .ssh folder."),
            "key": tr("Its passphrase is kept in the system's keyring and nowhere else."),
            "password": tr("It is kept in the system's keyring and nowhere else."),
        }
        self._login_words.setText(words[how])

    def _ask_address(self) -> None:
        self.views.show_view("address")
        self.back.setVisible(False)
        self.next.setText(tr("Continue"))
        self.name.setFocus()

    def _fetch_host_key(self) -> None:
        address = self.address.text().strip()
        if not self.name.text().strip() or not address:
            self.notice.say(tr("A name and an address are needed."), "", "warn")
            return

        def work(_progress: Progress, _cancel: CancelToken) -> HostKey:
            from kronkers_studio.workflows.servers import show_host_key

            return show_host_key(address)

        self._set_busy(tr("Asking the server …"))
        self._studio.runner.run("key", work, done=self.show_host_key, failed=self._failed, owner=self, shown=False)

    # Step 2

    def _fingerprint_step(self) -> QWidget:
        self.compared = FingerprintStep()
        self.fingerprint, self.same = self.compared.fingerprint, self.compared.same
        self.same.toggled.connect(self.next.setEnabled)
        return self.compared

    def show_host_key(self, host_key: HostKey) -> None:
        """Show the fingerprint to compare."""
        self._host_key = host_key
        self._set_busy("")
        self.views.show_view("fingerprint")
        self.compared.show_host_key(host_key)
        self.make_room(self.compared.needed_width)
        self.next.setText(tr("Add the server"))
        self.next.setEnabled(False)
        self.back.setVisible(True)

    def _add(self) -> None:
        session, host_key = self._studio.session, self._host_key
        if session is None or host_key is None:
            return
        name, address, how = self.name.text().strip(), self.address.text().strip(), self.how.key
        secret = Secret(self.secret.text()) if self.secret.text() and how != "agent" else None
        identity = self.key_file.path if how == "key" else None

        def work(progress: Progress, _cancel: CancelToken) -> Server:
            from kronkers_studio.workflows.servers import add_server

            return add_server(
                session,
                name,
                address,
                fingerprint=host_key.fingerprint,
                identity_file=identity,
                password=secret if how == "password" else None,
                key_passphrase=secret if how == "key" else None,
                progress=progress,
            )

        def done(server: Server) -> None:
            self.accept()
            self._on_added(server)

        self._set_busy(tr("Logging in …"))
        title = tr("Adding {server}").format(server=name)
        self._studio.do(title, work, changes=("servers",), done=done, failed=self._failed, owner=self)

    def _failed(self, error: StudioError) -> None:
        self._set_busy("")
        self.next.setText(tr("Continue") if self.views.shown == "address" else tr("Add the server"))
        self.notice.show_error(error)

    def _set_busy(self, words: str) -> None:
        self.next.setEnabled(not words)
        self.views.setEnabled(not words)
        if words:
            self.notice.clear()
            self.next.setText(words)
