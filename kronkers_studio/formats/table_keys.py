"""Finding the columns that tell the rows of a table apart."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

_KEY_NAME = re.compile(
    r"(?:^|.*[\W_])(?:id|key|uuid|guid|code|nr|no|num|number|nummer|schlüssel|index|sku|isbn|iban|e-?mail)$"
    r"|^(?:id|key)[\W_].*",
    re.IGNORECASE,
)
_CAMEL_KEY = re.compile(r".*[a-z](?:Id|ID|Key|No|Nr|Code)$")
_DECIMAL = r"^\s*[+-]?\d*[.,]\d+\s*$"
_SAMPLE = 5000
_MOST_COMBINED = 4
"""Of so many columns, the first ones, pairs and triples are tried."""


def find_key(frames: Sequence[pl.DataFrame], *, careful: bool = False) -> tuple[str, ...]:
    """The column, else the two or three columns, whose values are unique in each of ``frames``; () when none are.

    Columns that are named like keys go first, then the others in their order; decimal numbers are measurements, never
    keys. With ``careful`` only columns count that are named like keys or stand first, so that a measurement that is
    unique by chance is not taken for one.
    """
    filled = [frame for frame in frames if frame.height]
    if not filled:
        return ()
    common = set.intersection(*(set(frame.columns) for frame in frames))
    everywhere = [name for name in filled[0].columns if name in common]

    def possible(names: Iterable[str]) -> Iterator[str]:
        return (name for name in names if all(_may_be_key(frame[name]) for frame in filled))

    named = possible(name for name in everywhere if is_key_name(name))
    others = possible(name for name in everywhere if not is_key_name(name))
    if careful:
        others = (name for name in itertools.islice(others, 1) if name == filled[0].columns[0])
    for name in itertools.chain(named, others):
        if is_key(filled, (name,)):
            return (name,)
    combined = list(itertools.islice(possible(everywhere), _MOST_COMBINED - careful))
    for size in (2, 3):
        for names in itertools.combinations(combined, size):
            if is_key(filled, names):
                return names
    return ()


def is_key_name(name: str) -> bool:
    return bool(_KEY_NAME.match(name.strip()) or _CAMEL_KEY.match(name.strip()))


def is_key(frames: Iterable[pl.DataFrame], names: Sequence[str]) -> bool:
    """Whether no two rows of a frame have the same values in the columns ``names``."""
    return all(_unique(frame[names[0]] if len(names) == 1 else frame.select(names)) for frame in frames)


def _unique(rows: pl.Series | pl.DataFrame) -> bool:
    """Looks at the first rows before all of them."""
    return all(part.n_unique() == len(part) for part in (rows.head(_SAMPLE), rows))


def _may_be_key(column: pl.Series) -> bool:
    """Whether the column has a value in every row, and is not one of decimal numbers."""
    import polars as pl

    if column.dtype.is_float() or column.dtype.is_decimal() or column.dtype.is_nested() or column.null_count():
        return False
    if column.dtype != pl.String:
        return True
    return not (column == "").any() and not column.head(_SAMPLE).str.contains(_DECIMAL).all()
