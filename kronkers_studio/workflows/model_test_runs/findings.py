"""What a check says: passed or not, what was measured, what was asked for, and a sentence of both."""

from __future__ import annotations

import math
from dataclasses import dataclass

from kronkers_studio.domain.errors import StudioError
from kronkers_studio.domain.model_tests import Outcome


@dataclass(frozen=True, slots=True)
class Finding:
    outcome: Outcome
    sentence: str
    value: float | None = None
    limit: str = ""


class Unmeasurable(StudioError):
    """An expectation whose value cannot be told; the message says why."""


def passed_if(holds: bool, sentence: str, value: float | None = None, limit: str = "") -> Finding:
    """Passed or failed."""
    return Finding(Outcome.PASSED if holds else Outcome.FAILED, sentence, value, limit)


def skipped(sentence: str) -> Finding:
    """There was nothing to measure."""
    return Finding(Outcome.SKIPPED, sentence)


def within(value: float, at_least: float | None, at_most: float | None) -> bool:
    """Whether ``value`` is in the bounds; not a number is in none."""
    return not math.isnan(value) and not (
        (at_least is not None and value < at_least) or (at_most is not None and value > at_most)
    )


def limit_words(at_least: float | None, at_most: float | None, unit: str = "") -> str:
    """ "at least 0.9", "at most 50 ms"."""
    behind = f" {unit}" if unit else ""
    if at_least is not None:
        return f"at least {figure(at_least)}{behind}"
    return f"at most {figure(at_most)}{behind}" if at_most is not None else ""


def figure(value: float, beside: float | None = None) -> str:
    """``value`` with four significant digits, and more where it would else read as ``beside``, which it is not."""
    for digits in (4, 6, 9, 12, 17):
        text = f"{value:.{digits}g}"
        if beside is None or value == beside or text != f"{beside:.{digits}g}":
            return _plain(text)
    return _plain(text)


def _plain(text: str) -> str:
    number = float(text)
    if "e" in text and 1e-4 <= abs(number) < 1e15:
        return f"{number:,.0f}" if number.is_integer() else f"{number:f}".rstrip("0")
    return f"{int(number):,}" if number.is_integer() and 10_000 <= abs(number) < 1e15 else text


def percent(share: float) -> str:
    """ "98 %", "99.97 %": never 100 % for less than all."""
    for digits in (0, 1, 2, 4):
        text = f"{share * 100:.{digits}f}"
        if (float(text) == 100) == (share >= 1) and (float(text) == 0) == (share <= 0):
            return f"{text} %"
    return f"{share * 100} %"


def rows_words(count: int) -> str:
    """ "1,200 rows"."""
    return f"{count:,} row" if count == 1 else f"{count:,} rows"
