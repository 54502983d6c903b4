"""Save recorded rows as Parquet, CSV or JSON Lines. Who sent the rows may be anybody: in CSV a text never becomes a
formula of a spreadsheet, as in ``scored_files``."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from kronkers_studio.storage.files import write_atomically
from kronkers_studio.workflows.scored_files import FORMULA_STARTS, SIGNED_NUMBER, unwritable

if TYPE_CHECKING:
    import polars

ENDINGS = (".parquet", ".csv", ".jsonl")
_ISO = "%Y-%m-%dT%H:%M:%S%.3fZ"


def write_recorded_rows(table: polars.DataFrame, file: Path) -> int:
    """Write ``table`` into ``file`` by its ending, readable by this user only; how many texts got an apostrophe before
    them. The file is there whole, or as it was before. Raises ``FileUnwritable``."""
    content, guarded = _WRITERS[file.suffix.lower()](table)
    try:
        write_atomically(file, content)
    except OSError as error:
        raise unwritable(file, error) from None
    return guarded


def _parquet(table: polars.DataFrame) -> tuple[bytes, int]:
    buffer = io.BytesIO()
    table.write_parquet(buffer)
    return buffer.getvalue(), 0


def _json_lines(table: polars.DataFrame) -> tuple[bytes, int]:
    buffer = io.BytesIO()
    _with_written_times(table).write_ndjson(buffer)
    return buffer.getvalue(), 0


def _csv(table: polars.DataFrame) -> tuple[bytes, int]:
    import polars

    written = _with_written_times(table)
    guarded = 0
    for name, kind in written.schema.items():
        if kind == polars.String:
            column = written[name]
            formula = column.str.contains(rf"^[{''.join(FORMULA_STARTS).replace('-', chr(92) + '-')}]")
            dangerous = formula & ~column.str.contains(rf"^(?:{SIGNED_NUMBER.pattern})$")
            guarded += int(dangerous.sum())
            written = written.with_columns(
                polars.when(dangerous.fill_null(value=False)).then("'" + column).otherwise(column).alias(name)
            )
    written = written.rename({name: f"'{name}" for name in written.columns if name.startswith(FORMULA_STARTS)})
    buffer = io.BytesIO()
    written.write_csv(buffer, include_bom=True)
    return buffer.getvalue(), guarded


def _with_written_times(table: polars.DataFrame) -> polars.DataFrame:
    import polars

    return table.with_columns(polars.selectors.datetime().dt.strftime(_ISO))


_WRITERS: dict[str, Callable[[polars.DataFrame], tuple[bytes, int]]] = {
    ".parquet": _parquet,
    ".csv": _csv,
    ".jsonl": _json_lines,
}
