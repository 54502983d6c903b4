"""The columns of data files, from as few of their bytes as tell them.

Of a CSV file that is its beginning, of a Parquet file its end, of an Excel workbook parts of it.
"""

from __future__ import annotations

import io
from collections.abc import Iterable
from typing import BinaryIO

from kronkers_studio.formats.delimited import HEAD, is_header, named_columns
from kronkers_studio.formats.table_files import Format, table_format, table_library_failures

MOST_COLUMNS = 2000
"""Columns of a file that are told; the others cannot be searched for."""
LONGEST_NAME = 200
READ_PARTLY = (".xlsx", ".xlsm")
"""Workbooks of which parts are enough; the others are read as a whole."""
_FOOTER_LIMIT = 4 << 20
_FOOTER_END = 8  # bytes: how long the footer is, and "PAR1"
_PARQUET = b"PAR1"


def columns_in(suffix: str, stream: BinaryIO) -> tuple[str, ...]:
    """The names of the columns of a file whose name ends in ``suffix``, none where it has none.

    Of a CSV file the beginning is enough in ``stream``, of a Parquet file the end. Raises ``ValueError`` with the
    reason when it cannot be read, and what reading from ``stream`` does. But for CSV files, only the process that reads
    tables calls this.
    """
    format = table_format(suffix)
    if format is Format.CSV:
        return _names([named_columns(stream.read(HEAD))])
    if format is Format.PARQUET:
        return _names([_parquet_columns(stream)])
    return _names(row for row in _workbook_rows(suffix, stream) if is_header(row))


def _names(rows: Iterable[Iterable[str]]) -> tuple[str, ...]:
    names = dict.fromkeys(name.strip()[:LONGEST_NAME] for row in rows for name in row)
    return tuple(name for name in names if name)[:MOST_COLUMNS]


def _parquet_columns(stream: BinaryIO) -> list[str]:
    import polars as pl

    size = stream.seek(0, io.SEEK_END)
    stream.seek(max(0, size - _FOOTER_END))
    end = stream.read()
    footer = int.from_bytes(end[:4], "little") + _FOOTER_END
    if end[4:] != _PARQUET or footer > size:
        raise ValueError("it is not a whole Parquet file")
    if footer > _FOOTER_LIMIT:
        raise ValueError("it says too much of itself")
    stream.seek(size - footer)
    data = _PARQUET + stream.read()
    try:
        return list(pl.read_parquet_schema(io.BytesIO(data)))
    except table_library_failures() as error:
        raise ValueError(_reason(error)) from None


def _workbook_rows(suffix: str, stream: BinaryIO) -> list[list[str]]:
    if suffix in READ_PARTLY:
        from kronkers_studio.formats.xlsx_headers import first_rows

        return first_rows(stream)
    import fastexcel

    data = stream.read()
    try:
        workbook = fastexcel.read_excel(data)
        sheets = [
            workbook.load_sheet(name, header_row=None, n_rows=1, dtypes="string") for name in workbook.sheet_names
        ]
        frames = [sheet.to_polars() for sheet in sheets]
    except table_library_failures() as error:
        raise ValueError(_reason(error)) from None
    return [[str(cell or "") for cell in frame.row(0)] for frame in frames if frame.height]


def _reason(error: Exception) -> str:
    return str(error).split("\n", 1)[0].rstrip(".")
