"""The built-in functions of PMML, on columns. https://dmg.org/pmml/v4-4-1/BuiltinFunctions.html"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from kronkers_studio.pmml.columns import Array, Column, Kind, objects, same, texts_of

Function = Callable[[Sequence[Column]], Column]
_MOST_ARGUMENTS = 1_000
_LONGEST_TEXT = 10_000  # characters that texts put together may have


@dataclass(frozen=True, slots=True)
class Builtin:
    """``run`` on ``least`` to ``most`` arguments of ``kinds`` (None: any that are alike) gives a value of
    ``data_type``; "" is that of the arguments."""

    run: Function
    least: int
    most: int
    kind: Kind | None
    data_type: str
    sees_missing: bool = False


def _number(values: Array) -> Column:
    return Column(Kind.NUMBER, values)


def _truth(values: Array, missing: Array | None = None) -> Column:
    found = values.astype(np.float64)
    if missing is not None:
        found[missing] = math.nan
    return Column(Kind.TRUTH, found)


def _any_missing(columns: Sequence[Column]) -> Array:
    missing = columns[0].missing()
    for column in columns[1:]:
        missing = missing | column.missing()
    return missing


def _of_numbers(compute: Callable[..., Array]) -> Function:
    def run(columns: Sequence[Column]) -> Column:
        with np.errstate(all="ignore"):
            found = np.array(compute(*(column.values for column in columns)), dtype=np.float64)
        found[_any_missing(columns)] = math.nan  # the power 0 of what is missing is not 1
        return _number(found)

    return run


def _reduced(compute: Callable[[Array], Array]) -> Function:
    """Over those of the arguments that are not missing."""

    def run(columns: Sequence[Column]) -> Column:
        stacked = np.stack([column.values for column in columns])
        none = np.isnan(stacked).all(axis=0)
        with np.errstate(all="ignore"):
            found = compute(np.where(none, 0.0, stacked))
        return _number(np.where(none, math.nan, found))

    return run


def _compared(compare: Callable[[Array, Array], Array]) -> Function:
    def run(columns: Sequence[Column]) -> Column:
        missing = _any_missing(columns)
        left, right = (column.values for column in columns)
        if left.dtype == object:
            left, right = (np.where(missing, "", values) for values in (left, right))
        return _truth(compare(left, right).astype(bool), missing)

    return run


def _and(columns: Sequence[Column]) -> Column:
    values = np.stack([column.values for column in columns])
    unknown = np.isnan(values).any(axis=0)
    return _truth(np.where((values == 0).any(axis=0), 0.0, np.where(unknown, math.nan, 1.0)))


def _or(columns: Sequence[Column]) -> Column:
    values = np.stack([column.values for column in columns])
    unknown = np.isnan(values).any(axis=0)
    return _truth(np.where((values == 1).any(axis=0), 1.0, np.where(unknown, math.nan, 0.0)))


def _is_in(columns: Sequence[Column], *, inverse: bool = False) -> Column:
    first, *others = columns
    found = np.zeros(len(first.values), dtype=bool)
    for other in others:
        found |= same(first.values, other.values)
    return _truth(found != inverse, first.missing())


def _valid(columns: Sequence[Column]) -> Array:
    column = columns[0]
    valid = ~column.missing()
    return valid if column.invalid is None else valid & ~column.invalid


def _of_texts(compute: Callable[..., str | float | None], kind: Kind = Kind.TEXT) -> Function:
    """Row by row; what is missing stays so."""

    def run(columns: Sequence[Column]) -> Column:
        rows = zip(*(_listed(column) for column in columns), strict=True)
        found = [None if any(value is None for value in row) else compute(*row) for row in rows]
        if kind is Kind.TEXT:
            return Column(kind, objects(found))
        return Column(kind, np.array([math.nan if value is None else value for value in found], dtype=np.float64))

    return run


def _listed(column: Column) -> list[object]:
    if column.kind is Kind.TEXT:
        return column.values.tolist()  # type: ignore[no-any-return]
    return [None if math.isnan(value) else value for value in column.values.tolist()]


def _substring(text: str, start: float, length: float) -> str | None:
    if start < 1 or length < 0 or not start.is_integer() or not length.is_integer():
        return None
    return text[int(start) - 1 : int(start) - 1 + int(length)]


def _concat(columns: Sequence[Column]) -> Column:
    rows = zip(*(texts_of(column).tolist() for column in columns), strict=True)
    return Column(Kind.TEXT, objects(["".join(part or "" for part in row)[:_LONGEST_TEXT] for row in rows]))


_erf = np.vectorize(math.erf, otypes=[np.float64])


def _normal(values: Array) -> Array:
    return np.asarray(0.5 * np.vectorize(math.erfc, otypes=[np.float64])(-values / math.sqrt(2)))


def _inverse_normal(values: Array) -> Array:
    from statistics import NormalDist

    inverse = NormalDist().inv_cdf
    return np.array([inverse(value) if 0 < value < 1 else math.nan for value in values.tolist()])


def _density(values: Array) -> Array:
    return np.exp(-0.5 * values**2) / math.sqrt(2 * math.pi)


def _rounded(values: Array) -> Array:
    """Halves up, as PMML's example of them is."""
    return np.floor(values + 0.5)


def _maths(compute: Callable[..., Array], count: int = 1) -> Builtin:
    return Builtin(_of_numbers(compute), count, count, Kind.NUMBER, "double")


def _whole(compute: Callable[[Array], Array]) -> Builtin:
    return Builtin(_of_numbers(compute), 1, 1, Kind.NUMBER, "integer")


