"""A person's own table whose rows are sent to a model: its cells as they were given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from typing import Any

Cell = Any
"""None, a truth value, a number, a text, a date or time; of JSON also lists and objects. A cell of a CSV file is a text
exactly as it is written."""

MOST_ROWS = 1_048_575
"""Rows of a table below its column names: as many as a sheet of Excel holds."""
MOST_COLUMNS = 2000
MOST_CELLS = 5_000_000


@dataclass(frozen=True, slots=True)
class Grid:
    """The cells of a file with something in them, row by row, before it is known which row names the columns.

    ``lines`` are the rows' numbers in the file, from 1. Of a workbook, ``sheet`` is the one that was read.
    """

    rows: Sequence[Sequence[Cell]]
    lines: Sequence[int]
    sheet: str = ""
    sheets: tuple[str, ...] = ()
    merged: bool = False  # cells of the sheet are merged: all but the first of them are empty


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


def is_blank(cell: Cell) -> bool:
    return cell is None or (isinstance(cell, str) and not cell.strip())


MOMENTS = (datetime, date, time, timedelta)
