"""Rows of JSON to a model's input arrays, with a sentence for whatever does not fit.

Reading is two-speed: whole columns are converted by C code, and only when that does not fit are the rows looked at
one by one, to tell the sender which row and field is wrong. Rows are numbered from 1.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from functools import cached_property
from itertools import chain
from operator import itemgetter
from typing import Any, NoReturn

import numpy as np

from kronkers_studio.estimators.columns import Holds
from kronkers_studio.serving.problems import Refusal, kind_of, shown
from kronkers_studio.serving.signature import NUMPY_TYPES, Signature, TensorSpec

_Array = np.ndarray[Any, Any]
_LAST_DAY = 106_750  # since 1970, and before it: what 64 bits of nanoseconds hold


@dataclass(frozen=True)
class Column:
    """One value of a row: the protocol's ``datatype``, whether it may be missing, and what more is known of it.
    ``name`` is the number of its place where columns have no names. ``levels`` are the texts that it may be, () for
    any."""

    name: str
    datatype: str
    takes_missing: bool
    holds: Holds | None = None
    levels: tuple[str, ...] = ()

    @property
    def kind(self) -> str:
        """B truth values, O text, F fractional numbers, I whole numbers."""
        return {"BOOL": "B", "BYTES": "O"}.get(self.datatype, "F" if self.datatype.startswith("FP") else "I")


class RowReader:
    """Reads the ``rows`` of ``POST /predict`` for one signature.

    A row is an object of fields, in any order, or a list of values in the signature's order. ``takes_missing`` lets
    null stand for a missing number. A scikit-learn model's numbers may be true or false; what it never looks at may be
    anything, or be left out.
    """

    def __init__(self, signature: Signature, *, takes_missing: bool, most_rows: int) -> None:
        self._inputs = signature.inputs
        self._most_rows = most_rows
        self._takes_missing = takes_missing
        self._columns, self._named = _columns_of(signature.inputs, takes_missing)
        self._alike = len({column.takes_missing for column in self._columns}) < 2
        self._pick = _picker([column.name for column in self._columns])
        unused = [column.name for column in self._columns if column.holds is Holds.ANYTHING]
        self._unused = dict.fromkeys(unused) if self._named else {}

    @property
    def columns(self) -> Sequence[Column]:
        """What a row holds, in order; none where the model's only input is as wide as the rows that come."""
        return self._columns

    @property
    def named(self) -> bool:
        """Whether a row may be an object of fields."""
        return self._named

    def read(self, rows: object) -> tuple[dict[str, _Array], int]:
        """The model's input arrays and the number of rows. Raises ``Refusal``."""
        checked = self._checked_list(rows)
        picked = self._pick_all(checked)
        return self._arrays(picked, checked), len(checked)

    def _checked_list(self, rows: object) -> list[Any]:
        if not isinstance(rows, list):
            raise Refusal(f"“rows” must be a list of rows, not {kind_of(rows)}.", field="rows")
        if not rows:
            raise Refusal("“rows” is empty: send at least one row.", field="rows")
        if len(rows) > self._most_rows:
            raise Refusal(
                f"“rows” holds {len(rows)} rows; one request may hold {self._most_rows}. Send them in parts.",
                status=413,
                field="rows",
            )
        if not self._columns and self._inputs[0].width != -1:
            raise Refusal("This model's input is no table; use the Open Inference Protocol's infer request.")
        return rows

    def _pick_all(self, rows: list[Any]) -> list[Sequence[Any]]:
        """Each row's values in the signature's order."""
        width = len(self._columns)
        picked: list[Sequence[Any]] = []
        for number, row in enumerate(rows, 1):
            if type(row) is dict and self._named:
                fields = {**self._unused, **row} if self._unused else row
                if len(fields) != width:
                    self._complain_of_names(number, fields)
                try:
                    picked.append(self._pick(fields))
                except KeyError:
                    self._complain_of_names(number, fields)
            else:
                picked.append(self._values(number, row, width or len(rows[0])))
        return picked

    def _values(self, number: int, row: object, width: int) -> list[Any]:
        if isinstance(row, dict) and not self._columns and self._inputs[0].holds is Holds.ANYTHING:
            row = list(row.values())
        if isinstance(row, dict):
            needed = "this model has no field names: send lists of values."
            raise Refusal(f"Row {number} is an object, but {needed}", row=number)
        if not isinstance(row, list):
            takes = "an object of fields or a list of values" if self._named else "a list of values"
            raise Refusal(f"Row {number} is {kind_of(row)}; each row must be {takes}.", row=number)
        if len(row) != width:
            names = f": {', '.join(c.name for c in self._columns)}" if self._named else ""
            raise Refusal(f"Row {number} has {len(row)} values; this model takes {width}{names}.", row=number)
        return row

    def _complain_of_names(self, number: int, row: dict[str, Any]) -> NoReturn:
        names = [column.name for column in self._columns]
        for name in row:
            if name not in names:
                close = get_close_matches(name[:100], names, n=1)
                hint = f"; did you mean {shown(close[0])}?" if close else f"; this model takes {', '.join(names)}."
                raise Refusal(f"Row {number}: unknown field {shown(name)}{hint}", field=name[:100], row=number)
        missing = next(name for name in names if name not in row)
        raise Refusal(f"Row {number}: the field {shown(missing)} is missing.", field=missing, row=number)

    def _arrays(self, picked: list[Sequence[Any]], rows: list[Any]) -> dict[str, _Array]:
        if len(self._inputs) == 1:
            spec = self._inputs[0]
            return {spec.name: self._matrix(picked, spec)}
        return {
            spec.name: self._column(values, position).reshape((-1,) + (1,) * (len(spec.shape) - 1))
            for position, (spec, values) in enumerate(zip(self._inputs, zip(*picked, strict=True), strict=True))
        }

    def _matrix(self, picked: list[Sequence[Any]], spec: TensorSpec) -> _Array:
        """All rows as one array of the input's type, whose columns share it."""
        array = _converted(picked, chain.from_iterable(picked), self._every_column)
        if array is None:
            columns = [self._column([row[position] for row in picked], position) for position in range(len(picked[0]))]
            if self._alike:
                raise Refusal("The rows do not fit this model's input.")
            array = np.stack(columns, axis=1)
        return array.reshape(len(picked)) if len(spec.shape) == 1 else array

    @cached_property
    def _every_column(self) -> Column:
        """What holds for all columns of a table whose only input they are."""
        first = self._column_at(0)
        return replace(first, takes_missing=first.takes_missing and self._alike)

    def _column_at(self, position: int) -> Column:
        if self._columns:
            return self._columns[position]
        return Column("", self._inputs[0].datatype, self._takes_missing, self._inputs[0].holds)

    def _column(self, values: Sequence[Any], position: int) -> _Array:
        """One column's values as an array of its type, or the complaint about the first that does not fit."""
        column = self._column_at(position)
        array = _converted(values, values, column)
        if array is not None:
            return array
        named = f"the field {shown(column.name)}" if self._named else f"value {position + 1}"
        for number, value in enumerate(values, 1):
            if _converted([value], [value], column) is None:
                reason = _complaint(value, column)
                raise Refusal(f"Row {number}: {named} {reason}.", field=column.name or None, row=number)
        raise Refusal(f"{named[0].upper()}{named[1:]} does not fit this model's input.", field=column.name or None)


