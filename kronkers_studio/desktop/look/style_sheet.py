"""How the window looks for a set of tokens: the one style sheet, and the palette for what it does not reach."""

from __future__ import annotations

from PySide6.QtGui import QColor, QPalette

from kronkers_studio.desktop.look.tokens import (
    CAPTION,
    CARD_RADIUS,
    CONTROL_HEIGHT,
    CONTROL_RADIUS,
    FAMILY,
    FIGURE,
    HEADING,
    ROW_HEIGHT,
    SCROLL_BAR,
    TEXT,
    TITLE,
    Tokens,
)


def palette(tokens: Tokens) -> QPalette:
    """For whatever the style sheet does not reach: dialogs of Qt itself, selections, links."""
    made = QPalette()
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
        made.setColor(role, QColor(colour))
    for role in (QPalette.ColorRole.Text, QPalette.ColorRole.ButtonText, QPalette.ColorRole.WindowText):
        made.setColor(QPalette.ColorGroup.Disabled, role, QColor(tokens.disabled))
    return made


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
QLabel[old="true"] {{ color: @muted; }}
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
*[drop="true"] {{ border: 1px dashed @accent; background: @accent_bg; }}
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
QPushButton::menu-indicator {{ image: none; width: 0; }}
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
QTextEdit {{ background: transparent; border: none; selection-background-color: @accent;
    selection-color: @on_accent; }}
QTextEdit:focus {{ border-left: 2px solid @accent; }}
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
    padding: 4px; outline: none; font-weight: 400; selection-background-color: @accent_bg;
    selection-color: @accent_text; }}
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
QAbstractScrollArea::corner {{ background: transparent; border: none; }}

QProgressBar {{ background: @handle; border: none; border-radius: 3px; max-height: 6px; min-height: 6px; }}
QProgressBar::chunk {{ background: @accent; border-radius: 3px; }}
QScrollArea, QScrollArea > QWidget > QWidget {{ background: transparent; border: none; }}
QScrollBar:vertical {{ background: transparent; width: {SCROLL_BAR}px; margin: 0; }}
QScrollBar:horizontal {{ background: transparent; height: {SCROLL_BAR}px; margin: 0; }}
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
