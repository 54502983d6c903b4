"""Any Python text in SQLite, also what it cannot hold: names that are not UTF-8 come as surrogate escapes.

Those characters are stored as U+10FFFF, which no text has a use for, and six hexadecimal digits.
"""

from __future__ import annotations

import re

from kronkers_studio.domain.errors import StoreDamaged

_ESCAPE = "\U0010ffff"
_UNHOLDABLE = re.compile(f"[\ud800-\udfff{_ESCAPE}]")
_ESCAPED = re.compile(f"{_ESCAPE}(00d[89a-f][0-9a-f]{{2}}|10ffff)")


def to_stored(text: str) -> str:
    """``text`` as it is stored."""
    if text.isascii():
        return text
    return _UNHOLDABLE.sub(lambda match: f"{_ESCAPE}{ord(match[0]):06x}", text)


def from_stored(stored: str) -> str:
    """The text that ``to_stored`` made ``stored`` from. Raises ``StoreDamaged`` for what is no text: SQLite keeps any
    value in any column."""
    if not isinstance(stored, str):
        raise StoreDamaged("A record in the workspace's database holds something else where it should hold text.")
    if _ESCAPE not in stored:
        return stored
    return _ESCAPED.sub(lambda match: chr(int(match[1], 16)), stored)
