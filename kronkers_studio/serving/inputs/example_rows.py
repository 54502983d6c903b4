"""A row that a model can be tried with, before anybody sent one."""

from __future__ import annotations

from typing import Any

from kronkers_studio.estimators.columns import Holds
from kronkers_studio.serving.inputs.row_reader import Column, RowReader


def example_row(reader: RowReader) -> dict[str, Any] | list[Any]:
    """Zeros, the first of the known texts, no text."""
    values = [_example(column) for column in reader.columns]
    return dict(zip([c.name for c in reader.columns], values, strict=True)) if reader.named else values


def _example(column: Column) -> Any:
    if column.levels:
        return column.levels[0]
    if column.holds is Holds.DATES:
        return "2024-02-29"
    return {"B": False, "O": "", "F": 0.0, "I": 0}[column.kind]
