"""A look at one file of a version. What is read of it is bounded, however large it is."""

from __future__ import annotations

import csv
import io
import json
import logging
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from kronkers_studio.domain.cells import DIGITS, column_words
from kronkers_studio.domain.content import Entry, EntryKind
from kronkers_studio.domain.errors import InvalidInput
from kronkers_studio.domain.previews import (
    ImagePreview,
    NoPreview,
    NotebookCell,
    NotebookPreview,
    Preview,
    TablePreview,
    TextPreview,
)
from kronkers_studio.workflows.session import Session

if TYPE_CHECKING:
    import polars as pl
    from fastexcel import ExcelReader

ROWS, COLUMNS, CELL = 200, 60, 200
"""Rows and columns of a table that are shown, and characters of a cell."""
TEXT_BYTES = 256 << 10
CSV_BYTES = 1 << 20
WHOLE_BYTES = 48 << 20
"""Of the largest file that must be read as a whole to show its beginning: Parquet, Excel, pictures."""
NOTEBOOK_BYTES = 16 << 20
CELLS, OUTPUT = 200, 4000

_FRACTIONS = (("Float64", DIGITS), ("Float32", 7), ("Float16", 3))
"""The digits that mean something of the fractions that Parquet knows."""
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d{1,6})?")
_NO_DATE = date(1899, 12, 31)
_FIGURE = re.compile(r"[$€£]?\s?[+\-−]?(?!0\d)(\d+|\d{1,3}([.,'’\s]\d{3})+)?([.,]\d+)?(?<=\d)([eE][+-]?\d+)?\s?[%$€£]?")
_NOTHING = {"", "-", "na", "n/a", "nan", "null", "none", "inf", "-inf"}

_PICTURES = (".png", ".jpg", ".jpeg", ".gif", ".bmp", ".webp", ".svg")


def preview_file(session: Session, project: str, ref: str, path: str) -> Preview:
    """The beginning of the file ``path`` at ``ref`` in the way that suits it. Raises ``NotFound``, ``StoreDamaged``."""
    from kronkers_studio.registry.table_files import Format, table_format

    content = session.workspace.content
    entry = content.find(project, ref, path)
    if entry.kind is not EntryKind.FILE or not entry.size:
        return NoPreview("This file is empty." if entry.kind is EntryKind.FILE else "This is not a file.")

    def read(limit: int) -> bytes:
        return content.read(entry, limit)

    format = table_format(path)
    if format in (Format.PARQUET, Format.EXCEL):
        return _whole(entry, read, _parquet if format is Format.PARQUET else _workbook)
    if path.lower().endswith(_PICTURES):
        return _whole(entry, read, lambda _entry, data: ImagePreview(data))
    found: Preview | None = None
    if format is Format.CSV:
        found = _csv(entry, read)
    elif path.lower().endswith(".ipynb") and entry.size <= NOTEBOOK_BYTES:
        found = _notebook(read(NOTEBOOK_BYTES))
    return found or _text(entry, read)


def _whole(entry: Entry, read: Callable[[int], bytes], show: Callable[[Entry, bytes], Preview]) -> Preview:
    if entry.size > WHOLE_BYTES:
        return NoPreview(f"It is larger than {WHOLE_BYTES >> 20} MB. Restore it to look into it.")
    return show(entry, read(WHOLE_BYTES))


# ---- texts ----


def _text(entry: Entry, read: Callable[[int], bytes]) -> Preview:
    data = read(TEXT_BYTES)
    complete = entry.size <= TEXT_BYTES
    found = _decoded(data, complete)
    if found is None:
        return NoPreview("Its bytes are not text. Restore it to open it with its own program.")
    content, form = found
    if not complete:
        content = content[: content.rfind("\n") + 1] or content
    return TextPreview(content, complete, form)


