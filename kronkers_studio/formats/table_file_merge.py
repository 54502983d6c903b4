"""Merging three versions of a file with tables, so that what neither side touched stays as it was written.

The merged file is read again before it is handed out: it must hold exactly the merged table, else a person decides.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from kronkers_studio.domain.errors import InvalidInput
from kronkers_studio.formats.table_diff import diff_tables
from kronkers_studio.formats.table_files import Format, TableFile, read_tables, read_versions, write_csv, write_parquet
from kronkers_studio.formats.table_merge import MergedTable, merge_tables

if TYPE_CHECKING:
    import polars as pl
    from openpyxl.worksheet.worksheet import Worksheet

_LOST_BY_WRITING = (
    "drawings/",
    "charts/",
    "media/",
    "pivot",
    "vbaProject",
    "externalLinks/",
    "embeddings/",
    "slicers/",
)
_CANNOT = "The merged table cannot be written as the file was."
_HEADER_WITHIN = 100
"""The first rows of a sheet, among which the header is looked for."""


def merge_table_files(path: str, base: bytes, ours: bytes, theirs: bytes) -> tuple[bytes, str] | str:
    """The merged file and a sentence on what came from their side; or, as a sentence alone, why that cannot be."""
    try:
        files = read_versions(path, (base, ours, theirs))
    except InvalidInput as reason:
        return reason.message
    if files[0].format is Format.EXCEL:
        return _merge_workbooks(path, files, ours, theirs)
    merged = merge_tables(*(file.tables[""] for file in files))
    if isinstance(merged, str):
        return merged
    data = write_parquet(merged.frame) if files[0].format is Format.PARQUET else _csv(merged, files, ours, theirs)
    headers = {file.csv.header for file in files if file.csv is not None and file.csv.header is not None}
    if not _holds(path, data, {"": merged.frame}, headers):
        return _CANNOT
    return data, _told([(files[0].tables[""], files[2].tables[""])])


def _csv(merged: MergedTable, files: list[TableFile], ours: bytes, theirs: bytes) -> bytes:
    """In the form of the side that changed the form, else in ours'; nothing when the form cannot hold it."""
    base, mine, other = (file.csv for file in files)
    if base is None or mine is None or other is None or len({form.header is None for form in (base, mine, other)}) > 1:
        return b""
    same_form = (base.text.title, base.delimiter, base.line_end) == (mine.text.title, mine.delimiter, mine.line_end)
    form, like, original = (other, files[2], theirs) if same_form else (mine, files[1], ours)
    try:
        return write_csv(merged.frame, form, like=like.tables[""], original=original)
    except UnicodeEncodeError:
        return b""


def _holds(
    path: str, data: bytes, expected: dict[str, pl.DataFrame], headers: Collection[tuple[str, ...]] = ()
) -> bool:
    try:
        found = read_tables(path, data, headers).tables
    except InvalidInput:
        return False
    return found.keys() == expected.keys() and all(found[name].equals(frame) for name, frame in expected.items())


def _told(changed: list[tuple[pl.DataFrame, pl.DataFrame]]) -> str:
    differences = [diff_tables(before, after, sample=0) for before, after in changed]
    added = sum(difference.rows_added for difference in differences)
    removed = sum(difference.rows_removed for difference in differences)
    rows = sum(difference.rows_changed for difference in differences)
    return f"Rows from their side: {added:,} added, {removed:,} removed, {rows:,} changed."


# ---- workbooks ----


