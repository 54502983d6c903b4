"""The base image that models of R and Julia stand on, where there is none yet: why, and how to get it."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from kronkers_studio.desktop.actions import CopyText
from kronkers_studio.desktop.language_words import build_command, no_base_words
from kronkers_studio.desktop.localization import tr
from kronkers_studio.desktop.package_words import platform_words
from kronkers_studio.desktop.widgets.buttons import Button
from kronkers_studio.desktop.widgets.flow import FlowRow
from kronkers_studio.desktop.widgets.labels import label
from kronkers_studio.domain.models import Framework


class LanguageBasePanel(QWidget):
    """``wanted`` carries the command to be copied; ``build_wanted`` the server that is to build the image."""

    wanted = Signal(object)
    build_wanted = Signal(str)

    def __init__(self, language: Framework, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._language = language
        self._servers: tuple[str, ...] | None = None
        self.words = label("", "text", wrap=True)
        self.command = label("", "code", selectable=True)
        self._build = FlowRow()
        copy = Button(tr("Copy"), self._copy, icon="copy", name=tr("Copy the command"))
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(self.command, 1)
        row.addWidget(copy)
        self._how = label("", "caption", wrap=True)
        column.addWidget(self.words)
        column.addWidget(self._build)
        column.addWidget(self._how)
        column.addLayout(row)

    def show_missing(self, platform: str, servers: tuple[str, ...]) -> None:
        """Say that there is none for ``platform``, and offer the ``servers`` that could build it."""
        self.words.setText(no_base_words(self._language, platform_words(platform)))
        self.command.setText(build_command(self._language, servers[0] if servers else ""))
        self.command.setAccessibleName(self.command.text())
        if servers != self._servers:
            self._servers = servers
            self._build.show_things([self._button(each) for each in servers])
            self._build.setVisible(bool(servers))
        by_hand = tr("Or in a terminal, for instance where the server reaches the network through a proxy:")
        first = tr("Add a server on the page Servers first. Or in a terminal, once there is one:")
        self._how.setText(by_hand if servers else first)

    def _button(self, server: str) -> Button:
        title = tr("Build it on {server}").format(server=server)
        return Button(title, lambda: self.build_wanted.emit(server), icon="servers")

    def _copy(self) -> None:
        self.wanted.emit(CopyText(self.command.text()))
