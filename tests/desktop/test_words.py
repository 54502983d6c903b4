"""Every visible string passes through tr(); figures, sizes and times read as people write them."""

from __future__ import annotations

import ast
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from PySide6.QtCore import QLocale

import kronkers_studio.desktop
from kronkers_studio.desktop import text

_ROOM = Path(kronkers_studio.desktop.__file__).parent
_SPEAKING = {
    "label", "Button", "Pill", "Card", "FigureCard", "ElidedLabel", "QLabel", "QPushButton", "CheckBox", "LineField",
    "Field", "EmptyState", "PageHeader", "ComboBox", "Column", "Action", "Stop", "NextStep", "setText", "setToolTip",
    "setWindowTitle", "setAccessibleName", "setPlaceholderText", "set_title", "set_sentence", "say", "show_state",
    "show_problem", "add_button", "show_caption", "counted", "confirm", "scrolling", "Table", "FilterPills", "addItem",
}  # fmt: skip
_PROPER_NAMES = {"Kronkers Studio", "OneDrive"}
_KEYWORDS = {"name", "hint", "placeholder", "text", "help_text"}
_CODE_FIRST = {"EmptyState": 1, "Stop": 1, "NextStep": 1, "Action": 1}  # arguments before the words: icons, keys
_CODE_LAST = {"label": 1, "ElidedLabel": 1, "Stop": 2, "Action": 2, "EmptyState": 4, "NextStep": 4, "Pill": 1,
              "say": 2, "show_state": 1, "add_button": 1}  # fmt: skip
_EXAMPLES = {"lab-server", "ssh://me@server.example.org", "~/.ssh/id_ed25519", "0"}  # shown as they are typed


def _plain_strings(file: Path) -> list[str]:
    """String literals with letters that are handed to something that shows them, without tr()."""
    found = []
    for call in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if not isinstance(call, ast.Call):
            continue
        name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
        if name not in _SPEAKING:
            continue
        shown = call.args[_CODE_FIRST.get(name, 0) : _CODE_LAST.get(name, 9)]
        shown += [keyword.value for keyword in call.keywords if keyword.arg in _KEYWORDS]
        for argument in shown:
            for node in _literals(argument):
                words = str(node.value)
                if any(letter.isalpha() for letter in words) and words not in _PROPER_NAMES | _EXAMPLES:
                    found.append(f"{file.name}:{node.lineno}: {words!r}")
    return found


def _literals(node: ast.AST) -> list[ast.Constant]:
    """Bare strings of ``node`` itself: not those inside calls, whose own arguments are looked at by themselves."""
    if isinstance(node, ast.Constant):
        return [node] if isinstance(node.value, str) else []
    if isinstance(node, ast.JoinedStr | ast.IfExp | ast.BinOp):
        inner = [node.body, node.orelse] if isinstance(node, ast.IfExp) else list(ast.iter_child_nodes(node))
        return [literal for child in inner for literal in _literals(child)]
    return []


def test_every_visible_string_passes_through_tr() -> None:
    files = [file for file in sorted(_ROOM.rglob("*.py")) if file.name != "screenshots.py"]
    assert [line for file in files for line in _plain_strings(file)] == []


def test_the_search_for_plain_strings_finds_one(tmp_path: Path) -> None:
    file = tmp_path / "page.py"
    file.write_text('button = Button("Delete" if x else f"Keep {n}", hint=tr("fine"))\n', encoding="utf-8")
    assert len(_plain_strings(file)) == 2


@pytest.mark.parametrize(
    ("size", "words"), [(0, "0 bytes"), (512, "512 bytes"), (2_100_000, "2.1 MB"), (7_900_000_000, "7.9 GB")]
)
def test_sizes_are_powers_of_ten(size: int, words: str) -> None:
    assert text.file_size(size).replace("\xa0", " ") == words


def test_numbers_have_the_locales_separators() -> None:
    before = QLocale()
    try:
        QLocale.setDefault(QLocale("en_US"))
        assert text.number(29_310) == "29,310"
        assert text.number(42.71, 1) == "42.7"
        QLocale.setDefault(QLocale("de_DE"))
        assert text.number(29_310) == "29.310"
        assert text.number(42.71, 1) == "42,7"
    finally:
        QLocale.setDefault(before)


@pytest.mark.parametrize(
    ("value", "words"), [(0.9144, "0.914"), (42.71, "42.7"), (12_480, "12,480"), (3.0, "3"), (1234.5, "1,234")]
)
def test_figures_show_the_digits_that_matter(value: float, words: str) -> None:
    assert text.figure(value) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.2, "less than a second"), (41, "41 s"), (130, "2 min"), (12_000, "3 h 20 min")],
)
def test_durations_are_short(seconds: float, words: str) -> None:
    assert text.duration(seconds) == words


def test_moments_are_as_near_as_they_are_long_ago() -> None:
    now = datetime.now(UTC)
    assert text.moment(now) == "just now"
    assert text.moment(now - timedelta(minutes=5)) == "5 min ago"
    assert str((now - timedelta(days=400)).year) in text.moment(now - timedelta(days=400))
