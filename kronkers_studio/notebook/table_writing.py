"""A frame as the bytes of a file, by the ending of its name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kronkers_studio.domain.errors import InvalidInput

if TYPE_CHECKING:
    import pandas as pd

WRITTEN = (".csv", ".tsv", ".parquet", ".pq", ".feather", ".arrow", ".xlsx", ".json", ".jsonl")
"""The endings of names that frames are saved as."""


def table_bytes(frame: pd.DataFrame, path: str) -> bytes:
    """``frame`` as the file ``path`` has it: its index only in Parquet, and in CSV and workbooks where it is more than
    the rows' numbers, as first columns. Raises ``InvalidInput`` for other endings, and what the file cannot hold."""
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
            lines = ending == ".jsonl"
            flat = frame.reset_index() if _has_index(frame) else frame
            return _utf8(flat.to_json(orient="records", date_format="iso", force_ascii=False, lines=lines))
    raise InvalidInput(
        f"“{path}” does not say in which format the frame is to be saved.",
        next_step=f"Let its name end in {', '.join(WRITTEN[:-1])} or {WRITTEN[-1]}.",
    )


def _has_index(frame: pd.DataFrame) -> bool:
    import pandas as pd

    index = frame.index
    return not isinstance(index, pd.RangeIndex) or index.name is not None or (index.start, index.step) != (0, 1)


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

    flat = frame.reset_index() if _has_index(frame) else frame
    columns = [cells_of(flat.iloc[:, place]) for place in range(flat.shape[1])]
    return workbook_of([str(name) for name in flat.columns], list(zip(*columns, strict=True)))
