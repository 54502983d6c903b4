"""The look: every colour, size and font of the window, and the one style sheet built from them.

No other module holds a colour. Widgets say what they are (``setProperty("role", "caption")``), the style sheet says how
that looks; what is painted by hand (charts, pills in tables, icons) asks ``current().tokens`` and repaints on
``current().changed``.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import ClassVar, Literal

import shiboken6
from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QColor, QFont, QFontDatabase, QPalette
from PySide6.QtWidgets import QApplication

from kronkers_studio.settings.paths import resource

Choice = Literal["system", "light", "dark"]
Tone = Literal["accent", "ok", "warn", "bad", "prod", "plain"]


@dataclass(frozen=True, slots=True)
class Tokens:
    """The colours of one theme, ``#RRGGBB``. ``…_bg`` is the ground that the colour of the same name is read on."""

    name: str
    bg: str
    surface: str
    rail: str
    line: str
    text: str
    muted: str
    accent: str  # fills, lines, the first series
    accent_text: str  # accent used as text
    accent_bg: str
    accent_hover: str
    on_accent: str
    ok: str
    ok_bg: str
    warn: str
    warn_bg: str
    bad: str
    bad_bg: str
    prod: str
    prod_bg: str
    plain_bg: str  # a quiet pill, hovered rows
    hover: str  # a secondary button or rail entry under the pointer
    handle: str  # scroll bars, empty part of a progress bar
    disabled: str  # text of what cannot be used now

    @property
    def series(self) -> tuple[str, ...]:
        """Chart colours, in the order in which series take them."""
        return (self.accent, self.warn, self.bad, self.ok, self.prod)

    def pair(self, tone: Tone) -> tuple[str, str]:
        """(text, ground) of a pill in ``tone``."""
        if tone == "plain":
            return self.muted, self.plain_bg
        if tone == "accent":
            return self.accent_text, self.accent_bg
        return getattr(self, tone), getattr(self, f"{tone}_bg")


LIGHT = Tokens(
    name="light",
    bg="#F6F7F9",
    surface="#FFFFFF",
    rail="#FFFFFF",
    line="#E3E6EB",
    text="#1B2330",
    muted="#5F6A7E",
    accent="#2F6FED",
    accent_text="#2360D8",
    accent_bg="#E9F0FE",
    accent_hover="#2360D8",
    on_accent="#FFFFFF",
    ok="#0F7A57",
    ok_bg="#E4F5EE",
    warn="#A15C07",
    warn_bg="#FDF1DD",
    bad="#C0362C",
    bad_bg="#FCEAE8",
    prod="#7A3EB1",
    prod_bg="#F3EAFB",
    plain_bg="#EFF1F5",
    hover="#F1F3F7",
    handle="#D5DAE2",
    disabled="#9AA4B5",
)
DARK = Tokens(
    name="dark",
    bg="#14171C",
    surface="#1C2027",
    rail="#181B21",
    line="#2B313B",
    text="#E6E9EF",
    muted="#98A2B3",
    accent="#6C9BFF",
    accent_text="#6C9BFF",
    accent_bg="#1F2C47",
    accent_hover="#8AB0FF",
    on_accent="#14171C",
    ok="#4CC38A",
    ok_bg="#17332A",
    warn="#F0B454",
    warn_bg="#3A2D14",
    bad="#FF7B72",
    bad_bg="#3C1F1E",
    prod="#C89BF0",
    prod_bg="#2E2140",
    plain_bg="#262B34",
    hover="#232833",
    handle="#3A424F",
    disabled="#5F6A7B",
)

READABLE_PAIRS = (
    *[(ink, ground) for ink in ("text", "muted") for ground in ("bg", "surface", "rail", "plain_bg", "hover")],
    *[(ink, f"{ink}_bg") for ink in ("ok", "warn", "bad", "prod")],
    *[(ink, ground) for ink in ("ok", "warn", "bad", "prod", "accent_text") for ground in ("bg", "surface")],
    ("accent_text", "accent_bg"),
    ("accent_text", "rail"),
    ("text", "accent_bg"),
    ("on_accent", "accent"),
    ("on_accent", "accent_hover"),
    ("on_accent", "bad"),
)
"""Every (text, ground) pair that the window uses; a test holds each at 4.5:1 or better in both themes."""

