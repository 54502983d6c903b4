"""Merging three versions of a table by its key: rows that only one side touched, and cells that only one side changed.

Whatever cannot be told for certain is left to a person: the answer is then a sentence in place of a table.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kronkers_studio.formats.table_keys import find_key

if TYPE_CHECKING:
    import polars as pl

_BASE, _OURS, _THEIRS = "\0base", "\0ours", "\0theirs"  # positions of rows, beside columns of any name
_ANCHOR = "\0anchor"
NO_KEY = "No column tells the rows of the table apart."


@dataclass(frozen=True, slots=True)
class MergedTable:
    """``frame`` is the merged table; for each of its rows, where it was in ours and in theirs (null = nowhere)."""

    frame: pl.DataFrame
    key: tuple[str, ...]
    ours: pl.Series
    theirs: pl.Series


def merge_tables(base: pl.DataFrame, ours: pl.DataFrame, theirs: pl.DataFrame) -> MergedTable | str:
    """``base`` with what both sides changed in it, or why that cannot be, as a sentence."""
    reason = _different_types(base, ours, theirs)
    if reason:
        return reason
    key = find_key((base, ours, theirs), careful=True)
    if not key:
        return NO_KEY
    return _Merge(base, ours, theirs, key).run()


class _Merge:
    def __init__(self, base: pl.DataFrame, ours: pl.DataFrame, theirs: pl.DataFrame, key: tuple[str, ...]) -> None:
        self._base, self._ours, self._theirs = base, ours, theirs
        self._key = key
        self._columns_of = {at: {column.name: column for column in frame.iter_columns()} for frame, at in self._sides()}
        self._rows = self._matched()
        at_base, at_ours, at_theirs = (self._rows[name] for name in (_BASE, _OURS, _THEIRS))
        self._in_base, self._in_ours, self._in_theirs = (
            position.is_not_null() for position in (at_base, at_ours, at_theirs)
        )

    def run(self) -> MergedTable | str:
        columns = self._columns()
        merged: dict[str, pl.Series] = {}
        for name in columns:
            outcome = self._merged_column(name)
            if isinstance(outcome, str):
                return outcome
            merged[name] = outcome
        reason = self._lost_columns(columns) or self._lost_rows() or self._new_keys_for_old_rows()
        if reason:
            return reason
        return self._ordered(merged)

    def _matched(self) -> pl.DataFrame:
        """Every key that is anywhere, with the positions of its rows."""
        import polars as pl

        frames = {_OURS: self._ours, _THEIRS: self._theirs, _BASE: self._base}
        rows = pl.concat([frame.select(self._key) for frame in frames.values()]).unique(maintain_order=True)
        for name, frame in frames.items():
            positions = frame.select(self._key).with_row_index(name)
            rows = rows.join(positions, on=self._key, how="left", maintain_order="left")
        return rows

    def _columns(self) -> list[str]:
        """Ours without those that they removed, then those that they added."""
        ours, theirs, base = (self._columns_of[at] for _frame, at in self._sides())
        kept = [name for name in self._ours.columns if name in theirs or name not in base]
        return kept + [name for name in self._theirs.columns if name not in ours and name not in base]

    def _merged_column(self, name: str) -> pl.Series | str:
        import polars as pl

        if name in self._key:
            return self._rows[name]
        ours, theirs, base = (self._cells(at, name) for _frame, at in self._sides())
        if name not in self._columns_of[_OURS] or name not in self._columns_of[_THEIRS]:
            return theirs if name not in self._columns_of[_OURS] else ours
        both = self._in_ours & self._in_theirs
        known = self._in_base if name in self._columns_of[_BASE] else pl.repeat(False, self._rows.height, eager=True)
        ours_same, theirs_same = known & ours.eq_missing(base), known & theirs.eq_missing(base)
        conflict = both & ~ours_same & ~theirs_same & ours.ne_missing(theirs)
        if conflict.any():
            return self._conflict(name, conflict)
        take_theirs = (both & ours_same) | ~self._in_ours
        return theirs.zip_with(take_theirs, ours)

    def _sides(self) -> tuple[tuple[pl.DataFrame, str], ...]:
        return (self._ours, _OURS), (self._theirs, _THEIRS), (self._base, _BASE)

    def _cells(self, at: str, name: str) -> pl.Series:
        """A column's cells for every key, null where the row or the column is not there; text has "" for that."""
        import polars as pl

        if name in self._columns_of[at]:
            cells = self._columns_of[at][name].gather(self._rows[at])
        else:
            dtype = next(columns[name].dtype for columns in self._columns_of.values() if name in columns)
            cells = pl.Series([None], dtype=dtype).gather(pl.repeat(0, self._rows.height, eager=True))
        return cells.fill_null("") if cells.dtype == pl.String and self._text_without_null(name) else cells

    def _text_without_null(self, name: str) -> bool:
        return all(not columns[name].null_count() for columns in self._columns_of.values() if name in columns)

    def _lost_columns(self, columns: Sequence[str]) -> str:
        """A column that one side removed and the other wrote in."""
        kept = set(columns)
        for _frame, at in self._sides()[:2]:
            for name in self._columns_of[at]:
                if name in kept:
                    continue
                here = self._rows[at].is_not_null()
                new = here & ~self._in_base & _filled(self._cells(at, name))
                changed = here & self._in_base
                changed &= self._cells(at, name).ne_missing(self._cells(_BASE, name))
                if (new | changed).any():
                    return f"One side removed the column “{name}”, and the other wrote in it."
        return ""

    def _lost_rows(self) -> str:
        """A row that one side removed and the other changed."""
        for at, gone in ((_OURS, ~self._in_theirs), (_THEIRS, ~self._in_ours)):
            removed = self._rows[at].is_not_null() & self._in_base & gone
            if not removed.any():
                continue
            for name in self._columns_of[at]:
                if name in self._columns_of[_BASE] and name not in self._key:
                    differs = self._cells(at, name).ne_missing(self._cells(_BASE, name))
                    if (removed & differs).any():
                        return f"One side removed the row with {self._key_of(removed & differs)}, the other changed it."
        return ""

    def _new_keys_for_old_rows(self) -> str:
        """Both sides may have given the same row another key: it would come twice."""
        gone = self._in_base & ~self._in_ours & ~self._in_theirs
        only_ours = self._in_ours & ~self._in_theirs & ~self._in_base
        only_theirs = self._in_theirs & ~self._in_ours & ~self._in_base
        if gone.any() and only_ours.any() and only_theirs.any():
            return "Both sides removed rows and added others: they may be the same rows with another key."
        return ""

    def _conflict(self, column: str, conflict: pl.Series) -> str:
        more = int(conflict.sum()) - 1
        others = f", and in {more} more row{'s' if more > 1 else ''}" if more else ""
        return f"Both sides changed “{column}” where {self._key_of(conflict)}{others}."

    def _key_of(self, rows: pl.Series) -> str:
        first = self._rows.row(int(rows.arg_true()[0]), named=True)
        return " and ".join(f"“{name}” is {first[name]}" for name in self._key)

    def _ordered(self, merged: dict[str, pl.Series]) -> MergedTable:
        """Ours' rows in their order; each row that only they have after the one it follows there."""
        import polars as pl

        kept = (self._in_ours & self._in_theirs) | (self._in_ours & ~self._in_base) | (self._in_theirs & ~self._in_base)
        anchors = (
            self._rows.select(_OURS, _THEIRS)
            .filter(pl.col(_THEIRS).is_not_null())
            .sort(_THEIRS)
            .select(_THEIRS, pl.col(_OURS).forward_fill().alias(_ANCHOR))
        )
        frame = pl.DataFrame(merged).hstack(self._rows.select(_OURS, _THEIRS)).filter(kept)
        frame = frame.join(anchors, on=_THEIRS, how="left", maintain_order="left").sort(
            pl.coalesce(_OURS, _ANCHOR), pl.col(_OURS).is_null(), _THEIRS, nulls_last=False, maintain_order=True
        )
        return MergedTable(frame.drop(_OURS, _THEIRS, _ANCHOR), self._key, frame[_OURS], frame[_THEIRS])


def _filled(cells: pl.Series) -> pl.Series:
    import polars as pl

    return (cells != "").fill_null(False) if cells.dtype == pl.String else cells.is_not_null()


def _different_types(*frames: pl.DataFrame) -> str:
    types: dict[str, pl.DataType] = {}
    for frame in frames:
        for name, type in frame.schema.items():
            if types.setdefault(name, type) != type:
                return f"The column “{name}” is not of the same type in both."
    return ""
