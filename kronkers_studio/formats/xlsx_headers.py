"""The first rows of an Excel workbook's sheets, without reading the rest of it.

A workbook is a zip of XML parts. The libraries that read tables read whole sheets; here a part is read only up to
where it tells what is asked, and never beyond some megabytes, however much it would unpack to.
"""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Iterator
from typing import IO, BinaryIO, cast
from xml.etree import ElementTree

_SHEET = re.compile(r"xl/worksheets/sheet(\d+)\.xml")
_STRINGS = "xl/sharedStrings.xml"
_MOST_SHEETS = 50
_PART_LIMIT = 8 << 20
"""Unpacked bytes of a part that are read."""
_SHARED, _INLINE = "s", "inlineStr"
_FAILURES = (
    zipfile.BadZipFile,
    zlib.error,
    ElementTree.ParseError,
    EOFError,
    OSError,
    NotImplementedError,
    RuntimeError,
)
_Cell = tuple[str, str]  # type, and what is written in it


def first_rows(workbook: BinaryIO) -> list[list[str]]:
    """The first row with something in it of each sheet that has one. Raises ``ValueError`` for what is no workbook."""
    try:
        with zipfile.ZipFile(workbook) as archive:
            parts = {name: int(found[1]) for name in archive.namelist() if (found := _SHEET.fullmatch(name))}
            rows = [_first_row(archive, name) for name in sorted(parts, key=parts.__getitem__)[:_MOST_SHEETS]]
            strings = _strings(archive, {int(text) for row in rows for kind, text in row if kind == _SHARED})
    except _FAILURES as error:
        raise ValueError(f"it is not a whole workbook ({error})") from None
    return [[strings.get(int(text), "") if kind == _SHARED else text for kind, text in row] for row in rows if row]


def _first_row(archive: zipfile.ZipFile, part: str) -> list[_Cell]:
    with archive.open(part) as stream:
        for element in _elements(stream):
            if _tag(element) == "row":
                cells = [_cell(cell) for cell in element if _tag(cell) == "c"]
                if any(text for _kind, text in cells):
                    return cells
                element.clear()
            if _tag(element) == "sheetData":
                break
    return []


def _cell(cell: ElementTree.Element) -> _Cell:
    kind = cell.get("t", "")
    if kind == _INLINE:
        return kind, _text(cell)
    value = next((part.text or "" for part in cell if _tag(part) == "v"), "")
    return (kind, value) if kind != _SHARED or value.isdecimal() else ("", "")


def _strings(archive: zipfile.ZipFile, wanted: set[int]) -> dict[int, str]:
    """Those ``wanted`` of the strings that cells refer to by number."""
    found: dict[int, str] = {}
    if not wanted or _STRINGS not in archive.namelist():
        return found
    last, number = max(wanted), 0
    with archive.open(_STRINGS) as stream:
        for element in _elements(stream):
            if _tag(element) != "si":
                continue
            if number in wanted:
                found[number] = _text(element)
            element.clear()
            number += 1
            if number > last:
                break
    return found


def _elements(stream: IO[bytes]) -> Iterator[ElementTree.Element]:
    """The elements of a part as they end, up to the limit."""
    parser: ElementTree.XMLPullParser[ElementTree.Element] = ElementTree.XMLPullParser(["end"])
    left = _PART_LIMIT
    while left > 0 and (piece := stream.read(1 << 14)):
        left -= len(piece)
        parser.feed(piece)
        for _event, element in cast(Iterator[tuple[str, ElementTree.Element]], parser.read_events()):
            yield element


def _text(element: ElementTree.Element) -> str:
    """All text in an element but that of phonetic hints."""
    if _tag(element) == "rPh":
        return ""
    own = element.text or "" if _tag(element) == "t" else ""
    return own + "".join(map(_text, element))


def _tag(element: ElementTree.Element) -> str:
    return str(element.tag).rpartition("}")[2]
