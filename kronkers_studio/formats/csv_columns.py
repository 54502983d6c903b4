"""CSV files as columns of what their cells are.

A column is one of numbers when each of its cells is one that is written again with the same digits, but for zeros at
the end of a fraction: codes such as 007 or +49 stay texts, as does every date. Where a point or a comma may part
thousands as well as decimals, other columns decide, and else it stays a text: a wrong guess is wrong a thousandfold.
"""

from __future__ import annotations

import csv
import io
import re
from typing import TYPE_CHECKING, NamedTuple

from kronkers_studio.formats.delimited import SNIFFED_CHARACTERS, is_header, sniff_delimiter
from kronkers_studio.formats.table_files import column_names
from kronkers_studio.formats.text_encoding import Text, read_text

if TYPE_CHECKING:
    import polars as pl

_MISSING = ("", "NA", "N/A", "n/a", "#N/A", "NaN", "nan", "NULL", "null", "None")
"""What programs write for a number that is missing. Of texts only the empty cell is: NA may be Namibia."""
_INFINITE = ("inf", "-inf", "Inf", "-Inf")
_INTEGER = r"^-?(0|[1-9][0-9]{0,18})$"
_FRACTION = r"^-?(0|[1-9][0-9]*)?(\.[0-9]*)?([eE][+-]?[0-9]{1,3})?$"
_DIGIT = r"^-?\.?[0-9]"
_LONG = r"^(-?[0-9]{16,})(\.[0-9]*)?$"
_CODE = r"^[0-9]+[eE][0-9]+$"  # as 12e4 is, where nothing else in the column is a fraction
_GROUPED = "^-?[1-9][0-9]{{0,2}}({0}[0-9]{{3}})+$"
_COMMA_IS_DECIMAL = (";", "\t")
_SEPARATOR_LINE = re.compile('"?sep=(.)"?\r?\n')  # what Excel reads of a file, and shows nobody
_LINES_COUNTED = 50


class CsvColumns(NamedTuple):
    """The columns of a file, and what is to be known of how they were read."""

    frame: pl.DataFrame
    remarks: tuple[str, ...]


def read_csv_columns(data: bytes, delimiter: str, encoding: str, as_text: bool, header: bool | None) -> CsvColumns:
    """``delimiter`` and ``encoding`` are found where they are "", and whether the first row holds names where
    ``header`` is None. With ``as_text`` all cells stay texts. Raises ``ValueError`` and what polars raises."""
    import polars as pl

    remarks: list[str] = []
    text = _text(data, encoding)
    content = text.content
    if text.encoding != "utf-8" and not encoding:
        remarks.append(f"It is read as {text.title}.")
    if "\r" in content and "\n" not in content:
        content = content.replace("\r", "\n")
    told = _SEPARATOR_LINE.match(content)
    if told and not delimiter:
        content, delimiter = content[told.end() :], told[1]
    if content.startswith(("\n", "\r")):
        content = content.lstrip("\r\n")
    if not content or content.isspace():
        return CsvColumns(pl.DataFrame(), ())
    delimiter = delimiter or sniff_delimiter(content[:SNIFFED_CHARACTERS])
    content = _with_all_names(content, delimiter, remarks)
    same = content is text.content and text.encoding == "utf-8" and not text.mark
    plain = data if same else content.encode("utf-8")
    cells = pl.read_csv(plain, has_header=False, separator=delimiter, infer_schema=False, empty_string_is_null=True)
    frame = _named(_without_blank_lines(cells, content, delimiter), header, remarks)
    return CsvColumns(frame if as_text else _typed(frame, delimiter, remarks), tuple(remarks))


def _text(data: bytes, encoding: str) -> Text:
    if not encoding:
        found = read_text(data)
        if found is None:
            raise ValueError("it is not text")
        return found
    try:
        return Text(data.decode(encoding).removeprefix("\ufeff"), encoding, b"?")
    except (LookupError, UnicodeDecodeError) as error:
        raise ValueError(f"it is not text in {encoding[:40]} ({error})") from None


# ---- rows and names ----


def _with_all_names(content: str, delimiter: str, remarks: list[str]) -> str:
    """R names rows in a first column that has no name itself; others end each row but the first with a delimiter."""
    lines = io.StringIO(content[:SNIFFED_CHARACTERS], newline="")
    try:
        rows = [row for row in csv.reader(lines, delimiter=delimiter) if row]
    except (csv.Error, TypeError):  # no cells that are divided so
        return content
    if len(content) > SNIFFED_CHARACTERS:
        rows = rows[:-1]  # the last one may be cut off
    rows = rows[:_LINES_COUNTED]
    if len(rows) < 2 or len(rows[0]) < 2 or any(len(row) != len(rows[0]) + 1 for row in rows[1:]):
        return content
    if any(row[-1] for row in rows[1:]):
        remarks.append("The first row names one column less than there are: the first one is called “column 1”.")
        return delimiter + content
    first = content.find("\n")
    first = first - 1 if content[first - 1] == "\r" else first
    return content[:first] + delimiter + content[first:]


