"""Save a scored table: all of a person's own columns as they were given, the answers beside them.

A text never becomes a formula of a spreadsheet. In a workbook it is a cell of the kind text. CSV has no such kind:
there an apostrophe is put before a text that begins with =, +, - or @ and is no number.
"""

from __future__ import annotations

import contextlib
import csv
import io
import json
import math
import re
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from kronkers_studio.domain.cell_text import column_words
from kronkers_studio.domain.errors import AlreadyExists, FileUnwritable, InvalidInput
from kronkers_studio.domain.progress import NEVER, SILENT, CancelToken, Progress
from kronkers_studio.domain.row_tables import MOMENTS, SAVED_AS, Cell, RowTable, ScoredRows, cell_words, is_blank
from kronkers_studio.storage.files import flush_file

_AT_ONCE = 1000  # rows between looks whether it is still wanted
_DIGITS = 15  # significant ones that spreadsheets keep
_MEASURED = 200  # rows by which the width of a column is chosen
_NARROWEST, _WIDEST = 8, 60  # characters
_MOST_DECIMALS = 9
PERCENT = "0.0%"
"""How a workbook shows a share."""
_WHOLE = re.compile(r"-?(0|[1-9][0-9]*)")
_FRACTION = re.compile(r"-?(0|[1-9][0-9]*)?\.([0-9]+)")
_EXPONENT = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?[eE][+-][0-9]{1,3}|-?[0-9]\.[0-9]+[eE][0-9]{1,3}")
SIGNED_NUMBER = re.compile(r"[+-]?([0-9]+([.,][0-9]+)*|[.,][0-9]+)([eE][+-]?[0-9]+)?")
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
"""What makes a text a formula in a spreadsheet, unless it is a ``SIGNED_NUMBER``."""


@dataclass(frozen=True, slots=True)
class SavedRows:
    """``guarded`` texts got an apostrophe before them, so that no spreadsheet takes them for a formula."""

    file: Path
    rows: int
    complete: bool
    guarded: int = 0


@dataclass(frozen=True, slots=True)
class AddedColumn:
    """A column beside a person's own; ``format`` is how a workbook shows its cells."""

    title: str
    cells: Sequence[Cell]
    format: str = ""


def save_scored_rows(
    scored: ScoredRows,
    file: Path,
    *,
    overwrite: bool = False,
    progress: Progress = SILENT,
    cancel: CancelToken = NEVER,
) -> SavedRows:
    """Save ``scored`` as a workbook, CSV, TSV or JSON, by the ending of the name ``file``.

    The file is there whole, or as it was before. Raises ``AlreadyExists`` unless it may be overwritten,
    ``InvalidInput`` for other endings, ``FileUnwritable``, ``Cancelled``.
    """
    columns = [
        AddedColumn(title, cells, "" if place == 0 else PERCENT)
        for place, (title, cells) in enumerate(answer_columns(scored))
    ]
    head = {"model": scored.model, "version": scored.version}
    return save_with_columns(
        scored.table, columns, file, head=head, overwrite=overwrite, progress=progress, cancel=cancel
    )


def save_with_columns(
    table: RowTable,
    added: Sequence[AddedColumn],
    file: Path,
    *,
    head: Mapping[str, Any],
    overwrite: bool = False,
    progress: Progress = SILENT,
    cancel: CancelToken = NEVER,
) -> SavedRows:
    """As ``save_scored_rows``: the first rows of ``table``, as many as there are cells in the columns ``added`` at its
    right. A JSON file says what is in ``head`` before the rows."""
    check_target(file, overwrite=overwrite)
    write = _WRITERS[file.suffix.lower()]
    content = _Content(table, added, head, progress, cancel)
    progress.step(f"Saving {file.name}", content.length, "rows")
    draft = file.with_name(f".{file.name}.{secrets.token_hex(6)}.new")
    try:
        with draft.open("xb") as stream:
            guarded = write(content, stream)
            stream.flush()
            flush_file(stream.fileno())
        check_target(file, overwrite=overwrite)
        draft.replace(file)
    except OSError as error:
        _remove(draft)
        raise unwritable(file, error) from None
    except BaseException:
        _remove(draft)
        raise
    return SavedRows(file, content.length, content.length == len(table.rows), guarded)


def check_target(file: Path, *, overwrite: bool = False, endings: Sequence[str] = SAVED_AS) -> None:
    """Raise what ``save_scored_rows`` would for a file of that name, before anything is sent or written; ``endings``
    are those that its name may have."""
    if file.suffix.lower() not in endings:
        raise InvalidInput(
            f"“{file.name}” does not say in which format to save.",
            next_step=f"Let its name end in {', '.join(endings[:-1])} or {endings[-1]}.",
        )
    try:
        if file.is_dir():
            raise InvalidInput(f"{file} is a folder.", next_step="Give the file a name of its own.")
        if not overwrite and file.exists():
            raise AlreadyExists(f"{file} is there already.", next_step="Choose another name, or let it be overwritten.")
        if not file.parent.is_dir():
            raise InvalidInput(f"There is no folder {file.parent}.", next_step="Make it first, or choose another.")
    except OSError as error:
        raise unwritable(file, error) from None


