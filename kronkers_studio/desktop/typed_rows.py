"""Rows for a model as people write them: JSON, CSV or a form; and its answers as a table."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from kronkers_studio.desktop.localization import figure, tr
from kronkers_studio.domain.errors import InvalidInput, InvalidValue
from kronkers_studio.domain.models import Datatype, Signature
from kronkers_studio.domain.releases import Prediction

Row = Mapping[str, Any] | Sequence[Any]

LARGEST_FILE = 20_000_000  # bytes of a file of rows that is read into the window
_WHOLE = {Datatype.INT8, Datatype.INT16, Datatype.INT32, Datatype.INT64}
_WHOLE |= {Datatype.UINT8, Datatype.UINT16, Datatype.UINT32, Datatype.UINT64}


def parse_rows(text: str) -> list[Row]:
    """Rows from JSON (a list of rows, one row, or {"rows": […]}) or from CSV with a first line of column names.

    Raises ``InvalidInput`` that names the line.
    """
    text = text.strip()
    if not text:
        raise InvalidInput(tr("There are no rows yet."), next_step=tr("Paste JSON or CSV, or open a file."))
    return _from_json(text) if text[0] in "[{" else _from_csv(text)


def read_rows(file: Path) -> str:
    """The text of a JSON or CSV file of rows. Raises ``InvalidInput`` when it cannot be read."""
    try:
        if file.stat().st_size > LARGEST_FILE:
            raise InvalidInput(
                tr("{file} is too large for this window.").format(file=file.name),
                next_step=tr("Send it with `kronkers predict` instead."),
            )
        return file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(
            tr("{file} cannot be read.").format(file=file.name),
            next_step=tr("Choose a JSON or CSV file in UTF-8."),
            details=str(error),
        ) from None


def row_from_form(signature: Signature, typed: Mapping[str, str]) -> dict[str, Any]:
    """One row from what was typed per column, by the columns' types. Raises ``InvalidValue`` that names the column."""
    row: dict[str, Any] = {}
    for name, datatype in form_columns(signature):
        text = typed.get(name, "").strip()
        if not text:
            raise InvalidValue(
                tr("{column} is empty.").format(column=name), column=name, next_step=tr("Fill in every column.")
            )
        row[name] = _value(name, text, datatype)
    return row


def form_columns(signature: Signature) -> list[tuple[str, Datatype]]:
    """(column, type) of each field that a form needs; empty when the columns are not known."""
    columns: list[tuple[str, Datatype]] = []
    for tensor in signature.inputs:
        if tensor.columns:
            columns += [(name, tensor.datatype) for name in tensor.columns]
        elif len(tensor.shape) < 2 or tensor.shape[-1] in (1, -1):
            columns.append((tensor.name, tensor.datatype))
    return columns


def example_rows(signature: Signature) -> str:
    """A first line to write over: JSON with every column, or as many numbers as the model takes."""
    columns = form_columns(signature)
    if columns:
        row: Any = {name: "" if datatype is Datatype.BYTES else 0 for name, datatype in columns}
    else:
        width = signature.inputs[0].shape[-1] if signature.inputs and signature.inputs[0].shape else 1
        return json.dumps([[0] * max(1, width)])
    return json.dumps([row], indent=2, ensure_ascii=False)


def answer_table(rows: Sequence[Row], answer: Prediction) -> tuple[list[str], list[list[str]]]:
    """(titles, lines): the answer first, its certainty, then the row's own values."""
    sure = bool(answer.probabilities)
    names = _column_names(rows)
    titles = [tr("Answer"), *([tr("Certainty")] if sure else []), *names]
    lines = []
    for position, output in enumerate(answer.outputs):
        line = [_shown(output)]
        if sure:
            chances = answer.probabilities[position]
            line.append(tr("{percent} %").format(percent=figure(round(100 * max(chances.values()), 1))))
        row = rows[position] if position < len(rows) else ()
        values = [row.get(name) for name in names] if isinstance(row, Mapping) else list(row)
        lines.append([*line, *(_shown(value) for value in values)])
    return titles, lines


def _column_names(rows: Sequence[Row]) -> list[str]:
    first = rows[0] if rows else ()
    return [str(name) for name in first] if isinstance(first, Mapping) else [str(n + 1) for n in range(len(first))]


def _shown(value: Any) -> str:
    if isinstance(value, bool) or value is None:
        return "" if value is None else str(value).lower()
    if isinstance(value, int | float):
        return figure(value)
    return ", ".join(_shown(part) for part in value) if isinstance(value, list) else str(value)


def _from_json(text: str) -> list[Row]:
    try:
        content = json.loads(text)
    except json.JSONDecodeError as error:
        raise InvalidInput(
            tr("This is not JSON: line {line}, {reason}.").format(line=error.lineno, reason=error.msg.lower()),
            next_step=tr("Correct it there, or paste CSV."),
        ) from None
    except (RecursionError, ValueError):  # nested too deeply, or a number of thousands of digits
        raise InvalidInput(tr("This JSON cannot be read."), next_step=tr("Write a list of rows.")) from None
    rows = content.get("rows", [content]) if isinstance(content, dict) else content
    if isinstance(rows, list) and rows and not isinstance(rows[0], list | dict):
        rows = [rows]
    if not isinstance(rows, list) or not rows or not all(isinstance(row, list | dict) for row in rows):
        raise InvalidInput(
            tr("There are no rows in it."), next_step=tr("Write a list of rows, each with its values by column name.")
        )
    return rows


def _from_csv(text: str) -> list[Row]:
    lines = text.splitlines()
    separator = max(",;\t", key=lines[0].count)
    reader = csv.DictReader(io.StringIO(text), delimiter=separator)
    rows: list[Row] = []
    for number, line in enumerate(_lines_of(reader), 2):
        if None in line or None in line.values():
            raise InvalidInput(
                tr("Line {line} has another number of values than the first line has names.").format(line=number),
                next_step=tr("The first line names the columns; each line after it is one row."),
            )
        rows.append({name.strip(): _number_or_text(value, separator) for name, value in line.items()})
    if not rows:
        raise InvalidInput(tr("There is only a line of names."), next_step=tr("Add a line of values for each row."))
    return rows


def _lines_of(reader: csv.DictReader[str]) -> Iterator[dict[str, Any]]:
    try:
        yield from reader
    except csv.Error:
        raise InvalidInput(
            tr("The CSV cannot be read after line {line}.").format(line=reader.line_num),
            next_step=tr("Look for a quotation mark that is not closed."),
        ) from None


def _number_or_text(text: str, separator: str) -> Any:
    text = text.strip()
    plain = text.replace(",", ".") if separator == ";" else text
    for kind in (int, float):
        try:
            return kind(plain)
        except ValueError:
            continue
    return text


def _value(name: str, text: str, datatype: Datatype) -> Any:
    if datatype is Datatype.BYTES:
        return text
    if datatype is Datatype.BOOL:
        return text.casefold() in ("1", "true", "yes", tr("yes"))
    try:
        return int(text) if datatype in _WHOLE else float(text.replace(",", "."))
    except ValueError:
        kind = tr("a whole number") if datatype in _WHOLE else tr("a number")
        raise InvalidValue(
            tr("{column} must be {kind}, not “{text}”.").format(column=name, kind=kind, text=text),
            column=name,
            next_step=tr("Correct it and send again."),
        ) from None
