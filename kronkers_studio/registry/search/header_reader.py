"""The columns of data files, from as few of their bytes as tell them.

Of a CSV file that is its beginning, of a Parquet file its end, of an Excel workbook parts of it.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, BinaryIO, NamedTuple, cast

from kronkers_studio.domain.content import Entry, EntryKind
from kronkers_studio.domain.errors import InvalidInput, NotFound, StoreDamaged, StudioError
from kronkers_studio.domain.models import ContentRef
from kronkers_studio.domain.progress import NEVER, CancelToken
from kronkers_studio.formats.delimited import HEAD
from kronkers_studio.formats.table_columns import READ_PARTLY, columns_in
from kronkers_studio.formats.table_files import Format, table_format
from kronkers_studio.registry.store.file_stream import FileStream
from kronkers_studio.registry.store.object_store import ObjectStore
from kronkers_studio.registry.store.records import ObjectType

if TYPE_CHECKING:
    from kronkers_studio.formats.table_reading import TableReader
    from kronkers_studio.registry.content_store import ContentStore

_TAIL_CHUNKS = 128
"""Chunks at the end of a Parquet file, of 32 KiB or more each: its footer is in them."""
_LARGEST_WORKBOOK = 64 << 20
_LARGEST_WHOLE = 8 << 20
"""Bytes of the largest workbook in one of the formats that have to be read as a whole."""


class Told(NamedTuple):
    """The columns of a file, or the ``problem`` that keeps them from being known. ``again``: it is not the file's, so
    that it is tried again."""

    columns: tuple[str, ...] = ()
    problem: str = ""
    again: bool = False


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
    largest = _LARGEST_WORKBOOK if suffix in READ_PARTLY else _LARGEST_WHOLE
    return TableContent(suffix, entry.size, entry.content if entry.size <= largest else ())


def data_columns(
    content: ContentStore, store: ObjectStore, tables: Callable[[], TableReader], data: ContentRef
) -> tuple[str, ...]:
    """The columns of the table in ``data``; none when it is no table, cannot be read, or is there no more."""
    try:
        table = table_content(content.find(data.project, data.commit, data.path))
    except NotFound:
        return ()
    return read_columns([table], store, tables)[0].columns if table else ()


def read_columns(
    contents: Sequence[TableContent],
    store: ObjectStore,
    tables: Callable[[], TableReader],
    *,
    cancel: CancelToken = NEVER,
) -> list[Told]:
    """What each of ``contents`` tells. Whatever one of them holds, this never fails for it; small ones are read
    together. The beginning of a CSV file is looked at here, all else by the process that ``tables`` gives.

    Raises ``Cancelled``, or what a failing disk does.
    """
    whole = _read_single({content.chunks[0] for content in contents if len(content.chunks) == 1}, store)
    told: dict[int, Told] = {}
    elsewhere: dict[int, BinaryIO | bytes | memoryview] = {}
    for number, content in enumerate(contents):
        if not content.chunks:
            told[number] = Told(problem=f"It is too large ({content.size >> 20} MB) to look for columns in it.")
            continue
        try:
            if table_format(content.suffix) is Format.CSV:
                told[number] = Told(columns_in(content.suffix, _stream(content, whole, store)))
            else:
                elsewhere[number] = _whole_or_stream(content, whole, store)
        except (StoreDamaged, ValueError) as error:
            told[number] = _problem(error)
    if elsewhere:
        from kronkers_studio.formats.table_reading import Source

        sources = [Source(contents[number].suffix, data) for number, data in elsewhere.items()]
        answers: Iterable[tuple[str, ...] | Exception] = tables().columns(sources, cancel=cancel)
        for number, answer in zip(elsewhere, answers, strict=True):
            told[number] = _problem(answer) if isinstance(answer, Exception) else Told(answer)
    return [told[number] for number in range(len(contents))]


def _problem(error: Exception) -> Told:
    from kronkers_studio.formats.table_reading import TableProcessUnavailable

    if isinstance(error, StoreDamaged | TableProcessUnavailable):
        return Told(problem=error.message, again=True)
    if isinstance(error, InvalidInput):
        return Told(problem=f"It cannot be read as a table: {error.message.rstrip('.')}.")
    if isinstance(error, StudioError):
        return Told(problem=error.message)
    if isinstance(error, ValueError):
        return Told(problem=f"It cannot be read as a table: {error}.")
    raise error


def _read_single(ids: set[bytes], store: ObjectStore) -> dict[bytes, bytes | memoryview]:
    """Those of the chunks that are there and whole."""
    places = list(store.index.locate(ids).items())
    try:
        return {id: data for (id, _at), data in zip(places, store.read_all(places, ObjectType.CHUNK), strict=True)}
    except StoreDamaged:
        return {}  # read one by one, each will tell


def _whole_or_stream(
    content: TableContent, whole: dict[bytes, bytes | memoryview], store: ObjectStore
) -> BinaryIO | bytes | memoryview:
    if len(content.chunks) == 1 and content.chunks[0] in whole:
        return whole[content.chunks[0]]
    return _stream(content, whole, store)


def _stream(content: TableContent, whole: dict[bytes, bytes | memoryview], store: ObjectStore) -> BinaryIO:
    if len(content.chunks) == 1 and content.chunks[0] in whole:
        data = whole[content.chunks[0]]
        return io.BytesIO(data[:HEAD] if table_format(content.suffix) is Format.CSV else data)
    entry = Entry("", EntryKind.FILE, content.size, content=content.chunks)
    return cast(BinaryIO, io.BufferedReader(FileStream(entry, store)))
