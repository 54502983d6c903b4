"""Writing a workbook without temporary files: the library would put each sheet into one, readable on the disk."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, BinaryIO
from xml.sax.saxutils import escape

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.drawing.spreadsheet_drawing import SpreadsheetDrawing
from openpyxl.packaging.relationship import RelationshipList
from openpyxl.styles import Font
from openpyxl.utils import get_column_letter
from openpyxl.utils.datetime import to_excel
from openpyxl.worksheet._writer import WorksheetWriter
from openpyxl.writer.excel import ExcelWriter
from openpyxl.xml.constants import SHEET_MAIN_NS

LONGEST_TEXT = 32_767
"""Characters that a cell of a workbook holds."""
_SHEET = "xl/worksheets/sheet1.xml"
_UNWRITABLE = re.compile("[\x00-\x08\x0b-\x1f\ufffe\uffff]|_(?=x[0-9A-Fa-f]{4}_)")
_FIRST_YEAR = 1900
_FORMATS = {datetime: "yyyy-mm-dd hh:mm:ss", date: "yyyy-mm-dd", time: "hh:mm:ss", timedelta: "[h]:mm:ss"}


def workbook_bytes(book: Workbook) -> bytes:
    """The file of ``book``."""
    buffer = io.BytesIO()
    archive = zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, allowZip64=True)
    book.properties.modified = datetime.now(UTC).replace(tzinfo=None)
    _MemoryWriter(book, archive).save()  # closes the archive
    return buffer.getvalue()


def write_rows(
    stream: BinaryIO,
    title: str,
    head: Sequence[str],
    rows: Iterable[Sequence[Any]],
    *,
    formats: Sequence[str],
    widths: Sequence[int],
) -> None:
    """Write a workbook of one sheet to ``stream`` row by row: numbers with all their digits, texts as texts whatever
    they begin with. ``formats`` are the columns' number formats ("" for the general one), ``widths`` in characters.

    The library writes everything but the sheet: it keeps 16 digits of a number, and takes ten times as long.
    """
    book = Workbook(write_only=True)
    sheet: Any = book.create_sheet(title)
    sheet._rels = RelationshipList()
    letters = [get_column_letter(place) for place in range(1, len(head) + 1)]
    titles = [_Column(sheet, letter, "", bold=True) for letter in letters]
    columns = [_Column(sheet, letter, format) for letter, format in zip(letters, formats, strict=True)]
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, allowZip64=True) as archive:
        with archive.open(_SHEET, "w", force_zip64=True) as part:
            part.write(_sheet_beginning(widths))
            part.write(_row(1, titles, head))
            for line, row in enumerate(rows, 2):
                part.write(_row(line, columns, row))
            part.write(b"</sheetData></worksheet>")
        book.properties.modified = datetime.now(UTC).replace(tzinfo=None)
        _StreamedWriter(book, archive).save()


def _sheet_beginning(widths: Sequence[int]) -> bytes:
    """With the line of names held in place."""
    columns = "".join(
        f'<col min="{place}" max="{place}" width="{width}" customWidth="1"/>' for place, width in enumerate(widths, 1)
    )
    pane = '<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/>'
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<worksheet xmlns="{SHEET_MAIN_NS}"><sheetViews>'
        f'<sheetView workbookViewId="0">{pane}</sheetView></sheetViews><cols>{columns}</cols><sheetData>'
    ).encode()


def _row(line: int, columns: Sequence[_Column], values: Sequence[Any]) -> bytes:
    cells = "".join([column.cell(line, value) for column, value in zip(columns, values, strict=True)])
    return f'<row r="{line}">{cells}</row>'.encode("utf-8", "backslashreplace")


class _Column:
    """Writes the cells of one column. What its styles are called the workbook knows."""

    def __init__(self, sheet: Any, letter: str, format: str, *, bold: bool = False) -> None:
        self._sheet = sheet
        self._letter = letter
        self._format = format
        self._bold = bold
        self._styles: dict[type, str] = {}

    def cell(self, line: int, value: Any) -> str:
        if value is None or value == "":
            return ""
        if isinstance(value, date) and value.year < _FIRST_YEAR:
            value = value.isoformat()  # no number of a day in a workbook
        kind = type(value)
        style = self._styles.get(kind)
        if style is None:
            style = self._styles[kind] = self._style(kind)
        place = f'<c r="{self._letter}{line}"{style}'
        if kind is str:
            text = escape(_UNWRITABLE.sub(_spelled, value))
            return f'{place} t="inlineStr"><is><t xml:space="preserve">{text}</t></is></c>'
        if kind is bool:
            return f'{place} t="b"><v>{int(value)}</v></c>'
        number = value if kind in (int, float) else _serial(value)
        return f"{place}><v>{number!r}</v></c>"

    def _style(self, kind: type) -> str:
        cell: Any = WriteOnlyCell(self._sheet)
        format = _FORMATS.get(kind, self._format if kind in (int, float) else "")
        if format:
            cell.number_format = format
        if self._bold:
            cell.font = Font(bold=True)
        return f' s="{cell.style_id}"' if cell.style_id else ""


def _serial(value: date | time | timedelta) -> Any:
    """The number of a day or time in a workbook."""
    count: Any = to_excel
    return count(value)


def _spelled(found: re.Match[str]) -> str:
    """A character that XML lacks, as workbooks write it."""
    return f"_x{ord(found[0]):04X}_"


class _StreamedWriter(ExcelWriter):
    def write_worksheet(self, ws: Any) -> None:
        """The sheet is in the archive already."""
        ws._drawing = SpreadsheetDrawing()
        ws._drawing.charts = ws._charts
        ws._drawing.images = ws._images
        self.manifest.append(ws)


class _MemoryWriter(ExcelWriter):
    _archive: zipfile.ZipFile

    def write_worksheet(self, ws: Any) -> None:
        """As the library's own, but for where the sheet is put before it is packed."""
        ws._drawing = SpreadsheetDrawing()
        ws._drawing.charts = ws._charts
        ws._drawing.images = ws._images
        writer: Any = WorksheetWriter(ws, out=io.BytesIO())
        writer.write()
        ws._rels = writer._rels
        self._archive.writestr(ws.path[1:], writer.read())
        self.manifest.append(ws)