def _remove(draft: Path) -> None:
    with contextlib.suppress(OSError):
        draft.unlink(missing_ok=True)


def unwritable(file: Path, error: OSError) -> FileUnwritable:
    """What is said when ``file`` could not be written."""
    held = isinstance(error, PermissionError)
    return FileUnwritable(
        f"{file} could not be saved: {error.strerror or error}.",
        next_step="Close it where it is open (Excel keeps others from writing), or save it in another folder."
        if held
        else "Save it in another folder.",
        details=str(error),
    )


class _Content:
    """What is saved: titles, and rows of cells."""

    def __init__(
        self,
        table: RowTable,
        added: Sequence[AddedColumn],
        head: Mapping[str, Any],
        progress: Progress,
        cancel: CancelToken,
    ) -> None:
        self.table = table
        self.added = added
        self.head = head
        self.length = len(added[0].cells)
        self._progress = progress
        self._cancel = cancel

    @property
    def titles(self) -> list[str]:
        return [*self.table.columns, *(column.title for column in self.added)]

    def rows(self) -> Iterator[tuple[Sequence[Cell], list[Cell]]]:
        """(a row as it was given, its answers), one after another."""
        cells = [column.cells for column in self.added]
        for at in range(self.length):
            if at % _AT_ONCE == 0:
                self._cancel.check()
                self._progress.advance(_AT_ONCE if at else 0)
            yield self.table.rows[at], [column[at] for column in cells]


# ---- workbooks ----


def _write_workbook(content: _Content, stream: BinaryIO) -> int:
    from kronkers_studio.formats.workbook_writing import write_rows

    forms = [_column_form(content.table, place) for place in range(len(content.table.columns))]
    rows = (
        [fitting(form.value(cell)) for form, cell in zip(forms, row, strict=True)] + list(map(fitting, answers))
        for row, answers in content.rows()
    )
    formats = [form.format for form in forms]
    formats += [column.format for column in content.added]
    write_rows(
        stream, "Answers", content.titles, rows, formats=formats, widths=widths_of(content.titles, content.table.rows)
    )
    return 0


def fitting(value: Cell) -> Cell:
    """``value`` as a cell of a workbook can hold it."""
    from kronkers_studio.formats.workbook_writing import LONGEST_TEXT

    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 10**_DIGITS:
        return str(value)  # a spreadsheet would show other digits
    if isinstance(value, float) and math.isnan(value):
        return None
    if isinstance(value, list | dict):
        value = json.dumps(value, ensure_ascii=False)
    if isinstance(value, str) and len(value) > LONGEST_TEXT:
        raise InvalidInput(
            f"A text of {len(value):,} characters does not fit into a cell of a workbook.",
            next_step="Save it as CSV.",
        )
    return value


def widths_of(titles: Sequence[str], rows: Sequence[Sequence[Cell]]) -> list[int]:
    widths = []
    for place, title in enumerate(titles):
        shown = [str(row[place]) for row in rows[:_MEASURED] if place < len(row) and row[place] is not None]
        widths.append(max(_NARROWEST, min(_WIDEST, 2 + max(map(len, [title, *shown])))))
    return widths


@dataclass(frozen=True, slots=True)
class _Form:
    """How the cells of a column are written into a workbook or JSON."""

    value: Callable[[Cell], Cell]
    format: str = ""


def _column_form(table: RowTable, place: int) -> _Form:
    """Texts of a CSV file that are numbers become numbers, unless one of the column's would change by that: codes such
    as 007 or 12E4, and what has more digits than spreadsheets keep. The others stay what they are."""
    if not table.written:
        return _Form(_unchanged)
    comma = table.delimiter == ";"
    decimals = 0
    for row in table.rows:
        text = row[place].strip()
        if not SIGNED_NUMBER.fullmatch(text):
            continue
        plain = text.replace(",", ".", 1) if comma and "." not in text else text
        if not _is_number(plain):
            return _Form(_unchanged)
        fraction = _FRACTION.fullmatch(plain)
        decimals = max(decimals, len(fraction[2]) if fraction else _MOST_DECIMALS + 1 if "e" in plain.lower() else 0)
    format = f"0.{'0' * decimals}" if 0 < decimals <= _MOST_DECIMALS else ""
    return _Form(lambda cell: _number_or_text(cell, comma=comma), format)


