"""Save a comparison of two versions: a person's own columns, what each answered beside them, and whether it changed."""

from __future__ import annotations

import math
from pathlib import Path

from kronkers_studio.domain.progress import NEVER, SILENT, CancelToken, Progress
from kronkers_studio.domain.row_comparison import ComparedRows
from kronkers_studio.workflows.scored_files import (
    PERCENT,
    AddedColumn,
    SavedRows,
    free_names,
    output_cell,
    save_with_columns,
)


def save_compared_rows(
    compared: ComparedRows,
    file: Path,
    *,
    overwrite: bool = False,
    progress: Progress = SILENT,
    cancel: CancelToken = NEVER,
) -> SavedRows:
    """Save it as a workbook, CSV, TSV or JSON, by the ending of the name ``file``; raises as ``save_scored_rows``."""
    told = compared.comparison
    columns = [
        AddedColumn(f"answer of {told.left}", list(map(output_cell, compared.left))),
        AddedColumn(f"answer of {told.right}", list(map(output_cell, compared.right))),
        AddedColumn("changed", ["yes" if changed else "no" for changed in compared.changed]),
    ]
    sizes = [None if math.isnan(size) else size for size in compared.sizes]
    if told.numbers is not None:
        columns.append(AddedColumn("difference", sizes))
    elif told.chances is not None:
        columns.append(AddedColumn("change of probability", sizes, PERCENT))
    names = free_names(compared.table, [column.title for column in columns])
    named = [AddedColumn(name, each.cells, each.format) for name, each in zip(names, columns, strict=True)]
    return save_with_columns(
        compared.table,
        named,
        file,
        head={"left": told.left, "right": told.right},
        overwrite=overwrite,
        progress=progress,
        cancel=cancel,
    )
