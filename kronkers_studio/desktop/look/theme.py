"""The theme in force, and its fonts.

Widgets say what they are (``setProperty("role", "caption")``), the style sheet says how
that looks; what is painted by hand (charts, pills in tables, icons) asks ``current().tokens`` and repaints on
``current().changed``.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar, Literal

import shiboken6
from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QColor, QFont, QFontDatabase
from PySide6.QtWidgets import QApplication

from kronkers_studio.desktop.look.style_sheet import palette, style_sheet
from kronkers_studio.desktop.look.tokens import CAPTION, DARK, FAMILY, LIGHT, TEXT, Tokens
from kronkers_studio.settings.paths import resource

Choice = Literal["system", "light", "dark"]


def font(size: int = TEXT, weight: QFont.Weight = QFont.Weight.Normal) -> QFont:
    """The window's font in ``size`` pixels; digits are all of one width, so figures do not jump as they change."""
    made = QFont(FAMILY)
    made.setPixelSize(size)
    made.setWeight(weight)
    made.setFeature(QFont.Tag.fromString("tnum"), 1)
    return made


def code_font(size: int = CAPTION) -> QFont:
    """The font of program text and of lines that are compared, in ``size`` pixels."""
    made = QFont(["DejaVu Sans Mono", "Consolas", "Menlo", "monospace"])
    made.setStyleHint(QFont.StyleHint.Monospace)
    made.setPixelSize(size)
    return made


class Theme(QObject):
    """The theme in force. ``changed`` is emitted after the style sheet and palette were switched."""

    changed = Signal()
    made: ClassVar[Theme | None] = None

    def __init__(self, app: QApplication, choice: Choice = "system") -> None:
        super().__init__(app)
        self._app = app
        self._choice: Choice = choice
        self.tokens = LIGHT
        self._applied = False
        _load_fonts()
        app.setStyle("Fusion")
        app.setFont(font())
        app.styleHints().colorSchemeChanged.connect(self._follow_system)
        self._apply(self._wanted())

    @property
    def choice(self) -> Choice:
        return self._choice

    def choose(self, choice: Choice) -> None:
        """Switch at once to ``choice``; "system" follows the operating system from now on."""
        self._choice = choice
        self._apply(self._wanted())

    def colour(self, token: str) -> QColor:
        """The colour called ``token`` ("text", "ok_bg" …) in the theme in force."""
        return QColor(getattr(self.tokens, token))

    def _wanted(self) -> Tokens:
        if self._choice == "system":
            return DARK if self._app.styleHints().colorScheme() is Qt.ColorScheme.Dark else LIGHT
        return DARK if self._choice == "dark" else LIGHT

    def _follow_system(self) -> None:
        if self._choice == "system":
            self._apply(self._wanted())

    def _apply(self, tokens: Tokens) -> None:
        if self._applied and tokens is self.tokens:
            return
        self._applied = True
        self.tokens = tokens
        with _nothing_collected():
            self._app.setPalette(palette(tokens))
            self._app.setStyleSheet(style_sheet(tokens))
        self.changed.emit()


def current() -> Theme:
    """The theme of the running application; one in the system's choice is made when there is none yet."""
    theme = Theme.made  # asked for by every cell that is painted, so it is not searched for
    if theme is not None and shiboken6.isValid(theme):
        return theme
    app = QApplication.instance()
    if not isinstance(app, QApplication):
        raise RuntimeError("a theme needs a running QApplication")
    Theme.made = Theme(app)
    return Theme.made


@contextmanager
def _nothing_collected() -> Iterator[None]:
    """While Qt walks through a list of all widgets, Python must not collect one that nobody holds any more: Qt would
    then touch freed memory."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _load_fonts() -> None:
    if FAMILY in QFontDatabase.families():
        return
    for file in sorted(resource("fonts").glob("*.otf")):
        QFontDatabase.addApplicationFont(str(file))
