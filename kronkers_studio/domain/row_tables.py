"""A person's own table whose rows are sent to a model: its cells as they were given."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from typing import Any

from kronkers_studio.domain.cell_text import column_words
from kronkers_studio.domain.errors import InvalidInput, StudioError
from kronkers_studio.domain.releases import Prediction

Cell = Any
"""None, a truth value, a number, a text, a date or time; of JSON also lists and objects. A cell of a CSV file is a text
exactly as it is written."""

MOMENTS = (datetime, date, time, timedelta)

MOST_ROWS = 1_048_575
"""Rows of a table below its column names: as many as a sheet of Excel holds."""
MOST_COLUMNS = 2000
MOST_CELLS = 5_000_000
HEADER_LINES = 20
"""First rows among which the one with the columns' names is looked for."""
NUMBER = re.compile(r"[+-]?([0-9]+|[0-9]*\.[0-9]+|[0-9]+\.)([eE][+-]?[0-9]+)?")
"""A number as programs write it, with a decimal point."""
SAVED_AS = (".xlsx", ".csv", ".tsv", ".json")
"""The endings of files that a scored table is saved as."""
MOST_CLASSES = 50
"""Classes of a model whose probabilities are columns of their own."""


@dataclass(frozen=True, slots=True)
class Grid:
    """The cells of a file with something in them, row by row, before it is known which row names the columns.

    ``lines`` are the rows' numbers in the file, from 1, or where it is not ``numbered`` those below its first row with
    cells. Of a workbook, ``sheet`` is the one that was read.
    """

    rows: Sequence[Sequence[Cell]]
    lines: Sequence[int]
    sheet: str = ""
    sheets: tuple[str, ...] = ()
    merged: bool = False  # cells of the sheet are merged: all but the first of them are empty
    numbered: bool = True


@dataclass(frozen=True, slots=True)
class RowTable:
    """A table called ``name``. ``columns`` are named as written: a name may be empty, or there twice.

    ``remarks`` are sentences on how it was read. Where cells are texts (``written``), ``delimiter`` separated them.
    ``gaps`` are the columns that rows of JSON leave out, with the number of the first row that does.
    """

    name: str
    columns: tuple[str, ...]
    rows: Sequence[Sequence[Cell]]
    lines: Sequence[int] = ()  # where each row is in its file, from 1
    named: bool = True  # False: rows are lists of values, and ``columns`` their numbers
    written: bool = False
    delimiter: str = ""
    remarks: tuple[str, ...] = ()
    gaps: Mapping[str, int] = field(default_factory=dict)

    def place_words(self, row: int) -> str:
        """How people find the row with index ``row``: "Row 17 (line 18)"."""
        line = f" (line {self.lines[row]})" if self.lines else ""
        return f"Row {row + 1}{line}"

    def with_remarks(self, *remarks: str) -> RowTable:
        return replace(self, remarks=(*self.remarks, *remarks))


def too_large(name: str) -> InvalidInput:
    """The refusal of a table that passes the bounds."""
    return InvalidInput(
        f"{name} is larger than what is sent at a time: {MOST_ROWS:,} rows, {MOST_COLUMNS:,} columns and "
        f"{MOST_CELLS:,} cells.",
        next_step="Send it in several files, or leave out columns.",
    )


def is_blank(cell: Cell) -> bool:
    return cell is None or (isinstance(cell, str) and not cell.strip())


def name_key(name: Cell) -> str:
    """What two names have in common that differ in letter case and surrounding spaces only."""
    return str(name).strip().casefold() if name is not None else ""


def header_place(rows: Sequence[Sequence[Cell]], wanted: Collection[str]) -> int | None:
    """The index of the first of the first rows that has all the names ``wanted``; None when none has, or none is
    wanted."""
    keys = {name_key(name) for name in wanted}
    if not keys:
        return None
    return next((at for at, row in enumerate(rows[:HEADER_LINES]) if keys <= {name_key(cell) for cell in row}), None)


def cell_words(cell: Cell, *, comma: bool = False) -> str:
    """``cell`` as text with all its digits: "23.85", or "23,85" with a decimal ``comma``."""
    if cell is None or isinstance(cell, str):
        return cell or ""
    if isinstance(cell, float):
        words = "" if math.isnan(cell) else repr(cell).removesuffix(".0")
        return words.replace(".", ",") if comma else words
    if isinstance(cell, (int, *MOMENTS)):
        return column_words([cell])[0]
    return json.dumps(cell, ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class MatchedRows:
    """The ``values`` to be sent for each row of a table, taken from its columns at the places ``used``."""

    table: RowTable
    values: Sequence[Any]
    used: tuple[int, ...]
    remarks: tuple[str, ...] = ()

    @property
    def carried(self) -> tuple[str, ...]:
        """The names of the columns that the model does not get."""
        return tuple(
            column.strip() or f"column {place + 1}"
            for place, column in enumerate(self.table.columns)
            if place not in self.used
        )


@dataclass(frozen=True, slots=True)
class ScoredRows:
    """The first rows of a table that were answered, all of them unless there is a ``problem``: what ended it."""

    matched: MatchedRows
    model: str
    version: int
    outputs: Sequence[Any]
    probabilities: Sequence[Mapping[str, float]] = ()
    milliseconds: float = 0.0
    problem: StudioError | None = None

    @property
    def table(self) -> RowTable:
        return self.matched.table

    @property
    def complete(self) -> bool:
        return len(self.outputs) == len(self.table.rows)

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes that every row has a probability of; none when there are too many to show."""
        names = tuple(self.probabilities[0]) if self.probabilities else ()
        return names if len(names) <= MOST_CLASSES else ()

    @property
    def prediction(self) -> Prediction:
        return Prediction(self.model, self.version, tuple(self.outputs), tuple(self.probabilities), self.milliseconds)

    def certainty(self, row: int) -> float | None:
        """The probability of the answer to the row with that index."""
        return answer_certainty(self.outputs[row], self.probabilities[row]) if self.probabilities else None


def answer_certainty(output: Any, chances: Mapping[str, float]) -> float:
    """The probability of ``output``, which classes are named by; the highest one where none is called so."""
    names = [str(output)]
    if isinstance(output, float) and output.is_integer():
        names.append(str(int(output)))
    return next((chances[name] for name in names if name in chances), max(chances.values()))
