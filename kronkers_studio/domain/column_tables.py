"""A table as its columns, each the bytes of its values in this computer's order: what a program makes arrays of."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

MOST_TABLE_BYTES = 1 << 30
"""Bytes of a table's columns, and of the file that it is read from."""
MOST_TABLE_COLUMNS = 20_000


class ColumnKind(StrEnum):
    """What the values of a column are. Numbers are called as NumPy calls them, and lie one after the other."""

    TRUTH = "bool"  # a byte each
    INT8 = "int8"
    INT16 = "int16"
    INT32 = "int32"
    INT64 = "int64"
    UINT8 = "uint8"
    UINT16 = "uint16"
    UINT32 = "uint32"
    UINT64 = "uint64"
    FLOAT32 = "float32"
    FLOAT64 = "float64"
    DATE = "date"  # days since 1970, int32
    MOMENT = "moment"  # ``unit`` since 1970, int64; of UTC where there is a ``zone``
    DURATION = "duration"  # ``unit``, int64
    TIME = "time"  # nanoseconds since midnight, int64
    CATEGORY = "category"  # places in ``levels``, uint32
    TEXT = "text"  # UTF-8 with a zero byte between one and the next
    SPELLED = "spelled"  # a JSON list: texts, and what holds further values
    DECIMAL = "decimal"  # digits, as TEXT
    BYTES = "bytes"  # as TEXT, in hexadecimal digits
    NOTHING = "nothing"  # no value at all

    @property
    def width(self) -> int:
        """Bytes of a value; 0 where they differ."""
        return _WIDTHS.get(self, 0)


_WIDTHS = {
    **{ColumnKind.TRUTH: 1, ColumnKind.INT8: 1, ColumnKind.UINT8: 1, ColumnKind.INT16: 2, ColumnKind.UINT16: 2},
    **{ColumnKind.INT32: 4, ColumnKind.UINT32: 4, ColumnKind.FLOAT32: 4, ColumnKind.DATE: 4, ColumnKind.CATEGORY: 4},
    **{ColumnKind.INT64: 8, ColumnKind.UINT64: 8, ColumnKind.FLOAT64: 8, ColumnKind.MOMENT: 8},
    **{ColumnKind.DURATION: 8, ColumnKind.TIME: 8},
}


@dataclass(frozen=True, slots=True)
class Column:
    """One column. ``missing`` has a byte for each row, 1 where there is no value, and is empty where all are there."""

    name: str
    kind: ColumnKind
    values: memoryview
    missing: memoryview
    unit: str = ""  # "ns", "us", "ms"
    zone: str = ""
    levels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ColumnTable:
    """``rows`` of ``columns``, whose names differ. ``pandas`` is what pandas wrote into the file about its own table,
    as JSON text from outside; "" for none. ``remarks`` are sentences on how it was read."""

    columns: tuple[Column, ...]
    rows: int
    pandas: str = ""
    remarks: tuple[str, ...] = ()
