"""The image registries that base images come from, and getting these anew."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from kronkers_studio.desktop.localization import counted, number, tr
from kronkers_studio.desktop.look.icons import IconLabel
from kronkers_studio.desktop.widgets.buttons import Button
from kronkers_studio.desktop.widgets.cards import Card, clear
from kronkers_studio.desktop.widgets.labels import ElidedLabel, label

if TYPE_CHECKING:
    from kronkers_studio.workflows.image_registries import RefreshedBase, RegistryAccess


class ImageRegistriesCard(Card):
    """``change_wanted`` and ``forget_wanted`` carry a ``RegistryAccess``, ``change_wanted`` None for a new one."""

    change_wanted = Signal(object)
    forget_wanted = Signal(object)
    refresh_wanted = Signal()

    def __init__(self, help_text: str, parent: QWidget | None = None) -> None:
        super().__init__(tr("Image registries"), parent)
        self.add = Button(tr("Add …"), lambda: self.change_wanted.emit(None), name=tr("Add an image registry …"))
        self.add_to_head(self.add)
        self.body.addWidget(label(help_text, "caption", wrap=True))
        self.rows: dict[str, RegistryRow] = {}
        self._list = QVBoxLayout()
        self._list.setSpacing(8)
        self.body.addLayout(self._list)
        self.refresh = Button(tr("Get newer base images"), self.refresh_wanted.emit, icon="refresh")
        row = QHBoxLayout()
        row.addWidget(self.refresh)
        row.addStretch(1)
        self.body.addLayout(row)
        words = tr(
            "Base images that were downloaded are kept, so that packages stay the same. This asks for newer ones."
        )
        self.body.addWidget(label(words, "caption", wrap=True))

    def show_registries(self, registries: Sequence[RegistryAccess]) -> None:
        """Show exactly ``registries``."""
        clear(self._list)
        self.rows = {}
        for access in registries:
            row = self.rows[access.host] = RegistryRow(access)
            row.change_wanted.connect(self.change_wanted)
            row.forget_wanted.connect(self.forget_wanted)
            self._list.addWidget(row)


class RegistryRow(QWidget):
    """One registry: how it is reached, and what can be done about it."""

    change_wanted = Signal(object)
    forget_wanted = Signal(object)

    def __init__(self, access: RegistryAccess, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(10)
        row.addWidget(IconLabel("servers", "muted", 18))
        words = QVBoxLayout()
        words.setSpacing(2)
        words.addWidget(ElidedLabel(access.host, "medium", middle=True))
        self.state = ElidedLabel(state_words(access), "caption", middle=True)
        words.addWidget(self.state)
        row.addLayout(words, 1)
        named, host = tr("{action}: {name}"), access.host
        text = tr("Change …") if access.user or access.ca_file else tr("Log in …")
        self.change = Button(text, lambda: self.change_wanted.emit(access), name=named.format(action=text, name=host))
        forget = named.format(action=tr("Forget login and CA file"), name=host)
        self.forget = Button("", lambda: self.forget_wanted.emit(access), kind="icon", icon="trash", name=forget)
        self.forget.setVisible(bool(access.user or access.ca_file))
        row.addWidget(self.change)
        row.addWidget(self.forget)


def state_words(access: RegistryAccess) -> str:
    """How the registry is reached."""
    words = tr("Logged in as {user}").format(user=access.user) if access.user else tr("Not logged in")
    return f"{words} · {tr('CA file')} {Path(access.ca_file).name}" if access.ca_file else words


def refreshed_words(found: Sequence[RefreshedBase]) -> tuple[str, str]:
    """What came of asking for newer base images: a sentence, and what is to be known besides."""
    if not found:
        return tr("No base image of a registry is kept here."), tr("The next package for a server gets one.")
    newer = [each.image for each in found if each.changed]
    problems = [each.problem for each in found if each.problem]
    if newer:
        words = counted(len(newer), tr("{n} newer base image is here."), tr("{n} newer base images are here."))
        advice = tr("Packages that are built from now on stand on them: {names}.").format(names=", ".join(newer))
    else:
        words, advice = tr("There are no newer base images."), ""
    if problems:
        words = tr("{n} could not be asked for.").format(n=number(len(problems))) if not newer else words
    return words, " ".join([advice, *problems]).strip()
