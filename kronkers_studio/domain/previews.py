"""What can be shown of a file without taking it out: the beginning of a table or text, a notebook, a picture."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class TablePreview:
    """The first rows of a table, its cells as they read. ``complete`` says whether they are all; ``sheet`` names it in
    a workbook. ``figures`` are the places of the columns of numbers."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    complete: bool
    total: int | None = None  # rows, where that is known
    sheet: str = ""
    sheets: tuple[str, ...] = ()  # all of a workbook
    figures: frozenset[int] = frozenset()
    width: int = 0  # columns there are, when that is more than are shown


@dataclass(frozen=True, slots=True)
class TableQuery:
    """Which rows of a table are wanted, and in which order: by the column at ``sort`` (-1: as they are written), those
    in which a cell holds ``words``, in the column at ``column`` (-1: in any). "> 5" compares a column's figures."""

    sort: int = -1
    descending: bool = False
    words: str = ""
    column: int = -1


@dataclass(frozen=True, slots=True)
class TableView:
    """The first of the ``matched`` rows that a query found among ``total``, in the first columns of ``width``, as they
    read. ``read`` bytes of the file were looked through when that is not all of it, else 0."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    matched: int
    total: int
    width: int
    read: int = 0


class ColumnType(StrEnum):
    NUMBER = "number"
    TEXT = "text"
    TIME = "time"
    TRUTH = "truth"
    NOTHING = "nothing"  # it is empty


@dataclass(frozen=True, slots=True)
class ColumnFacts:
    """What is in a column: ``empty`` cells, ``distinct`` values in the others, and, as they read, the smallest, the
    median and the largest of numbers and times, else the ``commonest`` values with how often they are there."""

    name: str
    type: ColumnType
    empty: int
    distinct: int
    smallest: str = ""
    median: str = ""
    largest: str = ""
    commonest: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class TableFacts:
    """The first columns of ``width`` of a table of ``total`` rows; ``read`` as in ``TableView``."""

    columns: tuple[ColumnFacts, ...]
    total: int
    width: int
    read: int = 0


@dataclass(frozen=True, slots=True)
class TextPreview:
    """The beginning of a text, whose lines count from 1; ``form`` is its encoding, for people."""

    text: str
    complete: bool
    form: str = ""


@dataclass(frozen=True, slots=True)
class NotebookCell:
    """``kind`` is "code", "markdown" or "raw"; ``output`` what it printed, as text."""

    kind: str
    source: str
    output: str = ""


@dataclass(frozen=True, slots=True)
class NotebookPreview:
    language: str
    cells: tuple[NotebookCell, ...]
    complete: bool = True


@dataclass(frozen=True, slots=True)
class ImagePreview:
    """The bytes of a picture in a usual format."""

    data: bytes


@dataclass(frozen=True, slots=True)
class NoPreview:
    """Why there is nothing to be shown, as a sentence."""

    reason: str


Preview = TablePreview | TextPreview | NotebookPreview | ImagePreview | NoPreview
