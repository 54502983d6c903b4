"""Whether a release keeps a sample of the rows that it is asked, and of how many requests."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from kronkers_studio.desktop.localization import number, tr
from kronkers_studio.desktop.place_words import place_words
from kronkers_studio.desktop.widgets.fields import CheckBox, ComboBox
from kronkers_studio.desktop.widgets.hints import set_hint
from kronkers_studio.desktop.widgets.labels import label
from kronkers_studio.domain.model_rows import why_no_rows
from kronkers_studio.domain.models import ModelVersion
from kronkers_studio.domain.recording import Recording
from kronkers_studio.domain.releases import THIS_COMPUTER

_SHARES = (0.01, 0.05, 0.2, 1.0)
_USUAL = 0.05


class RecordingChoice(QWidget):
    """Off until somebody switches it on; then it says what is kept, where, who can read it and for how long."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._place = THIS_COMPUTER
        self.switch = CheckBox(tr("Keep a sample of the rows"))
        self.switch.setAccessibleName(self.switch.text())
        self.share = ComboBox(tr("Of how many requests"), [(_share_words(share), share) for share in _SHARES])
        self.share.choose(_USUAL)
        self.words = label("", "muted", wrap=True)
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(self.switch)
        row.addStretch(1)
        row.addWidget(self.share)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        column.addLayout(row)
        column.addWidget(self.words)
        self.switch.toggled.connect(self._show)
        self.share.currentIndexChanged.connect(self._show)
        self._show()

    @property
    def recording(self) -> Recording | None:
        """What is chosen; None for nothing."""
        share = self.share.value
        if not (self.switch.isChecked() and self.switch.isEnabled() and isinstance(share, float)):
            return None
        return Recording(share)

    def show_target(self, version: ModelVersion | None, place: str) -> None:
        """What is to be put live, and where."""
        self._place = place
        reason = why_no_rows(version.signature) if version is not None else ""
        self.switch.setEnabled(not reason)
        set_hint(self.switch, tr("This model takes no rows that could be kept.") if reason else "")
        self._show()

    def _show(self) -> None:
        recording = self.recording
        self.share.setVisible(recording is not None)
        self.words.setVisible(recording is not None)
        if recording is not None:
            words = tr(
                "What came in and what was answered is kept on {place}: the newest {rows} rows. It is encrypted; "
                "only people who can open this workspace can read it. It stays until you remove it or the release is "
                "removed. Rows may hold personal data: keep them only where that is allowed."
            )
            self.words.setText(words.format(place=place_words(self._place), rows=number(recording.most_rows)))
        self.changed.emit()


def recording_words(recording: Recording) -> str:
    """That a release records, in a few words."""
    if recording.share == 1:
        return tr("Keeps the rows of all requests")
    return tr("Keeps the rows of {share} of the requests").format(share=recording.percent)


def _share_words(share: float) -> str:
    return tr("all requests") if share == 1 else tr("{share} % of the requests").format(share=f"{100 * share:g}")
