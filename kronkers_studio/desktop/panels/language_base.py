"""The base image that models of R and Julia stand on, where there is none yet: why, and how to get it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from kronkers_studio.desktop.actions import CopyText
from kronkers_studio.desktop.language_words import build_command, no_base_words
from kronkers_studio.desktop.localization import tr
from kronkers_studio.desktop.package_words import platform_words
from kronkers_studio.desktop.widgets.buttons import Button
from kronkers_studio.desktop.widgets.fields import Field, FileField, LineField
from kronkers_studio.desktop.widgets.flow import FlowRow
from kronkers_studio.desktop.widgets.labels import label
from kronkers_studio.domain.models import Framework


@dataclass(frozen=True, slots=True)
class BuildWish:
    """The ``server`` that is to build the image, the ``proxy`` that it reaches the network through ("" for none), and
    what to build from; None for ours."""

    server: str
    proxy: str = ""
    dockerfile: Path | None = None


class LanguageBasePanel(QWidget):
    """``wanted`` carries the command to be copied; ``build_wanted`` a ``BuildWish``."""

    wanted = Signal(object)
    build_wanted = Signal(object)

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
        beside = QHBoxLayout()
        beside.setSpacing(8)
        self.proxy = LineField(tr("Proxy of the server"), placeholder=tr("http://proxy.example:3128"))
        self.dockerfile = FileField(
            tr("Own Dockerfile"), title=tr("Choose a Dockerfile"), placeholder=tr("ours, if none is named")
        )
        self._how = label("", "caption", wrap=True)
        self._ways = QWidget()
        ways = QHBoxLayout(self._ways)
        ways.setContentsMargins(0, 0, 0, 0)
        ways.setSpacing(12)
        for field in (
            Field(tr("Proxy of the server, if it needs one"), self.proxy, tr("Nothing of it stays in the image.")),
            Field(tr("Own Dockerfile"), self.dockerfile, tr("With your package mirror, or more packages.")),
        ):
            ways.addWidget(field, 1, Qt.AlignmentFlag.AlignTop)
        self._ways.setVisible(False)  # in its place: before, it would be a window of its own
        self.more_button = Button(tr("Proxy, own Dockerfile …"), self.show_more)
        column.addWidget(self.words)
        column.addWidget(self._ways)
        beside.addWidget(self._build, 1)
        beside.addWidget(self.more_button, 0, Qt.AlignmentFlag.AlignTop)
        column.addLayout(beside)
        column.addWidget(self._how)
        column.addLayout(row)
        self.proxy.textChanged.connect(lambda _text: self._show_command())
        self.dockerfile.line.textChanged.connect(lambda _text: self._show_command())

    def show_missing(self, platform: str, servers: tuple[str, ...]) -> None:
        """Say that there is none for ``platform``, and offer the ``servers`` that could build it."""
        self.words.setText(no_base_words(self._language, platform_words(platform)))
        if servers != self._servers:
            self._servers = servers
            self._build.show_things([self._button(each) for each in servers])
            self._build.setVisible(bool(servers))
            self.more_button.setVisible(bool(servers) and self._ways.isHidden())
        first = tr("Add a server on the page Servers first. Or in a terminal, once there is one:")
        self._how.setText(tr("Or in a terminal:") if servers else first)
        self._show_command()

    def show_more(self) -> None:
        """Ask for what the fewest need."""
        self._ways.setVisible(True)
        self.more_button.setVisible(False)
        self.proxy.setFocus()

    def _show_command(self) -> None:
        server = self._servers[0] if self._servers else ""
        words = build_command(self._language, server, self.proxy.text().strip(), self.dockerfile.line.text().strip())
        self.command.setText(words)
        self.command.setAccessibleName(words)

    def _button(self, server: str) -> Button:
        title = tr("Build it on {server}").format(server=server)
        return Button(title, lambda: self._wish(server), icon="servers")

    def _wish(self, server: str) -> None:
        self.build_wanted.emit(BuildWish(server, self.proxy.text().strip(), self.dockerfile.path))

    def _copy(self) -> None:
        self.wanted.emit(CopyText(self.command.text()))
