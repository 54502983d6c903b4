"""A frame as the bytes of a file, by the ending of its name."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from kronkers_studio.domain.errors import InvalidInput

if TYPE_CHECKING:
    import pandas as pd

WRITTEN = (".csv", ".tsv", ".parquet", ".pq", ".feather", ".arrow", ".xlsx", ".json", ".jsonl")
"""The endings of names that frames are saved as."""


def table_bytes(frame: pd.DataFrame, path: str) -> bytes:
    """``frame`` as the file ``path`` has it: its index only in Parquet, and in CSV and workbooks where it is more than
    the rows' numbers, as first columns. Raises ``InvalidInput`` for other endings, and what the file cannot hold."""
    from kronkers_studio.notebook.json_writing import json_text
    from kronkers_studio.notebook.parquet_writing import arrow_bytes, parquet_bytes

    ending = f".{path.lower().rpartition('.')[2]}"
    match ending:
        case ".parquet" | ".pq":
            return parquet_bytes(frame)
        case ".feather" | ".arrow":
            return arrow_bytes(frame)
        case ".csv" | ".tsv":
            separator = "\t" if ending == ".tsv" else ","
            text = frame.to_csv(index=_has_index(frame), sep=separator, lineterminator="\n")
            return _utf8(text)
        case ".xlsx":
            return _workbook(frame)
        case ".json" | ".jsonl":
            _require_unique(frame)
            return _utf8(json_text(_with_index(frame), lines=ending == ".jsonl"))
    raise InvalidInput(
        f"“{path}” does not say in which format the frame is to be saved.",
        next_step=f"Let its name end in {', '.join(WRITTEN[:-1])} or {WRITTEN[-1]}.",
    )


def _has_index(frame: pd.DataFrame) -> bool:
    import pandas as pd

    index = frame.index
    return not isinstance(index, pd.RangeIndex) or index.name is not None or (index.start, index.step) != (0, 1)


def _with_index(frame: pd.DataFrame) -> pd.DataFrame:
    """``frame`` with an index that is more than the rows' numbers as its first columns."""
    try:
        return frame.reset_index() if _has_index(frame) else frame
    except ValueError as error:
        raise InvalidInput(
            f"The index of the frame cannot become a column of the file: {error}.",
            next_step="Give it another name, or drop it: frame.reset_index(drop=True).",
        ) from None


def _utf8(text: str) -> bytes:
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError:
        raise InvalidInput(
            "The frame holds half of a character, which no text file keeps.", next_step="Correct the text."
        ) from None


def _require_unique(frame: pd.DataFrame) -> None:
    if not frame.columns.is_unique:
        raise InvalidInput(
            "Two columns have the same name, which JSON cannot hold.", next_step="Rename one, or save it as Parquet."
        )


def _workbook(frame: pd.DataFrame) -> bytes:
    from kronkers_studio.notebook.rows import cells_of
    from kronkers_studio.workflows.table_files import workbook_of

    flat = _with_index(frame)
    columns = [cells_of(flat.iloc[:, place]) for place in range(flat.shape[1])]
    for name, cells in zip(flat.columns, columns, strict=True):
        other = next((each for each in cells if not _fits_cell(each)), None)
        if other is not None:
            what = "moments of a zone" if isinstance(other, dt.datetime) else f"a {type(other).__name__}"
            raise InvalidInput(
                f"The column “{str(name)[:60]}” holds {what}, which no cell of a workbook holds.",
                next_step="Convert it first, e.g. frame[name].astype(str), or save the frame as Parquet.",
            )
    return workbook_of([str(name) for name in flat.columns], list(zip(*columns, strict=True)))


def _fits_cell(value: Any) -> bool:
    if isinstance(value, dt.datetime):
        return value.tzinfo is None
    return value is None or isinstance(value, str | bool | int | float | dt.date | dt.time | dt.timedelta | list | dict)
