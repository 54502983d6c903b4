"""The beginning of a table as it reads: its first rows, what its cells are, and how much more there is.

But for ``csv_preview``, only the process that reads tables calls this.
"""

from __future__ import annotations

import csv
import io
import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING

from kronkers_studio.domain.cell_text import DIGITS, column_words
from kronkers_studio.domain.errors import InvalidInput
from kronkers_studio.domain.previews import TablePreview
from kronkers_studio.formats.delimited import SNIFFED_CHARACTERS, is_header, sniff_delimiter
from kronkers_studio.formats.table_files import Format, column_names, table_library_failures

if TYPE_CHECKING:
    import polars as pl
    from fastexcel import ExcelReader

ROWS, COLUMNS, CELL = 200, 60, 200
"""Rows and columns of a table that are shown, and characters of a cell."""
_SHEETS = 1000
"""Sheets of a workbook that are told."""
_FRACTIONS = (("Float64", DIGITS), ("Float32", 7), ("Float16", 3))
"""The digits that mean something of the fractions that Parquet knows."""
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d{1,6})?")
_NO_DATE = date(1899, 12, 31)
_FIGURE = re.compile(r"[$€£]?\s?[+\-−]?(?!0\d)(\d+|\d{1,3}([.,'’\s]\d{3})+)?([.,]\d+)?(?<=\d)([eE][+-]?\d+)?\s?[%$€£]?")
_NOTHING = {"", "-", "na", "n/a", "nan", "null", "none", "inf", "-inf"}


def table_preview(format: Format, data: bytes) -> TablePreview:
    """The beginning of the Parquet file or workbook ``data``. Raises ``InvalidInput`` when it cannot be read."""
    unreadable: tuple[type[Exception], ...] = (*table_library_failures(), IndexError)
    try:
        return _parquet(data) if format is Format.PARQUET else _workbook(data)
    except unreadable as error:
        kind = "Parquet table" if format is Format.PARQUET else "workbook"
        raise InvalidInput(f"It cannot be read as a {kind}.", details=str(error)) from None


def csv_preview(content: str, *, complete: bool) -> TablePreview | None:
    """The beginning ``content`` of a CSV file, exactly as it is written; ``complete`` says whether it is all of it.

    None where it is no table.
    """
    if not content.strip():
        return None
    lines = csv.reader(io.StringIO(content), delimiter=sniff_delimiter(content[:SNIFFED_CHARACTERS]))
    rows: list[list[str]] = []
    try:
        for row in lines:
            if row:
                rows.append(row)
            if len(rows) > ROWS:
                break
    except csv.Error:  # a cell larger than any table's; it is shown as text
        return None
    first, *below = rows
    all_read = complete and len(rows) <= ROWS
    named = is_header(first, below[0] if below else ())
    head, rest = (first, below) if named else ([], rows)
    width = max(map(len, rows))
    names = [*head, *("" for _ in range(width - len(head)))] if named else column_names(("",) * width)
    columns = [
        _Column([row[place] if place < len(row) else "" for row in rest]) for place in range(min(width, COLUMNS))
    ]
    return _table(names, columns, len(rest) if all_read else None)


def _parquet(data: bytes) -> TablePreview:
    import polars as pl

    lazy = pl.scan_parquet(io.BytesIO(data))
    names = lazy.collect_schema().names()
    total = lazy.select(pl.len()).collect().item()
    frame = pl.read_parquet(io.BytesIO(data), columns=names[:COLUMNS], n_rows=ROWS)
    return _table(names, [_typed_column(column) for column in frame.iter_columns()], total)


def _workbook(data: bytes) -> TablePreview:
    import fastexcel

    workbook = fastexcel.read_excel(data)
    sheets = tuple(workbook.sheet_names)
    loaded = workbook.load_sheet(sheets[0], header_row=None, n_rows=ROWS + 1, dtypes="string")
    written: pl.DataFrame = loaded.to_polars()
    total = max(0, loaded.total_height - 1)
    typed = _typed_sheet(workbook, sheets[0], written)
    head = column_words([dated(name) for name in written.row(0)]) if written.height else []
    columns = [
        _sheet_column(column[1:], typed[place] if typed else None)
        for place, column in enumerate(written.iter_columns())
        if place < COLUMNS
    ]
    return _table(head, columns, total, sheet=sheets[0], sheets=sheets[:_SHEETS])


