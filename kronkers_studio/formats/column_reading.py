"""Whole tables as columns of values: Parquet and Arrow files as what they hold, CSV as what its cells are.

Only the process that reads tables calls this.
"""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

from kronkers_studio.domain.column_tables import MOST_TABLE_COLUMNS, Column, ColumnKind, ColumnTable
from kronkers_studio.domain.errors import InvalidInput
from kronkers_studio.formats.csv_columns import read_csv_columns
from kronkers_studio.formats.table_files import Format, table_format, table_library_failures

if TYPE_CHECKING:
    import polars as pl

_Values = tuple[ColumnKind, bytes, str, str, tuple[str, ...]]
ARROW = (".feather", ".arrow", ".ipc")
"""The ends of the names of Arrow's files."""


def read_columns(
    path: str, data: bytes, delimiter: str = "", encoding: str = "", as_text: bool = False, header: bool | None = None
) -> ColumnTable:
    """The table in the CSV, Parquet or Arrow file ``path``. Of CSV, ``delimiter`` and ``encoding`` are found where they
    are "", and whether the first row holds names where ``header`` is None; with ``as_text`` all cells stay texts.
    Raises ``InvalidInput``."""
    import polars as pl

    try:
        if path.lower().endswith(ARROW):
            return _packed(pl.read_ipc(io.BytesIO(data), use_pyarrow=False))
        if table_format(path) is Format.PARQUET:
            account = pl.read_parquet_metadata(io.BytesIO(data)).get("pandas", "")
            return _packed(pl.read_parquet(io.BytesIO(data)), account)
        frame, remarks = read_csv_columns(data, delimiter, encoding, as_text, header)
        return _packed(frame, remarks=remarks)
    except table_library_failures() as error:
        reason = str(error).split("\n", 1)[0]
        raise InvalidInput(f"“{path}” cannot be read as a table: {reason}", details=str(error)) from None


def _packed(frame: pl.DataFrame, pandas: str = "", remarks: tuple[str, ...] = ()) -> ColumnTable:
    if frame.width > MOST_TABLE_COLUMNS:
        raise InvalidInput(f"The table has more than {MOST_TABLE_COLUMNS:,} columns.")
    return ColumnTable(tuple(_column(each) for each in frame.iter_columns()), frame.height, pandas, remarks)


# ---- columns ----


def _column(series: pl.Series) -> Column:
    import polars as pl

    kind, values, unit, zone, levels = _values(series)
    gaps = series.is_null().cast(pl.UInt8).to_numpy().tobytes() if series.null_count() else b""
    if kind is ColumnKind.NOTHING:
        gaps = b"\1" * len(series)
    return Column(series.name, kind, memoryview(values), memoryview(gaps), unit, zone, levels)


def _values(series: pl.Series) -> _Values:  # noqa: PLR0911  # one return a type reads best
    """(kind, values, unit, zone, levels)."""
    import polars as pl

    type = series.dtype
    if type == pl.Boolean:
        return _plain(series.cast(pl.UInt8), ColumnKind.TRUTH)
    if (type.is_integer() and type not in (pl.Int128, getattr(pl, "UInt128", pl.Int128))) or type.is_float():
        if str(type) == "Float16":
            series = series.cast(pl.Float32)
        return _plain(series, ColumnKind(str(series.dtype).lower()))
    if type == pl.Date:
        return _plain(series.to_physical(), ColumnKind.DATE)
    if isinstance(type, pl.Datetime):
        return _plain(series.to_physical(), ColumnKind.MOMENT, type.time_unit, type.time_zone or "")
    if isinstance(type, pl.Duration):
        return _plain(series.to_physical(), ColumnKind.DURATION, type.time_unit)
    if type == pl.Time:
        return _plain(series.to_physical(), ColumnKind.TIME)
    if isinstance(type, pl.Enum | pl.Categorical):
        return _category(series)
    if type == pl.Null:
        return ColumnKind.NOTHING, b"", "", "", ()
    if type == pl.String:
        return _texts(series, ColumnKind.TEXT)
    if type == pl.Binary:
        return _texts(series.bin.encode("hex"), ColumnKind.BYTES)
    if type.is_decimal() or type.is_integer():
        return _texts(series.cast(pl.String), ColumnKind.DECIMAL)
    return _spelled(series.to_list())


def _plain(series: pl.Series, kind: ColumnKind, unit: str = "", zone: str = "") -> _Values:
    return kind, series.fill_null(0).to_numpy().tobytes(), unit, zone, ()


def _category(series: pl.Series) -> _Values:
    import polars as pl

    if isinstance(series.dtype, pl.Enum):
        levels = series.dtype.categories.to_list()
    else:
        levels = series.drop_nulls().unique(maintain_order=True).cast(pl.String).to_list()
    places = series.cast(pl.String).cast(pl.Enum(levels)).to_physical().cast(pl.UInt32)
    return ColumnKind.CATEGORY, places.fill_null(0).to_numpy().tobytes(), "", "", tuple(levels)


def _texts(series: pl.Series, kind: ColumnKind) -> _Values:
    if series.str.contains("\0", literal=True).any():
        return _spelled(series.to_list())
    if not len(series):
        return kind, b"", "", "", ()
    joined: str = series.fill_null("").str.join("\0").item()
    return kind, joined.encode("utf-8"), "", "", ()


def _spelled(values: list[Any]) -> _Values:
    spelled = json.dumps(values, ensure_ascii=False, default=str)
    return ColumnKind.SPELLED, spelled.encode("utf-8", "backslashreplace"), "", "", ()
