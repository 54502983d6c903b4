"""The columns of a data file, from as few of its bytes as tell them."""

from __future__ import annotations

import csv
import io

from kronkers_studio.domain.content import EntryKind
from kronkers_studio.domain.errors import InvalidInput, NotFound
from kronkers_studio.domain.models import ContentRef
from kronkers_studio.registry.content import ContentStore
from kronkers_studio.registry.table_files import Format, read_tables, sniff_delimiter, table_format
from kronkers_studio.registry.texts import read_text

_HEAD = 1 << 16
_LARGEST_WHOLE = 64 << 20
"""Bytes of the largest file that is read as a whole: Parquet has its columns at the end, Excel anywhere."""


def data_columns(content: ContentStore, data: ContentRef) -> tuple[str, ...]:
    """The columns of the table in ``data``; none when it is no table, or is there no more."""
    format = table_format(data.path)
    if format is None:
        return ()
    try:
        entry = content.find(data.project, data.commit, data.path)
        if entry.kind is not EntryKind.FILE:
            return ()
        if format is Format.CSV:
            return _csv_columns(content.read(entry, _HEAD))
        if entry.size > _LARGEST_WHOLE:
            return ()
        sheets = read_tables(data.path, content.read(entry)).tables.values()
    except (NotFound, InvalidInput):
        return ()
    return tuple(column for sheet in sheets for column in sheet.columns)


def _csv_columns(head: bytes) -> tuple[str, ...]:
    text = read_text(head.rpartition(b"\n")[0] or head)
    if text is None or not text.content.strip():
        return ()
    rows = csv.reader(io.StringIO(text.content), delimiter=sniff_delimiter(text.content))
    try:
        return tuple(next(rows, ()))
    except csv.Error:
        return ()
