"""All cells of a Parquet file, or of one sheet of a workbook, each as what it is: a number, a text, a date.

Only the process that reads tables calls this.
"""

from __future__ import annotations

import io
import math
import re
import warnings
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, TypeVar
from xml.etree import ElementTree
from zipfile import BadZipFile

from kronkers_studio.domain.cell_text import column_words
from kronkers_studio.domain.errors import InvalidInput
from kronkers_studio.domain.row_tables import (
    HEADER_LINES,
    MOST_CELLS,
    MOST_COLUMNS,
    MOST_ROWS,
    Cell,
    Grid,
    header_place,
    is_blank,
    too_large,
)
from kronkers_studio.formats.table_files import Format, table_format, table_library_failures, with_exact_numbers

_Sheet = TypeVar("_Sheet")
_CELL_BY_CELL = (".xlsx", ".xlsm")
_WIDEST_INTEGER = 1 << 64
_SPELLED = re.compile("_x([0-9A-Fa-f]{4})_")
_EXACT = 1e15  # from here on a number with a point may not be what it was without
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d{1,6})?")
_PLAIN_NUMBER = re.compile(r"-?(0|[1-9]\d*)?(\.\d+)?([eE][+-]?\d+)?")
_NAMES = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_ROW, _VALUE, _TEXT, _MERGED = f"{_NAMES}row", f"{_NAMES}v", f"{_NAMES}t", f"{_NAMES}mergeCell"


def read_grid(path: str, data: bytes, wanted: Collection[str], sheet: str = "") -> Grid:
    """The cells in the file ``path``; of a workbook those of its ``sheet``, else of its first one whose columns have
    all the names ``wanted``, else of its first one with cells. Raises ``InvalidInput``."""
    unreadable: tuple[type[Exception], ...] = (
        *table_library_failures(),
        BadZipFile,
        KeyError,
        IndexError,
        TypeError,
        AttributeError,
        SyntaxError,
    )
    try:
        if table_format(path) is Format.PARQUET:
            return _parquet(data)
        if path.lower().endswith(_CELL_BY_CELL):
            return _workbook(data, wanted, sheet)
        return _other_workbook(data, wanted, sheet)
    except unreadable as error:  # the library raises whatever a damaged part leads to; ParseError is a SyntaxError
        kind = "Parquet table" if table_format(path) is Format.PARQUET else "workbook"
        raise InvalidInput(
            f"“{path}” cannot be read as a {kind}.",
            next_step="Open it in the program that wrote it, and save it again.",
            details=f"{type(error).__name__}: {str(error)[:500]}",
        ) from None


class _Bounds:
    """Refuses a table that is larger than what is read."""

    def __init__(self) -> None:
        self._cells = 0
        self._rows = 0

    def check(self, width: int) -> None:
        self._rows += 1
        self._cells += width
        if self._rows > MOST_ROWS + HEADER_LINES or self._cells > MOST_CELLS or width > MOST_COLUMNS:
            raise too_large("This table")


# ---- workbooks as Excel writes them since 2007: cell by cell ----


def _workbook(data: bytes, wanted: Collection[str], only: str) -> Grid:
    import openpyxl

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what the library does not keep when it writes a workbook again
        book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True)
        sheets = tuple(sheet.title for sheet in book.worksheets)
        found = _only(book.worksheets, sheets, only)
        return _wanted_sheet((_sheet(book, sheet, sheets) for sheet in found), sheets, wanted)


def _only(each: Sequence[_Sheet], sheets: Sequence[str], name: str) -> Sequence[_Sheet]:
    """Of ``each``, the one called ``name``; all where that is "". Raises ``InvalidInput`` when there is none."""
    if name and name not in sheets:
        there = ", ".join(f"“{other[:60]}”" for other in sheets[:10])
        raise InvalidInput(f"The workbook has no sheet “{name[:60]}”.", next_step=f"It has {there or 'none'}.")
    return [each[sheets.index(name)]] if name else each


def _wanted_sheet(grids: Iterable[Grid], sheets: tuple[str, ...], wanted: Collection[str]) -> Grid:
    """The first of ``grids`` with all the names ``wanted``, else the first with cells; none is read after it."""
    fallback: Grid | None = None
    for grid in grids:
        if not grid.rows:
            continue
        if not wanted or header_place(grid.rows, wanted) is not None:
            return grid
        fallback = fallback or grid
    return fallback or Grid((), (), sheets[0] if sheets else "", sheets)


