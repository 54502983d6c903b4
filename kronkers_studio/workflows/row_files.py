"""Rows for a model out of a file as people have them: JSON, or CSV as spreadsheets write it."""

from __future__ import annotations

import codecs
import csv
import io
import json
import math
import re
from typing import Any

from kronkers_studio.domain.errors import InvalidInput

MOST_BYTES = 32_000_000
"""The largest file of rows: twice what a service takes at once. As values it is twenty times as large."""

_DELIMITERS = ",;\t"
_ONE_COLUMN = "\x1f"  # separates nothing in a table whose first line has no delimiter
_LONGEST_CELL = 1_000_000  # characters
_NUMBER = re.compile(r"[+-]?([0-9]+|[0-9]*\.[0-9]+|[0-9]+\.)([eE][+-]?[0-9]+)?")
_WHOLE = re.compile(r"[+-]?[0-9]{1,19}")

_MARKS = (  # the longer before its beginning
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def parse_rows(content: bytes, name: str) -> list[Any]:
    """The rows in ``content``: JSON (a list of rows, or {"rows": [...]}), or CSV with a first line of column names.

    What it is shows in the content; ``name`` is what messages call it, and its ending counts only for text that begins
    like JSON and is none. In CSV, a cell that reads as a number is one, an empty or NaN cell is a missing value. Raises
    ``InvalidInput``, with the line where it can be told.
    """
    text = _decoded(content, name)
    beginning = text.lstrip()[:1]
    if not beginning:
        raise _no_rows(name)
    if beginning in ("[", "{"):
        try:
            return _from_json(text, name)
        except _NotJson as problem:
            if not name.lower().endswith((".csv", ".tsv")):
                raise InvalidInput(f"{name} is not valid JSON: {problem}.", next_step="Correct it.") from None
    return _from_csv(text, name)


class _NotJson(Exception):
    pass


def _decoded(content: bytes, name: str) -> str:
    if len(content) > MOST_BYTES:
        raise InvalidInput(
            f"{name} is larger than {MOST_BYTES / 1e6:.0f} MB.", next_step="Send the rows in several files."
        )
    encoding = next((encoding for mark, encoding in _MARKS if content.startswith(mark)), "utf-8")
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError:
        called = encoding.removesuffix("-sig").upper()
        raise InvalidInput(
            f"{name} is not {called} text.", next_step="Save it as UTF-8 (in Excel: “CSV UTF-8”)."
        ) from None
    if "\0" in text:
        raise InvalidInput(
            f"{name} is not a text file: it holds zero bytes.",
            next_step="Give JSON or CSV. Save a workbook as “CSV UTF-8” first, and UTF-16 text as UTF-8.",
        )
    return text


def _from_json(text: str, name: str) -> list[Any]:
    try:
        content = json.loads(text)
    except RecursionError:
        raise _NotJson("it is nested too deeply") from None
    except json.JSONDecodeError as error:
        raise _NotJson(str(error)) from None
    except ValueError:  # what Python refuses to read: thousands of digits
        raise _NotJson("one of its numbers has thousands of digits") from None
    rows = content.get("rows") if isinstance(content, dict) else content
    if not isinstance(rows, list) or not rows:
        raise _no_rows(name)
    return rows


def _from_csv(text: str, name: str) -> list[Any]:
    before = csv.field_size_limit(_LONGEST_CELL)
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text))
    try:
        names = [column.strip() for column in next((line for line in lines if line), [])]
        _check_names(names, name)
        rows = [_row(names, line, lines.line_num, name) for line in lines if line]
    except csv.Error as error:
        raise InvalidInput(
            f"{name} is not a readable CSV file: {error} (line {lines.line_num}).",
            next_step="Look for a quotation mark that is not closed.",
        ) from None
    finally:
        csv.field_size_limit(before)
    if not rows:
        raise _no_rows(name)
    return rows


def _delimiter(text: str) -> str:
    """What separates the first line into the most cells; nothing in a table of one column."""
    first = next(filter(None, map(str.strip, io.StringIO(text[:_LONGEST_CELL], newline=""))), "")
    unquoted = re.sub(r'"(?:[^"]|"")*"', "", first)
    best = max(_DELIMITERS, key=unquoted.count)
    return best if best in unquoted else _ONE_COLUMN


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


def _row(names: list[str], cells: list[str], line: int, name: str) -> dict[str, Any]:
    if len(cells) != len(names):
        raise InvalidInput(
            f"Line {line} of {name} has {len(cells)} values, and its first line {len(names)} names.",
            next_step="Give each line one value for each column; a missing one stays empty between its separators.",
        )
    return {column: _cell(cell, column, line, name) for column, cell in zip(names, cells, strict=True)}


def _cell(cell: str, column: str, line: int, name: str) -> float | int | str | None:
    text = cell.strip()
    if not text or text.lower() == "nan":
        return None
    if not _NUMBER.fullmatch(text):
        return cell
    if _WHOLE.fullmatch(text):
        return int(text)
    number = float(text)
    if not math.isfinite(number):
        raise InvalidInput(
            f"Line {line} of {name}: the number for “{column[:60]}” is too large.", next_step="Correct it."
        )
    return number


def _no_rows(name: str) -> InvalidInput:
    return InvalidInput(
        f"{name} holds no rows.",
        next_step='Give a list of rows, {"rows": [...]}, or CSV with a line of names and a line for each row.',
    )
