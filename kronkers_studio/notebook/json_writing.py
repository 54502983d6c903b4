"""A frame as JSON, or lines of it: every number with all of its digits, moments and lengths of time as ISO 8601."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from kronkers_studio.domain.errors import InvalidInput

if TYPE_CHECKING:
    import pandas as pd


def json_text(frame: pd.DataFrame, *, lines: bool) -> str:
    """The rows of ``frame``, whose columns have different names, as objects; without its index. Raises
    ``InvalidInput`` for what JSON has no word for, such as infinity and bytes."""
    names = [str(name) for name in frame.columns]
    columns = [_spelled(frame.iloc[:, place]) for place in range(frame.shape[1])]
    keys = [json.dumps(name, ensure_ascii=False) for name in names]
    rows = [
        "{" + ",".join(map("{}:{}".format, keys, row)) + "}" for row in (zip(*columns, strict=True) if columns else ())
    ]
    return "".join(f"{row}\n" for row in rows) if lines else f"[{','.join(rows)}]"


def _spelled(column: pd.Series) -> list[str]:
    values = column.astype(object).where(column.notna(), None).tolist()
    try:
        return [json.dumps(value, ensure_ascii=False, allow_nan=False, default=_plain) for value in values]
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidInput(
            f"The column “{str(column.name)[:60]}” holds what JSON has no word for: {error}.",
            next_step="Convert it first, e.g. frame[name].astype(str), or save the frame as Parquet.",
        ) from None


def _plain(value: Any) -> Any:
    import numpy as np
    import pandas as pd

    if isinstance(value, pd.Timedelta | dt.date | dt.time):  # moments are dates
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    raise TypeError(f"a value of the kind {type(value).__name__}")