def _columns_of(inputs: tuple[TensorSpec, ...], takes_missing: bool) -> tuple[list[Column], bool]:
    """The columns of a row and whether they have names; none when the inputs are no table or of unknown width."""
    if len(inputs) == 1 and len(inputs[0].shape) == 2:
        spec = inputs[0]
        names = spec.columns or tuple(str(n) for n in range(1, spec.width + 1))
        missing = spec.may_be_missing if len(spec.may_be_missing) == len(names) else (takes_missing,) * len(names)
        return [
            Column(name, spec.datatype, may_be, spec.holds) for name, may_be in zip(names, missing, strict=True)
        ], bool(spec.columns)
    if any(spec.width != 1 or len(spec.shape) > 2 for spec in inputs):
        return [], False
    return [
        Column(
            (spec.columns or (spec.name,))[0],
            spec.datatype,
            (*spec.may_be_missing, takes_missing)[0],
            spec.holds,
            spec.levels,
        )
        for spec in inputs
    ], True


def _picker(names: list[str]) -> Callable[[dict[str, Any]], Sequence[Any]]:
    if len(names) > 1:
        return itemgetter(*names)
    return lambda row: [row[name] for name in names]


_JSON_TYPES: dict[str, frozenset[type]] = {
    "B": frozenset({bool}),
    "O": frozenset({str}),
    "F": frozenset({int, float}),
    "I": frozenset({int, float}),
}


_ALSO: dict[Holds | None, frozenset[type]] = {
    Holds.NUMBERS: frozenset({bool}),
    Holds.CATEGORIES: frozenset({bool, int}),
}
"""What may be sent besides, for columns of which more is known than their type."""
_PLAIN_TYPES = frozenset({str, int, float, bool, type(None)})


