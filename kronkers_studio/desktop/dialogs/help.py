"""Help: the shortcuts, and the words this program uses."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QWidget

from kronkers_studio.desktop.actions import Action
from kronkers_studio.desktop.localization import tr
from kronkers_studio.desktop.widgets.dialog import Dialog
from kronkers_studio.desktop.widgets.labels import label, rule


class HelpDialog(Dialog):
    """Shortcuts on top, then the few words worth knowing."""

    of_workspace = False

    def __init__(self, parent: QWidget, actions: Sequence[Action]) -> None:
        super().__init__(parent, tr("Help"), tr("Everything can also be found with Ctrl+K."), width=720)
        grid = QGridLayout()
        grid.setVerticalSpacing(6)
        grid.setHorizontalSpacing(18)
        for position, action in enumerate(action for action in actions if action.shortcut):
            row, column = divmod(position, 2)
            grid.addWidget(label(action.title), row, column * 2)
            grid.addWidget(label(action.shown_shortcut, "shortcut"), row, column * 2 + 1, Qt.AlignmentFlag.AlignRight)
        grid.setColumnStretch(0, 1)
        grid.setColumnStretch(2, 1)
        self.content.addLayout(grid)
        self.content.addWidget(rule())
        words = QGridLayout()
        words.setVerticalSpacing(6)
        words.setHorizontalSpacing(18)
        for row, (word, meaning) in enumerate(_words()):
            words.addWidget(label(word, "medium"), row, 0, Qt.AlignmentFlag.AlignTop)
            words.addWidget(label(meaning, "muted", wrap=True), row, 1, Qt.AlignmentFlag.AlignTop)
        words.setColumnStretch(1, 1)
        self.content.addLayout(words)
        self.add_button(tr("Close"), self.accept, "primary").setDefault(True)


def _words() -> list[tuple[str, str]]:
    return [
        (tr("Workspace"), tr("One folder that holds everything you bring in, encrypted.")),
        (tr("Project"), tr("One folder of yours, with every state it was brought in.")),
        (tr("Version"), tr("Version 1, 2, 3 … of a model. A version never changes.")),
        (tr("Release"), tr("One version running in one place. Rolling back makes an earlier release live.")),
        (tr("Package"), tr("A version with everything it needs to run, built without Docker.")),
    ]
