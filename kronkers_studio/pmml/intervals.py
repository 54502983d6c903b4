"""Intervals of numbers."""

from __future__ import annotations

import math
from dataclasses import dataclass

from kronkers_studio.pmml.columns import Array, number_text
from kronkers_studio.pmml.document import Element

_CLOSURES = ("openOpen", "openClosed", "closedOpen", "closedClosed")


@dataclass(frozen=True, slots=True)
class Interval:
    """From ``low`` to ``high``, each with or without itself."""

    low: float
    high: float
    with_low: bool
    with_high: bool

    def holds(self, values: Array) -> Array:
        """Which of ``values`` lie in it; NaN never."""
        above = values >= self.low if self.with_low else values > self.low
        below = values <= self.high if self.with_high else values < self.high
        return above & below

    def __str__(self) -> str:
        left = (
            ""
            if self.low == -math.inf
            else f"from {number_text(self.low)}"
            if self.with_low
            else f"above {number_text(self.low)}"
        )
        right = (
            ""
            if self.high == math.inf
            else f"to {number_text(self.high)}"
            if self.with_high
            else f"below {number_text(self.high)}"
        )
        return f"{left} {right}".strip()


def read_interval(element: Element) -> Interval:
    """The interval of ``element``. Raises ``Unevaluated``."""
    closure = element.choice("closure", _CLOSURES)
    low = element.number("leftMargin", -math.inf)
    high = element.number("rightMargin", math.inf)
    if low > high:
        element.refuse("the interval ends before it begins")
    return Interval(low, high, closure.startswith("closed"), closure.endswith("Closed"))
