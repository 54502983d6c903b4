"""Reading the tables in CSV, Parquet and Excel files into polars frames, and writing CSV and Parquet in the same form.

CSV and Excel cells are read as text, as written and with all digits: "007" is not 7, and nothing changes that nobody
changed.
"""

from __future__ import annotations

import io
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Literal

from kronkers_studio.domain.errors import InvalidInput
from kronkers_studio.formats.delimited import SNIFFED_CHARACTERS, is_header, sniff_delimiter
from kronkers_studio.formats.text_encoding import Text, read_text

if TYPE_CHECKING:
    import polars as pl
    from fastexcel import ExcelReader

_SUFFIXES = {
    "csv": (".csv", ".tsv", ".tab"),
    "parquet": (".parquet", ".pq"),
    "excel": (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods"),
}
_QuoteStyle = tuple[Literal["necessary", "always"], bool]
_STYLES: tuple[_QuoteStyle, ...] = (("necessary", False), ("always", True), ("necessary", True))
"""Which cells are quoted, and whether empty ones are."""


class Format(Enum):
    CSV = "csv"
    PARQUET = "parquet"
    EXCEL = "excel"


@dataclass(frozen=True, slots=True)
class CsvForm:
    """How a CSV file is written. ``header`` is its first row as written, None when it begins with data."""

    text: Text
    delimiter: str
    line_end: str
    last_line_ends: bool
    header: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class TableFile:
    """The tables of a file by sheet; a file that is one table has it under ""."""

    format: Format
    tables: dict[str, pl.DataFrame] = field(default_factory=dict)
    csv: CsvForm | None = None


def table_format(path: str) -> Format | None:
    """The format that a file's name promises, if it is one of tables."""
    lowered = path.lower()
    return next((Format(name) for name, suffixes in _SUFFIXES.items() if lowered.endswith(suffixes)), None)


def read_tables(path: str, data: bytes, headers: Collection[tuple[str, ...]] = ()) -> TableFile:
    """The tables in the file ``path`` with the bytes ``data``. A first row that is one of ``headers`` holds names,
    whatever stands below it. Raises ``InvalidInput`` when they cannot be read."""
    format = table_format(path)
    try:
        if format is Format.CSV:
            return _read_csv(data, headers)
        if format is Format.PARQUET:
            import polars as pl

            return TableFile(format, {"": pl.read_parquet(io.BytesIO(data))})
        if format is Format.EXCEL:
            return TableFile(format, _read_workbook(data))
    except table_library_failures() as error:
        reason = str(error).split("\n", 1)[0]
        raise InvalidInput(f"“{path}” cannot be read as a table: {reason}", details=str(error)) from None
    raise InvalidInput(f"“{path}” is not a table.", next_step="Tables are CSV, Parquet and Excel files.")


def read_versions(path: str, versions: Sequence[bytes]) -> list[TableFile]:
    """Several versions of one file: a first row that holds names in one of them does so in each that begins with it,
    though something else stands below it there. Raises ``InvalidInput``."""
    read = [read_tables(path, data) for data in versions]
    headers = {file.csv.header for file in read if file.csv is not None and file.csv.header is not None}
    if not headers or all(file.csv is None or file.csv.header is not None for file in read):
        return read
    return [read_tables(path, data, headers) for data in versions]


def write_csv(frame: pl.DataFrame, form: CsvForm, *, like: pl.DataFrame, original: bytes) -> bytes:
    """``frame`` in the form of the file ``original`` that ``like`` was read from, quoted as that one is.

    Raises ``UnicodeEncodeError`` when the form's encoding lacks a character.
    """
    style = next((style for style in _STYLES if _csv_bytes(like, form, style) == original), _STYLES[0])
    return _csv_bytes(frame, form, style)


def write_parquet(frame: pl.DataFrame) -> bytes:
    buffer = io.BytesIO()
    frame.write_parquet(buffer)
    return buffer.getvalue()


def table_library_failures() -> tuple[type[Exception], ...]:
    """What the libraries raise for a file that they cannot read."""
    import fastexcel
    from polars.exceptions import PolarsError

    return (PolarsError, fastexcel.FastExcelError, ValueError, OSError)


# ---- CSV ----


def _read_csv(data: bytes, headers: Collection[tuple[str, ...]]) -> TableFile:
    import polars as pl

    text = read_text(data)
    if text is None:
        raise ValueError("it is not text")
    plain = data if text.encoding == "utf-8" and not text.mark else text.content.encode("utf-8")
    delimiter = sniff_delimiter(text.content[:SNIFFED_CHARACTERS])
    if not text.content or text.content.isspace():
        return TableFile(Format.CSV, {"": pl.DataFrame()}, CsvForm(text, delimiter, "\n", False, None))
    frame = pl.read_csv(plain, has_header=False, separator=delimiter, infer_schema=False, empty_string_is_null=False)
    first, below = (tuple(map(str, frame.row(row))) if row < frame.height else () for row in (0, 1))
    header = first if first in headers or is_header(first, below) else None
    names = column_names(header or ("",) * len(first))
    frame.columns = names
    first_end = text.content.find("\n")
    line_end = "\r\n" if first_end > 0 and text.content[first_end - 1] == "\r" else "\n"
    form = CsvForm(text, delimiter, line_end, text.content.endswith("\n"), header)
    return TableFile(Format.CSV, {"": frame[1:] if header else frame}, form)


def column_names(header: Sequence[str]) -> list[str]:
    """A name for each column, different from all others."""
    names: dict[str, None] = {}
    copies: dict[str, int] = {}
    for number, title in enumerate(header, start=1):
        name = title or f"column {number}"
        while name in names:
            copies[title] = copies.get(title, 1) + 1
            name = f"{title or 'column'} ({copies[title]})"
        names[name] = None
    return list(names)


def _csv_bytes(frame: pl.DataFrame, form: CsvForm, style: _QuoteStyle) -> bytes:
    import polars as pl

    rows = frame
    if form.header is not None:
        written = {old: [new] for old, new in zip(frame.columns, _header_of(frame, form.header), strict=True)}
        rows = pl.concat([pl.DataFrame(written, schema=frame.schema), frame])
    quotes, quoted_empty = style
    if not quoted_empty:
        rows = rows.select(pl.all().replace("", None))
    content = rows.write_csv(
        include_header=False, separator=form.delimiter, line_terminator=form.line_end, quote_style=quotes
    )
    return form.text.encode(content if form.last_line_ends else content.removesuffix(form.line_end))


def _header_of(frame: pl.DataFrame, header: tuple[str, ...]) -> list[str]:
    """The titles of the frame's columns as they were written; new columns are called what they are."""
    titles = dict(zip(column_names(header), header, strict=True))
    return [titles.get(name, name) for name in frame.columns]


# ---- Excel ----


def _read_workbook(data: bytes) -> dict[str, pl.DataFrame]:
    import fastexcel

    workbook = fastexcel.read_excel(data)
    return {name: _read_sheet(workbook, name) for name in workbook.sheet_names}


def _read_sheet(workbook: ExcelReader, name: str) -> pl.DataFrame:
    import polars as pl

    frame = workbook.load_sheet(name, header_row=None, dtypes="string").to_polars()
    frame = with_exact_numbers(frame, workbook.load_sheet(name, header_row=None, dtypes="float").to_polars())
    frame = frame.select(pl.all().fill_null(""))
    if not frame.height:
        return frame
    first = tuple(str(cell) for cell in frame.row(0))
    if not is_header(first):
        frame.columns = column_names(("",) * frame.width)
        return frame
    frame.columns = column_names(first)
    return frame[1:]


def with_exact_numbers(texts: pl.DataFrame, numbers: pl.DataFrame) -> pl.DataFrame:
    """The cells ``texts``, with all digits of those ``numbers`` that they tell with nine decimals only.

    Else 1e-12 were 0, and a change after the ninth decimal none.
    """
    import polars as pl

    if texts.shape != numbers.shape:  # a sheet without cells
        return texts
    for place, (text, number) in enumerate(zip(texts.iter_columns(), numbers.iter_columns(), strict=True)):
        rounded = (text.cast(pl.Float64, strict=False) != number).fill_null(False)
        if rounded.any():
            exact = pl.Series([repr(value).removesuffix(".0") for value in number.filter(rounded)], dtype=pl.String)
            texts.replace_column(place, text.scatter(rounded.arg_true(), exact))
    return texts