def _decoded(data: bytes, complete: bool) -> tuple[str, str] | None:
    """The text in ``data``, whose last character may be cut off unless it is ``complete``; and how it is written."""
    from kronkers_studio.registry.texts import read_text

    if not complete:
        data = data[: data.rfind(b"\n") + 1] or data[:-4]
        if data.startswith((b"\xff\xfe", b"\xfe\xff")):
            data = data[: len(data) // 4 * 4]
    found = read_text(data)
    return (found.content, found.title) if found is not None else None


# ---- tables ----


def _csv(entry: Entry, read: Callable[[int], bytes]) -> TablePreview | None:
    """Text, which is shown exactly as it is written."""
    from kronkers_studio.registry.table_files import sniff_delimiter

    complete = entry.size <= CSV_BYTES
    found = _decoded(read(CSV_BYTES), complete)
    if found is None or not found[0].strip():
        return None
    content = found[0]
    lines = csv.reader(io.StringIO(content), delimiter=sniff_delimiter(content[:65536]))
    rows: list[list[str]] = []
    try:
        for row in lines:
            if row:
                rows.append(row)
            if len(rows) > ROWS:
                break
    except csv.Error:  # a cell larger than any table's; it is shown as text
        return None
    all_read = complete and len(rows) <= ROWS
    head, *rest = rows[: ROWS + 1]
    width = max(len(row) for row in rows[: ROWS + 1])
    names = [*head, *("" for _ in range(width - len(head)))]
    columns = [
        _Column([row[place] if place < len(row) else "" for row in rest]) for place in range(min(width, COLUMNS))
    ]
    return _table(names, columns, len(rest) if all_read else None)


def _parquet(entry: Entry, data: bytes) -> Preview:
    import polars as pl
    from polars.exceptions import PolarsError

    try:
        lazy = pl.scan_parquet(io.BytesIO(data))
        names = lazy.collect_schema().names()
        total = lazy.select(pl.len()).collect().item()
        frame = pl.read_parquet(io.BytesIO(data), columns=names[:COLUMNS], n_rows=ROWS)
        columns = [_typed_column(column) for column in frame.iter_columns()]
    except (PolarsError, OSError, ValueError):
        return NoPreview(f"“{entry.name}” cannot be read as a Parquet table.")
    return _table(names, columns, total)


def _workbook(entry: Entry, data: bytes) -> Preview:
    import fastexcel

    try:
        workbook = fastexcel.read_excel(data)
        sheets = tuple(workbook.sheet_names)
        loaded = workbook.load_sheet(sheets[0], header_row=None, n_rows=ROWS + 1, dtypes="string")
        written: pl.DataFrame = loaded.to_polars()
        total = max(0, loaded.total_height - 1)
        typed = _typed_sheet(workbook, sheets[0], written)
    except (fastexcel.FastExcelError, InvalidInput, ValueError, IndexError):
        return NoPreview(f"“{entry.name}” cannot be read as a workbook.")
    head = column_words([_dated(name) for name in written.row(0)]) if written.height else []
    columns = [
        _sheet_column(column[1:], typed[place] if typed else None)
        for place, column in enumerate(written.iter_columns())
        if place < COLUMNS
    ]
    return _table(head, columns, total, sheet=sheets[0], sheets=sheets)


@dataclass(frozen=True, slots=True)
class _Column:
    """The cells of a column as they read. ``figures`` is None where only their text tells whether they are numbers."""

    cells: Sequence[str]
    figures: bool | None = None

    @property
    def are_figures(self) -> bool:
        return _read_as_figures(self.cells) if self.figures is None else self.figures


def _typed_column(column: pl.Series) -> _Column:
    """Times in a zone are told as there, with the zone's name: Python would need a database of zones for them."""
    import polars as pl

    type = column.dtype
    figures = type.is_numeric() or isinstance(type, pl.Duration)
    if not isinstance(type, pl.Datetime) or type.time_zone is None:
        return _Column(column_words(column.to_list(), _digits(type)), figures)
    local = column_words(column.dt.replace_time_zone(None).to_list())
    zones = column.dt.strftime("%Z").to_list()
    return _Column([f"{words} {zone}" if words else "" for words, zone in zip(local, zones, strict=True)])


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
        return _Column(column_words([_dated(text) for text in texts]), None if typed is None else False)
    values = [_sheet_value(value, text) for value, text in zip(typed.to_list(), texts, strict=True)]
    return _Column(column_words(values), typed.dtype.is_numeric() or isinstance(typed.dtype, pl.Duration))


def _sheet_value(value: object, text: str | None) -> object:
    """A cell that is ``value`` in the type of its column, where it can be, and ``text`` as such."""
    if isinstance(value, float) and text in ("true", "false"):
        return text == "true"
    return _dated(text) if value is None else _time_of_day(value)


def _dated(text: str | None) -> object:
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
        tuple(_cell(name) for name in names[:COLUMNS]),
        tuple(zip(*([_cell(cell) for cell in column.cells[:ROWS]] for column in columns), strict=True)),
        total is not None and total <= ROWS,
        total,
        sheet,
        sheets,
        frozenset(place for place, column in enumerate(columns) if column.are_figures),
        len(names) if len(names) > COLUMNS else 0,
    )


def _cell(words: str) -> str:
    words = " ".join(words.split("\n"))
    return words if len(words) <= CELL else f"{words[: CELL - 1]}…"


def _read_as_figures(cells: Sequence[str]) -> bool:
    """Whether all of them are numbers, besides those that stand for none; what begins with a 0 is a code."""
    filled = [cell.strip() for cell in cells if cell.strip().lower() not in _NOTHING]
    return bool(filled) and all(_FIGURE.fullmatch(cell) for cell in filled)


# ---- notebooks ----


def _notebook(data: bytes) -> NotebookPreview | None:
    """None when it is not written as notebooks are."""
    try:
        document = json.loads(data)
        cells = document["cells"]
        language = str(document.get("metadata", {}).get("kernelspec", {}).get("display_name", ""))
        shown = tuple(
            NotebookCell(str(cell.get("cell_type", "raw")), _joined(cell.get("source", "")), _output(cell))
            for cell in cells[:CELLS]
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    return NotebookPreview(language, shown, len(cells) <= CELLS)


def _joined(lines: str | list[str]) -> str:
    return lines if isinstance(lines, str) else "".join(lines)


def _output(cell: dict[str, Any]) -> str:
    """What is text in a cell's outputs; pictures are named."""
    parts = []
    for output in cell.get("outputs", ()):
        data = output.get("data", {})
        if "text" in output:
            parts.append(_joined(output["text"]))
        elif output.get("output_type") == "error":
            parts.append(f"{output.get('ename', '')}: {output.get('evalue', '')}")
        elif "text/plain" in data:
            parts.append(_joined(data["text/plain"]))
        parts += [f"[{kind}]" for kind in data if kind.startswith("image/")]
    words = "\n".join(part.rstrip("\n") for part in parts)
    return words if len(words) <= OUTPUT else f"{words[:OUTPUT]}\n…"
