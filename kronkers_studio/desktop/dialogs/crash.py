"""The dialog for what should never happen: a bug. What to do comes first; what a report needs is folded away."""

from __future__ import annotations

import platform
from collections.abc import Callable

from PySide6.QtCore import qVersion
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QHBoxLayout, QPlainTextEdit, QWidget

from kronkers_studio.desktop.localization import tr
from kronkers_studio.desktop.widgets.buttons import Button
from kronkers_studio.desktop.widgets.dialog import Dialog
from kronkers_studio.desktop.widgets.labels import label
from kronkers_studio.settings.redaction import redacted_fault

_DETAILS_WIDTH, _DETAILS_HEIGHT = 640, 220  # pixels


class CrashDialog(Dialog):
    """Says that nothing is lost, what was being done and what to do now; the details are shown when asked for."""

    of_workspace = False

    def __init__(
        self, parent: QWidget | None, during: str, details: str, diagnostics: Callable[[], object] | None = None
    ) -> None:
        """``diagnostics`` offers those, which hold the details too once they are logged."""
        super().__init__(
            parent,
            tr("Something went wrong. Your files are safe."),
            tr("It happened during “{task}”. What was saved before is kept as it was.").format(task=during),
            width=520,
        )
        self._details = (
            f"{during}\nPython {platform.python_version()}, Qt {qVersion()}, {platform.platform()}\n\n"
            f"{redacted_fault(details)}"
        )
        advice = tr("Try it once more. If it happens again, copy the details and send them to your administrator.")
        self.content.addWidget(label(advice, wrap=True))
        self.box = QPlainTextEdit(self._details)
        self.box.setProperty("role", "code")
        self.box.setReadOnly(True)
        self.box.setTabChangesFocus(True)
        self.box.setAccessibleName(tr("Details of the fault"))
        self.box.setMinimumHeight(_DETAILS_HEIGHT)
        self.box.setVisible(False)
        self.unfold = Button(
            tr("Details"), self._unfold, kind="quiet", icon="chevron-right", name=tr("Show the details")
        )
        row = QHBoxLayout()
        row.addWidget(self.unfold)
        row.addStretch(1)
        self.content.addLayout(row)
        self.content.addWidget(self.box, 1)
        if diagnostics is not None:
            self.add_button(tr("Save diagnostics …"), diagnostics)
        self._copy = self.add_button(tr("Copy details"), self._copy_details)
        close = self.add_button(tr("Close"), self.accept, "primary")
        close.setDefault(True)
        close.setFocus()

    def _unfold(self) -> None:
        shown = self.box.isHidden()
        self.box.setVisible(shown)
        self.unfold.show_icon("chevron-down" if shown else "chevron-right")
        self.unfold.setAccessibleName(tr("Hide the details") if shown else tr("Show the details"))
        if shown:
            self.setMinimumWidth(_DETAILS_WIDTH)
        self.fit_height()

    def _copy_details(self) -> None:
        QGuiApplication.clipboard().setText(self._details)
        self._copy.setText(tr("Copied"))