def _merge_workbooks(path: str, files: list[TableFile], ours: bytes, theirs: bytes) -> tuple[bytes, str] | str:
    """Ours, with the rows and cells that theirs changed."""
    base, mine, other = (file.tables for file in files)
    if reason := _unmergeable(path, files, (ours, theirs)):
        return reason
    merged: dict[str, MergedTable] = {}
    for name in mine:
        if not other[name].equals(base[name]):
            outcome = merge_tables(base[name], mine[name], other[name])
            if isinstance(outcome, str):
                return f"Sheet “{name}”: {outcome}"
            if outcome.frame.columns != mine[name].columns or outcome.frame.columns != other[name].columns:
                return f"Sheet “{name}”: one side added or removed a column."
            merged[name] = outcome
    data = _edited(ours, theirs, merged, mine, other)
    if data is None or not _holds(path, data, mine | {name: table.frame for name, table in merged.items()}):
        return _CANNOT
    return data, _told([(base[name], other[name]) for name in merged])


def _unmergeable(path: str, files: list[TableFile], both: tuple[bytes, bytes]) -> str:
    """Why workbooks like these are not merged, as a sentence; empty when they are."""
    if not path.lower().endswith(".xlsx"):
        return "Only workbooks of the kind .xlsx can be merged."
    if len({frozenset(file.tables) for file in files}) > 1:
        return "One side added or removed a sheet."
    return _lost_by_writing(both[0]) or _lost_by_writing(both[1])


def _lost_by_writing(data: bytes) -> str:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for name in archive.namelist():
            if any(part in name for part in _LOST_BY_WRITING):
                return "The workbook has charts, pictures or the like, which merging would lose."
    return ""


def _edited(
    ours: bytes,
    theirs: bytes,
    merged: dict[str, MergedTable],
    mine: dict[str, pl.DataFrame],
    other: dict[str, pl.DataFrame],
) -> bytes | None:
    """Our workbook with their changes, cells with their number formats; None when it holds what cannot be moved."""
    import openpyxl

    from kronkers_studio.formats.workbook_writing import workbook_bytes

    book, source = (openpyxl.load_workbook(io.BytesIO(data)) for data in (ours, theirs))
    for name, table in merged.items():
        sheet, origin = book[name], source[name]
        if sheet.merged_cells.ranges or sheet.tables:
            return None
        if not _edit_sheet(_Area(sheet, mine[name]), _Area(origin, other[name]), table):
            return None
    return workbook_bytes(book)


class _Area:
    """Where the table lies in a sheet: its header begins at the first cell that is not empty."""

    def __init__(self, sheet: Worksheet, frame: pl.DataFrame) -> None:
        self.sheet = sheet
        self.frame = frame
        filled = [
            (cell.row, cell.column)
            for row in sheet.iter_rows(max_row=_HEADER_WITHIN)
            for cell in row
            if cell.value is not None
        ]
        self.top = min((row for row, _ in filled), default=0)
        self.left = min((column for _, column in filled), default=0)

    def cell(self, row: int, column: int) -> Any:
        """The cell of a row of the table, the header being -1."""
        return self.sheet.cell(self.top + 1 + row, self.left + column)


def _edit_sheet(area: _Area, origin: _Area, table: MergedTable) -> bool:
    """Change, remove and insert rows; False when the tables do not lie where they seem to."""
    frame, ours, theirs = table.frame, table.ours.to_list(), table.theirs.to_list()
    if not (area.top and origin.top) or str(area.cell(-1, 0).value) != frame.columns[0]:
        return False
    for number, name in enumerate(frame.columns):
        values, before = frame[name].to_list(), area.frame[name].to_list()
        for row, value in enumerate(values):
            if ours[row] is not None and before[ours[row]] != value:
                _copy(origin.cell(theirs[row], number), area.cell(ours[row], number))
    for row in sorted(set(range(area.frame.height)) - set(ours), reverse=True):
        area.sheet.delete_rows(area.top + 1 + row)
    for row, position in enumerate(ours):
        if position is None:
            area.sheet.insert_rows(area.top + 1 + row)
            for number in range(frame.width):
                _copy(origin.cell(theirs[row], number), area.cell(row, number))
    return True


def _copy(source: Any, target: Any) -> None:
    target.value = source.value
    target.number_format = source.number_format
