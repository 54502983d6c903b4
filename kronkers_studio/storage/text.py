"""Any Python text in SQLite, also what it cannot hold: names that are not UTF-8 come as surrogate escapes.

Those characters are stored as U+10FFFF, which no text has a use for, and six hexadecimal digits.
"""

from __future__ import annotations

import re

_ESCAPE = "\U0010ffff"
_UNHOLDABLE = re.compile(f"[\ud800-\udfff{_ESCAPE}]")
_ESCAPED = re.compile(f"{_ESCAPE}([0-9a-f]{{6}})")


def to_stored(text: str) -> str:
    """``text`` as it is stored."""
    if text.isascii():
        return text
    return _UNHOLDABLE.sub(lambda match: f"{_ESCAPE}{ord(match[0]):06x}", text)


def from_stored(stored: str) -> str:
    """The text that ``to_stored`` made ``stored`` from."""
    if _ESCAPE not in stored:
        return stored
    return _ESCAPED.sub(lambda match: chr(int(match[1], 16)), stored)
