"""Which columns of a person's table a model needs, and their cells as the values that it takes.

Columns are found by name: exactly, else without regard to letter case and surrounding spaces where that leaves no
doubt. All others are carried along. Nothing is sent of a table that does not fit.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from difflib import get_close_matches
from typing import Any

from kronkers_studio.domain.cell_text import column_words
from kronkers_studio.domain.errors import RowsRefused
from kronkers_studio.domain.model_columns import ModelColumns, model_columns
from kronkers_studio.domain.model_rows import why_no_rows
from kronkers_studio.domain.models import Datatype, Signature
from kronkers_studio.domain.row_tables import MOMENTS, NUMBER, Cell, MatchedRows, RowTable, is_blank, name_key
from kronkers_studio.workflows.row_files import plain_rows

_NAMED = 12  # columns that a message names
_LONGEST = 60  # characters of a name or cell in a message
_WHOLE = re.compile(r"[+-]?[0-9]+")
_COMMA_NUMBER = re.compile(r"[+-]?[0-9]*,[0-9]+([eE][+-]?[0-9]+)?|[+-]?[0-9]+([eE][+-]?[0-9]+)?")
_THOUSANDS = re.compile(r"[+-]?[0-9]{1,3}(,[0-9]{3})+")
_MISSING = {"", "nan", "na", "n/a", "#n/a", "null", "none"}
"""What programs write for a number that is missing."""
_TRUTHS = {"true": True, "false": False, "yes": True, "no": False, "1": True, "0": False}
_WORDS_OF_TRUTH = {"true": 1, "false": 0}
_INTEGERS = {f"{sign}INT{bits}": (sign, bits) for sign in ("", "U") for bits in (8, 16, 32, 64)}
_COMMA_IS_DECIMAL = (";", "\t")  # what separates cells where spreadsheets write decimal commas


def match_rows(table: RowTable, signature: Signature, model: str) -> MatchedRows:
    """The rows of ``table`` as ``model`` takes them. Raises ``RowsRefused`` or ``InvalidInput``: it lacks columns, or
    holds what is not of their types, or the model takes no rows."""
    require_rows(signature, model)
    columns = model_columns(signature)
    if columns.named and table.named:
        places, remarks = _places(table, columns.names, model)
        return _by_name(table, columns.named, places, remarks)
    if columns.named or columns.width:
        return _in_order(table, columns, model)
    return MatchedRows(table, plain_rows(table), tuple(range(len(table.columns))))


def require_rows(signature: Signature, model: str) -> None:
    """Raise ``RowsRefused`` for a model that takes only whole tensors."""
    reason = why_no_rows(signature)
    if reason:
        raise RowsRefused(
            f"{model} takes no rows: {reason}.",
            next_step=f"Programs can send whole tensors to its service, at /v2/models/{model}/infer. Nothing was sent.",
        )


# ---- which columns ----


def _places(table: RowTable, needed: Sequence[str], model: str) -> tuple[list[int], list[str]]:
    """Where the columns ``needed`` are, and what is to be said about that."""
    exact = _by_key(table.columns, str)
    spaced = _by_key(table.columns, str.strip)
    loose = _by_key(table.columns, name_key)
    loosely_needed = _by_key(needed, name_key)
    places: list[int] = []
    remarks: list[str] = []
    missing: list[str] = []
    for name in needed:
        found = exact.get(name) or spaced.get(name.strip()) or ()
        if not found and len(loosely_needed[name_key(name)]) == 1:
            found = loose.get(name_key(name), ())
            if len(found) == 1:
                remarks.append(f"“{table.columns[found[0]].strip()}” is used for {name}.")
        if len(found) > 1:
            raise RowsRefused(
                f"{table.name} has {len(found)} columns that could be “{_short(name)}”.",
                column=name,
                next_step="Give each column a name of its own. Nothing was sent.",
            )
        if found:
            places.append(found[0])
        else:
            missing.append(name)
    if missing:
        raise _lacking(table, needed, missing, model)
    return places, remarks


def _by_key(names: Sequence[str], key: Callable[[str], str]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for place, name in enumerate(names):
        found.setdefault(key(name), []).append(place)
    return found


def _lacking(table: RowTable, needed: Sequence[str], missing: Sequence[str], model: str) -> RowsRefused:
    has = [column.strip() for column in table.columns if column.strip()]
    close = [
        (name, get_close_matches(name_key(name), [name_key(column) for column in has], n=1)) for name in missing[:5]
    ]
    like = [
        f"“{_short(column)}” may be {_short(name)}"
        for name, found in close
        for column in has
        if found and name_key(column) == found[0]
    ]
    hint = f" {'; '.join(dict.fromkeys(like))}: rename it in the file if so." if like else ""
    return RowsRefused(
        f"{table.name} lacks {_some(missing)}: {len(missing)} of the {len(needed)} columns that {model} needs.",
        column=missing[0],
        next_step=f"Nothing was sent. It has {_some(has) or 'no named columns'}.{hint}",
    )


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(map(_short, names[:_NAMED]))
    return f"{shown} and {len(names) - _NAMED} more" if len(names) > _NAMED else shown


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


# ---- their values ----


def _by_name(
    table: RowTable, needed: Sequence[tuple[str, Datatype]], places: Sequence[int], remarks: list[str]
) -> MatchedRows:
    for place in places:
        gap = table.gaps.get(table.columns[place])
        if gap is not None:
            raise RowsRefused(
                f"{table.place_words(gap - 1)} of {table.name} has no “{_short(table.columns[place])}”.",
                column=table.columns[place],
                next_step="Give it a value, or null where it is not known. Nothing was sent.",
            )
    columns = [
        _Values(table, place, name, datatype, remarks).read()
        for (name, datatype), place in zip(needed, places, strict=True)
    ]
    names = [name for name, _ in needed]
    values = [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]
    return MatchedRows(table, values, tuple(places), tuple(remarks))


def _in_order(table: RowTable, columns: ModelColumns, model: str) -> MatchedRows:
    """The columns of ``table`` in their order, for a model or rows without names."""
    needed = columns.named or tuple((str(n + 1), columns.datatype) for n in range(columns.width))
    numbers = [name for name, _ in needed]
    if table.named and not columns.named and len(table.columns) > len(needed) and {*numbers} <= {*table.columns}:
        found = _by_name(table, needed, *_places(table, numbers, model))  # as recorded rows have them
        return replace(found, values=[list(row.values()) for row in found.values])
    if len(table.columns) != len(needed):
        takes = f": {_some(columns.names)}" if columns.named else ", whose names it does not know"
        raise RowsRefused(
            f"{table.name} has {len(table.columns)} columns; {model} takes {len(needed)}{takes}.",
            next_step="Give it exactly these columns, in the order in which the model was trained. Nothing was sent.",
        )
    remarks = [f"{model} knows no column names: the columns are taken in their order."] if table.named else []
    read = [_Values(table, place, name, datatype, remarks).read() for place, (name, datatype) in enumerate(needed)]
    return MatchedRows(table, [list(row) for row in zip(*read, strict=True)], tuple(range(len(needed))), tuple(remarks))


class _Unfit(Exception):
    """The text says what the cell must be instead."""


class _Values:
    """Reads the cells of one column as values of its type. Adds to ``remarks`` what it had to make of them."""

    def __init__(self, table: RowTable, place: int, name: str, datatype: Datatype, remarks: list[str]) -> None:
        self._table = table
        self._place = place
        self._name = name
        self._datatype = datatype
        self._remarks = remarks
        self._comma = False
        self._truths = False

    def read(self) -> list[Any]:
        cells = [row[self._place] for row in self._table.rows]
        if self._datatype is Datatype.BYTES:
            return self._texts(cells)
        read: Callable[[Cell], Any] = self._number
        if self._datatype is Datatype.BOOL:
            read = self._truth
        else:
            self._comma = self._has_decimal_commas(cells)
        values = []
        for row, cell in enumerate(cells):
            try:
                values.append(read(cell))
            except _Unfit as problem:
                raise self._refusal(row, cell, str(problem)) from None
        if self._comma:
            self._remarks.append(f"A comma is read as the decimal sign in {self._name}.")
        if self._truths:
            self._remarks.append(f"True and false are sent as 1 and 0 in {self._name}.")
        return values

    def _refusal(self, row: int, cell: Cell, needed: str) -> RowsRefused:
        shown = cell if isinstance(cell, str) else column_words([cell])[0]
        return RowsRefused(
            f"{self._table.place_words(row)} of {self._table.name}: {self._name} must be {needed}, not "
            f"“{_short(shown)}”.",
            column=self._name,
            next_step="Correct it in the file. Nothing was sent.",
        )

    def _texts(self, cells: Sequence[Cell]) -> list[str | None]:
        """Texts as they are written, and what else a cell may be as it reads."""
        if all(isinstance(cell, str) and cell for cell in cells) and not self._table.written:
            return list(cells)
        return [
            None if is_blank(cell) or (self._table.written and cell.strip().lower() == "nan") else _text(cell)
            for cell in cells
        ]

    def _has_decimal_commas(self, cells: Sequence[Cell]) -> bool:
        """Whether the numbers among ``cells`` are written as in 23,85."""
        texts = [cell.strip() for cell in cells if isinstance(cell, str) and not is_blank(cell)]
        with_comma = [text for text in texts if "," in text]
        if not with_comma or any("." in text for text in texts if NUMBER.fullmatch(text)):
            return False
        if not all(_COMMA_NUMBER.fullmatch(text) or text.lower() in _MISSING for text in texts):
            return False
        certain = self._table.delimiter == ";" or not all(_THOUSANDS.fullmatch(text) for text in with_comma)
        return certain and (self._table.delimiter in _COMMA_IS_DECIMAL or not self._table.written)

    def _number(self, cell: Cell) -> Any:
        whole = self._datatype in _INTEGERS
        value = self._figure(cell)
        if value is None:
            return None
        if isinstance(value, float) and not math.isfinite(value):
            raise _Unfit("a finite number")
        if whole:
            return self._integer(value)
        return value

    def _figure(self, cell: Cell) -> int | float | None:
        if cell is None or (isinstance(cell, float) and math.isnan(cell)):
            return None
        if isinstance(cell, bool):
            self._truths = True
            return int(cell)
        if isinstance(cell, int | float):
            return cell
        needed = "a whole number" if self._datatype in _INTEGERS else "a number"
        if not isinstance(cell, str):
            raise _Unfit(needed)
        text = cell.strip()
        if text.lower() in _MISSING:
            return None
        if self._comma:
            text = text.replace(",", ".")
        if NUMBER.fullmatch(text):
            try:
                return int(text) if _WHOLE.fullmatch(text) and len(text) < 20 else float(text)
            except ValueError:
                raise _Unfit(needed) from None
        if text.lower() in _WORDS_OF_TRUTH:
            self._truths = True
            return _WORDS_OF_TRUTH[text.lower()]
        if "," in text and _COMMA_NUMBER.fullmatch(text):
            raise _Unfit(f"{needed} with a decimal point and without thousands separators")
        raise _Unfit(needed)

    def _integer(self, value: int | float) -> int:
        if isinstance(value, float) and not value.is_integer():
            raise _Unfit("a whole number")
        number = int(value)
        sign, bits = _INTEGERS[self._datatype]
        least, most = (0, 2**bits - 1) if sign else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
        if not least <= number <= most:
            raise _Unfit(f"a whole number from {least:,} to {most:,}")
        return number

    def _truth(self, cell: Cell) -> bool | None:
        if is_blank(cell):
            return None
        if isinstance(cell, bool):
            return cell
        found = _TRUTHS.get(str(cell).strip().lower())
        if found is None:
            raise _Unfit("true or false")
        return found


def _text(cell: Cell) -> str:
    if isinstance(cell, str):
        return cell
    if isinstance(cell, datetime) or not isinstance(cell, MOMENTS):
        return column_words([cell])[0]
    return str(cell)
