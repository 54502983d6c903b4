"""The regular expressions of ``matches`` and ``replace``: plain ones, whose time grows no faster than the text's length
squared."""

from __future__ import annotations

import re
from typing import Final

_LONGEST: Final = 200
_MOST_REPEATS: Final = 2
LONGEST_TEXT: Final = 1_000
"""Characters of a text that a pattern is tried on."""
_CLASSES: Final = "dDwWsSbB"
_ONE = r"(?:\\[dDwWsS]|\\[^A-Za-z0-9]|\[\^?(?:\\[dDwWsS]|\\[^A-Za-z0-9]|[^\]\[\\&])+\]|[^\\\[\](){}*+?|^$])"
_REPEAT = r"(?:[*+]\??|\?\??|\{\d{1,3}(?:,\d{0,3})?\})?"
_ITEM = re.compile(rf"({_ONE})({_REPEAT})")


def plain_pattern(text: str) -> re.Pattern[str] | None:
    """``text`` compiled, where it is a sequence of characters, classes of them and repeats of one of these, perhaps in
    alternatives and between ^ and $; None for all else. \\d and \\w mean letters and digits of ASCII, as in PMML."""
    if len(text) > _LONGEST:
        return None
    parts = []
    repeats = 0
    alternatives = _alternatives(text)
    if "|".join(alternatives) != text:  # a bracket that does not close, or a bar beside nothing
        return None
    for alternative in alternatives:
        body, repeated = _checked(alternative)
        if body is None:
            return None
        repeats += repeated
        parts.append(body)
    if repeats > _MOST_REPEATS:
        return None
    try:
        return re.compile("|".join(parts), re.ASCII)
    except (re.error, OverflowError):
        return None


def _alternatives(text: str) -> list[str]:
    """The parts between bars that stand for themselves as bars."""
    return re.findall(r"(?:\\.|\[(?:\\.|[^\]\\])*\]|[^|\\\[])+|(?<=\|)(?=\||$)", text, re.DOTALL) or [text]


def _checked(text: str) -> tuple[str | None, int]:
    start = text.startswith("^")
    end = text.endswith("$") and not text.endswith("\\$")
    inner = text[start : len(text) - end]
    position, repeats = 0, 0
    while position < len(inner):
        found = _ITEM.match(inner, position)
        if found is None:
            return None, 0
        position = found.end()
        repeats += found[2] not in ("", "?") and not re.fullmatch(r"\{\d+\}", found[2])
    if repeats > 1 and not start:  # it would be tried from every place of the text
        return None, 0
    return text, repeats
