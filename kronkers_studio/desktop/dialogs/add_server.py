"""Add a server: its address and how to log in, then its fingerprint to compare, asked once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from kronkers_studio.desktop.dialogs.server_login import ServerLoginDialog
from kronkers_studio.desktop.localization import tr
from kronkers_studio.desktop.widgets.fields import ComboBox, Field, FileField, LineField
from kronkers_studio.desktop.work.studio import Studio
from kronkers_studio.domain.errors import StudioError
from kronkers_studio.domain.progress import CancelToken, Progress
from kronkers_studio.domain.servers import HostKey, Server

_WIDEST_ALIASES = 170  # pixels


class AddServerDialog(ServerLoginDialog):
    """Two steps: "address", then "fingerprint", once for each jump host before the server and for itself.
    ``on_added(server)`` gets what was added."""

    def __init__(self, parent: QWidget, studio: Studio, on_added: Callable[[Server], object]) -> None:
        sentence = tr("The studio reaches it over SSH, as you would in a terminal. Nothing is installed on it yet.")
        super().__init__(parent, studio, tr("Add a server"), sentence, ("address", self._address_step))
        self._on_added = on_added
        self.back = self.add_button(tr("Back"), self._ask_address)
        self._add_next(tr("Continue"))
        self._ask_address()
        self._look_for_aliases()

    def go_on(self) -> None:
        """The primary button: from the address to the fingerprint, from there to the end."""
        if self.views.shown == "address":
            self._confirmed.clear()
            self._fetch_host_key()
            return
        self._confirm_shown()
        if self._host_key is not None and self._host_key.jump:
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
        column.addWidget(
            Field(
                tr("Address"),
                self._with_aliases(self.address),
                tr("User and host, with :port where it is not 22; or a name that ssh knows here."),
            )
        )
        ways = [("agent", tr("SSH agent")), ("key", tr("Key file")), ("password", tr("Password"))]
        self._add_ways(column, ways, {}, self.key_file)
        return step

    def _with_aliases(self, address: LineField) -> QWidget:
        """``address``, and on its right the names to choose from, once some are found: nothing moves for them."""
        self.aliases = ComboBox(tr("Names that ssh knows"), [(tr("ssh knows …"), "")])
        self.aliases.setVisible(False)
        self.aliases.currentIndexChanged.connect(self._take_alias)
        both = QWidget()
        both.setFocusProxy(address)
        row = QHBoxLayout(both)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        row.addWidget(address, 1)
        row.addWidget(self.aliases)
        return both

    def _show_way(self, how: str) -> None:
        super()._show_way(how)
        self.key_file.setVisible(how == "key")

    def _ask_address(self) -> None:
        self.views.show_view("address")
        self.back.setVisible(False)
        self.next.setText(tr("Continue"))
        self.name.setFocus()

    def _look_for_aliases(self) -> None:
        """Offer the names of servers that this account's SSH configuration has."""

        def work(_progress: Progress, _cancel: CancelToken) -> list[str]:
            from kronkers_studio.workflows.server_addresses import host_aliases

            return host_aliases()

        self._studio.runner.run("aliases", work, done=self.show_aliases, owner=self, shown=False)

    def show_aliases(self, names: list[str]) -> None:
        """Offer these, if there are any."""
        self.aliases.set_choices([(tr("ssh knows …"), ""), *((name, name) for name in names)])
        self.aliases.setMaximumWidth(_WIDEST_ALIASES)
        self.aliases.setVisible(bool(names))

    def _take_alias(self) -> None:
        alias = str(self.aliases.value or "")
        if alias:
            self.address.setText(alias)
            if not self.name.text().strip():
                self.name.setText(
                    "".join(c if c.isalnum() and c.isascii() else "-" for c in alias.lower()).strip("-")[:31]
                )

    def _fetch_host_key(self) -> None:
        session, address, confirmed = self._studio.session, self.address.text().strip(), tuple(self._confirmed)
        if not self.name.text().strip() or not address:
            self.notice.say(tr("A name and an address are needed."), "", "warn")
            return
        if session is None:
            return

        def work(_progress: Progress, _cancel: CancelToken) -> tuple[HostKey, tuple[str, ...]]:
            from kronkers_studio.workflows.servers import host_key_to_confirm, remarks_on

            return host_key_to_confirm(session, address, confirmed), remarks_on(address)

        def done(found: tuple[HostKey, tuple[str, ...]]) -> None:
            self.show_host_key(found[0])
            self.compared.show_remarks(found[1])

        self._set_busy(tr("Asking the server …"))
        self._studio.runner.run("key", work, done=done, failed=self._failed, owner=self, shown=False)

    # Step 2

    def show_host_key(self, host_key: HostKey) -> None:
        super().show_host_key(host_key)
        self.next.setText(tr("Continue") if host_key.jump else tr("Add the server"))
        self.back.setVisible(True)

    def _add(self) -> None:
        session, host_key = self._studio.session, self._host_key
        if session is None or host_key is None:
            return
        name, address, secrets = self.name.text().strip(), self.address.text().strip(), self._secrets()
        identity = self.key_file.path if self.how.key == "key" else None
        jumps = tuple(self._confirmed[:-1])

        def work(progress: Progress, _cancel: CancelToken) -> Server:
            from kronkers_studio.workflows.servers import add_server

            return add_server(
                session,
                name,
                address,
                fingerprint=host_key.fingerprint,
                jump_fingerprints=jumps,
                identity_file=identity,
                password=secrets["password"],
                key_passphrase=secrets["key_passphrase"],
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
        if self.views.shown == "fingerprint" and self._confirmed:
            self._confirmed.pop()  # it can be tried again from here
        jump = self._host_key is not None and self._host_key.jump
        self.next.setText(tr("Continue") if self.views.shown == "address" or jump else tr("Add the server"))
        self.notice.show_error(error)
