"""Tables of rows for a model as people have them: CSV as spreadsheets write it, workbooks, Parquet, JSON.

CSV and JSON are read here, by Python's own readers; workbooks and Parquet by the confined process (decisions/0016).
"""

from __future__ import annotations

import codecs
import csv
import io
import json
import math
import re
from collections.abc import Collection, Iterator, Sequence
from itertools import compress
from pathlib import Path
from typing import Any

from kronkers_studio.domain.content import Entry, EntryKind
from kronkers_studio.domain.errors import InvalidInput
from kronkers_studio.domain.model_columns import model_columns
from kronkers_studio.domain.models import ContentRef, Signature
from kronkers_studio.domain.progress import NEVER, CancelToken
from kronkers_studio.domain.row_tables import (
    HEADER_LINES,
    MOST_CELLS,
    MOST_COLUMNS,
    MOST_ROWS,
    NUMBER,
    Cell,
    Grid,
    RowTable,
    header_place,
    is_blank,
    too_large,
)
from kronkers_studio.workflows.session import Session

MOST_BYTES = 100_000_000
"""The largest file of rows."""
MOST_JSON_BYTES = 32_000_000
"""The largest one of JSON: as values it is twenty times as large, and it is parsed in one go."""
MOST_LISTED = 20_000
"""Files of one project that are listed to choose from."""
_TABLES = (".csv", ".tsv", ".tab", ".txt", ".xlsx", ".xlsm", ".xlsb", ".xls", ".ods", ".parquet", ".pq")
KINDS = (*_TABLES, ".json", ".jsonl")
"""What the names of files of rows end in."""
_LISTED = tuple(kind for kind in KINDS if kind != ".txt")  # few texts are tables

_DELIMITERS = ",;\t|"
_ONE_COLUMN = "\x1f"  # separates nothing in a table whose first line has no delimiter
_LONGEST_CELL = 1_000_000  # characters
_WHOLE = re.compile(r"[+-]?[0-9]{1,19}")
_SEPARATOR_LINE = re.compile(r'"?sep=(.)"?\s*', re.IGNORECASE)

