"""The columns of a file as a pandas frame.

Numbers with gaps become float64 where that keeps every digit, else pandas' own Int64; texts that are missing, dates and
truths are as pandas has them. What pandas wrote of its own frame into a Parquet file counts before that.
"""

from __future__ import annotations

import json
from datetime import date, time, timedelta
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from kronkers_studio.domain.column_tables import Column, ColumnKind, ColumnTable
from kronkers_studio.domain.errors import InvalidInput
from kronkers_studio.domain.row_tables import RowTable
from kronkers_studio.notebook.labels import ColumnAccount, read_account, with_labels

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    _Bytes = np.ndarray[Any, Any]

_EXACT = 1 << 53
_NULLABLE = {f"{sign}Int{bits}" for sign in ("", "U") for bits in (8, 16, 32, 64)}
_FIRST_DAY = date(1970, 1, 1)
_DTYPES = {ColumnKind.TRUTH: "uint8", ColumnKind.DATE: "int32", ColumnKind.CATEGORY: "uint32"}


def frame_of(table: ColumnTable) -> pd.DataFrame:
    """A frame with an array of its own for each column, and the index that pandas wrote, if it did."""
    import pandas as pd

    account = read_account(table.pandas)
    arrays = {each.name: _array(each, account.columns.get(each.name, ColumnAccount())) for each in table.columns}
    if not table.rows:  # no text at all is spelled as one empty one is
        arrays = {name: array[:0] for name, array in arrays.items()}
    if any(len(array) != table.rows for array in arrays.values()):
        raise _damaged()
    kept = {  # else pandas looks what is in the objects, and makes texts of them
        name: pd.Series(array, dtype=object) if array.dtype == object else array for name, array in arrays.items()
    }
    frame = pd.DataFrame(kept, index=pd.RangeIndex(table.rows))
    return with_labels(frame, account) if table.pandas else frame


def frame_of_rows(table: RowTable) -> pd.DataFrame:
    """A frame of the cells of a workbook or of JSON, each as what it is."""
    import pandas as pd

    names = list(table.columns) if table.named else list(range(len(table.columns)))
    cells = list(zip(*table.rows, strict=True)) or [()] * len(names)
    columns = [series_of(list(column)) for column in cells]
    frame = pd.DataFrame(dict(enumerate(columns)))
    frame.columns = pd.Index(names)
    return frame


def series_of(cells: list[Any]) -> pd.Series:
    """Whole numbers with gaps keep their digits, as those of columns do; pandas makes fractions of them."""
    import pandas as pd

    there = [each for each in cells if each is not None]
    whole = len(there) < len(cells) and all(type(each) is int and abs(each) < 1 << 63 for each in there)
    exact = all(-_EXACT <= each <= _EXACT for each in there) if whole else True
    return pd.Series(cells) if exact else pd.Series(cells, dtype="Int64")


def _array(column: Column, account: ColumnAccount) -> Any:
    import numpy as np

    missing = np.frombuffer(column.missing, dtype=bool) if len(column.missing) else None
    if account.numpy_type == "object" and column.kind is not ColumnKind.NOTHING:
        return _objects(column, missing)
    made = _made(column, account, missing)
    if account.categories is not None or account.pandas_type == "categorical":
        return _categorical(made, account)
    return made


def _made(column: Column, account: ColumnAccount, missing: _Bytes | None) -> Any:  # noqa: PLR0911  # as below
    import numpy as np
    import pandas as pd

    kind, wanted = column.kind, account.numpy_type
    if not kind.width:
        return _texts(column, wanted, missing)
    values = np.frombuffer(column.values, dtype=_DTYPES.get(kind, "int64" if _is_span(kind) else kind.value)).copy()
    if kind is ColumnKind.TRUTH:
        truths = values.astype(bool)
        if missing is None and wanted != "boolean":
            return truths
        return pd.arrays.BooleanArray(truths, _mask(values, missing))
    if kind is ColumnKind.CATEGORY:
        places = values.astype("int64")
        places[_mask(values, missing)] = -1
        return pd.Categorical.from_codes(
            places, categories=list(column.levels), ordered=account.ordered and account.categories is not None
        )
    if _is_span(kind) or kind is ColumnKind.DATE:
        return _span(column, values, account, missing)
    if kind.value.startswith("float"):
        return _fractions(values, wanted, missing)
    if wanted in _NULLABLE:
        return pd.arrays.IntegerArray(values.astype(wanted.lower()), _mask(values, missing))
    if missing is None:
        return values
    if wanted.startswith("float") or not len(values) or (values.min() >= -_EXACT and values.max() <= _EXACT):
        return _fractions(values.astype("float64"), "", missing)
    return pd.arrays.IntegerArray(values, _mask(values, missing))


def _is_span(kind: ColumnKind) -> bool:
    return kind in (ColumnKind.MOMENT, ColumnKind.DURATION, ColumnKind.TIME)


def _mask(values: _Bytes, missing: _Bytes | None) -> _Bytes:
    import numpy as np

    return np.zeros(len(values), dtype=bool) if missing is None else missing.copy()


