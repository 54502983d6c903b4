"""Names of any bytes as people can read them, in the window and on a terminal alike."""

from __future__ import annotations

import unicodedata

_LINES = frozenset("\n\t")
_JOINERS = frozenset("\u200c\u200d")  # part of words and of emoji; they change nothing but how letters join


def printable(text: str, *, lines: bool = False) -> str:
    """``text`` with what cannot be shown spelled out: bytes that are no text as ``\\xfc``, control characters and those
    that turn the direction of writing as ``\\x1b`` or ``\\u202e``.

    Safe for a terminal, for UTF-8 and for toolkits that drop such characters without a word. With ``lines``, line ends
    and tabs stay what they are.
    """
    if text.isprintable():
        return text
    kept = _LINES if lines else frozenset()
    text = text.replace("\r\n", "\n") if lines else text
    return "".join(char if _is_shown(char) or char in kept else _spelled(char) for char in text)


def _is_shown(char: str) -> bool:
    return char.isprintable() or char in _JOINERS or unicodedata.category(char) == "Zs"


def _spelled(char: str) -> str:
    letter = ord(char)
    if 0xDC80 <= letter <= 0xDCFF:  # a byte that is no UTF-8, as os.fsdecode gives it
        return f"\\x{letter - 0xDC00:02x}"
    return repr(char)[1:-1]
