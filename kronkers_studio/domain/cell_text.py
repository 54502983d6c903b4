"""How the cells of a table read: as a spreadsheet shows them, without what binary fractions and data types add.

What reads the same need not be the same: whoever compares cells shows exact values where that would hide a difference.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from types import NoneType, UnionType
from typing import Any

DIGITS = 15
"""Significant digits of a binary fraction of 64 bits that mean something, and that spreadsheets keep."""
_DECIMALS = 9  # that a spreadsheet shows of a number
_SMALL, _SMALL_DIGITS = 1e-4, 6  # below it, a number of more decimals is written with an exponent and these digits
_LARGE = 1e15  # from here on not every whole number is a binary fraction of its own
_LISTED = 50  # parts of a list that are spelled


def number_words(value: float | Decimal, digits: int = DIGITS) -> str:
    """ "0.3" for 0.30000000000000004, "12" for 12.0, "0.0000001", "1.5E-30"; "" for what is not a number.

    Whole numbers and decimal fractions are exact; of binary ones, up to ``digits`` digits and nine decimals are shown.
    """
    if isinstance(value, int):
        return str(value)
    if not math.isfinite(value):
        return "" if math.isnan(value) else "∞" if value > 0 else "-∞"
    if isinstance(value, Decimal):
        return f"{value:f}"
    size = abs(value)
    if size < _LARGE and value.is_integer():
        return str(int(value))
    if size >= _LARGE:
        return _with_exponent(value, digits)
    known = Decimal(f"{value:.{digits}g}")
    plain = round(known, _DECIMALS)
    return _trimmed(f"{plain:f}") if size >= _SMALL or plain == known else _with_exponent(value, _SMALL_DIGITS)


def column_words(values: Sequence[object], digits: int = DIGITS) -> list[str]:
    """How the cells of one column read; "" where there is nothing. Times are all told to the unit that one of them
    needs, and not at all when every one is midnight."""
    moments = [value.time() for value in values if isinstance(value, datetime)]
    times = [value for value in values if isinstance(value, time)]
    unit = _unit([*moments, *times]) if times or any(at != time.min for at in moments) else "date"
    form = _Form(digits, unit)
    return [_words(value, form) for value in values]


@dataclass(frozen=True, slots=True)
class _Form:
    """How much is told of numbers, and of times: the unit as ``isoformat`` has it, or "date"."""

    digits: int
    unit: str = "auto"


def _words(value: object, form: _Form) -> str:
    return next((words(value, form) for kind, words in _WORDS if isinstance(value, kind)), str(value))


def _moment_words(value: datetime, form: _Form) -> str:
    return value.date().isoformat() if form.unit == "date" else value.isoformat(" ", form.unit)


def _list_words(value: Sequence[object], form: _Form) -> str:
    """ "[0.1, 0.2]": the first parts of what a cell holds several of."""
    parts = [_words(part, _Form(form.digits)) for part in value[:_LISTED]]
    return f"[{', '.join([*parts, '…'] if len(value) > _LISTED else parts)}]"


def _named_words(value: Mapping[str, object], form: _Form) -> str:
    """ "{x: 1, y: 2}"."""
    parts = [f"{name}: {_words(part, _Form(form.digits))}" for name, part in value.items()]
    return f"{{{', '.join([*parts[:_LISTED], '…'] if len(value) > _LISTED else parts)}}}"


def _unit(times: Sequence[time]) -> str:
    """The unit down to which ``times`` are told."""
    if any(at.microsecond % 1000 for at in times):
        return "microseconds"
    if any(at.microsecond for at in times):
        return "milliseconds"
    return "seconds" if any(at.second for at in times) else "minutes"


def _duration_words(value: timedelta) -> str:
    """ "26:00:00": hours, minutes and seconds, and their fraction if there is one."""
    seconds, fraction = divmod(abs(value), timedelta(seconds=1))
    minutes, second = divmod(seconds, 60)
    hours, minute = divmod(minutes, 60)
    part = f".{fraction.microseconds:06d}".rstrip("0") if fraction else ""
    return f"{'-' if value < timedelta(0) else ''}{hours}:{minute:02d}:{second:02d}{part}"


def _with_exponent(value: float, digits: int) -> str:
    mantissa, _, exponent = f"{value:.{digits - 1}E}".partition("E")
    return f"{_trimmed(mantissa)}E{int(exponent):+03d}"


def _trimmed(text: str) -> str:
    return text.rstrip("0").rstrip(".") if "." in text else text


_WORDS: tuple[tuple[type | UnionType, Callable[[Any, _Form], str]], ...] = (
    (NoneType, lambda _value, _form: ""),
    (bool, lambda value, _form: "TRUE" if value else "FALSE"),
    (int | float | Decimal, lambda value, form: number_words(value, form.digits)),
    (datetime, _moment_words),
    (time, lambda value, form: value.isoformat(form.unit)),
    (date, lambda value, _form: value.isoformat()),
    (timedelta, lambda value, _form: _duration_words(value)),
    (bytes, lambda value, _form: value[:_LISTED].hex()),
    (list | tuple, _list_words),
    (dict, _named_words),
)
