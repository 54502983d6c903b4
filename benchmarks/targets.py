"""What is asked of us, as data: beside the reference, in each shape and over all of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from benchmarks.shapes import Shape


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the tables: our figure is at most ``ratio`` times the reference's, where it is not None."""

    title: str
    ratio: float | None


ROWS: Mapping[str, Row] = {
    "import": Row("import", 0.90),
    "rescan": Row("no-change rescan", 0.40),
    "incremental": Row("incremental after the edits", 0.60),
    "restore": Row("restore all", 0.90),
    "check": Row("check all data", 1.00),
    "size": Row("store size", 1.03),
    "growth": Row("growth after the edits", None),
}
IMPORT_OF_ALL_SHAPES = 0.60
"""The geometric mean of the import's ratios."""
GROWTH_PER_FACTOR = 1.1
"""``n`` times the files or folders take at most this times ``n`` of processor time in each step."""
_MEMORY, _MEMORY_OF_MANY = 200e6, 300e6
_MANY_FILES, _MANY_FOLDERS = 200_000, 50_000


def ratio_of(row: str, shape: Shape) -> float | None:
    """The most that our figure may be of the reference's; None where nothing is asked."""
    return shape.targets.get(row, ROWS[row].ratio)


def memory_of(files: int, folders: int) -> float:
    """Bytes of memory that the largest process may have."""
    return _MEMORY_OF_MANY if files >= _MANY_FILES or folders >= _MANY_FOLDERS else _MEMORY