FAMILY = "Inter"
TITLE, FIGURE, HEADING, TEXT, CAPTION = 22, 24, 14, 13, 12  # pixels at 100 %
MARGIN_X, MARGIN_Y, GAP, PADDING_X, PADDING_Y = 28, 22, 14, 16, 14
CARD_RADIUS, CONTROL_RADIUS, ROW_HEIGHT, CONTROL_HEIGHT = 10, 6, 34, 32


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
            self._app.setPalette(_palette(tokens))
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


def _palette(tokens: Tokens) -> QPalette:
    """For whatever the style sheet does not reach: dialogs of Qt itself, selections, links."""
    palette = QPalette()
    roles = {
        QPalette.ColorRole.Window: tokens.bg,
        QPalette.ColorRole.WindowText: tokens.text,
        QPalette.ColorRole.Base: tokens.surface,
        QPalette.ColorRole.AlternateBase: tokens.bg,
        QPalette.ColorRole.Text: tokens.text,
        QPalette.ColorRole.Button: tokens.surface,
        QPalette.ColorRole.ButtonText: tokens.text,
        QPalette.ColorRole.Highlight: tokens.accent,
        QPalette.ColorRole.HighlightedText: tokens.on_accent,
        QPalette.ColorRole.ToolTipBase: tokens.surface,
        QPalette.ColorRole.ToolTipText: tokens.text,
        QPalette.ColorRole.PlaceholderText: tokens.muted,
        QPalette.ColorRole.Link: tokens.accent_text,
        QPalette.ColorRole.Mid: tokens.line,
    }
    for role, colour in roles.items():
        palette.setColor(role, QColor(colour))
    for role in (QPalette.ColorRole.Text, QPalette.ColorRole.ButtonText, QPalette.ColorRole.WindowText):
        palette.setColor(QPalette.ColorGroup.Disabled, role, QColor(tokens.disabled))
    return palette


def style_sheet(tokens: Tokens) -> str:
    """The whole window's style sheet for ``tokens``."""
    pills = "".join(
        f'QLabel[pill="{tone}"] {{ color: {ink}; background: {ground}; }}\n'
        for tone, (ink, ground) in {t: tokens.pair(t) for t in ("accent", "ok", "warn", "bad", "prod", "plain")}.items()
    )
    notices = "".join(
        f'QFrame[notice="{tone}"] {{ background: {ground}; border: none; border-radius: {CARD_RADIUS}px; }}\n'
        for tone, (_, ground) in {t: tokens.pair(t) for t in ("accent", "ok", "warn", "bad")}.items()
    )
    values = {name: getattr(tokens, name) for name in Tokens.__slots__}
    sheet = _SHEET
    for name in sorted(values, key=len, reverse=True):
        sheet = sheet.replace(f"@{name}", values[name])
    return sheet + pills + notices


