"""Writes the bodies in this folder, as pyarrow does: ``python write.py`` in an environment that has it.

Each holds the rows of ``ROWS`` in ``tests/serving/test_arrow.py``, in two batches.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa  # type: ignore[import-not-found]

_COLUMNS: dict[str, tuple[Any, list[Any]]] = {
    "age": (pa.float64(), [41.5, None, float("nan")]),
    "small": (pa.float32(), [0.5, 1.0, 2.0]),
    "children": (pa.int8(), [1, 2, 3]),
    "large": (pa.uint64(), [2**64 - 1, 0, 1]),
    "member": (pa.bool_(), [True, False, True]),
    "city": (pa.string(), ["Bonn", None, "Zürich"]),
    "note": (pa.large_string(), ["", "b", "more than twelve bytes"]),
    "view": (pa.string_view(), ["short", None, "more than twelve bytes"]),
    "kind": (pa.dictionary(pa.int16(), pa.string()), ["x", "y", None]),
    "day": (pa.date32(), [date(2024, 2, 29), None, date(1960, 1, 1)]),
    "moment": (pa.timestamp("ms"), [datetime(2024, 2, 29, 13), None, datetime(1960, 1, 1)]),
    "utc": (pa.timestamp("s", "UTC"), [datetime(2024, 2, 29, 13, tzinfo=UTC), None, datetime(1960, 1, 1, tzinfo=UTC)]),
    "none": (pa.null(), [None, None, None]),
}


def main() -> None:
    table = pa.table({name: pa.array(values, kind) for name, (kind, values) in _COLUMNS.items()})
    here = Path(__file__).parent
    with pa.ipc.new_stream(here / "pyarrow.arrows", table.schema) as stream:
        stream.write_table(table, max_chunksize=2)
    with pa.ipc.new_file(here / "pyarrow.arrow", table.schema) as file:
        file.write_table(table, max_chunksize=2)
    options = pa.ipc.IpcWriteOptions(compression="zstd")
    with pa.ipc.new_stream(here / "compressed.arrows", table.schema, options=options) as stream:
        stream.write_table(table)
    nested = pa.table({"age": pa.array([[1.0], [2.0]])})
    with pa.ipc.new_stream(here / "nested.arrows", nested.schema) as stream:
        stream.write_table(nested)


if __name__ == "__main__":
    main()
