"""Whole tables of a project as columns, for programs that compute with them. Files that are not text are read by the
confined process (decisions/0016), JSON by Python's own reader."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from kronkers_studio.domain.column_tables import MOST_TABLE_BYTES, ColumnTable
from kronkers_studio.domain.content import Entry, EntryKind
from kronkers_studio.domain.errors import InvalidInput
from kronkers_studio.domain.models import ContentRef
from kronkers_studio.domain.progress import NEVER, CancelToken
from kronkers_studio.domain.row_tables import Cell, RowTable
from kronkers_studio.workflows.row_files import MOST_JSON_BYTES, read_registry_rows
from kronkers_studio.workflows.session import Session

AS_COLUMNS = (".csv", ".tsv", ".tab", ".txt", ".parquet", ".pq", ".feather", ".arrow", ".ipc")
AS_ROWS = (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods", ".json")
LINES = (".jsonl", ".ndjson")
"""What the names of files end in that are read as columns, as rows, and as rows of JSON line by line."""


def read_table_columns(
    session: Session,
    source: ContentRef,
    *,
    delimiter: str = "",
    encoding: str = "",
    as_text: bool = False,
    header: bool | None = None,
    cancel: CancelToken = NEVER,
) -> ColumnTable:
    """The table in a CSV, Parquet or Arrow file of a project, ``source.commit`` being any reference.

    Of CSV, ``delimiter`` and ``encoding`` are found where they are "", and whether the first row holds names where
    ``header`` is None; columns all of whose cells are numbers or truths become such, unless ``as_text``. Raises
    ``NotFound``, ``InvalidInput``, ``TableUnreadable``, ``StoreDamaged`` or ``Cancelled``.
    """
    if len(delimiter.encode()) > 1:
        raise InvalidInput(f"“{delimiter}” does not separate cells.", next_step="Give one character, such as ;.")
    data = session.workspace.content.read(_entry(session, source, MOST_TABLE_BYTES))
    name = source.path if not source.path.lower().endswith(".txt") else f"{source.path}.csv"
    return session.workspace.tables.table(
        name, data, delimiter=delimiter, encoding=encoding, as_text=as_text, header=header, cancel=cancel
    )


def read_table_rows(
    session: Session, source: ContentRef, *, sheet: str = "", cancel: CancelToken = NEVER
) -> RowTable | list[Any]:
    """The rows in a workbook, of its ``sheet`` or of the first with cells; or in a file of JSON: those of JSON lines as
    the values that they are. Raises as ``read_table_columns``."""
    if not source.path.lower().endswith(LINES):
        return read_registry_rows(session, source, (), cancel, sheet=sheet)
    data = session.workspace.content.read(_entry(session, source, MOST_JSON_BYTES))
    rows = []
    for number, line in enumerate(data.splitlines(), 1):
        cancel.check()
        if line.strip():
            try:
                rows.append(json.loads(line))
            except (ValueError, RecursionError) as error:
                raise InvalidInput(
                    f"Line {number} of “{source.path}” is not valid JSON: {error}.", next_step="Correct it."
                ) from None
    return rows


def workbook_of(titles: Sequence[str], rows: Sequence[Sequence[Cell]]) -> bytes:
    """A workbook of one sheet: texts are texts whatever they begin with, numbers keep their digits. Raises
    ``InvalidInput`` for what a cell cannot hold."""
    import io

    from kronkers_studio.formats.workbook_writing import write_rows
    from kronkers_studio.workflows.scored_files import fitting, widths_of

    stream = io.BytesIO()
    write_rows(
        stream,
        "Table",
        titles,
        ([fitting(cell) for cell in row] for row in rows),
        formats=[""] * len(titles),
        widths=widths_of(titles, rows),
    )
    return stream.getvalue()


def _entry(session: Session, source: ContentRef, most: int) -> Entry:
    entry = session.workspace.content.find(source.project, source.commit, source.path)
    if entry.kind is not EntryKind.FILE:
        raise InvalidInput(f"“{source.path}” is not a file.", next_step="Name a file in it.")
    if entry.size > most:
        raise InvalidInput(
            f"“{source.path}” is larger than {most / 1e6:,.0f} MB.", next_step="Open the file, and read parts of it."
        )
    return entry
