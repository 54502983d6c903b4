"""Putting together the content of a file that both sides changed: tables by key, texts by lines."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from kronkers_studio.domain.content import Entry
from kronkers_studio.domain.differences import MergedBy, MergedFile
from kronkers_studio.domain.errors import InvalidInput, TableUnreadable
from kronkers_studio.domain.progress import CancelToken
from kronkers_studio.formats.table_files import table_format
from kronkers_studio.formats.text_diff import merge_texts

if TYPE_CHECKING:
    from kronkers_studio.formats.table_reading import TableReader

MERGED_LIMIT = 256 << 20
"""Bytes of the largest file whose content is merged: three versions of it are held in memory."""


def merge_content(
    read: Callable[[Entry], bytes],
    tables: Callable[[], TableReader],
    cancel: CancelToken,
    path: str,
    base: Entry | None,
    ours: Entry,
    theirs: Entry,
) -> tuple[MergedFile, bytes] | str:
    """The merged content of the file ``path``; or, as a sentence, why a person has to decide.

    A table that has no key is merged as the text that it is. ``tables`` gives what reads tables. Raises ``Cancelled``.
    """
    if base is None:
        return "Both sides added it."
    if max(base.size, ours.size, theirs.size) > MERGED_LIMIT:
        return f"It is larger than {MERGED_LIMIT >> 20} MB: it is not merged."
    versions = (read(base), read(ours), read(theirs))
    if table_format(path) is None:
        merged = merge_texts(*versions)
        return merged if isinstance(merged, str) else (MergedFile(path, MergedBy.LINES), merged)
    return _merged_tables(tables(), cancel, path, *versions)


def _merged_tables(
    tables: TableReader, cancel: CancelToken, path: str, base: bytes, ours: bytes, theirs: bytes
) -> tuple[MergedFile, bytes] | str:
    try:
        table = tables.merge(path, base, ours, theirs, cancel=cancel)
    except (InvalidInput, TableUnreadable) as reason:
        return reason.message
    if table.data is not None:
        return MergedFile(path, MergedBy.ROWS, table.words), table.data
    if table.no_key and not isinstance(merged := merge_texts(base, ours, theirs), str):
        return MergedFile(path, MergedBy.LINES), merged
    return table.words