@dataclass(frozen=True, slots=True)
class _Column:
    """The cells of a column as they read. ``figures`` is None where only their text tells whether they are numbers."""

    cells: Sequence[str]
    figures: bool | None = None

    @property
    def are_figures(self) -> bool:
        return read_as_figures(self.cells) if self.figures is None else self.figures


def _typed_column(column: pl.Series) -> _Column:
    import polars as pl

    type = column.dtype
    moments = isinstance(type, pl.Datetime) and type.time_zone is not None
    return _Column(typed_words(column), None if moments else type.is_numeric() or isinstance(type, pl.Duration))


def typed_words(column: pl.Series) -> list[str]:
    """How the cells of a typed column read. Times in a zone are told as there, with the zone's name: Python would need
    a database of zones for them."""
    import polars as pl

    type = column.dtype
    if not isinstance(type, pl.Datetime) or type.time_zone is None:
        return column_words(column.to_list(), _digits(type))
    local = column_words(column.dt.replace_time_zone(None).to_list())
    zones = column.dt.strftime("%Z").to_list()
    return [f"{words} {zone}" if words else "" for words, zone in zip(local, zones, strict=True)]


def _digits(type: pl.DataType) -> int:
    """The digits that mean something of the fractions in a column, or in the lists in it."""
    name = str(type)
    return next((digits for kind, digits in _FRACTIONS if kind in name), DIGITS)


def _typed_sheet(workbook: ExcelReader, sheet: str, written: pl.DataFrame) -> list[pl.Series] | None:
    """The columns below the first row in the types of their cells; None when the library knows none for one of them.

    As text, it gives numbers of nine decimals only, so that very small ones are 0.
    """
    import fastexcel

    logging.getLogger("fastexcel").setLevel(logging.ERROR)  # it warns of each column without cells
    try:
        rows = workbook.load_sheet(
            sheet, header_row=None, skip_rows=1, n_rows=ROWS, schema_sample_rows=ROWS
        ).to_polars()
    except fastexcel.FastExcelError:
        return None
    return list(rows.iter_columns()) if rows.shape == (max(0, written.height - 1), written.width) else None


def _sheet_column(written: pl.Series, typed: pl.Series | None) -> _Column:
    """A cell that is not of its column's type is there as text only."""
    import polars as pl

    texts = written.to_list()
    if typed is None or typed.dtype in (pl.String, pl.Null):
        return _Column(column_words([dated(text) for text in texts]), None if typed is None else False)
    values = [_sheet_value(value, text) for value, text in zip(typed.to_list(), texts, strict=True)]
    return _Column(column_words(values), typed.dtype.is_numeric() or isinstance(typed.dtype, pl.Duration))


def _sheet_value(value: object, text: str | None) -> object:
    """A cell that is ``value`` in the type of its column, where it can be, and ``text`` as such."""
    if isinstance(value, float) and text in ("true", "false"):
        return text == "true"
    return dated(text) if value is None else _time_of_day(value)


def dated(text: str | None) -> object:
    """A date among a sheet's texts is written like this."""
    return _time_of_day(datetime.fromisoformat(text)) if text and _MOMENT.fullmatch(text) else text


def _time_of_day(value: object) -> object:
    """A time without a date is one of the day before a workbook's first."""
    return value.time() if isinstance(value, datetime) and value.date() == _NO_DATE else value


def _table(
    names: Sequence[str],
    columns: Sequence[_Column],
    total: int | None,
    *,
    sheet: str = "",
    sheets: tuple[str, ...] = (),
) -> TablePreview:
    """``total`` rows are in the table; None where that is not known, but more than are shown."""
    return TablePreview(
        tuple(cell_text(name) for name in names[:COLUMNS]),
        tuple(zip(*([cell_text(cell) for cell in column.cells[:ROWS]] for column in columns), strict=True)),
        total is not None and total <= ROWS,
        total,
        sheet,
        sheets,
        frozenset(place for place, column in enumerate(columns) if column.are_figures),
        len(names) if len(names) > COLUMNS else 0,
    )


def cell_text(words: str) -> str:
    """A cell as it is shown: in one line, and not without end."""
    words = " ".join(words.split("\n"))
    return words if len(words) <= CELL else f"{words[: CELL - 1]}…"


def read_as_figures(cells: Sequence[str]) -> bool:
    """Whether all of them are numbers, besides those that stand for none; what begins with a 0 is a code."""
    filled = [cell.strip() for cell in cells if cell.strip().lower() not in _NOTHING]
    return bool(filled) and all(_FIGURE.fullmatch(cell) for cell in filled)
