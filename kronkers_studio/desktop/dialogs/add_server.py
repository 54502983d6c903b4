"""Add a server: its address and how to log in, then its fingerprint to compare, asked once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtWidgets import QVBoxLayout, QWidget

from kronkers_studio.desktop.dialogs.server_login import ServerLoginDialog
from kronkers_studio.desktop.localization import tr
from kronkers_studio.desktop.widgets.fields import Field, FileField, LineField
from kronkers_studio.desktop.work.studio import Studio
from kronkers_studio.domain.errors import StudioError
from kronkers_studio.domain.progress import CancelToken, Progress
from kronkers_studio.domain.servers import HostKey, Server


class AddServerDialog(ServerLoginDialog):
    """Two steps: "address", then "fingerprint". ``on_added(server)`` gets what was added."""

    def __init__(self, parent: QWidget, studio: Studio, on_added: Callable[[Server], object]) -> None:
        sentence = tr("The studio reaches it over SSH, as you would in a terminal. Nothing is installed on it yet.")
        super().__init__(parent, studio, tr("Add a server"), sentence, ("address", self._address_step))
        self._on_added = on_added
        self.back = self.add_button(tr("Back"), self._ask_address)
        self._add_next(tr("Continue"))
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
        self.key_file = FileField(
            tr("Key file"),
            title=tr("Choose the key file"),
            placeholder="~/.ssh/id_ed25519",
            folder=Path.home() / ".ssh",
        )
        column.addWidget(Field(tr("Name"), self.name, tr("Small letters, digits and hyphens, as you will call it.")))
        column.addWidget(Field(tr("Address"), self.address, tr("User and host, with :port where it is not 22.")))
        ways = [("agent", tr("SSH agent")), ("key", tr("Key file")), ("password", tr("Password"))]
        self._add_ways(column, ways, {}, self.key_file)
        return step

    def _show_way(self, how: str) -> None:
        super()._show_way(how)
        self.key_file.setVisible(how == "key")

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

    def show_host_key(self, host_key: HostKey) -> None:
        super().show_host_key(host_key)
        self.next.setText(tr("Add the server"))
        self.back.setVisible(True)

    def _add(self) -> None:
        session, host_key = self._studio.session, self._host_key
        if session is None or host_key is None:
            return
        name, address, secrets = self.name.text().strip(), self.address.text().strip(), self._secrets()
        identity = self.key_file.path if self.how.key == "key" else None

        def work(progress: Progress, _cancel: CancelToken) -> Server:
            from kronkers_studio.workflows.servers import add_server

            return add_server(
                session,
                name,
                address,
                fingerprint=host_key.fingerprint,
                identity_file=identity,
                progress=progress,
                **secrets,
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
