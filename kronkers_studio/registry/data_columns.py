"""The columns of data files, from as few of their bytes as tell them.

Of a CSV file that is its beginning, of a Parquet file its end, of an Excel workbook parts of it.
"""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO, NamedTuple, cast

from kronkers_studio.domain.content import Entry, EntryKind
from kronkers_studio.domain.errors import NotFound, StoreDamaged
from kronkers_studio.domain.models import ContentRef
from kronkers_studio.registry.objects import ObjectStore
from kronkers_studio.registry.records import ObjectType
from kronkers_studio.registry.streams import FileStream
from kronkers_studio.formats.table_files import (
    Format,
    is_header,
    sniff_delimiter,
    table_format,
    table_library_failures,
)
from kronkers_studio.formats.texts import Text, read_text

if TYPE_CHECKING:
    from kronkers_studio.registry.content import ContentStore

MOST_COLUMNS = 2000
"""Columns of a file that are told; the others cannot be searched for."""
_LONGEST_NAME = 200
_HEAD = 1 << 16
_FOOTER_LIMIT = 4 << 20
_FOOTER_END = 8  # bytes: how long the footer is, and "PAR1"
_PARQUET = b"PAR1"
_TAIL_CHUNKS = 128
"""Chunks at the end of a Parquet file, of 32 KiB or more each: its footer is in them."""
_LARGEST_WORKBOOK = 64 << 20
_LARGEST_WHOLE = 8 << 20
"""Bytes of the largest workbook in one of the formats that have to be read as a whole."""
_PARTLY = (".xlsx", ".xlsm")
_DELIMITERS = (b",", b";", b"\t", b"|")


class Told(NamedTuple):
    """The columns of a file, or the ``problem`` that keeps them from being known. ``damaged``: it is the store's."""

    columns: tuple[str, ...] = ()
    problem: str = ""
    damaged: bool = False


class TableContent(NamedTuple):
    """A data file's content: the end of its name, its size, and the chunks that tell its columns."""

    suffix: str
    size: int
    chunks: tuple[bytes, ...]


def table_content(entry: Entry) -> TableContent | None:
    """None for what is no table, by its name, or is empty."""
    format = table_format(entry.path) if entry.kind is EntryKind.FILE and entry.content else None
    if format is None:
        return None
    suffix = "." + entry.path.rpartition(".")[2].lower()
    if format is Format.CSV:
        return TableContent(suffix, entry.size, entry.content[:1])
    if format is Format.PARQUET:
        return TableContent(suffix, entry.size, entry.content[-_TAIL_CHUNKS:])
    largest = _LARGEST_WORKBOOK if suffix in _PARTLY else _LARGEST_WHOLE
    return TableContent(suffix, entry.size, entry.content if entry.size <= largest else ())


def data_columns(content: ContentStore, store: ObjectStore, data: ContentRef) -> tuple[str, ...]:
    """The columns of the table in ``data``; none when it is no table, cannot be read, or is there no more."""
    try:
        table = table_content(content.find(data.project, data.commit, data.path))
    except NotFound:
        return ()
    return read_columns([table], store)[0].columns if table else ()


def read_columns(tables: Sequence[TableContent], store: ObjectStore) -> list[Told]:
    """What each of ``tables`` tells. Whatever one of them holds, this never fails for it; small ones are read together.

    Raises what a failing disk does.
    """
    whole = _read_single({table.chunks[0] for table in tables if len(table.chunks) == 1}, store)
    return [_told(table, whole, store) for table in tables]


def _read_single(ids: set[bytes], store: ObjectStore) -> dict[bytes, bytes | memoryview]:
    """Those of the chunks that are there and whole."""
    places = list(store.index.locate(ids).items())
    try:
        return {id: data for (id, _at), data in zip(places, store.read_all(places, ObjectType.CHUNK), strict=True)}
    except StoreDamaged:
        return {}  # read one by one, each will tell


def _told(table: TableContent, whole: dict[bytes, bytes | memoryview], store: ObjectStore) -> Told:
    if not table.chunks:
        return Told(problem=f"It is too large ({table.size >> 20} MB) to look for columns in it.")
    try:
        found = columns_in(table.suffix, _stream(table, whole, store))
    except StoreDamaged as error:
        return Told(problem=error.message, damaged=True)
    except ValueError as error:
        return Told(problem=f"It cannot be read as a table: {error}.")
    return Told(found)


def _stream(table: TableContent, whole: dict[bytes, bytes | memoryview], store: ObjectStore) -> BinaryIO:
    if len(table.chunks) == 1 and table.chunks[0] in whole:
        return io.BytesIO(whole[table.chunks[0]])
    entry = Entry("", EntryKind.FILE, table.size, content=table.chunks)
    return cast(BinaryIO, io.BufferedReader(FileStream(entry, store)))
