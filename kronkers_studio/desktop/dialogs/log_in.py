"""Log in to a known server again: with another secret, or on a computer that has none of its secrets yet."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from kronkers_studio.desktop.dialogs.fingerprint import FingerprintStep
from kronkers_studio.desktop.text import home_short, tr
from kronkers_studio.desktop.widgets.dialog import Dialog
from kronkers_studio.desktop.widgets.fields import LineField
from kronkers_studio.desktop.widgets.labels import label
from kronkers_studio.desktop.widgets.pills import FilterPills
from kronkers_studio.desktop.widgets.views import Views
from kronkers_studio.desktop.work.studio import Studio
from kronkers_studio.domain.errors import StudioError
from kronkers_studio.domain.progress import CancelToken, Progress
from kronkers_studio.domain.servers import HostKey, Server
from kronkers_studio.settings.secrets import Secret


class LogInDialog(Dialog):
    """One step, "secret"; where the host key was not confirmed on this computer yet, "fingerprint" comes first.
    ``on_done(server)`` hears that it has worked."""

    def __init__(self, parent: QWidget, studio: Studio, server: Server, on_done: Callable[[Server], object]) -> None:
        title = tr("Log in to {server} again").format(server=server.name)
        super().__init__(parent, title, server.address, width=500)
        self._studio, self._server, self._on_done = studio, server, on_done
        self._host_key: HostKey | None = None
        self._confirmed = ""  # the fingerprint that was compared
        self.views = Views({"secret": self._secret_step, "fingerprint": self._fingerprint_step})
        self.content.addWidget(self.views)
        self.cancel = self.add_button(tr("Cancel"), self.reject)
        self.next = self.add_button(tr("Log in"), self.go_on, "primary")
        self.next.setDefault(True)
        self._ask_secret()
        self._look_for_confirmation()

    def go_on(self) -> None:
        """The primary button."""
        if self.views.shown == "fingerprint" and self._host_key is not None:
            self._confirmed = self._host_key.fingerprint
            self._ask_secret()
        else:
            self._log_in()

    # The secret

    def _secret_step(self) -> QWidget:
        step = QWidget()
        column = QVBoxLayout(step)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(12)
        key = [("key", tr("Key file"))] if self._server.identity_file else [("agent", tr("SSH agent"))]
        self.how = FilterPills([*key, ("password", tr("Password"))], tr("Log in with"))
        self.how.chosen.connect(self._show_way)
        column.addWidget(label(tr("Log in with"), "medium"))
        row = QHBoxLayout()
        row.addWidget(self.how)
        row.addStretch(1)
        column.addLayout(row)
        self._words = label("", "caption", wrap=True)
        column.addWidget(self._words)
        self.secret = LineField(tr("Password"), secret=True)
        column.addWidget(self.secret)
        column.addStretch(1)
        self._show_way(self.how.key)
        return step

    def _show_way(self, how: str) -> None:
        name = tr("The key's passphrase") if how == "key" else tr("Password")
        self.secret.clear()
        self.secret.setVisible(how != "agent")
        self.secret.setPlaceholderText(tr("The key's passphrase, if it has one") if how == "key" else name)
        self.secret.setAccessibleName(name)
        file = home_short(Path(self._server.identity_file)) if self._server.identity_file else ""
        words = {
            "agent": tr("The keys that your SSH agent holds are offered, then those in your .ssh folder."),
            "key": f"{file} · {tr('Its passphrase is kept in the system keyring and nowhere else.')}",
            "password": tr("It is kept in the system's keyring and nowhere else."),
        }
        self._words.setText(words[how])
        if how != "agent":
            self.secret.setFocus()

    def _ask_secret(self) -> None:
        self._set_busy("")
        self.views.show_view("secret")
        self.next.setText(tr("Log in"))
        self.secret.setFocus()

    def _log_in(self) -> None:
        session, name = self._studio.session, self._server.name
        if session is None:
            return
        how, fingerprint = self.how.key, self._confirmed
        secret = Secret(self.secret.text()) if self.secret.text() and how != "agent" else None
        if how == "password" and secret is None:
            self.notice.say(tr("Type the password."), "", "warn")
            self.secret.setFocus()
            return

        def work(progress: Progress, _cancel: CancelToken) -> Server:
            from kronkers_studio.workflows.servers import log_in_anew

            return log_in_anew(
                session,
                name,
                fingerprint=fingerprint,
                password=secret if how == "password" else None,
                key_passphrase=secret if how == "key" else None,
                progress=progress,
            )

        def done(server: Server) -> None:
            self.accept()
            self._on_done(server)

        self._set_busy(tr("Logging in …"))
        title = tr("Logging in to {server}").format(server=name)
        self._studio.do(title, work, done=done, failed=self._failed, owner=self, resource=f"server {name}")

    # The fingerprint

    def _look_for_confirmation(self) -> None:
        """Ask the server for its key when nobody has confirmed it on this computer."""
        session, name = self._studio.session, self._server.name
        if session is None:
            return

        def work(_progress: Progress, _cancel: CancelToken) -> HostKey | None:
            from kronkers_studio.workflows.servers import needs_confirmation, show_host_key

            address = needs_confirmation(session, name)
            return show_host_key(address) if address else None

        def done(host_key: HostKey | None) -> None:
            if host_key is None:
                self._ask_secret()
            else:
                self.show_host_key(host_key)

        self._set_busy(tr("Asking the server …"))
        self._studio.runner.run("key", work, done=done, failed=self._failed, owner=self, shown=False)

    def _fingerprint_step(self) -> QWidget:
        self.compared = FingerprintStep()
        self.compared.same.toggled.connect(self.next.setEnabled)
        return self.compared

    def show_host_key(self, host_key: HostKey) -> None:
        """Show the fingerprint to compare."""
        self._host_key = host_key
        self._set_busy("")
        self.views.show_view("fingerprint")
        self.compared.show_host_key(host_key)
        self.make_room(self.compared.needed_width)
        self.next.setText(tr("Continue"))
        self.next.setEnabled(False)
        self.compared.same.setFocus()

    def _failed(self, error: StudioError) -> None:
        self._set_busy("")
        self.next.setText(tr("Log in"))
        self.notice.show_error(error)
        self.secret.selectAll()
        self.secret.setFocus()

    def _set_busy(self, words: str) -> None:
        self.next.setEnabled(not words)
        self.views.setEnabled(not words)
        if words:
            self.notice.clear()
            self.next.setText(words)
