"""How large the numbers of options may be: what lies beyond is a slip, and is said at once."""

from __future__ import annotations

import math

import typer

MOST_ROWS = 1_000_000_000
"""Of a list that is shown."""

MOST_DAYS = 36_500.0
"""A hundred years."""


def finite(value: float | None) -> float | None:
    """For an option's callback: neither range of an option excludes what is not a number."""
    if value is not None and not math.isfinite(value):
        raise typer.BadParameter(f"{value} is not a number that can be counted with.")
    return value