def _converted(values: Any, flat: Any, column: Column) -> _Array | None:
    """``values`` (``flat`` is each single one of them) as an array of the type of ``column``; None when any does not
    fit."""
    datatype = column.datatype
    group, dtype = column.kind, NUMPY_TYPES[datatype]
    allowed = _JSON_TYPES[group] | _ALSO.get(column.holds, frozenset())
    missing = {type(None)} if column.takes_missing and group in "FO" else set()
    found = set(map(type, flat))
    if column.holds is Holds.ANYTHING:
        return unused(np.shape(values), datatype) if found <= _PLAIN_TYPES else None
    if not found <= allowed | missing:
        return None
    if column.holds is Holds.CATEGORIES and not found <= _JSON_TYPES["O"] | missing:
        values = np.vectorize(_category, otypes=[object])(np.array(values, dtype=object))
    if group in "BO":
        return _with_gaps(np.array(values, dtype=dtype), bool(missing))
    try:
        wide = np.array(values, dtype=np.float64 if group == "F" or float in found else None)
    except OverflowError:
        return None
    if group == "I" and float not in found and wide.dtype.kind not in "iub":
        return _whole_numbers(np.array(values, dtype=object), dtype)
    return narrowed(wide, datatype, takes_missing=bool(missing))


def _category(value: Any) -> Any:
    """The name of a category, which a whole number may stand for, and so may true and false, which count as 1 and 0."""
    return str(int(value)) if isinstance(value, int) else value


def unused(shape: tuple[int, ...], datatype: str) -> _Array:
    """What stands for values that the model never looks at."""
    return np.full(shape, "" if datatype == "BYTES" else 0, dtype=NUMPY_TYPES[datatype])


def dates(texts: _Array, name: str) -> _Array:
    """Texts (NaN: missing) as the moments that they say, in objects: "2024-02-29", "2024-02-29T13:00:00". Raises
    ``Refusal``."""
    moments = np.empty(texts.shape, dtype=object)
    for place, text in np.ndenumerate(texts):
        try:
            moments[place] = _moment(text.removesuffix("Z") if isinstance(text, str) and text else "NaT")
        except ValueError:
            raise Refusal(
                f"Row {place[0] + 1}: the field {shown(name)} must be a date like 2024-02-29 or 2024-02-29T13:00:00, "
                "from 1678 to 2261.",
                field=name,
                row=place[0] + 1,
            ) from None
    return moments


def _moment(text: str) -> np.datetime64:
    """As the tables have it that models are fitted on: in nanoseconds, which end with the year 2262. Raises
    ``ValueError`` of others, where NumPy would begin anew at the other end."""
    day = np.datetime64(text, "D")
    if not np.isnat(day) and abs(int(day.astype(np.int64))) > _LAST_DAY:
        raise ValueError(text)
    return np.datetime64(text, "ns")


def _with_gaps(array: _Array, missing: bool) -> _Array:
    """Missing text as NaN, as it is in the tables that models are fitted on."""
    if missing:
        array[array == None] = np.nan  # noqa: E711 — compares each element
    return array


def _whole_numbers(found: _Array, dtype: np.dtype[Any]) -> _Array | None:
    """Whole numbers that need 64 bits without a sign, which NumPy takes for floats beside smaller ones."""
    limits = np.iinfo(dtype)
    return found.astype(dtype) if limits.min <= found.min() and found.max() <= limits.max else None


def narrowed(array: _Array, datatype: str, *, takes_missing: bool) -> _Array | None:
    """Numbers as an array of ``datatype``; None when a value is infinite, NaN where none may be, no whole number
    where one is needed, or out of range."""
    dtype = NUMPY_TYPES[datatype]
    if dtype.kind == "f":
        with np.errstate(over="ignore"):
            cast = array.astype(dtype, copy=False)
        fits = not np.isinf(cast).any() if takes_missing else bool(np.isfinite(cast).all())
        return cast if fits else None
    if array.dtype.kind not in "fiub":
        return None  # whole numbers beyond 64 bits become objects
    limits = np.iinfo(dtype)
    if array.dtype.kind == "f" and not (np.isfinite(array).all() and (array == np.floor(array)).all()):
        return None
    beyond = limits.max + 1  # as a float exact, which the largest of 64 bits is not
    if array.size and (array.min() < limits.min or array.max() >= beyond):
        return None
    return array.astype(dtype, copy=False)


def _complaint(value: object, column: Column) -> str:
    group = column.kind
    needed = {"B": "true or false", "O": "text", "F": "a number", "I": "a whole number"}[group]
    if value is None:
        return f"is null, and this model cannot take missing values: it must be {needed}"
    if type(value) not in _JSON_TYPES[group]:
        return f"must be {needed}, not {kind_of(value)}"
    if group == "I" and isinstance(value, float) and not value.is_integer():
        return "must be a whole number, not a fraction"
    return f"is out of range for {column.datatype}"
