"""What differs between two versions of a table: rows added and removed, changed cells, other columns."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, time
from typing import TYPE_CHECKING, Any

from kronkers_studio.domain.differences import (
    Cell,
    CellChange,
    ColumnChange,
    RowChange,
    TableDifference,
    TableFileDifference,
)
from kronkers_studio.domain.errors import InvalidInput
from kronkers_studio.formats.table_files import Format, TableFile, read_versions
from kronkers_studio.formats.table_keys import find_key, is_key

if TYPE_CHECKING:
    import polars as pl

SAMPLE = 200
"""Rows of each kind that a difference shows; all are counted."""
_ROW, _OTHER = "\0row", "\0other row"  # beside columns of any name
_IDENTITY = ["hash", "other hash", "number"]
_TYPES = (("Int64", "integer"), ("Float64", "decimal"))
_TYPED_SAMPLE = 1000


def diff_table_files(
    path: str, old: bytes, new: bytes, *, key: Sequence[str] = (), sample: int = SAMPLE
) -> TableFileDifference:
    """What differs between two versions of the CSV, Parquet or Excel file ``path``.

    Rows are matched by the columns ``key``, or by columns found to be unique in both. Raises ``InvalidInput`` when the
    file cannot be read, or ``key`` names columns that are not there or not unique.
    """
    before, after = read_versions(path, (old, new))
    both = [name for name in after.tables if name in before.tables]
    return TableFileDifference(
        path=path,
        tables=tuple(_diff_sheet(name, before, after, key, sample) for name in both),
        sheets_added=tuple(name for name in after.tables if name not in before.tables),
        sheets_removed=tuple(name for name in before.tables if name not in after.tables),
        typed=after.format is not Format.CSV,
    )


def _diff_sheet(name: str, before: TableFile, after: TableFile, key: Sequence[str], sample: int) -> TableDifference:
    return diff_tables(before.tables[name], after.tables[name], key=key, sample=sample, sheet=name)


def diff_tables(
    old: pl.DataFrame, new: pl.DataFrame, *, key: Sequence[str] = (), sample: int = SAMPLE, sheet: str = ""
) -> TableDifference:
    """What differs between two frames; see ``diff_table_files``."""
    before = set(old.columns)
    columns = [name for name in new.columns if name in before]
    matched = tuple(key)
    if key:
        _require_key(old, new, key)
    elif columns:
        matched = find_key((old, new))
    outline = TableDifference(
        old_rows=old.height,
        new_rows=new.height,
        key=matched,
        key_given=bool(key),
        columns=tuple(columns),
        column_changes=_column_changes(old, new),
        sheet=sheet,
    )
    if not columns or old.equals(new):
        return outline
    old, new = _comparable(old, new, columns)
    return _Comparison(old, new, columns, matched, sample).run(outline)


class _Comparison:
    """Of two frames whose common columns have the same types."""

    def __init__(self, old: pl.DataFrame, new: pl.DataFrame, columns: list[str], key: tuple[str, ...], sample: int):
        self._old = old
        self._new = new
        self._columns = columns
        self._key = key
        self._sample = sample

    def run(self, outline: TableDifference) -> TableDifference:
        removed, added = self._by_key() if self._key else self._by_counting()
        changed_rows, cells, changed = self._changed() if self._key else (0, {}, ())
        shown = tuple(dict.fromkeys([*self._new.columns, *self._old.columns]))
        return replace(
            outline,
            rows_added=added.len(),
            rows_removed=removed.len(),
            rows_changed=changed_rows,
            cells_changed=cells,
            sample_columns=shown,
            added=self._rows(self._new, added, shown),
            removed=self._rows(self._old, removed, shown),
            changed=changed,
        )

    def _by_key(self) -> tuple[pl.Series, pl.Series]:
        """The positions of the rows whose keys are in one frame only."""
        old, new = self._keys(self._old, _ROW), self._keys(self._new, _ROW)
        removed = old.join(new, on=self._key, how="anti", maintain_order="left")[_ROW]
        added = new.join(old, on=self._key, how="anti", maintain_order="left")[_ROW]
        return removed, added

    def _changed(self) -> tuple[int, dict[str, int], tuple[RowChange, ...]]:
        """The number of rows with changed cells, the changed cells by column, and a sample of the rows."""
        import polars as pl

        pairs = self._keys(self._old, _ROW).join(self._keys(self._new, _OTHER), on=self._key, how="inner").sort(_OTHER)
        rest = [name for name in self._columns if name not in self._key]
        differs = {
            name: self._old[name].gather(pairs[_ROW]).ne_missing(self._new[name].gather(pairs[_OTHER])) for name in rest
        }
        counts = {name: int(mask.sum()) for name, mask in differs.items()}
        changed_columns = [name for name in rest if counts[name]]
        if not changed_columns:
            return 0, {}, ()
        changed = pl.DataFrame([differs[name] for name in changed_columns]).select(pl.any_horizontal(pl.all()))
        positions = changed.to_series().arg_true()
        rows = []
        for at in positions.head(self._sample):
            row, other = pairs[_ROW][at], pairs[_OTHER][at]
            key = tuple(cell_for_people(self._new[name][other]) for name in self._key)
            cells = tuple(
                CellChange(name, cell_for_people(self._old[name][row]), cell_for_people(self._new[name][other]))
                for name in changed_columns
                if differs[name][at]
            )
            rows.append(RowChange(key, cells))
        return positions.len(), {name: counts[name] for name in changed_columns}, tuple(rows)

    def _by_counting(self) -> tuple[pl.Series, pl.Series]:
        """The positions of the rows that one frame has more often than the other."""
        return self._surplus(self._old, self._new), self._surplus(self._new, self._old)

    def _surplus(self, frame: pl.DataFrame, other: pl.DataFrame) -> pl.Series:
        """Of equal rows the first ones count as being in both."""
        unmatched = self._counted(frame).join(self._counted(other), on=_IDENTITY, how="anti", maintain_order="left")
        return unmatched[_ROW]

    def _counted(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Each row as two 64-bit hashes, and how many equal ones came before it."""
        import polars as pl

        rows = frame.select(self._columns)
        hashes = pl.DataFrame({name: rows.hash_rows(seed) for seed, name in enumerate(_IDENTITY[:2])})
        return hashes.with_columns(pl.int_range(pl.len()).over(_IDENTITY[:2]).alias(_IDENTITY[2])).with_row_index(_ROW)

    def _keys(self, frame: pl.DataFrame, row: str) -> pl.DataFrame:
        return frame.select(self._key).with_row_index(row)

    def _rows(self, frame: pl.DataFrame, positions: pl.Series, columns: Sequence[str]) -> tuple[tuple[Cell, ...], ...]:
        chosen = frame[positions.head(self._sample)]
        there = set(chosen.columns)
        values = {name: chosen[name].to_list() if name in there else None for name in columns}
        return tuple(
            tuple(cell_for_people(column[row]) if column is not None else None for column in values.values())
            for row in range(chosen.height)
        )


