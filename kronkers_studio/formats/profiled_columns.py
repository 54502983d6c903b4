"""The columns of a table, read a few at a time: CSV files, Parquet files and workbooks.

Only the process that reads tables calls this.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol

from kronkers_studio.domain.errors import InvalidInput
from kronkers_studio.domain.row_tables import MOMENTS, MOST_COLUMNS, Cell, cell_words, header_place
from kronkers_studio.formats.delimited import SNIFFED_CHARACTERS, sniff_delimiter
from kronkers_studio.formats.row_grids import read_grid
from kronkers_studio.formats.table_files import Format, table_format
from kronkers_studio.formats.text_encoding import read_text

if TYPE_CHECKING:
    import polars as pl

_AT_ONCE = 128 << 20
"""Bytes of a CSV file whose columns are held at once, as texts of up to twice their size."""
_HEAD = 1 << 20
_LOOKED_AT = 200  # lines
_COMMA_IS_DECIMAL = (";", "\t")  # what separates cells where spreadsheets write decimal commas


class TableColumns(Protocol):
    """The columns of one table by their place. ``written``: cells are texts as somebody wrote them; ``comma``: numbers
    among them may have a decimal comma."""

    names: list[str]
    written: bool
    comma: bool

    def read(self, places: Sequence[int]) -> Iterator[tuple[int, pl.Series]]:
        """Each of the columns, one after the other."""


def open_columns(path: str, stream: BinaryIO, wanted: Sequence[str]) -> TableColumns:
    """The columns of the table ``path``; of a workbook those of its first sheet with all names ``wanted``, else of its
    first. Raises ``InvalidInput``, and what the libraries raise."""
    format = table_format(path)
    if format is None:
        raise InvalidInput(f"“{path}” is not a table.", next_step="Tables are CSV, Parquet and Excel files.")
    data = stream.read()
    columns: TableColumns
    if format is Format.CSV:
        columns = _CsvColumns(data)
    elif format is Format.PARQUET:
        columns = _ParquetColumns(data)
    else:
        columns = _SheetColumns(path, data, wanted)
    if len(columns.names) > MOST_COLUMNS:
        raise InvalidInput(f"“{path}” has more than {MOST_COLUMNS} columns.")
    return columns


class _CsvColumns:
    written = True

    def __init__(self, data: bytes) -> None:
        import polars as pl

        self._data, head = _utf8(data)
        self._delimiter = sniff_delimiter(head[:SNIFFED_CHARACTERS])
        self.comma = self._delimiter in _COMMA_IS_DECIMAL
        self.names: list[str] = []
        if head.strip():
            first = pl.read_csv(self._data[:_HEAD], n_rows=1, **self._options())
            self.names = [name or "" for name in first.row(0)]
            _require_names(head, self._delimiter, len(self.names))

    def read(self, places: Sequence[int]) -> Iterator[tuple[int, pl.Series]]:
        lines = self._filled_lines() if places else None
        for place, column in self._columns(places):
            yield place, (column if lines is None else column.filter(lines))[1:]

    def _columns(self, places: Sequence[int]) -> Iterator[tuple[int, pl.Series]]:
        """Each of them with the name above it."""
        import polars as pl

        group = max(1, _AT_ONCE * len(self.names) // max(1, len(self._data)))
        for begin in range(0, len(places), group):
            some = sorted(places[begin : begin + group])
            frame = pl.read_csv(self._data, columns=some, **self._options())
            yield from zip(some, frame.iter_columns(), strict=True)

    def _filled_lines(self) -> pl.Series | None:
        """Of each line, whether anything is on it; None where that is so of all."""
        if not any(blank in self._data for blank in (b"\n\n", b"\n\r\n")):
            return None
        filled: pl.Series | None = None
        for _, column in self._columns(range(len(self.names))):
            filled = (column != "") if filled is None else filled | (column != "")
            if filled.all():
                return None
        return filled

    def _options(self) -> dict[str, Any]:
        return {
            "has_header": False,
            "separator": self._delimiter,
            "infer_schema": False,
            "empty_string_is_null": False,
            "truncate_ragged_lines": True,
        }


class _ParquetColumns:
    written = comma = False

    def __init__(self, data: bytes) -> None:
        import polars as pl

        self._data = data
        self.names = list(pl.read_parquet_schema(io.BytesIO(data)))

    def read(self, places: Sequence[int]) -> Iterator[tuple[int, pl.Series]]:
        import polars as pl

        for place in places:
            yield place, pl.read_parquet(io.BytesIO(self._data), columns=[self.names[place]]).to_series()


class _SheetColumns:
    written = comma = False

    def __init__(self, path: str, data: bytes, wanted: Sequence[str]) -> None:
        grid = read_grid(path, data, wanted)
        header = header_place(grid.rows, wanted) or 0
        self.names = [cell_words(cell) for cell in grid.rows[header]] if grid.rows else []
        self._rows = grid.rows[header + 1 :]

    def read(self, places: Sequence[int]) -> Iterator[tuple[int, pl.Series]]:
        for place in places:
            yield place, _column([row[place] if place < len(row) else None for row in self._rows])


def _column(cells: Sequence[Cell]) -> pl.Series:
    """Cells of a sheet as a column: of numbers, of truth values, of moments; else of texts."""
    import polars as pl

    kinds = {type(cell) for cell in cells if cell is not None}
    if kinds <= {bool} and kinds:
        return pl.Series(cells, dtype=pl.Boolean)
    if kinds <= {int, float, bool}:
        return pl.Series([None if cell is None else float(cell) for cell in cells], dtype=pl.Float64)
    if all(issubclass(kind, MOMENTS) for kind in kinds):
        return pl.Series([None] * len(cells), dtype=pl.Date)  # what it holds is not looked at
    return pl.Series([None if cell is None else cell_words(cell) for cell in cells], dtype=pl.String)


def _require_names(head: str, delimiter: str, names: int) -> None:
    """Raise ``ValueError`` when lines have more cells than the first one: R leaves out the name of its first column,
    and every other one would be taken for its neighbour."""
    try:
        for row in islice(csv.reader(io.StringIO(head, newline=""), delimiter=delimiter), _LOOKED_AT):
            if len(row) > names and any(row[names:]):
                raise ValueError(f"its first line names {names} columns, and another has {len(row)}")
    except csv.Error as error:
        raise ValueError(str(error)) from None


def _utf8(data: bytes) -> tuple[bytes, str]:
    """A CSV file's bytes as UTF-8 without a mark, and its beginning as text. Raises ``ValueError`` when it is none."""
    beginning = data[:_HEAD]
    if len(data) > _HEAD:
        beginning = beginning[: beginning.rfind(b"\n") + 1] or beginning
    text = read_text(beginning)
    if text is not None and text.encoding == "utf-8" and not text.mark and _is_utf8(data):
        return data, text.content
    whole = read_text(data)
    if whole is None:
        raise ValueError("it is not text")
    return whole.content.encode("utf-8"), whole.content[:_HEAD]


def _is_utf8(data: bytes) -> bool:
    """Looked at in pieces, so that no second copy is made."""
    import codecs

    decoder = codecs.getincrementaldecoder("utf-8")()
    view = memoryview(data)
    try:
        for begin in range(0, len(data), _HEAD):
            decoder.decode(view[begin : begin + _HEAD], final=begin + _HEAD >= len(data))
    except UnicodeDecodeError:
        return False
    return True
