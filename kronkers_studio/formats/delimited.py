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
_YEAR = re.compile(r"1[5-9]\d\d|20\d\d", re.ASCII)
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


def is_header(cells: Sequence[str], below: Sequence[str] = ()) -> bool:
    """A row of names, not all of them empty: none is a number, or those that are count years or columns, as in
    country,2019,2020 and ,0,1,2, and what stands in the row ``below`` them, when that is known, does not."""
    numbers = [place for place, cell in enumerate(cells) if _NUMBER.fullmatch(cell.strip())]
    if not any(cells) or not numbers:
        return any(cells)
    if not below or len(numbers) == len(cells) or not _counts([cells[place] for place in numbers]):
        return False
    return not _counts([below[place] for place in numbers if place < len(below)])


def _counts(numbers: Sequence[str]) -> bool:
    """Whether they are years in order, or 0, 1, 2 and so on, at least two of them."""
    plain = [number.strip() for number in numbers]
    if plain == [str(place) for place in range(len(plain))]:
        return len(plain) > 1
    years = [int(number) for number in plain if _YEAR.fullmatch(number)]
    return len(years) == len(plain) and sorted(set(years)) in (years, years[::-1])


def named_columns(head: bytes) -> list[str]:
    """The names in a file's first row, none where it holds values, from its first ``HEAD`` bytes. Raises
    ``ValueError`` with the reason."""
    text = _beginning(head)
    if text is None:
        raise ValueError("it is not text")
    line = text.content.split("\n", 1)[0]
    present = [delimiter for delimiter in _DELIMITERS if delimiter in line]
    certain = len(present) == 1 and '"' not in line
    delimiter = present[0] if certain else sniff_delimiter(text.content)
    rows = filter(None, csv.reader(io.StringIO(text.content), delimiter=delimiter))  # blank lines are no rows
    try:
        first = next(rows, [])
    except csv.Error as error:
        raise ValueError(str(error)) from None
    try:
        below = next(rows, [])
    except csv.Error:  # what is below may be cut off
        below = []
    return first if is_header(first, below) else []


def _beginning(head: bytes) -> Text | None:
    """The text of a file's first bytes, which may end anywhere: within a line, a column, a character."""
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_BE)):  # UTF-32-LE begins as UTF-16
        return read_text(head[: len(head) & ~3])
    lines = head.rpartition(b"\n")[0]
    if not lines and len(head) == HEAD:
        return read_text(head[: max(head.rfind(delimiter.encode()) for delimiter in _DELIMITERS)])
    return read_text(lines or head)