def _over(compute: Callable[[Array], Array], data_type: str = "") -> Builtin:
    return Builtin(_reduced(compute), 1, _MOST_ARGUMENTS, Kind.NUMBER, data_type, sees_missing=True)


def _test(run: Function, kind: Kind | None = None, most: int = 2) -> Builtin:
    return Builtin(run, min(2, most), most, kind, "boolean")


BUILTINS: Final[dict[str, Builtin]] = {
    "+": Builtin(_of_numbers(np.add), 2, 2, Kind.NUMBER, ""),
    "-": Builtin(_of_numbers(np.subtract), 2, 2, Kind.NUMBER, ""),
    "*": Builtin(_of_numbers(np.multiply), 2, 2, Kind.NUMBER, ""),
    "/": _maths(np.divide, 2),
    "min": _over(lambda values: np.nanmin(values, axis=0)),
    "max": _over(lambda values: np.nanmax(values, axis=0)),
    "sum": _over(lambda values: np.nansum(values, axis=0)),
    "avg": _over(lambda values: np.nanmean(values, axis=0), "double"),
    "median": _over(lambda values: np.nanmedian(values, axis=0), "double"),
    "product": _over(lambda values: np.nanprod(values, axis=0)),
    "log10": _maths(np.log10),
    "ln": _maths(np.log),
    "ln1p": _maths(np.log1p),
    "exp": _maths(np.exp),
    "expm1": _maths(np.expm1),
    "sqrt": _maths(np.sqrt),
    "abs": Builtin(_of_numbers(np.abs), 1, 1, Kind.NUMBER, ""),
    "pow": Builtin(_of_numbers(np.power), 2, 2, Kind.NUMBER, ""),
    "threshold": Builtin(_of_numbers(lambda x, y: (x > y).astype(np.float64)), 2, 2, Kind.NUMBER, "integer"),
    "floor": _whole(np.floor),
    "ceil": _whole(np.ceil),
    "round": _whole(_rounded),
    "rint": _maths(np.rint),
    "modulo": Builtin(_of_numbers(np.mod), 2, 2, Kind.NUMBER, ""),
    "hypot": _maths(np.hypot, 2),
    **{name: _maths(getattr(np, name)) for name in ("sin", "cos", "tan", "sinh", "cosh", "tanh")},
    "asin": _maths(np.arcsin),
    "acos": _maths(np.arccos),
    "atan": _maths(np.arctan),
    "atan2": _maths(np.arctan2, 2),
    "erf": _maths(_erf),
    "stdNormalCDF": _maths(_normal),
    "stdNormalPDF": _maths(_density),
    "stdNormalIDF": _maths(_inverse_normal),
    "normalCDF": _maths(lambda x, mean, sd: _normal((x - mean) / sd), 3),
    "normalPDF": _maths(lambda x, mean, sd: _density((x - mean) / sd) / sd, 3),
    "normalIDF": _maths(lambda p, mean, sd: mean + sd * _inverse_normal(p), 3),
    "isMissing": Builtin(lambda c: _truth(c[0].missing()), 1, 1, None, "boolean", sees_missing=True),
    "isNotMissing": Builtin(lambda c: _truth(~c[0].missing()), 1, 1, None, "boolean", sees_missing=True),
    "isValid": Builtin(lambda c: _truth(_valid(c)), 1, 1, None, "boolean", sees_missing=True),
    "isNotValid": Builtin(lambda c: _truth(~_valid(c)), 1, 1, None, "boolean", sees_missing=True),
    "equal": _test(_compared(np.equal)),
    "notEqual": _test(_compared(np.not_equal)),
    "lessThan": _test(_compared(np.less), Kind.NUMBER),
    "lessOrEqual": _test(_compared(np.less_equal), Kind.NUMBER),
    "greaterThan": _test(_compared(np.greater), Kind.NUMBER),
    "greaterOrEqual": _test(_compared(np.greater_equal), Kind.NUMBER),
    "and": Builtin(_and, 2, _MOST_ARGUMENTS, Kind.TRUTH, "boolean", sees_missing=True),
    "or": Builtin(_or, 2, _MOST_ARGUMENTS, Kind.TRUTH, "boolean", sees_missing=True),
    "not": Builtin(lambda c: Column(Kind.TRUTH, 1 - c[0].values), 1, 1, Kind.TRUTH, "boolean"),
    "isIn": _test(_is_in, most=_MOST_ARGUMENTS),
    "isNotIn": _test(lambda columns: _is_in(columns, inverse=True), most=_MOST_ARGUMENTS),
    "uppercase": Builtin(_of_texts(lambda text: text.upper()), 1, 1, Kind.TEXT, "string"),
    "lowercase": Builtin(_of_texts(lambda text: text.lower()), 1, 1, Kind.TEXT, "string"),
    "trimBlanks": Builtin(_of_texts(lambda text: text.strip()), 1, 1, Kind.TEXT, "string"),
    "stringLength": Builtin(_of_texts(lambda text: float(len(text)), Kind.NUMBER), 1, 1, Kind.TEXT, "integer"),
}
"""All but ``if``, ``concat``, ``substring``, ``matches`` and ``replace``, whose arguments differ in kind: those are in
``expressions`` and here by their own names."""

CONCAT: Final[Function] = _concat
SUBSTRING: Final[Function] = _of_texts(_substring)


def of_patterns(compute: Callable[[str], str | float | None], kind: Kind) -> Function:
    """A function on one column of texts."""
    return _of_texts(compute, kind)
