"""What a hostile file is here, and how its execution would be seen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Hostile:
    """One file. ``build`` gives its bytes; what it would run, fetch or write leaves the file ``canary``.

    ``reason`` is a pattern for the refusal's message, "" where it is enough that the kind is not supported. ``beside``
    are the names and sizes of what lies in its folder. With ``harms``, Python's own reader leaves the canary.
    """

    name: str
    file: str
    build: Callable[[Path], bytes]
    reason: str = ""
    harms: bool = False
    beside: tuple[tuple[str, int], ...] = ()
