"""What travels between this program and the one that reads tables for it.

A frame is a header, a JSON document and some bytes. Requests come from here. Answers come from a process that a hostile
table may have taken over: each is bounded before it is read, and each value in it is checked for its type. Whatever is
not as it should be is ``Malformed``.
"""

from __future__ import annotations

import io
import json
import math
import struct
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime, time, timedelta
from typing import Any, NamedTuple, TypeVar

from kronkers_studio.domain.differences import (
    Cell,
    CellChange,
    ColumnChange,
    RowChange,
    TableDifference,
    TableFileDifference,
)
from kronkers_studio.domain.previews import ColumnFacts, ColumnType, TableFacts, TablePreview, TableView
from kronkers_studio.domain.printable import printable
from kronkers_studio.domain.row_tables import MOST_CELLS, MOST_COLUMNS, Grid
from kronkers_studio.domain.row_tables import Cell as RowCell
from kronkers_studio.formats.table_previews import CELL, COLUMNS, ROWS

_HEADER = struct.Struct(">4sBIQ")  # magic, kind, length of the JSON document, length of the bytes after it
_MAGIC = b"KRTB"
READY, REQUEST, FILE, WANTED, PIECE, DONE, FAILED = range(7)
"""Kinds of frames. The process asks for pieces of files that it was not sent whole (``WANTED``, ``PIECE``)."""

LARGEST_ANSWER = 16 << 20
"""Bytes of JSON in an answer. Parsed, they are up to twenty times as much."""
LARGEST_PIECE = 1 << 20
_LARGEST_COUNT = 1 << 62
_READ_AT_ONCE = 1 << 20
_LONGEST_SENTENCE = 2000
_MOST_COMMON = 20  # values of a column

_Made = TypeVar("_Made")


class Ended(Exception):
    """The other end of the pipe is closed."""


class Malformed(Exception):
    """The other end sent what is no frame, or too much, or values of other types."""


class Frame(NamedTuple):
    kind: int
    about: Any
    body: bytes


class Pipe:
    """Frames over a pair of pipes. Raises ``Ended`` or ``Malformed``."""

    def __init__(self, incoming: io.FileIO, outgoing: io.FileIO) -> None:
        self._in = incoming
        self._out = outgoing

    def send(self, kind: int, about: Any, body: bytes | memoryview = b"") -> None:
        described = encoded(about)
        self._write(_HEADER.pack(_MAGIC, kind, len(described), len(body)) + described)
        if body:
            self._write(body)

    def receive(self, *, most: int = LARGEST_ANSWER, body: int = 0) -> Frame:
        """The next frame, of ``most`` bytes of JSON and ``body`` bytes after it at most."""
        magic, kind, described, length = _HEADER.unpack(self._read(_HEADER.size))
        if magic != _MAGIC or described > most or length > body:
            raise Malformed
        return Frame(kind, _parsed(self._read(described)), self._read(length))

    def _read(self, length: int) -> bytes:
        """Memory is taken as it comes, not as it is promised."""
        data = io.BytesIO()
        while left := length - data.tell():
            try:
                piece = self._in.read(min(left, _READ_AT_ONCE))
            except OSError:
                raise Ended from None
            if not piece:
                raise Ended
            data.write(piece)
        return data.getvalue()

    def _write(self, data: bytes | memoryview) -> None:
        rest = memoryview(data)
        while rest:
            try:
                rest = rest[self._out.write(rest) :]
            except OSError:
                raise Ended from None


def encoded(about: Any) -> bytes:
    return json.dumps(about, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "backslashreplace")


def _parsed(document: bytes) -> Any:
    try:
        return json.loads(document)
    except (ValueError, RecursionError):
        raise Malformed from None


# ---- values of an answer ----


def text(value: Any) -> str:
    """Also half of a surrogate pair, which JSON can spell, is no text: no terminal and no window can show it."""
    if not isinstance(value, str):
        raise Malformed
    try:
        value.encode()
    except UnicodeEncodeError:
        raise Malformed from None
    return value


