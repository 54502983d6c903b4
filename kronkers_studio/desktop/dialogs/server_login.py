"""What the dialogs that log in to a server share: a way to log in, its secret, and the fingerprint to compare."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from kronkers_studio.desktop.dialogs.fingerprint import FingerprintStep
from kronkers_studio.desktop.localization import tr
from kronkers_studio.desktop.widgets.dialog import Dialog
from kronkers_studio.desktop.widgets.fields import LineField
from kronkers_studio.desktop.widgets.labels import label
from kronkers_studio.desktop.widgets.pills import FilterPills
from kronkers_studio.desktop.widgets.views import Views
from kronkers_studio.desktop.work.studio import Studio
from kronkers_studio.domain.servers import HostKey
from kronkers_studio.settings.secrets import Secret

Ways = Sequence[tuple[str, str]]
"""Of "agent", "key" and "password" those that are offered, each with its words."""


class ServerLoginDialog(Dialog):
    """Two steps in ``views``: ``first``, and "fingerprint". ``next`` is the primary button, which calls ``go_on``."""

    def __init__(
        self, parent: QWidget, studio: Studio, title: str, sentence: str, first: tuple[str, Callable[[], QWidget]]
    ) -> None:
        super().__init__(parent, title, sentence, width=500)
        self._studio = studio
        self._host_key: HostKey | None = None
        self._confirmed: list[str] = []  # the fingerprints that were compared, of jump hosts first
        self.views = Views({first[0]: first[1], "fingerprint": self._fingerprint_step})
        self.content.addWidget(self.views)
        self.cancel = self.add_button(tr("Cancel"), self.reject)

    def go_on(self) -> None:
        """The primary button."""
        raise NotImplementedError

    def _add_next(self, words: str) -> None:
        self.next = self.add_button(words, self.go_on, "primary")
        self.next.setDefault(True)

    # The way to log in

    def _add_ways(self, column: QVBoxLayout, ways: Ways, words: Mapping[str, str], *beside: QWidget) -> None:
        """Put the ways, what is to be known of each (in addition to what is always), and the secret below another;
        ``beside`` stand before the secret."""
        self._way_words = {
            "agent": tr("The keys that your SSH agent holds are offered, then those in your .ssh folder."),
            "key": tr("Its passphrase is kept in this computer's password store (keyring) and nowhere else."),
            "password": tr("It is kept in this computer's password store (keyring) and nowhere else."),
            **words,
        }
        self.how = FilterPills(list(ways), tr("Log in with"))
        self.how.chosen.connect(self._show_way)
        self._said = label("", "caption", wrap=True)
        self.secret = LineField(tr("Password"), secret=True)
        row = QHBoxLayout()
        row.addWidget(self.how)
        row.addStretch(1)
        column.addWidget(label(tr("Log in with"), "medium"))
        column.addLayout(row)
        for widget in (self._said, *beside, self.secret):
            column.addWidget(widget)
        self._show_way(self.how.key)

    def _show_way(self, how: str) -> None:
        """Ask for the secret of that way."""
        name = tr("The key's passphrase") if how == "key" else tr("Password")
        self.secret.setVisible(how != "agent")
        self.secret.setPlaceholderText(tr("The key's passphrase, if it has one") if how == "key" else name)
        self.secret.setAccessibleName(name)
        self._said.setText(self._way_words[how])

    def _secrets(self) -> dict[str, Secret | None]:
        """What was typed, as ``password`` or as ``key_passphrase``."""
        how, typed = self.how.key, self.secret.text()
        secret = Secret(typed) if typed and how != "agent" else None
        return {
            "password": secret if how == "password" else None,
            "key_passphrase": secret if how == "key" else None,
        }

    # The fingerprint

    def _fingerprint_step(self) -> QWidget:
        self.compared = FingerprintStep()
        self.compared.same.toggled.connect(self.next.setEnabled)
        return self.compared

    def _confirm_shown(self) -> None:
        """Whoever pressed the primary button has compared the fingerprint that is shown."""
        if self._host_key is not None:
            self._confirmed.append(self._host_key.fingerprint)

    def show_host_key(self, host_key: HostKey) -> None:
        """Show the fingerprint to compare."""
        self._host_key = host_key
        self._set_busy("")
        self.views.show_view("fingerprint")
        self.compared.show_host_key(host_key)
        self.make_room(self.compared.needed_width)
        self.next.setEnabled(False)
        self.compared.same.setFocus()

    def _set_busy(self, words: str) -> None:
        """``words`` say what is being waited for; "" that nothing is."""
        self.next.setEnabled(not words)
        self.views.setEnabled(not words)
        if words:
            self.notice.clear()
            self.next.setText(words)
