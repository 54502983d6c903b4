"""Whether the program goes on when its window is closed; asked once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from PySide6.QtWidgets import QWidget

from kronkers_studio.desktop.attention import Overview
from kronkers_studio.desktop.localization import counted, tr
from kronkers_studio.desktop.widgets.dialog import Dialog
from kronkers_studio.desktop.widgets.labels import label


class KeepRunningDialog(Dialog):
    """``decided`` gets the choice, which is remembered; Cancel leaves the window open."""

    of_workspace = False

    def __init__(
        self, parent: QWidget, overview: Overview, decided: Callable[[Literal["tray", "quit"]], object]
    ) -> None:
        title = tr("Keep Kronkers Studio running in the background?")
        super().__init__(parent, title, _what_goes_on(overview), width=500)
        words = tr("Models that are live go on answering either way. You can change your choice in Settings.")
        self.content.addWidget(label(words, "muted", wrap=True))

        def choose(choice: Literal["tray", "quit"]) -> None:
            self.accept()
            decided(choice)

        self.add_button(tr("Cancel"), self.reject)
        self.quit_button = self.add_button(tr("Quit"), lambda: choose("quit"))
        self.keep_button = self.add_button(tr("Keep it running"), lambda: choose("tray"), "primary")
        self.keep_button.setFocus()


def _what_goes_on(overview: Overview) -> str:
    """What needs the program, as a sentence."""
    parts = []
    if overview.services:
        parts.append(tr("tells you when a live model stops answering"))
    if overview.folders:
        one = tr("keeps {n} project in sync with its folders")
        parts.append(counted(len(overview.folders), one, tr("keeps {n} projects in sync with their folders")))
    if not parts:
        parts.append(tr("finishes what it is working on"))
    joined = tr(" and ").join(parts)
    return tr("From its icon in the system's tray it {what}.").format(what=joined)
