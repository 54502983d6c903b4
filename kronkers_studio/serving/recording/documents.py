"""Several requests as one document: columns of what came in, columns of what was answered, and whose rows are whose.

    {"format": 1, "requests": [[id, milliseconds since the epoch, rows], …],
     "inputs": [[name, kind], …], "input_values": [[…], …], "answers": [[name, kind], …], "answer_values": [[…], …]}

A kind is "number", "whole", "truth" or "text"; a missing value is null. All requests of a document have the same
columns.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson

from kronkers_studio.estimators.columns import Holds
from kronkers_studio.serving.answer_columns import answer_columns
from kronkers_studio.serving.model import Arrays, Model

FORMAT = 1
MOST_PLAIN = 64 << 20
"""Bytes of a document at most: a larger one is not read (``monitoring.recorded_batches``)."""
MOST_VALUES = 4_000_000
"""Signs in it that begin or part values at most, those in texts among them."""
MOST_COLUMNS = 2000
"""Columns that came in, and columns of answers, at most."""
_KINDS = {"f": "number", "i": "whole", "u": "whole", "b": "truth"}
_Array = np.ndarray[Any, Any]
_Column = tuple[str, _Array | None]  # its name, and its values; None of what the model never looks at


class TooManyColumns(Exception):
    """A request has more of them than the workspace reads."""


@dataclass(frozen=True, eq=False)
class AnsweredRows:
    """The rows of one request, as the model got them, and what it answered. Nobody changes the arrays any more;
    ``came_in`` is how many bytes the request had."""

    inputs: Arrays
    outputs: Arrays
    rows: int
    came_in: int

    @property
    def size(self) -> int:
        """About the bytes in memory: texts are as long as what came in, and answers may be larger than questions."""
        return self.came_in + sum(array.nbytes for side in (self.inputs, self.outputs) for array in side.values())


@dataclass(frozen=True, eq=False)
class RecordedRequest:
    """``milliseconds`` since the epoch: when it was answered."""

    id: str
    milliseconds: int
    answered: AnsweredRows

    @property
    def rows(self) -> int:
        return self.answered.rows


def documents_of(model: Model, requests: Iterable[RecordedRequest]) -> Iterable[tuple[list[RecordedRequest], bytes]]:
    """``requests``, each lot of equal columns with its document."""
    lots: dict[Any, tuple[list[RecordedRequest], list[tuple[list[_Column], list[_Column]]]]] = {}
    for request in requests:
        columns = _columns_of(model, request.answered)
        if max(map(len, columns)) > MOST_COLUMNS:
            raise TooManyColumns
        key = tuple((name, _kind(values)) for side in columns for name, values in side), len(columns[0])
        lot = lots.setdefault(key, ([], []))
        lot[0].append(request)
        lot[1].append(columns)
    for lot_requests, lot_columns in lots.values():
        yield lot_requests, _document(lot_requests, lot_columns)


def is_readable(document: bytes) -> bool:
    """Whether the workspace reads it: texts may make it larger than any batch of values."""
    if len(document) > MOST_PLAIN:
        return False
    return len(document) <= MOST_VALUES or sum(map(document.count, (b"[", b"{", b","))) <= MOST_VALUES


def _columns_of(model: Model, answered: AnsweredRows) -> tuple[list[_Column], list[_Column]]:
    specs = model.signature.inputs
    inputs: list[_Column] = []
    for spec in specs:
        array = answered.inputs[spec.name]
        table = array.reshape(answered.rows, -1)
        unseen = spec.holds is Holds.ANYTHING
        if len(specs) == 1 and array.ndim == 2:
            names: Sequence[str] = spec.columns or tuple(str(number) for number in range(1, table.shape[1] + 1))
        else:
            name = (spec.columns or (spec.name,))[0]
            names = (name,) if table.shape[1] == 1 else tuple(f"{name}_{at}" for at in range(1, table.shape[1] + 1))
        inputs += [(name, None if unseen else table[:, at]) for at, name in enumerate(names)]
    answers = zip(*answer_columns(model, answered.outputs), strict=True)
    return inputs, [(name, column) for name, column in answers if len(column) == answered.rows]


def _document(requests: list[RecordedRequest], columns: list[tuple[list[_Column], list[_Column]]]) -> bytes:
    inputs, answers = ([_joined(column) for column in zip(*side, strict=True)] for side in zip(*columns, strict=True))
    rows = sum(request.rows for request in requests)
    content = {
        "format": FORMAT,
        "requests": [[request.id, request.milliseconds, request.rows] for request in requests],
        "inputs": [[name, _kind(values)] for name, values in inputs],
        "input_values": [_plain(values, rows) for _, values in inputs],
        "answers": [[name, _kind(values)] for name, values in answers],
        "answer_values": [_plain(values, rows) for _, values in answers],
    }
    return orjson.dumps(content, option=orjson.OPT_SERIALIZE_NUMPY)


def _joined(column: Sequence[_Column]) -> _Column:
    name, first = column[0]
    if first is None:
        return name, None
    return name, np.concatenate([values for _, values in column if values is not None])


def _kind(values: _Array | None) -> str:
    return "text" if values is None else _KINDS.get(values.dtype.kind, "text")


def _plain(values: _Array | None, rows: int) -> Any:
    """What orjson writes; NaN and infinity become null there."""
    if values is None:
        return [None] * rows
    if values.dtype.kind in _KINDS:
        return np.ascontiguousarray(values if values.dtype != np.float16 else values.astype(np.float32))
    if values.dtype.kind == "M":
        values = np.datetime_as_string(values)
        return [None if value == "NaT" else value for value in values.tolist()]
    return [_text(value) for value in values.tolist()]


def _text(value: Any) -> str | None:
    if value is None or value != value:  # noqa: PLR0124 — NaN, and the moment that is none
        return None
    return str(value).encode("utf-8", "replace").decode("utf-8")