def _without_blank_lines(cells: pl.DataFrame, content: str, delimiter: str) -> pl.DataFrame:
    """In a table of several columns an empty line is no row; one of delimiters alone is."""
    import polars as pl

    if cells.width < 2:
        return cells
    blank = cells.select(pl.all_horizontal(pl.all().is_null())).to_series()
    if not blank.any() or re.search(f'^[{re.escape(delimiter)}"]+\r?$', content, re.MULTILINE):
        return cells
    return cells.filter(~blank)


def _named(cells: pl.DataFrame, header: bool | None, remarks: list[str]) -> pl.DataFrame:
    first, below = (tuple(str(cell or "") for cell in cells.row(row)) if row < cells.height else () for row in (0, 1))
    if header is None:
        header = is_header(first, below)
        if not header and any(first):
            remarks.append("The first row is read as values, for it holds numbers; header=True takes it for names.")
    cells.columns = column_names(first if header else ("",) * len(first))
    return cells[1:] if header else cells


# ---- what cells are ----


def _typed(frame: pl.DataFrame, delimiter: str, remarks: list[str]) -> pl.DataFrame:
    """The columns as numbers or truths where all of their cells are such, else as they are."""
    plain = [_plain(each) for each in frame.iter_columns()]
    commas = [delimiter in _COMMA_IS_DECIMAL and _has(each, ",") and not _has(each, ".") for each in plain]
    points = [
        each.str.replace(",", ".", literal=True) if comma else each for each, comma in zip(plain, commas, strict=True)
    ]
    made = [_values(each) for each in points]
    decimal: list[str] = []
    unclear: list[str] = []
    for cells, comma, values in zip(plain, commas, made, strict=True):
        if comma and values is not None:
            (unclear if _parts_thousands(cells, ",") else decimal).append(cells.name)
    if decimal:
        decimal = [*decimal, *unclear]
        unclear = [each.name for each in plain if _has(each, ".") and _parts_thousands(each, "\\.")]
        remarks.append(f"A comma is read as the decimal sign in {', '.join(decimal[:5])}.")
    unclear = [name for name, values in zip(frame.columns, made, strict=True) if name in unclear and values is not None]
    if unclear:
        remarks.append(f"Of {', '.join(unclear[:5])} it is not known whether thousands or decimals are parted: texts.")
    columns = zip(frame.iter_columns(), made, strict=True)
    return frame.select(
        cells if values is None or cells.name in unclear else values.alias(cells.name) for cells, values in columns
    )


def _plain(cells: pl.Series) -> pl.Series:
    plain = cells.str.strip_chars()
    return plain.set(plain.is_in(_MISSING), None)


def _has(cells: pl.Series, sign: str) -> bool:
    return bool(cells.str.contains(sign, literal=True).any())


def _parts_thousands(cells: pl.Series, sign: str) -> bool:
    """Whether ``sign``, a regular expression, stands before three digits wherever it stands."""
    with_sign = cells.filter(cells.str.contains(sign))
    return bool(with_sign.str.contains(_GROUPED.format(sign)).all())


def _values(plain: pl.Series) -> pl.Series | None:  # noqa: PLR0911  # one return a kind reads best
    """Numbers or truths; None where a cell is something else."""
    import polars as pl

    there = plain.drop_nulls()
    if there.is_empty():
        return None
    if there.str.to_lowercase().is_in(["true", "false"]).all():
        return plain.str.to_lowercase() == "true"
    if there.str.contains(_INTEGER).all():
        whole = plain.cast(pl.Int64, strict=False)
        return whole if whole.null_count() == plain.null_count() else None
    finite = there.filter(~there.is_in(_INFINITE))
    if finite.is_empty() or not (finite.str.contains(_FRACTION) & finite.str.contains(_DIGIT)).all():
        return None
    if finite.str.contains(_CODE).any() and not finite.str.contains(r"\.|[+-]").any():
        return None
    numbers = plain.cast(pl.Float64, strict=False)
    if numbers.is_infinite().sum() != len(there) - len(finite) or not _keep_their_digits(finite):
        return None
    return numbers


def _keep_their_digits(numbers: pl.Series) -> bool:
    """Whether whole parts of 16 digits and more are the same after they were fractions."""
    import polars as pl

    long = numbers.filter(numbers.str.contains(_LONG))
    whole = long.str.extract(_LONG).cast(pl.Int64, strict=False)
    return bool((whole == long.cast(pl.Float64).cast(pl.Int64, strict=False)).fill_null(False).all())
