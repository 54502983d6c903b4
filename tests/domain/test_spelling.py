"""Names of any bytes are spelled out in a way that everything can show."""

from __future__ import annotations

import pytest

from kronkers_studio.domain.printable import printable


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("M\udcfcller.csv", "M\\xfcller.csv"),
        ("half a pair \ud83c", "half a pair \\ud83c"),
        ("two\nlines\x1b[31m", "two\\nlines\\x1b[31m"),
        ("invoice\u202efdp.exe", "invoice\\u202efdp.exe"),
        ("grün – Über.csv", "grün – Über.csv"),
        ("10\u202f%\u00a0more", "10\u202f%\u00a0more"),
        ("👩\u200d💻 notes", "👩\u200d💻 notes"),
    ],
)
def test_what_cannot_be_shown_is_spelled_out_and_nothing_else(name: str, shown: str) -> None:
    assert printable(name) == shown
    printable(name).encode("utf-8")


def test_lines_stay_lines_where_there_is_room_for_them() -> None:
    assert printable("a\udcff\r\n\tb\n", lines=True) == "a\\xff\n\tb\n"
    assert printable("a\r\n\tb") == "a\\r\\n\\tb"
