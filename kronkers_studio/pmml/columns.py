"""Values of a field for many rows at once, and what is done with them in one step."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np

from kronkers_studio.pmml.problems import InvalidRow

Array = np.ndarray[Any, Any]


class Kind(Enum):
    """How values are kept: numbers and truth values (1, 0) as float64 with NaN for what is missing, texts as objects
    with None for it."""

    NUMBER = "number"
    TEXT = "text"
    TRUTH = "truth"


KINDS = {
    "integer": Kind.NUMBER,
    "float": Kind.NUMBER,
    "double": Kind.NUMBER,
    "string": Kind.TEXT,
    "boolean": Kind.TRUTH,
}
"""By PMML's data types, those that are evaluated."""


@dataclass(frozen=True, slots=True)
class Column:
    """One value for each row. ``invalid`` tells those that a schema lets pass though they are none of its values."""

    kind: Kind
    values: Array
    invalid: Array | None = None

    def missing(self) -> Array:
        """Which are missing."""
        return _is_none(self.values) if self.kind is Kind.TEXT else np.isnan(self.values)

    def take(self, rows: Array) -> Column:
        """Those of ``rows``, which are positions."""
        return Column(self.kind, self.values[rows], None if self.invalid is None else self.invalid[rows])

    def where_missing(self, value: str | float) -> Column:
        """The column with ``value`` for what is missing."""
        missing = self.missing()
        return Column(self.kind, with_value(self.values, missing, value), self.invalid) if missing.any() else self


def with_value(values: Array, at: Array, value: str | float | None) -> Array:
    """A copy of ``values`` with ``value`` (None: missing) where ``at`` is true."""
    changed = values.copy()
    changed[at] = math.nan if value is None and changed.dtype != object else value
    return changed


def same(values: Array, value: str | float | Array | None) -> Array:
    """Which of ``values`` are ``value``."""
    return np.asarray(values == value, dtype=bool)


def _is_none(values: Array) -> Array:
    return np.asarray(values == None, dtype=bool)  # noqa: E711 — compares each element


def blank(kind: Kind, rows: int) -> Array:
    """``rows`` missing values."""
    return np.full(rows, None, dtype=object) if kind is Kind.TEXT else np.full(rows, math.nan)


def constant(kind: Kind, value: str | float | None, rows: int) -> Column:
    """The same ``value`` for each row; None is missing."""
    values = blank(kind, rows)
    if value is not None:
        values[:] = value
    return Column(kind, values)


def parsed(text: str, data_type: str) -> str | float | None:
    """What ``text`` means as a value of ``data_type``; None for what is none."""
    kind = KINDS[data_type]
    if kind is Kind.TEXT:
        return text
    word = text.strip()
    if kind is Kind.TRUTH:
        return {"true": 1.0, "1": 1.0, "false": 0.0, "0": 0.0, "1.0": 1.0, "0.0": 0.0}.get(word.lower())
    try:
        number = float(word) if word.isascii() and "_" not in word else math.nan
    except ValueError:
        return None
    if not abs(number) < math.inf or (data_type == "integer" and not number.is_integer()):
        return None
    return narrowed_number(number) if data_type == "float" else number


def narrowed_number(number: float) -> float:
    """``number`` as 32 bits keep it."""
    with np.errstate(over="ignore"):
        return float(np.float32(number))


def number_text(number: float) -> str:
    """A number as a text: whole numbers without a fraction."""
    return str(int(number)) if number.is_integer() and abs(number) < 1e15 else repr(number)


def texts_of(column: Column) -> Array:
    """The column's values as texts; None for what is missing."""
    if column.kind is Kind.TEXT:
        return column.values
    truth = column.kind is Kind.TRUTH
    words = [
        None if value != value else ("true" if value else "false") if truth else number_text(value)  # noqa: PLR0124
        for value in column.values.tolist()
    ]
    return objects(words)


def objects(values: list[Any]) -> Array:
    """An array of objects, whatever they are."""
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


def cast(column: Column, data_type: str, field: str) -> Column:
    """The column as values of ``data_type``. Raises ``InvalidRow`` for a value that is none."""
    kind = KINDS[data_type]
    if kind is Kind.TEXT:
        return Column(kind, texts_of(column), column.invalid)
    if column.kind is Kind.TEXT:
        return _read(column, data_type, field)
    values = column.values
    if data_type == "float":
        with np.errstate(over="ignore"):
            values = values.astype(np.float32).astype(np.float64)
    elif data_type == "integer":
        _require(np.isnan(values) | (values == np.floor(values)), "is not a whole number", field)
    elif kind is Kind.TRUTH and column.kind is not kind:
        _require(np.isnan(values) | (values == 0) | (values == 1), "is neither true nor false", field)
    return Column(kind, values, column.invalid)


def _read(column: Column, data_type: str, field: str) -> Column:
    known: dict[Any, Any] = {None: math.nan}
    for text in column.values.tolist():
        if text not in known:
            known[text] = parsed(text, data_type)
    values = objects([known[text] for text in column.values.tolist()])
    _require(~_is_none(values), f"holds a text that is no {data_type}", field)
    return Column(KINDS[data_type], values.astype(np.float64), column.invalid)


def _require(fits: Array, reason: str, field: str) -> None:
    if not fits.all():
        raise InvalidRow(reason, field, int(np.argmin(fits)))
