"""The dialog for what should never happen: a bug, with everything a report needs to copy."""

from __future__ import annotations

import platform

from PySide6.QtCore import qVersion
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QPlainTextEdit, QWidget

from kronkers_studio.desktop.localization import tr
from kronkers_studio.desktop.widgets.dialog import Dialog


class CrashDialog(Dialog):
    """Says what was being done, that nothing acknowledged is lost, and offers the details."""

    def __init__(self, parent: QWidget | None, during: str, details: str) -> None:
        super().__init__(
            parent,
            tr("Something went wrong that should not"),
            tr("It happened during “{task}”. What was saved before is safe.").format(task=during),
            width=620,
        )
        self._details = (
            f"{during}\nPython {platform.python_version()}, Qt {qVersion()}, {platform.platform()}\n\n{details}"
        )
        box = QPlainTextEdit(self._details)
        box.setProperty("role", "code")
        box.setReadOnly(True)
        box.setAccessibleName(tr("Details of the fault"))
        box.setMinimumHeight(220)
        self.content.addWidget(box)
        self._copy = self.add_button(tr("Copy details"), self._copy_details)
        self.add_button(tr("Close"), self.accept, "primary").setDefault(True)

    def _copy_details(self) -> None:
        QGuiApplication.clipboard().setText(self._details)
        self._copy.setText(tr("Copied"))
