"""A whole table looked through: its rows sorted and filtered, and what is in each of its columns.

Only the process that reads tables calls this. What is answered is bounded, whatever the table holds.
"""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from kronkers_studio.domain.cell_text import column_words
from kronkers_studio.domain.errors import InvalidInput
from kronkers_studio.domain.previews import ColumnFacts, ColumnType, TableFacts, TableQuery, TableView
from kronkers_studio.formats.delimited import SNIFFED_CHARACTERS, is_header, sniff_delimiter
from kronkers_studio.formats.table_files import (
    Format,
    column_names,
    table_format,
    table_library_failures,
    with_exact_numbers,
)
from kronkers_studio.formats.table_previews import COLUMNS, cell_text, dated, read_as_figures, typed_words
from kronkers_studio.formats.text_encoding import read_text

if TYPE_CHECKING:
    import polars as pl

_ROWS, _COLUMNS, _COMMONEST = 1000, 500, 3  # that are answered: rows, columns that are told of, values of each
_SAMPLED = 200  # filled cells by which a column of texts is taken for figures
_SIGNS = re.compile(r"(<=|>=|<|>|=)\s*([+-]?\d+(?:[.,]\d+)?)\s*")
_UNITS = r"[\s$€£%]"  # that stand beside figures
_CODE = r"^[+-]?0\d"  # not a number: what begins so would lose its zeros
_DECIMAL_COMMA = r"^[+-]?\d+,\d+$"


def table_view(path: str, data: bytes, query: TableQuery) -> TableView:
    """The first rows of the table that ``query`` finds, in its order. Raises ``InvalidInput`` when the table cannot be
    read, or has no such column."""
    try:
        return _view(_read(path, data), query, typed=table_format(path) is Format.EXCEL)
    except table_library_failures() as error:
        raise _unreadable(path, error) from None


def table_facts(path: str, data: bytes) -> TableFacts:
    """What is in each of the first columns. Raises ``InvalidInput`` when the table cannot be read."""
    try:
        frame = _read(path, data)
        told = [_facts(frame.columns[place], frame.to_series(place)) for place in range(min(frame.width, _COLUMNS))]
        return TableFacts(tuple(told), frame.height, frame.width)
    except table_library_failures() as error:
        raise _unreadable(path, error) from None


def _unreadable(path: str, error: Exception) -> InvalidInput:
    reason = str(error).split("\n", 1)[0]
    return InvalidInput(f"“{path}” cannot be looked through as a table: {reason}", details=str(error))


# ---- reading ----


def _read(path: str, data: bytes) -> pl.DataFrame:
    """The table with the names of its columns as they are written, made different where two are the same."""
    import polars as pl

    format = table_format(path)
    if format is Format.PARQUET:
        return pl.read_parquet(io.BytesIO(data))
    frame = _csv(data) if format is Format.CSV else _sheet(data)
    if not frame.height:
        return frame
    head, below = ([str(cell or "") for cell in frame.row(row)] if row < frame.height else [] for row in (0, 1))
    if format is Format.CSV and not is_header(head, below):
        frame.columns = column_names(("",) * frame.width)
        return frame
    frame.columns = _distinct(column_words([dated(name) for name in head]) if format is Format.EXCEL else head)
    return frame[1:]


def _csv(data: bytes) -> pl.DataFrame:
    import polars as pl

    text = read_text(data)
    if text is None:
        raise ValueError("it is not text")
    if not text.content.strip():
        return pl.DataFrame()
    plain = data if text.encoding == "utf-8" and not text.mark else text.content.encode("utf-8")
    return pl.read_csv(
        plain,
        has_header=False,
        separator=sniff_delimiter(text.content[:SNIFFED_CHARACTERS]),
        infer_schema=False,
        empty_string_is_null=False,
        truncate_ragged_lines=True,
    )


def _sheet(data: bytes) -> pl.DataFrame:
    import fastexcel
    import polars as pl

    workbook = fastexcel.read_excel(data)
    name = workbook.sheet_names[0]
    texts = workbook.load_sheet(name, header_row=None, dtypes="string").to_polars()
    numbers = workbook.load_sheet(name, header_row=None, dtypes="float").to_polars()
    return with_exact_numbers(texts, numbers).select(pl.all().fill_null(""))


def _distinct(names: Sequence[str]) -> list[str]:
    """Names that a frame can have, each once; how they read stays where they differ anyway."""
    found: dict[str, None] = {}
    copies: dict[str, int] = {}
    for name in names:
        wanted = name
        while wanted in found:
            copies[name] = copies.get(name, 1) + 1
            wanted = f"{name} ({copies[name]})"
        found[wanted] = None
    return list(found)


# ---- sorted and filtered ----


def _view(frame: pl.DataFrame, query: TableQuery, *, typed: bool) -> TableView:
    """With ``typed`` cells, a text that reads as a moment is one."""
    import polars as pl

    for place in (query.sort, query.column):
        if place >= frame.width:
            raise InvalidInput("The table has no such column.")
    shown = frame if not query.words.strip() else frame.filter(_holds(frame, query))
    matched = shown.height
    if query.sort >= 0:
        key = _key(shown.to_series(query.sort)).rename("key")
        order = pl.DataFrame([key, pl.Series("place", range(matched), dtype=pl.UInt32)])
        places = order.sort("key", "place", descending=[query.descending, False], nulls_last=True)["place"]
        shown = shown[places.head(_ROWS)]
    shown = shown.head(_ROWS)
    columns = [shown.to_series(place) for place in range(min(shown.width, COLUMNS))]
    words = [_words(column, typed=typed) for column in columns]
    return TableView(
        tuple(cell_text(name) for name in frame.columns[:COLUMNS]),
        tuple(zip(*words, strict=True)) if words else (),
        matched,
        frame.height,
        frame.width,
    )