def sentence(value: Any) -> str:
    """Words for people, whatever the process wrote."""
    if not isinstance(value, str):
        raise Malformed
    return printable(value[:_LONGEST_SENTENCE])


def count(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < _LARGEST_COUNT:
        raise Malformed
    return value


def truth(value: Any) -> bool:
    if not isinstance(value, bool):
        raise Malformed
    return value


def items(value: Any, of: Callable[[Any], _Made]) -> tuple[_Made, ...]:
    if not isinstance(value, list):
        raise Malformed
    return tuple(map(of, value))


def fields(value: Any, number: int) -> list[Any]:
    """The ``number`` values of a record."""
    if not isinstance(value, list) or len(value) != number:
        raise Malformed
    return value


def _cell(value: Any) -> Cell:
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            raise Malformed
        return value
    return text(value)


# ---- differences ----


def pack_difference(difference: TableFileDifference) -> list[Any]:
    return [
        [_pack_table(table) for table in difference.tables],
        difference.sheets_added,
        difference.sheets_removed,
        difference.typed,
    ]


def unpack_difference(path: str, about: Any) -> TableFileDifference:
    tables, added, removed, typed = fields(about, 4)
    return TableFileDifference(
        path, items(tables, _unpack_table), items(added, text), items(removed, text), truth(typed)
    )


def _pack_table(table: TableDifference) -> list[Any]:
    return [
        [table.old_rows, table.new_rows, table.rows_added, table.rows_removed, table.rows_changed],
        [table.key, table.key_given, table.columns, table.sample_columns, table.sheet],
        [[change.name, change.before, change.after] for change in table.column_changes],
        list(table.cells_changed.items()),
        table.added,
        table.removed,
        [[row.key, [[cell.column, cell.before, cell.after] for cell in row.cells]] for row in table.changed],
    ]


def _unpack_table(about: Any) -> TableDifference:
    counts, names, column_changes, cells, added, removed, changed = fields(about, 7)
    old_rows, new_rows, rows_added, rows_removed, rows_changed = map(count, fields(counts, 5))
    key, key_given, columns, sample_columns, sheet = fields(names, 5)
    shown = items(sample_columns, text)

    def row(value: Any) -> tuple[Cell, ...]:
        return tuple(map(_cell, fields(value, len(shown))))

    return TableDifference(
        old_rows=old_rows,
        new_rows=new_rows,
        key=items(key, text),
        key_given=truth(key_given),
        columns=items(columns, text),
        column_changes=items(column_changes, lambda value: ColumnChange(*map(text, fields(value, 3)))),
        rows_added=rows_added,
        rows_removed=rows_removed,
        rows_changed=rows_changed,
        cells_changed=_counts(cells),
        sample_columns=shown,
        added=items(added, row),
        removed=items(removed, row),
        changed=items(changed, _unpack_row),
        sheet=text(sheet),
    )


def _counts(value: Any) -> Mapping[str, int]:
    return {text(name): count(number) for name, number in items(value, lambda pair: fields(pair, 2))}


def _unpack_row(value: Any) -> RowChange:
    key, cells = fields(value, 2)
    return RowChange(items(key, _cell), items(cells, _unpack_cell))


def _unpack_cell(value: Any) -> CellChange:
    column, before, after = fields(value, 3)
    return CellChange(text(column), _cell(before), _cell(after))


# ---- previews ----


def pack_preview(preview: TablePreview) -> list[Any]:
    return [
        preview.columns,
        preview.rows,
        preview.complete,
        preview.total,
        [preview.sheet, preview.sheets],
        sorted(preview.figures),
        preview.width,
    ]


def unpack_preview(about: Any) -> TablePreview:
    columns, rows, complete, total, sheets, figures, width = fields(about, 7)
    names = items(columns, text)
    sheet, all_sheets = fields(sheets, 2)

    def row(value: Any) -> tuple[str, ...]:
        return tuple(map(text, fields(value, len(names))))

    shown = items(rows, row)
    if len(shown) > ROWS or len(names) > COLUMNS or _too_long(names, *shown):
        raise Malformed
    return TablePreview(
        names,
        shown,
        truth(complete),
        None if total is None else count(total),
        text(sheet),
        items(all_sheets, text),
        frozenset(items(figures, count)),
        count(width),
    )


# ---- whole tables ----


def pack_view(view: TableView) -> list[Any]:
    return [view.columns, view.rows, view.matched, view.total, view.width]


def unpack_view(about: Any, *, most: int) -> TableView:
    columns, rows, matched, total, width = fields(about, 5)
    names = items(columns, text)

    def row(value: Any) -> tuple[str, ...]:
        return tuple(map(text, fields(value, len(names))))

    shown = items(rows, row)
    if len(shown) > most or len(names) > COLUMNS or _too_long(names, *shown):
        raise Malformed
    return TableView(names, shown, count(matched), count(total), count(width))


def pack_facts(facts: TableFacts) -> list[Any]:
    told = [
        [each.name, each.type, each.empty, each.distinct, each.smallest, each.median, each.largest, each.commonest]
        for each in facts.columns
    ]
    return [told, facts.total, facts.width]


def unpack_facts(about: Any, *, most: int) -> TableFacts:
    columns, total, width = fields(about, 3)
    told = items(columns, _unpack_column_facts)
    if len(told) > most:
        raise Malformed
    return TableFacts(told, count(total), count(width))


def _unpack_column_facts(about: Any) -> ColumnFacts:
    name, kind, empty, distinct, smallest, median, largest, commonest = fields(about, 8)
    words = title, lowest, middle, highest = [text(each) for each in (name, smallest, median, largest)]
    values = tuple((text(value), count(times)) for value, times in items(commonest, lambda pair: fields(pair, 2)))
    if _too_long(words, (value for value, _times in values)) or len(values) > _MOST_COMMON:
        raise Malformed
    try:
        type = ColumnType(text(kind))
    except ValueError:
        raise Malformed from None
    return ColumnFacts(title, type, count(empty), count(distinct), lowest, middle, highest, values)


def _too_long(*cells: Iterable[str]) -> bool:
    return any(len(cell) > CELL for some in cells for cell in some)


# ---- columns ----


def unpack_columns(about: Any, *, most: int, longest: int) -> tuple[str, ...]:
    names = items(about, text)
    if len(names) > most or any(len(name) > longest for name in names):
        raise Malformed
    return names


# ---- rows of a table ----


MOST_ROW_BYTES = 256 << 20
"""Bytes of the rows of a table, which come beside the answer."""
_WIDEST_INTEGER = 1 << 64
_LONGEST_DURATION = 1e11  # seconds


def unpack_grid(about: Any, body: bytes) -> Grid:
    sheet, sheets, merged, numbered, lines = fields(about, 5)
    rows: list[tuple[RowCell, ...]] = []
    cells = 0
    for line in io.BytesIO(body):
        row = _parsed(line)
        if not isinstance(row, list) or len(row) > MOST_COLUMNS:
            raise Malformed
        cells += len(row)
        if cells > MOST_CELLS + MOST_COLUMNS:
            raise Malformed
        rows.append(tuple(map(_row_cell, row)))
    numbers = items(lines, count)
    if len(numbers) != len(rows):
        raise Malformed
    return Grid(rows, numbers, text(sheet), items(sheets, text), truth(merged), truth(numbered))


def _row_cell(value: Any) -> RowCell:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return text(value)
    if isinstance(value, int):
        if not -_WIDEST_INTEGER < value < _WIDEST_INTEGER:
            raise Malformed
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            raise Malformed
        return value
    kind, told = fields(value, 2)
    return _moment(kind, told)


def _moment(kind: Any, told: Any) -> RowCell:
    if kind == "duration":
        if isinstance(told, bool) or not isinstance(told, int | float) or not abs(told) < _LONGEST_DURATION:
            raise Malformed
        return timedelta(seconds=told)
    read = {"date": date.fromisoformat, "datetime": datetime.fromisoformat, "time": time.fromisoformat}.get(text(kind))
    if read is None:
        raise Malformed
    try:
        return read(text(told))
    except ValueError:
        raise Malformed from None
