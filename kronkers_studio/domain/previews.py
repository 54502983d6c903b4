"""What can be shown of a file without taking it out: the beginning of a table or text, a notebook, a picture."""

from __future__ import annotations

from dataclasses import dataclass


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
