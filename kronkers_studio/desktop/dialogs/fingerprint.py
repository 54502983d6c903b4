"""A server's fingerprint, to be compared before anything is sent to it."""

from __future__ import annotations

from PySide6.QtWidgets import QVBoxLayout, QWidget

from kronkers_studio.desktop.localization import tr
from kronkers_studio.desktop.widgets.fields import CheckBox
from kronkers_studio.desktop.widgets.labels import label
from kronkers_studio.domain.servers import HostKey

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
        words = tr(
            "Compare it with what the server's administrator tells you. It is asked once: if the server ever shows "
            "another one, the studio stops."
        )
        column.addWidget(label(words, "muted", wrap=True))
        self.same = CheckBox(tr("It is the same"))
        self.same.setAccessibleName(tr("The fingerprint is the same"))
        column.addWidget(self.same)
        column.addStretch(1)

    def show_host_key(self, host_key: HostKey) -> None:
        """Show the fingerprint to compare."""
        self._shown_by.setText(tr("{host} shows this fingerprint:").format(host=host_key.host))
        self.fingerprint.setText(host_key.fingerprint)
        self.fingerprint.setAccessibleName(host_key.fingerprint)
        self.same.setChecked(False)

    @property
    def needed_width(self) -> int:
        """Pixels that the whole fingerprint takes: there is no space in it to break it at."""
        self.fingerprint.ensurePolished()
        return self.fingerprint.fontMetrics().horizontalAdvance(self.fingerprint.text()) + 2 * _PADDING
