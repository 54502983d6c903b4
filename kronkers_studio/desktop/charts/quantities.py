"""What is measured, as figures with units that people read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from kronkers_studio.desktop.localization import figure, number, tr


@dataclass(frozen=True, slots=True)
class Quantity:
    """How values of one kind read. ``scale`` stored units are one shown unit; ``words`` puts a value with its unit."""

    unit: str
    scale: float
    words: Callable[[float], str]
    least: float  # the smallest top of an axis, in shown units, so that noise around zero is not blown up
    from_zero: bool = True  # the axis begins at 0
    most: float | None = None  # the top of the axis, in shown units, where nothing can be higher

    def tick(self, shown: float, step: float) -> str:
        """An axis label, with the decimals that ``step`` needs; in shown units, without the unit."""
        decimals = next((digits for digits in range(4) if abs(step * 10**digits % 1) < 1e-9), 4)
        return number(shown, decimals)


def digits(value: float) -> str:
    """Three significant digits at most: "0.42", "4.3", "42.7", "1,204"."""
    size = abs(value)
    if value == round(value):
        return number(round(value))
    return number(value, 2 if size < 1 else 1 if size < 100 else 0) if size < 100 else number(round(value))


def per_second() -> Quantity:
    return Quantity(tr("per second"), 1.0, lambda value: tr("{n} per second").format(n=digits(value)), 1.0)


def milliseconds() -> Quantity:
    return Quantity(tr("ms"), 1.0, response_time, 1.0)


def percent() -> Quantity:
    return Quantity(tr("%"), 1.0, lambda value: tr("{n} %").format(n=digits(value)), 5.0)


def shares() -> Quantity:
    """Parts of a whole in percent."""
    return Quantity(tr("%"), 1.0, lambda value: tr("{n} %").format(n=digits(value)), 100.0, most=100.0)


def numbers() -> Quantity:
    """Numbers of which nothing is known."""
    return Quantity("", 1.0, figure, 0.0, from_zero=False)


def megabytes() -> Quantity:
    return Quantity(tr("MB"), 1e6, lambda value: tr("{n} MB").format(n=number(round(value / 1e6))), 10.0)


def response_time(value: float) -> str:
    """Milliseconds as "0.42 ms", "38 ms" or "2.4 s"."""
    if value >= 1000:
        return tr("{n} s").format(n=number(value / 1000, 1))
    return tr("{n} ms").format(n=digits(value) if value < 10 else number(round(value)))