_SHEET = f"""
* {{ font-family: "{FAMILY}"; font-size: {TEXT}px; color: @text; }}
QMainWindow, QWidget[page="true"], QWidget[ground="bg"] {{ background: @bg; }}
QDialog {{ background: @surface; }}
QWidget[ground="surface"] {{ background: @surface; }}
QLabel {{ background: transparent; }}
QLabel:disabled {{ color: @disabled; }}
QLabel[role="title"] {{ font-size: {TITLE}px; font-weight: 600; }}
QLabel[role="figure"] {{ font-size: {FIGURE}px; font-weight: 600; }}
QLabel[role="heading"] {{ font-size: {HEADING}px; font-weight: 600; }}
QLabel[role="strong"] {{ font-weight: 600; }}
QLabel[role="medium"] {{ font-weight: 500; }}
QLabel[role="muted"] {{ color: @muted; }}
QLabel[role="caption"] {{ font-size: {CAPTION}px; color: @muted; }}
QLabel[role="name"] {{ font-size: 15px; font-weight: 600; }}
QLabel[role="bad"] {{ color: @bad; }}
QLabel[role="code"] {{ font-family: "DejaVu Sans Mono", "Consolas", "Menlo", monospace; font-size: {CAPTION}px; }}
QLabel[role="output"] {{ font-family: "DejaVu Sans Mono", "Consolas", "Menlo", monospace; font-size: {CAPTION}px;
    background: @plain_bg; border-radius: {CONTROL_RADIUS}px; padding: 8px 10px; }}
QLabel[role="key"] {{ font-family: "DejaVu Sans Mono", "Consolas", "Menlo", monospace; font-size: 15px;
    background: @plain_bg; border-radius: {CONTROL_RADIUS}px; padding: 12px; }}
QLabel[role="shortcut"] {{ font-size: {CAPTION}px; font-weight: 500; color: @muted; background: @plain_bg;
    border: 1px solid @line; border-radius: 4px; padding: 1px 6px; }}
QLabel[pill] {{ font-size: {CAPTION}px; font-weight: 600; border-radius: 9px; padding: 2px 12px; }}
QFrame[card="true"] {{ background: @surface; border: 1px solid @line; border-radius: {CARD_RADIUS}px; }}
QFrame[card="true"][chosen="true"] {{ border: 1px solid @accent; background: @accent_bg; }}
QFrame[card="true"][drop="true"] {{ border: 1px dashed @accent; background: @accent_bg; }}
QFrame[rule="true"] {{ background: @line; border: none; max-height: 1px; min-height: 1px; }}
QFrame#rail {{ background: @rail; border: none; border-right: 1px solid @line; }}
QFrame#taskbar {{ background: @rail; border: none; border-top: 1px solid @line; }}

QPushButton {{ background: @surface; border: 1px solid @line; border-radius: {CONTROL_RADIUS}px; padding: 0 14px;
    min-height: {CONTROL_HEIGHT - 2}px; font-weight: 500; }}
QPushButton:hover {{ background: @hover; }}
QPushButton:pressed {{ background: @line; }}
QPushButton:focus {{ border: 1px solid @accent; }}
QPushButton:disabled {{ color: @disabled; }}
QPushButton[kind="primary"] {{ background: @accent; color: @on_accent; border: 1px solid @accent; font-weight: 600; }}
QPushButton[kind="primary"]:hover {{ background: @accent_hover; border: 1px solid @accent_hover; }}
QPushButton[kind="primary"]:focus {{ border: 1px solid @text; }}
QPushButton[kind="primary"]:disabled {{ background: @handle; border: 1px solid @handle; color: @muted; }}
QPushButton[kind="danger"] {{ color: @bad; }}
QPushButton[kind="danger"]:disabled {{ color: @disabled; }}
QPushButton[kind="quiet"] {{ background: transparent; border: 1px solid transparent; padding: 0 8px; color: @muted; }}
QPushButton[kind="quiet"]:hover {{ background: @hover; color: @text; }}
QPushButton[kind="quiet"]:focus {{ border: 1px solid @accent; }}
QPushButton[kind="link"] {{ background: transparent; border: 1px solid transparent; padding: 0 4px;
    color: @accent_text; }}
QPushButton[kind="link"]:hover {{ text-decoration: underline; }}
QPushButton[kind="link"]:focus {{ border: 1px solid @accent; }}
QPushButton[kind="icon"] {{ background: transparent; border: 1px solid transparent; padding: 0;
    min-width: 30px; max-width: 30px; }}
QPushButton[kind="icon"]:hover {{ background: @hover; }}
QPushButton[kind="icon"]:focus {{ border: 1px solid @accent; }}
QPushButton[kind="rail"] {{ background: transparent; border: 1px solid transparent; color: @muted; text-align: left;
    padding: 0 12px; min-height: 31px; }}
QPushButton[kind="rail"]:hover {{ background: @hover; }}
QPushButton[kind="rail"]:checked {{ background: @accent_bg; color: @accent_text; font-weight: 600; }}
QPushButton[kind="rail"]:focus {{ border: 1px solid @accent; }}
QPushButton[kind="filter"] {{ background: transparent; border: 1px solid transparent; border-radius: 11px;
    min-height: 20px; padding: 0 10px; color: @muted; font-weight: 400; }}
QPushButton[kind="filter"]:hover {{ background: @hover; }}
QPushButton[kind="filter"]:checked {{ background: @accent_bg; color: @accent_text; font-weight: 600; }}
QPushButton[kind="filter"]:focus {{ border: 1px solid @accent; }}
QPushButton[kind="bar"] {{ background: transparent; border: 1px solid transparent; padding: 0 8px; color: @muted;
    min-height: 22px; font-weight: 400; }}
QPushButton[kind="bar"]:hover {{ background: @hover; color: @text; }}
QPushButton[kind="bar"]:focus {{ border: 1px solid @accent; }}

QLineEdit, QPlainTextEdit, QSpinBox, QDoubleSpinBox, QDateTimeEdit, QComboBox {{ background: @surface;
    border: 1px solid @line; border-radius: {CONTROL_RADIUS}px; padding: 0 10px; min-height: {CONTROL_HEIGHT - 2}px;
    selection-background-color: @accent; selection-color: @on_accent; }}
QDateTimeEdit QLineEdit {{ border: none; background: transparent; padding: 0 10px; min-height: 0; }}
QPlainTextEdit {{ padding: 6px; }}
QPlainTextEdit[role="code"] {{ font-family: "DejaVu Sans Mono", "Consolas", "Menlo", monospace;
    font-size: {CAPTION}px; }}
QLineEdit:focus, QPlainTextEdit:focus, QSpinBox:focus, QDoubleSpinBox:focus,
QDateTimeEdit:focus, QComboBox:focus {{ border: 1px solid @accent; }}
QLineEdit:disabled, QPlainTextEdit:disabled, QComboBox:disabled {{ color: @disabled; background: @bg; }}
QLineEdit[invalid="true"], QPlainTextEdit[invalid="true"] {{ border: 1px solid @bad; }}
QComboBox {{ padding-right: 28px; font-weight: 500; }}
QComboBox::drop-down {{ border: none; width: 28px; }}
QComboBox::down-arrow {{ image: none; }}
QComboBox QAbstractItemView {{ background: @surface; border: 1px solid @line; border-radius: {CONTROL_RADIUS}px;
    padding: 4px; outline: none; }}
QComboBox QAbstractItemView::item {{ min-height: 28px; padding: 0 8px; border-radius: 4px; }}
QComboBox QAbstractItemView::item:selected {{ background: @accent_bg; color: @accent_text; }}
QDateTimeEdit::up-button, QDateTimeEdit::down-button, QDateTimeEdit::drop-down {{ width: 0; border: none; }}
QSpinBox::up-button, QSpinBox::down-button, QDoubleSpinBox::up-button, QDoubleSpinBox::down-button {{
    width: 0; border: none; }}

QTableView, QListView, QTreeView {{ background: transparent; border: none; outline: none; gridline-color: @line;
    selection-background-color: @accent_bg; selection-color: @text; }}
QTableView::item {{ border: none; border-bottom: 1px solid @line; padding: 0 8px; }}
QTableView::item:selected, QListView::item:selected {{ background: @accent_bg; color: @text; }}
QTableView:focus {{ border: none; }}
QListView::item {{ min-height: 32px; padding: 0 10px; border-radius: {CONTROL_RADIUS}px; }}
QListView::item:hover {{ background: @hover; }}
QHeaderView {{ background: transparent; border: none; }}
QHeaderView::section {{ background: transparent; border: none; border-bottom: 1px solid @line; color: @muted;
    padding: 0 8px; font-weight: 400; min-height: {ROW_HEIGHT}px; }}
QTableCornerButton::section {{ background: transparent; border: none; }}

QProgressBar {{ background: @handle; border: none; border-radius: 3px; max-height: 6px; min-height: 6px; }}
QProgressBar::chunk {{ background: @accent; border-radius: 3px; }}
QScrollArea, QScrollArea > QWidget > QWidget {{ background: transparent; border: none; }}
QScrollBar:vertical {{ background: transparent; width: 10px; margin: 0; }}
QScrollBar:horizontal {{ background: transparent; height: 10px; margin: 0; }}
QScrollBar::handle {{ background: @handle; border-radius: 3px; margin: 2px; }}
QScrollBar::handle:vertical {{ min-height: 28px; }}
QScrollBar::handle:horizontal {{ min-width: 28px; }}
QScrollBar::handle:hover {{ background: @disabled; }}
QScrollBar::add-line, QScrollBar::sub-line {{ width: 0; height: 0; }}
QScrollBar::add-page, QScrollBar::sub-page {{ background: transparent; }}
QSplitter::handle {{ background: transparent; }}
QToolTip {{ background: @surface; color: @text; border: 1px solid @line; padding: 6px 8px; }}
QMenu {{ background: @surface; border: 1px solid @line; border-radius: {CONTROL_RADIUS}px; padding: 4px; }}
QMenu::item {{ padding: 6px 18px 6px 12px; border-radius: 4px; }}
QMenu::item:selected {{ background: @accent_bg; color: @accent_text; }}
QMenu::item:disabled {{ color: @disabled; }}
"""
