"""Log in to a known server again: with another secret, or on a computer that has none of its secrets yet."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtWidgets import QVBoxLayout, QWidget

from kronkers_studio.desktop.dialogs.server_login import ServerLoginDialog
from kronkers_studio.desktop.localization import home_short, tr
from kronkers_studio.desktop.work.studio import Studio
from kronkers_studio.domain.errors import StudioError
from kronkers_studio.domain.progress import CancelToken, Progress
from kronkers_studio.domain.servers import HostKey, Server


class LogInDialog(ServerLoginDialog):
    """One step, "secret"; where the host key was not confirmed on this computer yet, "fingerprint" comes first.
    ``on_done(server)`` hears that it has worked."""

    def __init__(self, parent: QWidget, studio: Studio, server: Server, on_done: Callable[[Server], object]) -> None:
        title = tr("Log in to {server} again").format(server=server.name)
        super().__init__(parent, studio, title, server.way, ("secret", self._secret_step))
        self._server, self._on_done = server, on_done
        self._to_confirm: list[HostKey] = []
        self._add_next(tr("Log in"))
        self._ask_secret()
        self._look_for_confirmation()

    def go_on(self) -> None:
        """The primary button."""
        if self.views.shown == "fingerprint":
            self._confirm_shown()
            self._confirm_next()
        else:
            self._log_in()

    # The secret

    def _secret_step(self) -> QWidget:
        step = QWidget()
        column = QVBoxLayout(step)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(12)
        file = home_short(Path(self._server.identity_file)) if self._server.identity_file else ""
        other = ("key", tr("Key file")) if file else ("agent", tr("SSH agent"))
        kept = tr("Its passphrase is kept in this computer's password store (keyring) and nowhere else.")
        words = {"key": f"{file} · {kept}"}
        self._add_ways(column, [other, ("password", tr("Password"))], words)
        column.addStretch(1)
        return step

    def _show_way(self, how: str) -> None:
        super()._show_way(how)
        self.secret.clear()
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
        fingerprints, secrets = tuple(self._confirmed), self._secrets()
        if self.how.key == "password" and secrets["password"] is None:
            self.notice.say(tr("Type the password."), "", "warn")
            self.secret.setFocus()
            return

        def work(progress: Progress, _cancel: CancelToken) -> Server:
            from kronkers_studio.workflows.servers import log_in_anew

            return log_in_anew(
                session,
                name,
                fingerprints=fingerprints,
                password=secrets["password"],
                key_passphrase=secrets["key_passphrase"],
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
        """Have the host keys compared that nobody has confirmed on this computer, of jump hosts too."""
        session, name = self._studio.session, self._server.name
        if session is None:
            return

        def work(_progress: Progress, _cancel: CancelToken) -> list[HostKey]:
            from kronkers_studio.workflows.servers import keys_to_confirm

            return keys_to_confirm(session, name)

        def done(keys: list[HostKey]) -> None:
            self._to_confirm = keys
            self._confirm_next()

        self._set_busy(tr("Looking for the host key …"))
        self._studio.runner.run("key", work, done=done, failed=self._failed, owner=self, shown=False)

    def _confirm_next(self) -> None:
        if self._to_confirm:
            self.show_host_key(self._to_confirm.pop(0))
        else:
            self._ask_secret()

    def show_host_key(self, host_key: HostKey) -> None:
        super().show_host_key(host_key)
        self.next.setText(tr("Continue"))

    def _failed(self, error: StudioError) -> None:
        self._set_busy("")
        self.next.setText(tr("Log in"))
        self.notice.show_error(error)
        self.secret.selectAll()
        self.secret.setFocus()
