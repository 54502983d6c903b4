"""What differs between a file and a conflict copy of it, in a few words and without much reading."""

from __future__ import annotations

import io
import zipfile
from collections import Counter

from kronkers_studio.domain.content import SourceProblem
from kronkers_studio.domain.migration import FileKind
from kronkers_studio.migration.found_item import FoundItem
from kronkers_studio.migration.source import FolderSource

LARGEST = 16 << 20
"""Files above this size are compared by size alone."""


def differences(original: FoundItem, copy: FoundItem, source: FolderSource) -> str:
    """What differs, such as ``112 rows differ``, ``3 lines are only in the copy`` or ``the same content``.

    Both must be files. At most twice ``LARGEST`` bytes are read, and no placeholder is.
    """
    if original.online_only or copy.online_only:
        return _sizes(original.size, copy.size)
    if original.known is not None and original.known == copy.known:
        return _SAME
    if max(original.size, copy.size) > LARGEST:
        return _sizes(original.size, copy.size)
    try:
        with source.open(original) as stream:
            first = stream.read(LARGEST)
        with source.open(copy) as stream:
            second = stream.read(LARGEST)
    except SourceProblem:  # bringing it in will say why
        return ""
    return compare(first, second, rows=original.look.kind is FileKind.DATA)


def compare(original: bytes, copy: bytes, *, rows: bool) -> str:
    """The differences of two contents; lines of tables are called rows."""
    if original == copy:
        return _SAME
    if original[:4] == copy[:4] == b"PK\x03\x04":
        return _parts(original, copy) or _bytes(original, copy)
    if b"\0" in original or b"\0" in copy:
        return _bytes(original, copy)
    return _lines(original, copy, "row" if rows else "line")


_SAME = "the same content"


def _lines(original: bytes, copy: bytes, unit: str) -> str:
    """Lines are compared as a set with repetitions: a line that moved is no difference."""
    before, after = Counter(original.splitlines()), Counter(copy.splitlines())
    gone, new = (before - after).total(), (after - before).total()
    if not gone and not new:
        return f"the same {unit}s in another order, or with other line ends"
    if not gone:
        return f"{_are(new, unit)} only in the copy"
    if not new:
        return f"{_are(gone, unit)} only in the original"
    count = max(gone, new)
    return f"{count:,} {unit} differs" if count == 1 else f"{count:,} {unit}s differ"


def _parts(original: bytes, copy: bytes) -> str:
    """Of Office documents and other zip archives: how many of their parts differ. "" when one cannot be read."""
    try:
        before, after = (
            {part.filename: part.CRC for part in zipfile.ZipFile(io.BytesIO(content)).infolist()}
            for content in (original, copy)
        )
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        return ""
    changed = [name for name in before.keys() | after.keys() if before.get(name) != after.get(name)]
    sheets = sum(name.startswith("xl/worksheets/") for name in changed)
    if sheets:
        return f"{sheets} sheet{' differs' if sheets == 1 else 's differ'}"
    if not changed:
        return "the same parts, packed differently"
    if all(name.startswith("docProps/") for name in changed):
        return "only the document's properties differ"
    return f"{len(changed)} part{' differs' if len(changed) == 1 else 's differ'}"


def _bytes(original: bytes, copy: bytes) -> str:
    if len(original) != len(copy):
        return _sizes(len(original), len(copy))
    count = sum(map(int.__ne__, original, copy)) if len(original) <= 1 << 20 else 0
    return f"{count:,} byte{' differs' if count == 1 else 's differ'}" if count else "bytes differ, at the same size"


def _sizes(original: int, copy: int) -> str:
    if original == copy:
        return "the same size, not compared"
    more, fewer = ("the copy", "the original") if copy > original else ("the original", "the copy")
    count = abs(copy - original)
    return f"{more} is {count:,} byte{'' if count == 1 else 's'} larger than {fewer}"


def _are(count: int, unit: str) -> str:
    return f"{count:,} {unit} is" if count == 1 else f"{count:,} {unit}s are"