def _sheet(book: Any, sheet: Any, sheets: tuple[str, ...]) -> Grid:
    """Rows without a value are left out, so that one cell far away costs nothing. The library knows the strings and the
    dates; its own reading of cells takes ten times as long."""
    rows: list[list[Cell]] = []
    lines: list[int] = []
    bounds = _Bounds()
    cells = _SheetCells(book, sheet._shared_strings)
    merged = False
    line = 0
    with sheet._get_source() as source:
        for _event, element in ElementTree.iterparse(source):  # noqa: S314  # this process is confined
            if element.tag == _ROW:
                line = int(element.get("r") or line + 1)
                filled = cells.of(element)
                element.clear()
                if filled:
                    width = max(filled)
                    bounds.check(width)
                    rows.append([filled.get(column) for column in range(1, width + 1)])
                    lines.append(line)
            elif element.tag == _MERGED:
                merged = True
    return Grid(rows, lines, sheet.title, sheets, merged)


class _SheetCells:
    """Reads the cells of a sheet's rows, by what a workbook says of them."""

    def __init__(self, book: Any, strings: Sequence[str]) -> None:
        from openpyxl.utils.datetime import from_excel

        self._strings = strings
        self._dates: Collection[int] = book._date_formats
        self._durations: Collection[int] = book._timedelta_formats
        self._from_excel: Any = from_excel
        self._epoch = book.epoch
        self._columns: dict[str, int] = {}

    def of(self, row: ElementTree.Element) -> dict[int, Cell]:
        """What is in ``row``, by the numbers of the columns from 1."""
        found: dict[int, Cell] = {}
        column = 0
        for cell in row:
            reference = cell.get("r")
            column = self._column(reference) if reference else column + 1
            value = self._value(cell)
            if value is not None and not (isinstance(value, str) and not value.strip()):
                found[column] = value
        return found

    def _column(self, reference: str) -> int:
        letters = reference.rstrip("0123456789")
        column = self._columns.get(letters)
        if column is None:
            from openpyxl.utils import column_index_from_string

            column = self._columns[letters] = column_index_from_string(letters)
        return column

    def _value(self, cell: ElementTree.Element) -> Cell:
        kind = cell.get("t", "n")
        if kind == "inlineStr":
            return _unspelled("".join(text.text or "" for text in cell.iter(_TEXT))) or None
        written = next((part.text for part in cell if part.tag == _VALUE), None)
        if not written:
            return None
        if kind == "n":
            return self._number(written, int(cell.get("s") or 0))
        if kind == "s":
            return _unspelled(self._strings[int(written)])
        if kind == "b":
            return written.strip() in ("1", "true")
        return datetime.fromisoformat(written.removesuffix("Z")) if kind == "d" else _unspelled(written)

    def _number(self, written: str, style: int) -> Cell:
        number: Any = int(written) if written.lstrip("-").isdecimal() else float(written)
        if style in self._dates:
            try:
                return _plain(self._from_excel(number, self._epoch, timedelta=style in self._durations))
            except (OverflowError, ValueError):  # formatted as a date, and none
                return _plain(number)
        return _plain(number)


def _unspelled(text: str) -> str:
    """``text`` with the characters that XML lacks, which workbooks spell."""
    if "_x" not in text:
        return text
    return _SPELLED.sub(lambda found: chr(int(found[1], 16)), text)


# ---- other workbooks, and Parquet: column by column ----


def _other_workbook(data: bytes, wanted: Collection[str], only: str) -> Grid:
    import fastexcel

    book = fastexcel.read_excel(data)
    sheets = tuple(book.sheet_names)
    found = _only(sheets, sheets, only)
    return _wanted_sheet((_other_sheet(book, name, sheets) for name in found), sheets, wanted)


