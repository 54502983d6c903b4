"""A server's fingerprint, to be compared before anything is sent to it."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtWidgets import QVBoxLayout, QWidget

from kronkers_studio.desktop.localization import tr
from kronkers_studio.desktop.widgets.fields import CheckBox
from kronkers_studio.desktop.widgets.labels import label
from kronkers_studio.domain.servers import HostKey, KnownBySsh

_PADDING = 18  # pixels beside the fingerprint, and a little more


class FingerprintStep(QWidget):
    """``same`` is ticked by whoever has compared it."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(12)
        self._shown_by = label("", "medium", wrap=True)
        column.addWidget(self._shown_by)
        self.fingerprint = label("", "key", wrap=True, selectable=True)
        column.addWidget(self.fingerprint)
        self._hint = label("", "medium", wrap=True)
        column.addWidget(self._hint)
        self._hint.setVisible(False)
        words = tr(
            "Compare it with what the server's administrator tells you. It is asked once: if the server ever shows "
            "another one, the studio stops."
        )
        column.addWidget(label(words, "muted", wrap=True))
        self.same = CheckBox(tr("It is the same"))
        self.same.setAccessibleName(tr("The fingerprint is the same"))
        column.addWidget(self.same)
        self._remarks = label("", "caption", wrap=True)
        column.addWidget(self._remarks)
        self._remarks.setVisible(False)
        column.addStretch(1)

    def show_host_key(self, host_key: HostKey) -> None:
        """Show the fingerprint to compare."""
        words = (
            tr("The jump host {host} shows this fingerprint:")
            if host_key.jump
            else tr("{host} shows this fingerprint:")
        )
        self._shown_by.setText(words.format(host=host_key.host))
        self._hint.setText(_hint(host_key.known))
        self._hint.setVisible(host_key.known is not KnownBySsh.UNKNOWN)
        self.fingerprint.setText(host_key.fingerprint)
        self.fingerprint.setAccessibleName(host_key.fingerprint)
        self.same.setChecked(False)

    def show_remarks(self, sentences: Sequence[str]) -> None:
        """Say what else is to be known of the way there."""
        self._remarks.setText("\n".join(sentences))
        self._remarks.setVisible(bool(sentences))

    @property
    def needed_width(self) -> int:
        """Pixels that the whole fingerprint takes: there is no space in it to break it at."""
        self.fingerprint.ensurePolished()
        return self.fingerprint.fontMetrics().horizontalAdvance(self.fingerprint.text()) + 2 * _PADDING


def _hint(known: KnownBySsh) -> str:
    return {
        KnownBySsh.UNKNOWN: "",
        KnownBySsh.SAME: tr("You have trusted this key before with ssh on this computer."),
        KnownBySsh.OTHER: tr("ssh on this computer knows another key of this server: ask its administrator why."),
        KnownBySsh.REVOKED: tr("ssh on this computer is told never to trust this key."),
        KnownBySsh.AUTHORITY: tr("ssh on this computer trusts this server by an authority, which is not asked here."),
    }[known]