def _is_number(text: str) -> bool:
    """Whether a spreadsheet shows the number ``text`` with all its digits."""
    if not (_WHOLE.fullmatch(text) or _FRACTION.fullmatch(text) or _EXPONENT.fullmatch(text)):
        return False
    mantissa = re.split("[eE]", text)[0]
    return len(mantissa.strip("-").replace(".", "").lstrip("0")) <= _DIGITS


def _number_or_text(cell: str, *, comma: bool) -> Cell:
    text = cell.strip()
    plain = text.replace(",", ".", 1) if comma and "." not in text else text
    if _WHOLE.fullmatch(plain):
        return int(plain)
    if _FRACTION.fullmatch(plain) or _EXPONENT.fullmatch(plain):
        return float(plain)
    return None if is_blank(cell) else cell


def _unchanged(cell: Cell) -> Cell:
    return cell


def answer_columns(scored: ScoredRows, *, every_class: bool = True) -> list[tuple[str, list[Cell]]]:
    """The columns that a scored table has beside a person's own: names that are not taken yet, and cells."""
    columns: list[tuple[str, list[Cell]]] = [("answer", [output_cell(output) for output in scored.outputs])]
    if scored.probabilities:
        columns.append(("certainty", [scored.certainty(row) for row in range(len(scored.outputs))]))
        if every_class:
            columns += [
                (f"probability of {name}", [chances.get(name) for chances in scored.probabilities])
                for name in scored.classes
            ]
    names = free_names(scored.table, [title for title, _ in columns])
    return [(name, cells) for name, (_, cells) in zip(names, columns, strict=True)]


def free_names(table: RowTable, titles: Sequence[str]) -> list[str]:
    """``titles`` as names that no column of ``table`` has, nor another one of them."""
    taken = {column.strip().casefold() for column in table.columns}
    names = []
    for title in titles:
        name, number = title, 1
        while name.casefold() in taken:
            number += 1
            name = f"{title} ({number})"
        taken.add(name.casefold())
        names.append(name)
    return names


def output_cell(output: Any) -> Cell:
    """An answer as a cell: an array as JSON."""
    return json.dumps(output, ensure_ascii=False) if isinstance(output, list) else output


# ---- CSV ----


def _write_csv(content: _Content, stream: BinaryIO) -> int:
    """As the person's own CSV file is written; in UTF-8 with its mark, by which Excel knows it."""
    delimiter = content.table.delimiter or ","
    return _write_delimited(content, stream, delimiter)


def _write_tsv(content: _Content, stream: BinaryIO) -> int:
    return _write_delimited(content, stream, "\t")


def _write_delimited(content: _Content, stream: BinaryIO, delimiter: str) -> int:
    text = io.TextIOWrapper(stream, encoding="utf-8-sig", errors="backslashreplace", newline="")
    writer = csv.writer(text, delimiter=delimiter)
    comma = delimiter == ";"
    guarded = 0

    def words(cell: Cell) -> str:
        nonlocal guarded
        shown = cell if isinstance(cell, str) else cell_words(cell, comma=comma)
        if shown.startswith(FORMULA_STARTS) and isinstance(cell, str) and not SIGNED_NUMBER.fullmatch(shown):
            guarded += 1
            return f"'{shown}"
        return shown

    writer.writerow(list(map(words, content.titles)))
    for row, answers in content.rows():
        writer.writerow([*map(words, row), *map(words, answers)])
    text.flush()
    text.detach()
    return guarded


# ---- JSON ----


def _write_json(content: _Content, stream: BinaryIO) -> int:
    """{"model", "version", "rows": [...]}: it can be sent again as it is."""
    forms = [_column_form(content.table, place) for place in range(len(content.table.columns))]
    names = _distinct(content.titles)
    head = json.dumps(content.head, ensure_ascii=False)
    stream.write(f'{head[:-1]}, "rows": ['.encode())
    for number, (row, answers) in enumerate(content.rows()):
        values = [*(form.value(cell) for form, cell in zip(forms, row, strict=True)), *answers]
        fields = dict(zip(names, map(_json_value, values), strict=True))
        line = json.dumps(fields, ensure_ascii=False).encode("utf-8", "backslashreplace")
        stream.write((b",\n" if number else b"\n") + line)
    stream.write(b"\n]}\n")
    return 0


def _json_value(value: Any) -> Any:
    if isinstance(value, MOMENTS):
        return column_words([value])[0]
    return None if isinstance(value, float) and math.isnan(value) else value


def _distinct(titles: Sequence[str]) -> list[str]:
    names: dict[str, None] = {}
    for place, title in enumerate(titles, 1):
        name, number = title.strip() or f"column {place}", 1
        while name in names:
            number += 1
            name = f"{title.strip() or f'column {place}'} ({number})"
        names[name] = None
    return list(names)


_WRITERS: dict[str, Callable[[_Content, BinaryIO], int]] = {
    ".xlsx": _write_workbook,
    ".csv": _write_csv,
    ".tsv": _write_tsv,
    ".json": _write_json,
}