def _other_sheet(book: Any, name: str, sheets: tuple[str, ...]) -> Grid:
    """The library gives all cells as texts, and as numbers those that read as one: a text "7" becomes the number, "007"
    stays what it is. It counts rows from the first with a cell."""
    first = book.load_sheet(name, header_row=None, n_rows=1, dtypes="string")
    if first.total_height * first.width > MOST_CELLS or first.width > MOST_COLUMNS:
        raise too_large("This table")
    texts = book.load_sheet(name, header_row=None, dtypes="string").to_polars()
    numbers = book.load_sheet(name, header_row=None, dtypes="float").to_polars()
    if not texts.height or texts.shape != numbers.shape:
        return Grid((), (), name, sheets)
    columns = [
        list(map(_told_twice, text.to_list(), number.to_list()))
        for text, number in zip(with_exact_numbers(texts, numbers).iter_columns(), numbers.iter_columns(), strict=True)
    ]
    rows = [(line, row) for line, row in enumerate(zip(*columns, strict=True), 1) if not all(map(is_blank, row))]
    return Grid([row for _, row in rows], [line for line, _ in rows], name, sheets, numbered=False)


def _told_twice(text: str | None, number: float | None) -> Cell:
    """The cell that reads as ``text`` and, where it can, as ``number``."""
    if text is None:
        return None
    if number is None:
        return _moment_in(text)
    if text in ("true", "false"):
        return text == "true"
    if not _PLAIN_NUMBER.fullmatch(text):
        return text
    return int(number) if number.is_integer() and abs(number) < _EXACT else number


def _moment_in(text: str) -> Cell:
    """The moment that ``text`` tells, where it is one: 29 February 1900 is a day for spreadsheets only."""
    try:
        return datetime.fromisoformat(text) if _MOMENT.fullmatch(text) else text
    except ValueError:
        return text


def _parquet(data: bytes) -> Grid:
    import polars as pl

    lazy = pl.scan_parquet(io.BytesIO(data))
    names = lazy.collect_schema().names()
    total = lazy.select(pl.len()).collect().item()
    if total > MOST_ROWS or len(names) > MOST_COLUMNS or total * len(names) > MOST_CELLS:
        raise too_large("This table")
    frame = pl.read_parquet(io.BytesIO(data))
    rows = [list(row) for row in zip(*(_column(column) for column in frame.iter_columns()), strict=True)]
    return Grid([list(names), *rows], range(len(rows) + 1))


def _column(column: Any) -> list[Cell]:
    """The cells of a polars column; what JSON and a spreadsheet have no form for reads as it would be shown."""
    import polars as pl

    kind = column.dtype
    if kind == pl.Float32:
        return [None if value is None else _shortest(value) for value in column.to_list()]
    if kind.is_nested() or kind in (pl.Binary, pl.Object):
        return list(column_words(column.to_list()))
    if isinstance(kind, pl.Datetime) and kind.time_zone is not None:
        column = column.dt.replace_time_zone(None)
    return [_plain(value) for value in column.to_list()]


def _shortest(value: float) -> Cell:
    """The number as it was written before it was kept in 32 bits: 23.85, not 23.850000381469727."""
    import numpy as np

    return _plain(float(str(np.float32(value))))


def _plain(value: Any) -> Cell:
    """``value`` as a cell; None for what is no number, text for what JSON or a service has no number for."""
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else str(value)
    if isinstance(value, int):
        return value if -_WIDEST_INTEGER < value < _WIDEST_INTEGER else str(value)
    if isinstance(value, Decimal):
        return _decimal(value)
    if isinstance(value, datetime):
        return value.replace(tzinfo=None)
    plain = value is None or isinstance(value, float | str | date | time | timedelta)
    return value if plain else str(value)


def _decimal(value: Decimal) -> Cell:
    """A number where it is one exactly, else its digits."""
    if not value.is_finite():
        return None
    number = float(value)
    if Decimal(repr(number)) != value:
        return f"{value:f}"
    return int(value) if number.is_integer() and abs(number) < 1e15 else number


# ---- on their way to the other process ----


def pack_rows(grid: Grid) -> Iterator[bytes]:
    """Each row as a line of JSON."""
    import json

    for row in grid.rows:
        packed = [cell if cell is None or isinstance(cell, bool | int | float | str) else _packed(cell) for cell in row]
        line = json.dumps(packed, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        yield line.encode("utf-8", "backslashreplace") + b"\n"


def _packed(cell: Cell) -> list[Any]:
    if isinstance(cell, timedelta):
        return ["duration", cell.total_seconds()]
    kind = "datetime" if isinstance(cell, datetime) else "date" if isinstance(cell, date) else "time"
    return [kind, cell.isoformat()]