def _fractions(values: _Bytes, wanted: str, missing: _Bytes | None) -> Any:
    import numpy as np
    import pandas as pd

    if wanted in ("Float32", "Float64"):
        return pd.arrays.FloatingArray(values.astype(wanted.lower()), _mask(values, missing))
    if missing is not None:
        values[missing] = np.nan
    return values.astype(wanted) if wanted == "float16" else values


def _span(column: Column, values: _Bytes, account: ColumnAccount, missing: _Bytes | None) -> Any:
    """Moments and lengths of time."""
    import numpy as np
    import pandas as pd

    if column.kind is ColumnKind.TIME:
        return _objects(column, missing)
    kind = "timedelta64" if column.kind is ColumnKind.DURATION else "datetime64"
    spans = values.astype(f"{kind}[D]").astype(f"{kind}[s]") if column.kind is ColumnKind.DATE else None
    if spans is None:
        spans = values.view(f"{kind}[{column.unit}]")
    if missing is not None:
        spans[missing] = np.array("NaT", dtype=spans.dtype)
    if account.numpy_type in (f"{kind}[s]", f"{kind}[ms]", f"{kind}[us]", f"{kind}[ns]"):
        spans = spans.astype(account.numpy_type)
    if not column.zone:
        return spans
    zone = account.zone or column.zone
    try:
        return pd.Series(spans).dt.tz_localize("UTC").dt.tz_convert(zone).array
    except (KeyError, ValueError):  # of no zone that is known here
        return pd.Series(spans).dt.tz_localize("UTC").array


def _texts(column: Column, wanted: str, missing: _Bytes | None) -> Any:
    import pandas as pd

    objects = _objects(column, missing)
    if column.kind is ColumnKind.NOTHING and wanted.startswith("float"):
        return objects.astype("float64")
    spelled = column.kind is ColumnKind.SPELLED and all(each is None or isinstance(each, str) for each in objects)
    if column.kind is not ColumnKind.TEXT and not spelled:
        return objects
    return pd.array(objects, dtype="string" if wanted == "string" else "str")


def _as_objects(column: Column) -> list[Any]:  # noqa: PLR0911  # one return a type reads best
    """The values as Python has them, whatever stands where there is none."""
    import numpy as np

    kind = column.kind
    if kind is ColumnKind.NOTHING:
        return [None] * len(column.missing)
    if kind is ColumnKind.SPELLED:
        return _spelled(column)
    if not kind.width:
        return _divided(column)
    values = np.frombuffer(column.values, dtype=_DTYPES.get(kind, "int64" if _is_span(kind) else kind.value))
    if kind is ColumnKind.TRUTH:
        return list(map(bool, values))
    if kind is ColumnKind.CATEGORY:
        return [column.levels[place] for place in values.tolist()] if column.levels else [None] * len(values)
    if kind is ColumnKind.DATE:
        return [_day(each) for each in values.tolist()]
    if kind is ColumnKind.TIME:
        return [_clock(each) for each in values.tolist()]
    return list(values.tolist())


def _day(days: int) -> date | None:
    try:
        return _FIRST_DAY + timedelta(days=days)
    except OverflowError:
        return None


def _clock(nanoseconds: int) -> time | None:
    seconds, rest = divmod(nanoseconds, 1_000_000_000)
    minutes, second = divmod(seconds, 60)
    hours, minute = divmod(minutes, 60)
    return time(hours, minute, second, rest // 1000) if 0 <= hours < 24 else None


def _divided(column: Column) -> list[Any]:
    """Texts with a zero byte between them, read as what they spell."""
    try:
        parts = bytes(column.values).decode("utf-8").split("\0")
        if column.kind is ColumnKind.DECIMAL:
            return [Decimal(part) if part else None for part in parts]
        return [bytes.fromhex(part) for part in parts] if column.kind is ColumnKind.BYTES else list(parts)
    except (UnicodeDecodeError, ValueError, InvalidOperation):
        raise _damaged() from None


def _spelled(column: Column) -> list[Any]:
    try:
        values = json.loads(bytes(column.values))
    except (ValueError, RecursionError):
        raise _damaged() from None
    if not isinstance(values, list):
        raise _damaged()
    return values


def _objects(column: Column, missing: _Bytes | None) -> _Bytes:
    """The values as an array of objects, None where there is none."""
    import numpy as np

    values = _as_objects(column)
    if missing is not None and len(values) != len(missing):
        raise _damaged()
    objects = np.empty(len(values), dtype=object)
    if column.kind is ColumnKind.SPELLED:  # lists of one length would be taken for a table
        for place, each in enumerate(values):
            objects[place] = each
    else:
        objects[:] = values
    if missing is not None:
        objects[missing] = None
    return objects


def _categorical(made: Any, account: ColumnAccount) -> Any:
    import pandas as pd

    if account.categories is None:
        return made if isinstance(made, pd.Categorical) else pd.Categorical(made, ordered=account.ordered)
    try:
        return pd.Categorical(made, categories=pd.Index(list(account.categories)), ordered=account.ordered)
    except (TypeError, ValueError):  # categories that are there twice, or cannot be compared
        return made


def _damaged() -> InvalidInput:
    return InvalidInput("The table cannot be read: a column is not what it is said to be.")
