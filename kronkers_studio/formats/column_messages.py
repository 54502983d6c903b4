"""Columns on their way from the process that reads tables: packed there, and checked here before they are arrays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kronkers_studio.domain.column_tables import MOST_TABLE_COLUMNS, Column, ColumnKind, ColumnTable
from kronkers_studio.formats.table_messages import Malformed, count, fields, items, sentence, text

_UNITS = ("", "ns", "us", "ms")
_LONGEST_ZONE = 64
_LONGEST_ACCOUNT = 4 << 20  # characters of what pandas wrote
_MOST_ROWS = 1 << 40


def pack_columns(table: ColumnTable) -> tuple[list[Any], bytes]:
    """What is said of ``table``, and the bytes of its columns."""
    about = [
        [each.name, each.kind.value, len(each.values), len(each.missing), each.unit, each.zone, list(each.levels)]
        for each in table.columns
    ]
    body = b"".join(part for each in table.columns for part in (each.values, each.missing))
    return [table.rows, about, table.pandas, list(table.remarks)], body


def unpack_columns_of(about: Any, body: bytes) -> ColumnTable:
    """The table that was packed. Raises ``Malformed`` unless every length is right and every place in levels there."""
    rows, columns, pandas, remarks = fields(about, 4)
    if count(rows) > _MOST_ROWS or not isinstance(columns, list) or len(columns) > MOST_TABLE_COLUMNS:
        raise Malformed
    view, at = memoryview(body), 0
    found: list[Column] = []
    for each in columns:
        column, at = _column(fields(each, 7), rows, view, at)
        found.append(column)
    if at != len(view) or len({column.name for column in found}) != len(found) or len(text(pandas)) > _LONGEST_ACCOUNT:
        raise Malformed
    return ColumnTable(tuple(found), rows, pandas, items(remarks, sentence))


def _column(about: Sequence[Any], rows: int, view: memoryview, at: int) -> tuple[Column, int]:
    name, kind_name, length, gaps, unit, zone, levels = about
    try:
        kind = ColumnKind(text(kind_name))
    except ValueError:
        raise Malformed from None
    end, last = at + count(length), at + count(length) + count(gaps)
    if last > len(view) or gaps not in (0, rows) or text(unit) not in _UNITS or len(text(zone)) > _LONGEST_ZONE:
        raise Malformed
    if (kind.width and length != rows * kind.width) or (kind is ColumnKind.NOTHING and length):
        raise Malformed
    if kind in (ColumnKind.MOMENT, ColumnKind.DURATION) and not unit:
        raise Malformed
    column = Column(text(name), kind, view[at:end], view[end:last], unit, zone, items(levels, text))
    if kind is ColumnKind.CATEGORY and rows:
        if not column.levels and bytes(column.missing) != b"\1" * rows:
            raise Malformed
        if max(column.values.cast("I")) >= max(1, len(column.levels)):
            raise Malformed
    return column, last
