"""The beginning of a CSV file: its delimiter, and the columns that its first row names.

Only the standard library reads it here, and only some kilobytes of it, in time that grows with them.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Sequence

from kronkers_studio.formats.text_encoding import Text, read_text

HEAD = 1 << 16
"""Bytes of a file's beginning that are looked at for its columns."""
_DELIMITERS = ",;\t|"
_SNIFFED_LINES = 50
SNIFFED_CHARACTERS = 1 << 16
_NUMBER = re.compile(r"[+-]?[.,]*\d[\d.,]*([eE][+-]?\d+)?%?")


def sniff_delimiter(content: str) -> str:
    """The delimiter that splits the first lines into the same number of cells, the most if several do."""
    lines = content.splitlines()[:_SNIFFED_LINES]
    if len(content) >= SNIFFED_CHARACTERS and len(lines) > 1:
        lines = lines[:-1]  # the last one may be cut off

    def cells(delimiter: str) -> tuple[bool, int]:
        counts = [len(row) for row in csv.reader(lines, delimiter=delimiter) if row]
        common = max(set(counts), key=counts.count) if counts else 0
        return counts.count(common) == len(counts) and common > 1, common

    return max(_DELIMITERS, key=cells)


def is_header(cells: Sequence[str]) -> bool:
    """A row of names: none of them a number, not all empty."""
    return any(cells) and not any(_NUMBER.fullmatch(cell.strip()) for cell in cells)


def first_row(head: bytes) -> list[str]:
    """The cells of a file's first row, from its first ``HEAD`` bytes. Raises ``ValueError`` with the reason."""
    text = _beginning(head)
    if text is None:
        raise ValueError("it is not text")
    first = text.content.split("\n", 1)[0]
    present = [delimiter for delimiter in _DELIMITERS if delimiter in first]
    certain = len(present) == 1 and '"' not in first
    delimiter = present[0] if certain else sniff_delimiter(text.content)
    try:
        return next(csv.reader(io.StringIO(text.content), delimiter=delimiter), [])
    except csv.Error as error:
        raise ValueError(str(error)) from None


def _beginning(head: bytes) -> Text | None:
    """The text of a file's first bytes, which may end anywhere: within a line, a column, a character."""
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_BE)):  # UTF-32-LE begins as UTF-16
        return read_text(head[: len(head) & ~3])
    lines = head.rpartition(b"\n")[0]
    if not lines and len(head) == HEAD:
        return read_text(head[: max(head.rfind(delimiter.encode()) for delimiter in _DELIMITERS)])
    return read_text(lines or head)
