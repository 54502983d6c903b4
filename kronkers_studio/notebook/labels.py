"""The index and the columns' names of a frame, as pandas writes them into a Parquet file: read from there, and written.

What is read comes from outside: where it is not as pandas writes it, or does not fit the file, it says nothing.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

_LONGEST_NAME = 10_000  # characters of a name that is read as a tuple's
_INDEX = "__index_level_{}__"


@dataclass(frozen=True, slots=True)
class ColumnAccount:
    """What pandas wrote of one column. ``numpy_type`` is its dtype's name, such as "Int64" or "object"."""

    name: Any = None
    pandas_type: str = ""
    numpy_type: str = ""
    zone: str = ""
    ordered: bool = False
    categories: tuple[Any, ...] | None = None


@dataclass(frozen=True, slots=True)
class Account:
    """What pandas wrote of a table: ``columns`` by their names in the file."""

    columns: Mapping[str, ColumnAccount] = field(default_factory=dict)
    index: Sequence[str | range] = ()
    range_name: Any = None
    levels: Sequence[tuple[Any, str]] = ()  # of the columns' names: (name, pandas_type)


def read_account(text: str) -> Account:
    """What ``text`` says; nothing when it is not what pandas writes."""
    if not text:
        return Account()
    try:
        return _account(json.loads(text))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return Account()


def _account(document: Mapping[str, Any]) -> Account:
    columns: dict[str, ColumnAccount] = {}
    for each in document["columns"]:
        more = each.get("metadata") or {}
        categories = more.get("categories")
        columns[str(each.get("field_name") or each["name"])] = ColumnAccount(
            name=each["name"],
            pandas_type=str(each["pandas_type"]),
            numpy_type=str(each["numpy_type"]),
            zone=str(more.get("timezone") or ""),
            ordered=more.get("ordered") is True,
            categories=tuple(categories) if isinstance(categories, list) else None,
        )
    index: list[str | range] = []
    range_name = None
    for level in document["index_columns"]:
        if isinstance(level, str):
            index.append(level)
        else:
            index.append(range(int(level["start"]), int(level["stop"]), int(level["step"])))
            range_name = level.get("name")
    levels = [(each.get("name"), str(each.get("pandas_type"))) for each in document.get("column_indexes") or ()]
    return Account(columns, tuple(index), range_name, tuple(levels))


def with_labels(frame: Any, account: Account) -> Any:
    """``frame``, whose columns are called as in the file, with the index and the names that ``account`` tells."""
    import pandas as pd

    rows = len(frame)
    levels = [level for level in account.index if isinstance(level, str) and level in frame.columns]
    ranges = [level for level in account.index if isinstance(level, range)]
    if levels and len(levels) == len(account.index):
        names = [account.columns[level].name if level in account.columns else level for level in levels]
        parts = [pd.Index(frame.pop(level)) for level in levels]
        if len(parts) == 1:
            frame.index = parts[0].rename(names[0])
        else:
            frame.index = pd.MultiIndex.from_arrays(parts, names=names)
    elif ranges and len(account.index) == 1 and len(ranges[0]) == rows:
        frame.index = pd.RangeIndex(ranges[0], name=account.range_name)
    frame.columns = _names(list(frame.columns), account)
    return frame


def _names(fields: Sequence[str], account: Account) -> Any:
    import pandas as pd

    names = [account.columns[each].name if each in account.columns else each for each in fields]
    if len(account.levels) > 1:
        tuples = [_tuple(name, len(account.levels)) for name in names]
        if all(tuples):
            return pd.MultiIndex.from_tuples(tuples, names=[name for name, _ in account.levels])
    elif account.levels:
        name, type = account.levels[0]
        return pd.Index([_name(each, type) for each in names], name=name)
    return pd.Index(names)


def _name(name: Any, type: str) -> Any:
    """A name as what it was: the file has texts alone."""
    try:
        return int(name) if type.startswith(("int", "uint")) or type == "integer" else name
    except (TypeError, ValueError):
        return name


def _tuple(name: Any, length: int) -> tuple[Any, ...] | None:
    try:
        found = ast.literal_eval(name) if isinstance(name, str) and len(name) <= _LONGEST_NAME else None
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        return None
    return found if isinstance(found, tuple) and len(found) == length else None


def keeps_names(frame: Any, account: str) -> bool:
    """Whether the names of ``frame``'s columns come back from what is written of it: texts and whole numbers do."""
    return not len(frame.columns) or bool(_names(field_names(frame), read_account(account)).equals(frame.columns))


def field_names(frame: Any) -> list[str]:
    """A name in the file for each column, all different: pandas' own way of spelling them."""
    fields: list[str] = []
    taken = {_INDEX.format(place) for place in range(frame.index.nlevels)}
    for name in frame.columns:
        wanted = field_name = str(name)
        number = 1
        while field_name in taken:
            number += 1
            field_name = f"{wanted} ({number})"
        taken.add(field_name)
        fields.append(field_name)
    return fields


def written_account(frame: Any, columns: Sequence[Mapping[str, Any]], index: Sequence[Any]) -> str:
    """The JSON that pandas, and we, read back. ``columns`` are the entries of columns and index levels, ``index`` says
    which of them are its levels, or the range that it is."""
    import pandas as pd

    kind = "int64" if pd.api.types.is_integer_dtype(frame.columns.dtype) else "unicode"
    levels = [
        {
            "name": _plain(name),
            "field_name": _plain(name),
            "pandas_type": kind,
            "numpy_type": "object",
            "metadata": None,
        }
        for name in frame.columns.names
    ]
    return json.dumps(
        {
            "index_columns": list(index),
            "column_indexes": levels,
            "columns": list(columns),
            "creator": {"library": "kronkers-studio", "version": "1"},
            "pandas_version": pd.__version__,
        },
        ensure_ascii=False,
    )


def index_field(place: int, name: Any, taken: Sequence[str]) -> str:
    """What the level of the index at ``place`` is called in the file: as it is, where nothing else is called so."""
    return name if isinstance(name, str) and name not in taken else _INDEX.format(place)


def _plain(name: Any) -> Any:
    return name if name is None or isinstance(name, str) else str(name)
