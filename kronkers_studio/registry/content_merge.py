"""Putting together the content of a file that both sides changed: tables by key, texts by lines."""

from __future__ import annotations

from collections.abc import Callable

from kronkers_studio.domain.content import Entry
from kronkers_studio.domain.differences import MergedBy, MergedFile
from kronkers_studio.formats.table_files import table_format
from kronkers_studio.registry.text_diff import merge_texts

MERGED_LIMIT = 256 << 20
"""Bytes of the largest file whose content is merged: three versions of it are held in memory."""


def merge_content(
    read: Callable[[Entry], bytes], path: str, base: Entry | None, ours: Entry, theirs: Entry
) -> tuple[MergedFile, bytes] | str:
    """The merged content of the file ``path``; or, as a sentence, why a person has to decide.

    A table that has no key, or that cannot be read as one, is merged as the text that it is.
    """
    if base is None:
        return "Both sides added it."
    if max(base.size, ours.size, theirs.size) > MERGED_LIMIT:
        return f"It is larger than {MERGED_LIMIT >> 20} MB: it is not merged."
    versions = (read(base), read(ours), read(theirs))
    if table_format(path) is None:
        merged = merge_texts(*versions)
        return merged if isinstance(merged, str) else (MergedFile(path, MergedBy.LINES), merged)
    from kronkers_studio.formats.table_file_merge import merge_table_files
    from kronkers_studio.formats.table_merge import NO_KEY

    table = merge_table_files(path, *versions)
    if not isinstance(table, str):
        return MergedFile(path, MergedBy.ROWS, table[1]), table[0]
    if table == NO_KEY and not isinstance(merged := merge_texts(*versions), str):
        return MergedFile(path, MergedBy.LINES), merged
    return table