def _require_key(old: pl.DataFrame, new: pl.DataFrame, key: Sequence[str]) -> None:
    for name in key:
        if name not in old.columns or name not in new.columns:
            raise InvalidInput(f"The table has no column “{name}”.", next_step=f"It has: {', '.join(new.columns)}.")
    if not is_key((old, new), key):
        raise InvalidInput(
            f"Several rows have the same {' and '.join(f'“{name}”' for name in key)}.",
            next_step="Name columns that tell all rows apart, or none: they are then found, if there are any.",
        )


def _column_changes(old: pl.DataFrame, new: pl.DataFrame) -> tuple[ColumnChange, ...]:
    import polars as pl

    before = {name: _type_name(old[name]) for name in old.columns}
    after = {name: _type_name(new[name]) for name in new.columns}
    both_filled = bool(old.height and new.height)

    def says_something(name: str) -> bool:
        """An empty table says nothing of the types of text columns."""
        both = name in before and name in after
        return both_filled or not (both and old[name].dtype == new[name].dtype == pl.String)

    return tuple(
        ColumnChange(name, before.get(name, ""), after.get(name, ""))
        for name in dict.fromkeys([*after, *before])
        if before.get(name, "") != after.get(name, "") and says_something(name)
    )


def _type_name(column: pl.Series) -> str:
    """What a column holds; for text, what all of its values that are not empty look like."""
    import polars as pl

    if column.dtype != pl.String:
        return str(column.dtype)
    head = column.head(_TYPED_SAMPLE)
    for kind, name in _TYPES:
        numeric = getattr(pl, kind)
        if _reads_as(head, numeric) and _reads_as(column, numeric):
            return name
    return "text"


def _reads_as(column: pl.Series, kind: Any) -> bool:
    filled = column.filter(column != "")
    return bool(filled.len()) and filled.cast(kind, strict=False).null_count() == 0


def _comparable(old: pl.DataFrame, new: pl.DataFrame, columns: Sequence[str]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The frames with their common columns made of one type: numbers as such, otherwise text."""
    import polars as pl

    cast: list[tuple[pl.Series, pl.Series]] = []
    for name in columns:
        before, after = old[name].dtype, new[name].dtype
        if before != after:
            common = pl.Float64 if before.is_numeric() and after.is_numeric() else pl.String
            try:
                cast.append((old[name].cast(common), new[name].cast(common)))
            except pl.exceptions.PolarsError:
                raise InvalidInput(f"Column “{name}” was {before} and is {after}: they cannot be compared.") from None
    return old.with_columns(column for column, _ in cast), new.with_columns(column for _, column in cast)


def cell_for_people(value: Any) -> Cell:
    """A cell's value as JSON and people can have it."""
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, datetime):
        return value.isoformat(" ")
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.hex()
    return str(value)
