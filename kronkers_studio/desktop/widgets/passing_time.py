"""Words that say how long ago something was: they go on with the time."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QCoreApplication, QObject, QTimer, Signal
from PySide6.QtWidgets import QLabel

_EVERY_MS = 20_000  # so that "just now" is at most so much older than its minute


class PassingTime(QObject):
    """One for the program. ``passed`` is emitted several times a minute."""

    passed = Signal()

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        timer = QTimer(self)
        timer.setInterval(_EVERY_MS)
        timer.timeout.connect(self.passed)
        timer.start()

    @classmethod
    def of_program(cls) -> PassingTime:
        program = QCoreApplication.instance()
        if program is None:
            raise RuntimeError("there is no application yet")
        found = program.findChild(cls)
        return found if found is not None else cls(program)


def keep_current(label: QLabel, words: Callable[[], str]) -> QLabel:
    """Show ``words()`` on ``label``, now and as the time passes; later words take the place of earlier ones."""
    current = label.findChild(_Current)
    if current is None:
        current = _Current(label)
    current.words = words
    current.show_words()
    return label


class _Current(QObject):
    """Goes with its label."""

    def __init__(self, label: QLabel) -> None:
        super().__init__(label)
        self._label = label
        self.words: Callable[[], str] = str
        PassingTime.of_program().passed.connect(self.show_words)

    def show_words(self) -> None:
        words = self.words()
        if words != self._label.text():
            self._label.setText(words)