def _words(column: pl.Series, *, typed: bool = False) -> list[str]:
    """How the cells read: texts exactly as they are written, unless they are those of ``typed`` cells."""
    import polars as pl

    if column.dtype != pl.String:
        return [cell_text(words) for words in typed_words(column)]
    cells = column.to_list()
    return [cell_text(words) for words in (column_words([dated(cell) for cell in cells]) if typed else cells)]


def _holds(frame: pl.DataFrame, query: TableQuery) -> pl.Series:
    """Of each row, whether a cell of it holds the words, in one column or in any; "> 5" compares the figures of one."""
    import polars as pl

    sign = _SIGNS.fullmatch(query.words.strip()) if query.column >= 0 else None
    if sign is not None:
        figures = _figures(frame.to_series(query.column))
        if figures is not None:
            return _compared(figures, sign[1], float(sign[2].replace(",", ".")))
    columns = [frame.to_series(query.column)] if query.column >= 0 else frame.get_columns()
    words = query.words.strip().lower()
    found = pl.repeat(False, frame.height, dtype=pl.Boolean, eager=True)
    for column in columns:  # one after the other: of thousands, a plan for all takes minutes to be made
        found |= _as_texts(column).str.to_lowercase().str.contains(words, literal=True).fill_null(False)
    return found


def _as_texts(column: pl.Series) -> pl.Series:
    import polars as pl

    if column.dtype.is_nested() or column.dtype in (pl.Object, pl.Binary):
        return pl.Series(_words(column), dtype=pl.String)
    return column.cast(pl.String, strict=False)


def _compared(figures: pl.Series, sign: str, value: float) -> pl.Series:
    answers = {
        "<": figures < value,
        "<=": figures <= value,
        ">": figures > value,
        ">=": figures >= value,
        "=": figures == value,
    }
    return answers[sign].fill_null(False)


def _key(column: pl.Series) -> pl.Series:
    """By what a column is sorted: figures as such, other texts without regard to case, empty cells last."""
    import polars as pl

    type = column.dtype
    if type == pl.String:
        figures = _figures(column)
        if figures is not None:
            return figures
        return pl.select(pl.when(column != "").then(column.str.to_lowercase()))[:, 0]
    if type.is_nested() or type in (pl.Object, pl.Binary):
        return pl.Series([words or None for words in _words(column)], dtype=pl.String)
    return column.fill_nan(None) if type.is_float() else column


def _figures(column: pl.Series) -> pl.Series | None:
    """The numbers of a column of numbers or of texts that read as such, null where there is none; else None."""
    import polars as pl

    if column.dtype.is_numeric():
        return column.cast(pl.Float64, strict=False).fill_nan(None)
    if column.dtype != pl.String:
        return None
    sample = column.filter(column.is_not_null() & (column.str.strip_chars() != "")).head(_SAMPLED).to_list()
    if not read_as_figures(sample):
        return None
    bare = column.str.replace_all(_UNITS, "").str.replace("−", "-", literal=True)
    if bare.head(_SAMPLED * 10).str.contains(_DECIMAL_COMMA).any():
        bare = bare.str.replace_all(".", "", literal=True).str.replace(",", ".", literal=True)
    else:
        bare = bare.str.replace_all(r"[,'’]", "")
    return bare.cast(pl.Float64, strict=False).fill_nan(None)


# ---- what is in a column ----


def _facts(name: str, column: pl.Series) -> ColumnFacts:
    import polars as pl

    text = column.dtype == pl.String
    if column.dtype.is_nested() or column.dtype in (pl.Object, pl.Binary):
        column = pl.Series(_words(column), dtype=pl.String)
        text = True
    filled = column.filter(column.is_not_null() & (column.str.strip_chars() != "")) if text else column.drop_nulls()
    if column.dtype.is_float():
        filled = filled.drop_nans()
    empty = column.len() - filled.len()
    distinct = filled.n_unique() if filled.len() else 0
    figures = _all_figures(filled)
    lowest = middle = highest = ""
    commonest: tuple[tuple[str, int], ...] = ()
    if figures is not None:
        kind = ColumnType.NUMBER
        lowest, middle, highest = column_words([figures.min(), figures.median(), figures.max()])
    elif filled.dtype.is_temporal() and filled.len():
        kind = ColumnType.TIME
        ordered = filled.sort()
        lowest, middle, highest = typed_words(ordered.gather([0, ordered.len() // 2, ordered.len() - 1]))
    else:
        kind = ColumnType.TRUTH if filled.dtype == pl.Boolean else ColumnType.TEXT
        kind = kind if filled.len() else ColumnType.NOTHING
        counts = filled.alias("value").value_counts(sort=True).head(_COMMONEST)
        words = _words(counts["value"])
        commonest = tuple(zip(words, counts["count"].to_list(), strict=True))
    bounds = (cell_text(lowest), cell_text(middle), cell_text(highest))
    return ColumnFacts(cell_text(name), kind, empty, distinct, *bounds, commonest)


def _all_figures(filled: pl.Series) -> pl.Series | None:
    """The numbers of a column in which nothing else is; None for others, and for codes such as 007."""
    import polars as pl

    if not filled.len() or (filled.dtype == pl.String and filled.str.contains(_CODE).any()):
        return None
    figures = _figures(filled)
    return figures if figures is not None and not figures.null_count() else None
