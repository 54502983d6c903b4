"""A document read as an outline: everything but the parts that are named, which are passed over unread.

A model's trees may be gigabytes; what describes them is a few kilobytes before and after.
"""

from __future__ import annotations

from typing import Any, Final

from kronkers_studio.packaging.byte_reader import TooMuch

Outline = Any
"""None, bool, int, float, str, a list, or a dict with keys of text."""

DEEPEST: Final = 32
LONGEST_TEXT: Final = 1 << 20
_MOST_KEPT = 1_000_000  # the letters of all categories are among them
_MOST_PASSED = 20_000_000
_MOST_TEXT = 64 << 20  # characters in all


class Allowance:
    """Counts the values of an outline, so that no file takes all memory or hours. Raises ``TooMuch``."""

    def __init__(self) -> None:
        self._kept = _MOST_KEPT
        self._passed = _MOST_PASSED
        self._text = _MOST_TEXT

    def take(self, values: int = 1, *, keep: bool = True) -> None:
        """``values`` more are kept, or passed over."""
        if keep:
            self._kept -= values
        self._passed -= values
        if self._kept < 0 or self._passed < 0:
            raise TooMuch("it describes itself at greater length than is read here")

    def take_text(self, length: int) -> None:
        """A text of ``length`` more is kept."""
        self._text -= length
        if self._text < 0:
            raise TooMuch("it describes itself at greater length than is read here")


def require_depth(depth: int) -> None:
    """Raise ``TooMuch`` when what is read lies within more than ``DEEPEST`` others."""
    if depth > DEEPEST:
        raise TooMuch("it is nested deeper than any model")


def entry(outline: Outline, *path: str) -> Outline:
    """What lies at ``path`` from key to key; None when anything on the way is missing or no object."""
    for key in path:
        outline = outline.get(key) if isinstance(outline, dict) else None
    return outline


def texts(outline: Outline) -> tuple[str, ...]:
    """A list of nothing but texts; () for everything else."""
    if isinstance(outline, list) and all(isinstance(item, str) for item in outline):
        return tuple(outline)
    return ()
