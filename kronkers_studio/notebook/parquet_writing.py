"""A pandas frame as Parquet or Arrow bytes, by polars and so without pyarrow.

Into a Parquet file goes what pandas would write about its own frame: index, names, nullable and categorical types, and
zones come back, here and in pandas elsewhere. An Arrow file has no place for that.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from kronkers_studio.domain.errors import InvalidInput
from kronkers_studio.notebook.labels import field_names, index_field, keeps_names, written_account

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl

_MOST_SECONDS = (1 << 63) // 1000 - 1
_MOST_CATEGORIES = 100_000
_INSTEAD = "Convert it first, e.g. frame[name].astype(str), or save the frame as JSON."


class _Written(NamedTuple):
    """A column as polars has it, and what is written about it."""

    series: pl.Series
    pandas_type: str
    numpy_type: str
    more: dict[str, Any] | None = None

    def entry(self, name: Any) -> dict[str, Any]:
        return {
            "name": name if name is None else str(name),
            "field_name": self.series.name,
            "pandas_type": self.pandas_type,
            "numpy_type": self.numpy_type,
            "metadata": self.more,
        }


def parquet_bytes(frame: pd.DataFrame) -> bytes:
    """``frame`` with its index. Raises ``InvalidInput`` for values that no column of a Parquet file holds, such as
    texts and numbers in one column."""
    import pandas as pd
    import polars as pl

    written = [
        (name, _written(field, frame.iloc[:, place]))
        for place, (field, name) in enumerate(zip(field_names(frame), frame.columns, strict=True))
    ]
    index: list[Any] = []
    levels: list[tuple[Any, _Written]] = []
    if isinstance(frame.index, pd.RangeIndex):
        stops = {"start": frame.index.start, "stop": frame.index.stop, "step": frame.index.step}
        index.append({"kind": "range", "name": _text_or_none(frame.index.name), **stops})
    else:
        for place, name in enumerate(frame.index.names):
            field = index_field(place, name, [column.series.name for _, column in (*written, *levels)])
            level = _written(field, frame.index.get_level_values(place).to_series().reset_index(drop=True))
            levels.append((name, level))
            index.append(level.series.name)
    every = [*written, *levels]
    account = written_account(frame, [column.entry(name) for name, column in every], index)
    if not keeps_names(frame, account):
        raise InvalidInput(
            "The columns of the frame are called by what a Parquet file does not keep as names.",
            next_step="Make texts of them: frame.columns = frame.columns.astype(str).",
        )
    buffer = io.BytesIO()
    pl.DataFrame({column.series.name: column.series for _, column in every}).write_parquet(
        buffer, metadata={"pandas": account}
    )
    return buffer.getvalue()


def arrow_bytes(frame: pd.DataFrame) -> bytes:
    """``frame`` as a Feather file. Raises ``InvalidInput`` for what that has no place for, such as an index."""
    import pandas as pd
    import polars as pl

    plain = isinstance(frame.index, pd.RangeIndex) and (frame.index.start, frame.index.step) == (0, 1)
    if not plain or frame.index.name is not None:
        raise InvalidInput(
            "An Arrow file has no place for the frame's index.",
            next_step="Save it as Parquet, or make the index a column: frame.reset_index().",
        )
    fields = field_names(frame)
    if list(frame.columns) != fields or frame.columns.name is not None:
        raise InvalidInput(
            "The columns of an Arrow file are called by texts, each by its own.", next_step="Save it as Parquet."
        )
    buffer = io.BytesIO()
    columns = {field: _written(field, frame.iloc[:, place]).series for place, field in enumerate(fields)}
    pl.DataFrame(columns).write_ipc(buffer, compression="lz4")
    return buffer.getvalue()


def _text_or_none(name: Any) -> str | None:
    return None if name is None else str(name)


# ---- columns ----


def _written(field: str, column: pd.Series) -> _Written:
    import pandas as pd

    dtype = column.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        return _category(field, column)
    if isinstance(dtype, pd.DatetimeTZDtype):
        return _zoned(field, column)
    if isinstance(dtype, pd.StringDtype):
        nullable = dtype.na_value is pd.NA
        return _Written(_listed(field, column, "String"), "unicode", "string" if nullable else "str")
    kind = getattr(dtype, "kind", "")
    if isinstance(dtype, pd.api.extensions.ExtensionDtype) and not _is_masked(dtype):
        raise _unwritable(field, f"values of the kind {dtype}")
    if kind in "biuf":
        return _numbers(field, column)
    if kind in "mM":
        return _spans(field, column)
    if kind == "O":
        return _objects(field, column)
    raise _unwritable(field, f"values of the kind {dtype}")


def _is_masked(dtype: Any) -> bool:
    import pandas as pd

    masked = (pd.BooleanDtype, pd.Float32Dtype, pd.Float64Dtype, pd.Int8Dtype, pd.Int16Dtype, pd.Int32Dtype)
    return isinstance(dtype, (*masked, pd.Int64Dtype, pd.UInt8Dtype, pd.UInt16Dtype, pd.UInt32Dtype, pd.UInt64Dtype))


def _unwritable(field: str, what: str) -> InvalidInput:
    return InvalidInput(f"The column “{field[:60]}” holds {what}, which no table file keeps.", next_step=_INSTEAD)


def _numbers(field: str, column: pd.Series) -> _Written:
    import polars as pl

    name = str(column.dtype)
    if column.dtype.itemsize > 8:
        raise _unwritable(field, f"numbers of the kind {name}")
    plain = column.to_numpy(
        dtype="float32" if name == "float16" else name.lower().replace("boolean", "bool"), **_zero(column)
    )
    series = pl.Series(field, plain)
    if name[0].isupper() or name == "boolean":
        series = _without(series, column.isna())
    elif name.startswith("float"):
        series = series.fill_nan(None)
    return _Written(series, "bool" if name in ("bool", "boolean") else name.lower(), name)


def _zero(column: pd.Series) -> dict[str, Any]:
    """How the gaps of a masked array are filled."""
    return {"na_value": 0} if hasattr(column.dtype, "na_value") and column.hasnans else {}


def _without(series: pl.Series, missing: pd.Series) -> pl.Series:
    import polars as pl

    gaps = pl.Series(missing.to_numpy(dtype=bool))
    return series.set(gaps, None) if gaps.any() else series


def _spans(field: str, column: pd.Series) -> _Written:
    """Moments without a zone, and lengths of time."""
    import polars as pl

    name = str(column.dtype)
    unit = name.partition("[")[2].rstrip("]")
    stored = "ms" if unit == "s" else unit
    if unit == "s" and (column.dropna().astype("int64").abs() > _MOST_SECONDS).any():
        raise _unwritable(field, "moments that are too far away")
    plain = column.to_numpy().astype(name.replace("[s]", "[ms]")).astype("int64")
    type = pl.Datetime(stored) if column.dtype.kind == "M" else pl.Duration(stored)  # type: ignore[arg-type]
    series = _without(pl.Series(field, plain), column.isna()).cast(type)
    return _Written(series, "datetime" if column.dtype.kind == "M" else "timedelta", name)


def _zoned(field: str, column: pd.Series) -> _Written:
    """Moments of a zone. One that has no name, but an offset, is kept in what is written about it alone."""
    import polars as pl

    written = _spans(field, column.dt.tz_convert("UTC").dt.tz_localize(None))
    zone = str(getattr(column.dtype.tz, "key", "") or column.dtype.tz)
    series = written.series.dt.replace_time_zone("UTC")
    try:
        series = series.dt.convert_time_zone(zone)
    except pl.exceptions.PolarsError:
        zone = zone.removeprefix("UTC") or "UTC"
    return _Written(series, "datetimetz", written.numpy_type, {"timezone": zone})


def _category(field: str, column: pd.Series) -> _Written:
    import polars as pl

    categories = column.cat.categories
    if len(categories) > _MOST_CATEGORIES:
        raise _unwritable(field, f"{len(categories):,} categories")
    values = categories.tolist()
    more: dict[str, Any] = {"num_categories": len(values), "ordered": bool(column.cat.ordered)}
    numpy_type = str(column.cat.codes.dtype)
    if all(isinstance(each, str) for each in values):
        listed = _listed(field, column, "String")
        series = listed.cast(pl.Enum(values)) if values else listed
        return _Written(series, "categorical", numpy_type, {**more, "categories": values})
    if not all(isinstance(each, int | float) for each in values):
        raise _unwritable(field, "categories that are neither texts nor numbers")
    series = pl.Series(field, [None if code < 0 else values[code] for code in column.cat.codes.tolist()])
    return _Written(series, "categorical", numpy_type, {**more, "categories": values})


def _listed(field: str, column: pd.Series, type: str) -> pl.Series:
    import polars as pl

    plain = column.astype(object)
    values = plain.where(column.notna(), None).tolist()
    try:
        return pl.Series(field, values, dtype=getattr(pl, type), strict=True)
    except (TypeError, UnicodeEncodeError, pl.exceptions.PolarsError):
        raise _unwritable(field, "what is no text") from None


_OBJECTS: dict[str, tuple[str, str]] = {
    "string": ("unicode", "String"),
    "bytes": ("bytes", "Binary"),
    "boolean": ("bool", "Boolean"),
    "integer": ("int64", "Int64"),
    "floating": ("float64", "Float64"),
    "date": ("date", "Date"),
    "time": ("time", "Time"),
    "empty": ("empty", "Null"),
}
"""By what pandas calls the values of a column of objects: what is written about them, and as what they are stored."""


def _objects(field: str, column: pd.Series) -> _Written:
    import pandas as pd
    import polars as pl

    kind = pd.api.types.infer_dtype(column, skipna=True)
    values = column.where(column.notna(), None).tolist() if kind in (*_OBJECTS, "decimal") else []
    if kind == "decimal":
        return _Written(_made(field, lambda: pl.Series(field, values)), "decimal", "object")
    if kind not in _OBJECTS:
        raise _unwritable(field, f"values of several kinds ({kind})" if kind.startswith("mixed") else f"{kind} objects")
    told, stored = _OBJECTS[kind]
    series = _made(field, lambda: pl.Series(field, values, dtype=getattr(pl, stored), strict=True))
    return _Written(series, told, "object")


def _made(field: str, make: Callable[[], pl.Series]) -> pl.Series:
    import polars as pl

    try:
        return make()
    except (TypeError, OverflowError, UnicodeEncodeError, pl.exceptions.PolarsError):
        raise _unwritable(field, "values that are too large or too different") from None
