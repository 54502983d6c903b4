"""Every visible string passes through tr(); figures, sizes and times read as people write them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from PySide6.QtCore import QLocale

import kronkers_studio.desktop
from kronkers_studio.desktop import localization
from kronkers_studio.desktop.charts import ticks
from tests.desktop.spoken import Source

_ROOM = Path(kronkers_studio.desktop.__file__).parent
_FOR_DEVELOPERS = {
    "screenshots.py",
    "screenshot_data.py",
    "screenshot_dialogs.py",
    "style_sheet.py",
    "tokens.py",
    "theme.py",
}
"""What makes our own pictures; and fonts, colours and the style sheet, in which nothing is said."""
_AS_THEY_ARE = {
    "Kronkers Studio",
    "Kronkers",
    "Kronkers workspace",  # a folder's name, and a file's
    "Kronkers recovery key.txt",
    "\nPython ",
    ", Qt ",
    "Pipeline",  # a class
    "Parquet",  # kinds of files
    "JSON Lines",
    "lab-server",  # as they are typed
    "ssh://me@server.example.org",
    "~/.ssh/id_ed25519",
    "kronkers base build ",
}


@pytest.fixture(scope="module")
def source() -> Source:
    return Source([file for file in sorted(_ROOM.rglob("*.py")) if file.name not in _FOR_DEVELOPERS])


def test_every_visible_string_passes_through_tr(source: Source) -> None:
    """Seen to fail with a sentence in a module that shows it through a widget of its own."""
    found = source.plain_words()
    assert [(words, where) for words, where in found if words not in _AS_THEY_ARE] == []
    assert {words for words, _where in found} == _AS_THEY_ARE, "an exception that is not needed"


def test_of_every_text_that_a_widget_takes_it_is_known_whether_it_is_shown(source: Source) -> None:
    """Seen to fail with a widget whose words were called otherwise than all others."""
    assert source.untold_parameters("widgets") == []


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ('button = Button("Delete" if x else f"Keep {n}", hint=tr("fine"))', 2),
        ('button = Button("delete", go, kind="primary", hint=tr("fine"))', 1),
        ('self.setText("gone")', 1),
        ('mine = Brand_new("What nobody knew")', 1),
        ('mine.something = "Nothing was found"', 1),
        ('mine = Brand_new("key")', 0),
        ('self.run("look into it", work, shown=False)', 0),
        ('self.run("Looking into it", work)', 1),
        ('raise RuntimeError("there is no application yet")', 0),
        ('"""A docstring of words."""', 0),
        ('at = now.toString("ddd d MMM")', 0),
    ],
)
def test_the_search_for_plain_strings_finds_them(tmp_path: Path, code: str, found: int) -> None:
    widgets = tmp_path / "buttons.py"
    widgets.write_text("class Button:\n    def __init__(self, text: str, kind: str = '', hint: str = ''): ...\n")
    page = tmp_path / "page.py"
    page.write_text(f"{code}\n", encoding="utf-8")
    assert len(Source([widgets, page]).plain_words()) == found


@pytest.mark.parametrize(
    ("size", "words"), [(0, "0 bytes"), (512, "512 bytes"), (2_100_000, "2.1 MB"), (7_900_000_000, "7.9 GB")]
)
def test_sizes_are_powers_of_ten(size: int, words: str) -> None:
    assert localization.file_size(size).replace("\xa0", " ") == words


def test_numbers_have_the_locales_separators() -> None:
    before = QLocale()
    try:
        QLocale.setDefault(QLocale("en_US"))
        assert localization.number(29_310) == "29,310"
        assert localization.number(42.71, 1) == "42.7"
        QLocale.setDefault(QLocale("de_DE"))
        assert localization.number(29_310) == "29.310"
        assert localization.number(42.71, 1) == "42,7"
    finally:
        QLocale.setDefault(before)


@pytest.mark.parametrize(
    ("value", "words"), [(0.9144, "0.914"), (42.71, "42.7"), (12_480, "12,480"), (3.0, "3"), (1234.5, "1,234")]
)
def test_figures_show_the_digits_that_matter(value: float, words: str) -> None:
    assert localization.figure(value) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.2, "less than a second"), (41, "41 s"), (130, "2 min"), (12_000, "3 h 20 min")],
)
def test_durations_are_short(seconds: float, words: str) -> None:
    assert localization.duration(seconds) == words


def test_moments_are_as_near_as_they_are_long_ago() -> None:
    now = datetime.now(UTC)
    assert localization.moment(now) == "just now"
    assert localization.moment(now - timedelta(minutes=5)) == "5 min ago"
    assert str((now - timedelta(days=400)).year) in localization.moment(now - timedelta(days=400))


@pytest.mark.parametrize(
    ("language", "times"),
    [("en_US", ("2:05 PM", "2:05:09 PM", "2:05 PM")), ("de_DE", ("14:05", "14:05:09", "14:05"))],
)
def test_the_time_of_day_is_written_in_the_locales_way_everywhere(language: str, times: tuple[str, str, str]) -> None:
    """In lists, in details and on the axes of charts."""
    before = QLocale()
    try:
        QLocale.setDefault(QLocale(language))
        at = datetime.now().astimezone().replace(hour=14, minute=5, second=9)
        said = (localization.clock_of(at), localization.clock_time(at), ticks.clock(at.timestamp()))
        assert tuple(each.replace("\u202f", " ") for each in said) == times
        assert localization.date_time(at).endswith(times[0])
    finally:
        QLocale.setDefault(before)