_MARKS = (  # the longer before its beginning
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_BINARY = (  # how files begin that are no text, and what they are read as
    (b"PAR1", ".parquet"),
    (b"PK\x03\x04", ".xlsx"),
    (b"\xd0\xcf\x11\xe0", ".xls"),
)
_ZIPPED = (".xlsx", ".xlsm", ".xlsb", ".ods")


def read_table(
    session: Session, source: Path | ContentRef, signature: Signature, cancel: CancelToken = NEVER
) -> RowTable:
    """The table in a file on disk or of a project, where the columns of ``signature`` tell its sheet and the line of
    its names. Raises ``InvalidInput`` or ``TableUnreadable`` when it cannot be read, ``NotFound``."""
    wanted = model_columns(signature).names
    if isinstance(source, Path):
        return read_row_file(session, source, wanted, cancel)
    return read_registry_rows(session, source, wanted, cancel)


def read_row_file(session: Session, file: Path, wanted: Collection[str] = (), cancel: CancelToken = NEVER) -> RowTable:
    """The table in ``file``; ``wanted`` are the columns that a model needs, by which its sheet and the line of its
    names are found. Raises ``InvalidInput`` or ``TableUnreadable``."""
    try:
        with file.open("rb") as stream:
            content = stream.read(MOST_BYTES + 1)
    except OSError as error:
        raise InvalidInput(f"{file} cannot be read: {error.strerror}.", next_step="Check the path.") from None
    return read_row_content(session, content, file.name, wanted, cancel)


def read_registry_rows(
    session: Session, source: ContentRef, wanted: Collection[str] = (), cancel: CancelToken = NEVER, *, sheet: str = ""
) -> RowTable:
    """The table in a file of a project, ``source.commit`` being any reference. Raises ``NotFound``, ``InvalidInput``,
    ``TableUnreadable`` or ``StoreDamaged``."""
    content = session.workspace.content
    entry = content.find(source.project, source.commit, source.path)
    name = source.path.rpartition("/")[2]
    if entry.kind is not EntryKind.FILE:
        raise InvalidInput(f"“{name}” is not a file.", next_step="Choose a table.")
    if entry.size > MOST_BYTES:
        raise _too_large(name)
    return read_row_content(session, content.read(entry), name, wanted, cancel, sheet=sheet)


def list_tables(session: Session, project: str, cancel: CancelToken = NEVER) -> list[Entry]:
    """The files of rows in the current state of ``project``, up to ``MOST_LISTED``, by their paths."""
    found: list[Entry] = []
    for entry in session.workspace.content.walk(project):
        cancel.check()
        if entry.kind is EntryKind.FILE and entry.name.lower().endswith(_LISTED):
            found.append(entry)
            if len(found) == MOST_LISTED:
                break
    return found


def read_row_content(
    session: Session,
    content: bytes,
    name: str,
    wanted: Collection[str] = (),
    cancel: CancelToken = NEVER,
    *,
    sheet: str = "",
) -> RowTable:
    """As ``read_row_file``, of the bytes of the file ``name``; of a workbook the ``sheet`` of that name, if there is
    one. What it is shows in its beginning."""
    if len(content) > MOST_BYTES:
        raise _too_large(name)
    kind = next((kind for beginning, kind in _BINARY if content.startswith(beginning)), "")
    if not kind:
        return read_text_rows(content, name, wanted)
    suffix = Path(name).suffix.lower()
    suffix = suffix if kind == ".xlsx" and suffix in _ZIPPED else kind
    called = name if name.lower().endswith(suffix) else f"{name}{suffix}"
    grid = session.workspace.tables.rows(called, content, wanted=wanted, sheet=sheet, cancel=cancel)
    remarks = []
    if len(grid.sheets) > 1:
        remarks.append(f"Of {len(grid.sheets)} sheets, “{grid.sheet}” was read.")
    if grid.merged:
        remarks.append("Cells of the sheet are merged: the value counts for the first of them, the others are empty.")
    return _table(grid, name, wanted).with_remarks(*remarks)


def parse_rows(content: bytes, name: str) -> list[Any]:
    """The rows in the JSON or CSV text ``content`` as values: in CSV, a cell that reads as a number is one, an empty or
    NaN cell is a missing value. Raises ``InvalidInput``, with the line where it can be told."""
    return plain_rows(read_text_rows(content, name))


def plain_rows(table: RowTable) -> list[Any]:
    """All rows of ``table`` with all their columns, as a model gets them whose columns are not known."""
    if not table.named:
        return [list(row) for row in table.rows]
    names = [column.strip() for column in table.columns]
    _check_names(names, table.name)
    if not table.written:
        return [dict(zip(names, row, strict=True)) for row in table.rows]
    return [
        {column: _value(cell, column, table, at) for column, cell in zip(names, row, strict=True)}
        for at, row in enumerate(table.rows)
    ]


def read_text_rows(content: bytes, name: str, wanted: Collection[str] = ()) -> RowTable:
    """The table in JSON (a list of rows, one row, or {"rows": [...]}), or CSV with a line of column names.

    What it is shows in the content; ``name`` is what messages call it, and its ending counts only for text that begins
    like JSON and is none. Raises ``InvalidInput``, with the line where it can be told.
    """
    text, remarks = _decoded(content, name)
    beginning = text.lstrip()[:1]
    if not beginning:
        raise _no_rows(name)
    if beginning in ("[", "{"):
        try:
            return _from_json(text, name)
        except _NotJson as problem:
            if not name.lower().endswith((".csv", ".tsv")):
                raise InvalidInput(f"{name} is not valid JSON: {problem}.", next_step="Correct it.") from None
    return _from_csv(text, name, wanted).with_remarks(*remarks)


class _NotJson(Exception):
    pass


def _too_large(name: str) -> InvalidInput:
    return InvalidInput(
        f"{name} is larger than {MOST_BYTES / 1e6:.0f} MB.", next_step="Send the rows in several files."
    )


def _decoded(content: bytes, name: str) -> tuple[str, list[str]]:
    """The text, and what is to be said of how it was read."""
    if len(content) > MOST_BYTES:
        raise _too_large(name)
    encoding = next((encoding for mark, encoding in _MARKS if content.startswith(mark)), "utf-8")
    remarks: list[str] = []
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError:
        if encoding != "utf-8":
            raise InvalidInput(
                f"{name} is not {encoding.removesuffix('-sig').upper()} text.",
                next_step="Save it as UTF-8 (in Excel: “CSV UTF-8”).",
            ) from None
        text = _western(content, name)
        remarks.append(
            "It is not UTF-8, and was read as Windows-1252. If letters such as ä, é or ł look wrong, save it as UTF-8 "
            "(in Excel: “CSV UTF-8”)."
        )
    if "\0" in text:
        raise InvalidInput(
            f"{name} is not a text file: it holds zero bytes.",
            next_step="Give CSV, Excel, Parquet or JSON, and UTF-16 text with its byte order mark or as UTF-8.",
        )
    return text, remarks


def _western(content: bytes, name: str) -> str:
    from kronkers_studio.formats.text_encoding import read_text

    found = read_text(content)
    if found is None:
        raise InvalidInput(
            f"{name} is not UTF-8 text, nor in another encoding that is known here.",
            next_step="Save it as UTF-8 (in Excel: “CSV UTF-8”), or as an Excel workbook.",
        )
    return found.content


# ---- JSON ----


def _from_json(text: str, name: str) -> RowTable:
    if len(text) > MOST_JSON_BYTES:
        raise InvalidInput(
            f"{name} is larger than {MOST_JSON_BYTES / 1e6:.0f} MB of JSON.",
            next_step="Give it as CSV or Parquet, or in several files.",
        )
    try:
        content: Any = _json_lines(text) if name.lower().endswith(".jsonl") else json.loads(text)
    except RecursionError:
        raise _NotJson("it is nested too deeply") from None
    except json.JSONDecodeError as error:
        raise _NotJson(str(error)) from None
    except ValueError:  # what Python refuses to read: thousands of digits
        raise _NotJson("one of its numbers has thousands of digits") from None
    rows = content.get("rows") if isinstance(content, dict) else content
    if rows is None and content and not any(isinstance(value, list | dict) for value in content.values()):
        rows = [content]
    if not isinstance(rows, list) or not rows:
        raise _no_rows(name)
    if not any(isinstance(row, list | dict) for row in rows):
        rows = [rows]
    return _json_table(rows, name)


def _json_lines(text: str) -> list[Any]:
    """The values in JSON Lines: one a line."""
    return [json.loads(line) for line in text.split("\n") if line.strip()]


def _json_table(rows: list[Any], name: str) -> RowTable:
    kind = type(rows[0])
    for number, row in enumerate(rows, 1):
        if type(row) is not kind or kind not in (dict, list):
            raise InvalidInput(
                f"Row {number} of {name} is not written as the rows before it."
                if number > 1
                else f"Row 1 of {name} is neither an object nor a list.",
                next_step="Give every row as an object of columns, or every row as a list of values.",
            )
    if kind is list:
        width = max(map(len, rows))
        for number, row in enumerate(rows, 1):
            if len(row) != width:
                raise InvalidInput(
                    f"Row {number} of {name} has {len(row)} values, and others have {width}.",
                    next_step="Give every row as many values as the model takes.",
                )
        return RowTable(name, tuple(str(n + 1) for n in range(width)), rows, named=False)
    names = tuple(dict.fromkeys(column for row in rows for column in row))
    if len(names) > MOST_COLUMNS or len(names) * len(rows) > MOST_CELLS:
        raise too_large(name)
    gaps: dict[str, int] = {}
    for number, row in enumerate(rows, 1):
        if len(row) != len(names):
            for column in names:
                if column not in row:
                    gaps.setdefault(column, number)
    return RowTable(name, names, [tuple(row.get(column) for column in names) for row in rows], gaps=gaps)


# ---- CSV ----


def _from_csv(text: str, name: str, wanted: Collection[str]) -> RowTable:
    before = csv.field_size_limit(_LONGEST_CELL)
    first = next(iter(io.StringIO(text[:_LONGEST_CELL], newline="")), "")
    told = _SEPARATOR_LINE.fullmatch(first)
    delimiter = told[1] if told else _delimiter(text, wanted)
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    rows: list[list[str]] = []
    numbers: list[int] = []
    cells = 0
    try:
        for line in lines:
            if not line or (told and lines.line_num == 1):
                continue
            cells += len(line)
            if cells > MOST_CELLS or len(rows) > MOST_ROWS + HEADER_LINES or len(line) > MOST_COLUMNS:
                raise too_large(name)
            rows.append(line)
            numbers.append(lines.line_num)
    except csv.Error as error:
        raise InvalidInput(
            f"{name} is not a readable CSV file: {error} (line {lines.line_num}).",
            next_step="Look for a quotation mark that is not closed.",
        ) from None
    finally:
        csv.field_size_limit(before)
    return _table(Grid(rows, numbers), name, wanted, delimiter=delimiter)


def _delimiter(text: str, wanted: Collection[str]) -> str:
    """What separates the line of names into the most cells; nothing in a table of one column."""
    heads = list(_first_lines(text))
    first = heads[0] if heads else ""
    folded = [name.strip().casefold() for name in wanted]
    named = next((head for head in heads if all(name in head.casefold() for name in folded)), first)
    unquoted = re.sub(r'"(?:[^"]|"")*"', "", named)
    best = max(_DELIMITERS, key=unquoted.count)
    return best if best in unquoted else _ONE_COLUMN


def _first_lines(text: str) -> Iterator[str]:
    """The first lines that are not empty."""
    lines = filter(None, map(str.strip, io.StringIO(text[:_LONGEST_CELL], newline="")))
    for _, line in zip(range(HEADER_LINES), lines, strict=False):
        yield line


# ---- from cells to a table ----


def _table(grid: Grid, name: str, wanted: Collection[str], *, delimiter: str = "") -> RowTable:
    """The table in ``grid``: its first line names the columns, or the first that has all the ``wanted`` ones."""
    if not grid.rows:
        raise _no_rows(name)
    remarks: list[str] = []
    at = header_place(grid.rows, wanted) or 0
    if at:
        line = f"line {grid.lines[at]}" if grid.numbered else f"row {at + 1} of those with cells"
        remarks.append(f"The columns are named in {line}; what is above it was left out.")
    head = ["" if is_blank(cell) else _name(cell) for cell in grid.rows[at]]
    rows, lines = grid.rows[at + 1 :], grid.lines[at + 1 :]
    filled = [len(head) == 1 or not all(map(is_blank, row)) for row in rows]
    empty = filled.count(False)
    if empty:
        rows, lines = list(compress(rows, filled)), list(compress(lines, filled))
        remarks.append("1 empty row was left out." if empty == 1 else f"{empty:,} empty rows were left out.")
    if not rows:
        raise _no_rows(name)
    if len(rows) > MOST_ROWS:
        raise too_large(name)
    if _has_row_names(head, rows):
        head = ["", *head]
    if delimiter:
        _check_widths(head, rows, lines, name)
    else:
        head += [""] * (max(map(len, rows)) - len(head))
        rows = [[*row, *[None] * (len(head) - len(row))] for row in rows]
    width = _filled_width(head, rows)
    if width < len(head):
        head, rows = head[:width], [row[:width] for row in rows]
    return RowTable(
        name,
        tuple(head),
        rows,
        lines if grid.numbered else (),
        written=bool(delimiter),
        delimiter="" if delimiter == _ONE_COLUMN else delimiter,
        remarks=tuple(remarks),
    )


def _name(cell: Cell) -> str:
    from kronkers_studio.domain.cell_text import column_words

    return cell if isinstance(cell, str) else column_words([cell])[0]


def _has_row_names(head: Sequence[str], rows: Sequence[Sequence[Cell]]) -> bool:
    """Whether each row begins with its number, as R writes it, and the line of names has no name for that."""
    if len(rows) < 2:
        return False
    return all(len(row) == len(head) + 1 and row[0] == str(number) for number, row in enumerate(rows, 1))


def _filled_width(head: Sequence[str], rows: Sequence[Sequence[Cell]]) -> int:
    """How many columns there are without the empty ones at the end that a spreadsheet adds."""
    width = len(head)
    while width > 1 and not head[width - 1].strip() and all(is_blank(row[width - 1]) for row in rows):
        width -= 1
    return width


def _check_widths(head: Sequence[str], rows: Sequence[Sequence[Cell]], lines: Sequence[int], name: str) -> None:
    for row, line in zip(rows, lines, strict=True):
        if len(row) != len(head):
            raise InvalidInput(
                f"Line {line} of {name} has {len(row)} values, and its first line {len(head)} names.",
                next_step="Give each line one value for each column; a missing one stays empty between its separators.",
            )


def _check_names(names: list[str], name: str) -> None:
    twice = (
        next((column for column in names if names.count(column) > 1), None) if len(set(names)) < len(names) else None
    )
    if twice is not None:
        raise InvalidInput(
            f"{name} names the column “{twice[:60]}” twice."
            if twice
            else f"{name} has several columns without a name.",
            next_step="The first line must name each column once.",
        )


def _value(cell: str, column: str, table: RowTable, row: int) -> float | int | str | None:
    text = cell.strip()
    if not text or text.lower() == "nan":
        return None
    if not NUMBER.fullmatch(text):
        return cell
    if _WHOLE.fullmatch(text):
        return int(text)
    number = float(text)
    if not math.isfinite(number):
        raise InvalidInput(
            f"Line {table.lines[row]} of {table.name}: the number for “{column[:60]}” is too large.",
            next_step="Correct it.",
        )
    return number


def _no_rows(name: str) -> InvalidInput:
    return InvalidInput(
        f"{name} holds no rows.",
        next_step='Give a list of rows, {"rows": [...]}, or a table with a line of names and a line for each row.',
    )
