"""Rows as CSV (RFC 4180) to the rows that JSON would have said, and answers as CSV.

A spreadsheet of a country that writes 1,5 puts semicolons between the values: where the first line has semicolons and
no comma, that is how the rest is read. An empty value is a missing one; with text that may not be missing, no text.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence
from typing import Any

from kronkers_studio.estimators.columns import Holds
from kronkers_studio.serving.inputs.row_reader import Column, RowReader
from kronkers_studio.serving.problems import Refusal

_TRUTH = {"true": True, "false": False, "1": True, "0": False}
_NO_NUMBER = re.compile(r"_|nan|inf", re.IGNORECASE)  # Python reads these as numbers, and no table means them
_MISSING = frozenset({"", "na", "nan", "null", "n/a"})  # as R, pandas and databases write it among numbers

csv.field_size_limit(1 << 20)  # characters


def rows_of_csv(body: bytes, reader: RowReader, *, has_header: bool | None, most_rows: int) -> list[Any]:
    """The rows in ``body``, as ``reader`` reads them: objects by the names in the first line, or lists.

    ``has_header`` says whether the first line holds names; None: it does where the model's columns have names. Raises
    ``Refusal`` for what is no CSV; what a value may be is the reader's affair.
    """
    lines = _lines(body, most_rows + 1)
    if not lines:
        raise Refusal("The body is empty; send rows as CSV.")
    header = lines.pop(0) if (reader.named if has_header is None else has_header) else None
    if len(lines) > most_rows:
        raise Refusal(f"One request may hold {most_rows} rows. Send them in parts.", status=413, field="rows")
    if header is not None and reader.named:
        return _named_rows(header, lines, reader.columns)
    columns = reader.columns
    return [
        [_value(text, columns[at] if at < len(columns) else None) for at, text in enumerate(line)] for line in lines
    ]


def _lines(body: bytes, most: int) -> list[list[str]]:
    """The lines that hold something, at most one more than ``most``."""
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Refusal(f"The body is not CSV in UTF-8: the byte at {error.start} begins no character.") from None
    first = text[: text.find("\n")] if "\n" in text else text
    decimal_comma = ";" in first and "," not in first
    found = csv.reader(io.StringIO(text, newline=""), delimiter=";" if decimal_comma else ",", strict=True)
    lines: list[list[str]] = []
    try:
        for line in found:
            if line:
                lines.append([_with_point(value) for value in line] if decimal_comma else line)
            if len(lines) > most:
                break
    except csv.Error as error:
        raise Refusal(f"The body is not CSV: {error} (line {found.line_num}).") from None
    return lines


def _with_point(text: str) -> str:
    """1,5 as 1.5; anything else as it is."""
    whole, comma, part = text.partition(",")
    return f"{whole}.{part}" if comma and part.strip().isdigit() and whole.strip().lstrip("+-").isdigit() else text


def _named_rows(header: list[str], lines: list[list[str]], columns: Sequence[Column]) -> list[dict[str, Any]]:
    names = [name.strip() for name in header]
    twice = next((name for name in names if names.count(name) > 1), None) if len(set(names)) < len(names) else None
    if twice is not None:
        raise Refusal(f"The first line names “{twice[:100]}” twice.", field=twice[:100])
    by_name = {column.name: column for column in columns}
    width = len(names)
    for number, line in enumerate(lines, 1):
        if len(line) != width:
            raise Refusal(f"Row {number} has {len(line)} values; the first line names {width}.", row=number)
    read = [_column([line[at] for line in lines], by_name.get(name)) for at, name in enumerate(names)]
    return [dict(zip(names, values, strict=True)) for values in zip(*read, strict=True)]


def _column(texts: list[str], column: Column | None) -> Iterable[Any]:
    """All values of one column: at once where all of them are numbers, else one by one."""
    if column is not None and column.kind in "FI" and column.holds is not Holds.ANYTHING:
        try:
            numbers = list(map(float if column.kind == "F" else int, texts))
        except ValueError:
            numbers = []  # one of them is missing, or wrong
        if numbers and not _NO_NUMBER.search("\n".join(texts)):
            return numbers
    return [_value(text, column) for text in texts]


def _value(text: str, column: Column | None) -> Any:
    """What ``text`` stands for; where it does not fit, as it is: the reader says what is wrong."""
    kind = column.kind if column is not None else "F"
    if kind == "O":
        return text if text or column is None or not column.takes_missing else None
    word = text.strip().lower()
    if word in _MISSING:
        return None
    if kind == "B":
        return _TRUTH.get(word, text)
    if not _NO_NUMBER.search(word):
        for number in (int, float):
            try:
                return number(text)
            except ValueError:
                continue
    return _TRUTH.get(word, text) if column is not None and column.holds is Holds.NUMBERS else text


def csv_of(names: Sequence[str], columns: Sequence[Iterable[Any]]) -> bytes:
    """A table as CSV, its first line the ``names``."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(names)
    writer.writerows(zip(*columns, strict=True))
    return out.getvalue().encode()
