"""How an image registry is reached: its login and its own certificate authority, tried before they are kept."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QWidget

from kronkers_studio.desktop.localization import tr
from kronkers_studio.desktop.widgets.dialog import Dialog
from kronkers_studio.desktop.widgets.fields import Field, FileField, LineField
from kronkers_studio.desktop.work.studio import Studio
from kronkers_studio.domain.errors import RegistryLoginRefused, RegistryUntrusted, StudioError
from kronkers_studio.domain.progress import CancelToken, Progress
from kronkers_studio.settings.configuration import load_settings
from kronkers_studio.settings.secrets import Secret

if TYPE_CHECKING:
    from kronkers_studio.workflows.image_registries import RegistryAccess


class ImageRegistryDialog(Dialog):
    """``on_done(access)`` hears how the registry is reached from now on."""

    of_workspace = False

    def __init__(
        self,
        parent: QWidget,
        studio: Studio,
        known: RegistryAccess | None,
        on_done: Callable[[RegistryAccess], object],
        *,
        host: str = "",
    ) -> None:
        """``known`` is how it was reached until now, None for a new one, of which ``host`` may be known."""
        super().__init__(
            parent,
            tr("Image registry {host}").format(host=known.host) if known else tr("Image registry"),
            tr("The base images of packages come from it. What you choose is tried at once."),
            width=500,
        )
        self._studio, self._known, self._on_done = studio, known, on_done
        self.host = LineField(
            tr("Registry"), text=known.host if known else host, placeholder=tr("registry.example.org")
        )
        place = Field(tr("Registry"), self.host, tr("What stands before the image's name, with :port if it has one."))
        self.user = LineField(tr("User name"), text=known.user if known else "")
        self.password = LineField(tr("Password or access token"), secret=True)
        self.ca_file = FileField(tr("CA file"), title=tr("Choose the CA file"), placeholder=tr("The usual ones"))
        self.ca_file.line.setText(known.ca_file if known else "")
        kept = tr("It is kept in this computer's password store (keyring) and nowhere else.")
        for field in (
            place,
            Field(tr("User name"), self.user, tr("Leave it empty where anybody may read.")),
            Field(tr("Password or access token"), self.password, kept),
            Field(
                tr("CA file"),
                self.ca_file,
                tr("Where the registry's certificate comes from your company's own authority: its certificate (PEM)."),
            ),
        ):
            self.content.addWidget(field)
        place.setVisible(known is None)
        self.add_button(tr("Cancel"), self.reject)
        self.keep = self.add_button(tr("Try and keep"), self.go_on, "primary")
        self.keep.setDefault(True)
        self._set_busy(False)
        (self.user if known or host else self.host).setFocus()

    def go_on(self) -> None:
        """Try what was typed; it is kept when it works."""
        host, user, password = self.host.text().strip(), self.user.text().strip(), Secret(self.password.text())
        ca_file = self.ca_file.path
        before = self._known
        anew = bool(password) or user != (before.user if before else "")
        other_ca = str(ca_file or "") != (before.ca_file if before else "")
        if not host:
            self._miss(tr("Type the registry's address."), self.host)
        elif bool(password) and not user:
            self._miss(tr("Type the user name, too."), self.user)
        elif anew and user and not password:
            self._miss(tr("Type the password, too."), self.password)
        elif anew and not user:
            self._miss(tr("Forget the registry on the Settings page, if it is to be reached as anybody."), self.user)
        elif not anew and not other_ca:
            self._miss(tr("Type a user name and a password, or choose a CA file."), self.user)
        else:
            self._try(host, user, password if anew else None, ca_file, other_ca)

    def _try(self, host: str, user: str, password: Secret | None, ca_file: Path | None, other_ca: bool) -> None:
        def work(progress: Progress, cancel: CancelToken) -> RegistryAccess:
            from kronkers_studio.workflows.image_registries import log_in_to_registry, trust_registry

            progress.step(tr("Asking {host}").format(host=host))
            if password is None:
                return trust_registry(host, ca_file, cancel=cancel)
            if other_ca and ca_file is None:
                trust_registry(host, None, cancel=cancel)
            return log_in_to_registry(host, user, password, ca_file=ca_file, cancel=cancel)

        def done(access: RegistryAccess) -> None:
            self.accept()
            self._on_done(access)

        self._set_busy(True)
        title = tr("Asking the image registry {host}").format(host=host)
        self._studio.do(title, work, done=done, failed=self._failed, owner=self)

    def _failed(self, error: StudioError) -> None:
        self._set_busy(False)
        self.notice.show_error(error)
        if isinstance(error, RegistryUntrusted):
            self.ca_file.setFocus()
        elif isinstance(error, RegistryLoginRefused):
            self.password.selectAll()
            self.password.setFocus()

    def _miss(self, words: str, field: QWidget) -> None:
        self.notice.say(words, "", "warn")
        field.setFocus()

    def _set_busy(self, busy: bool) -> None:
        if busy:
            self.notice.clear()
        for field in (self.host, self.user, self.password, self.ca_file, self.keep):
            field.setEnabled(not busy)
        self.keep.setText(tr("Asking the registry …") if busy else tr("Try and keep"))


def way_to_registry(
    parent: QWidget, studio: Studio, error: StudioError, then: Callable[[], object] | None = None
) -> tuple[str, Callable[[], object]] | None:
    """What a notice offers where ``error`` says that an image registry is not reached: to say how. ``then`` is called
    once it is. None for any other error."""
    if not error.image_registry or not isinstance(error, RegistryLoginRefused | RegistryUntrusted):
        return None

    def done(_access: RegistryAccess) -> None:
        studio.reload_settings(load_settings())
        if then is not None:
            then()

    words = tr("Log in to it …") if isinstance(error, RegistryLoginRefused) else tr("Choose its CA file …")
    host = error.image_registry
    return words, lambda: ImageRegistryDialog(parent, studio, None, done, host=host).open()
