"""The columns of Arrow's record batches as the values that JSON would have said."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from kronkers_studio.serving.inputs.arrow_types import (
    BOOL,
    DATE,
    FLOAT,
    INT,
    LARGE_UTF8,
    NULL,
    OTHER_TYPES,
    TEXTS,
    TIMESTAMP,
    UTF8_VIEW,
)
from kronkers_studio.serving.inputs.flat_tables import FlatTable, broken
from kronkers_studio.serving.problems import Refusal, shown

_UNITS = ("s", "ms", "us", "ns")
_MOMENT = 20  # bytes of one as text
_INLINE = 12  # bytes of a text that lie in its view


@dataclass(frozen=True)
class Field:
    """A column of the body: the number of its type, the NumPy type of its values ("" where they have none), the
    dictionary that they are places in."""

    name: str
    kind: int
    values: str
    dictionary: int | None = None
    indices: str = ""


class Budget:
    """How many values and bytes of text a request may still hold: as JSON, each value takes two bytes."""

    def __init__(self, most_bytes: int) -> None:
        self._values, self._bytes = most_bytes // 2, most_bytes

    def spend(self, values: int, text: int) -> None:
        """Count what is about to be held. Raises ``Refusal``."""
        self._values -= values
        self._bytes -= text
        if self._values < 0 or self._bytes < 0:
            raise Refusal("The table holds more values or text than one request may. Send it in parts.", status=413)


class Batch:
    """The buffers of one record batch, taken column by column."""

    def __init__(self, header: FlatTable, part: bytes, budget: Budget) -> None:
        if header.table(3) is not None:
            raise Refusal("Compressed buffers are not supported; write the stream without compression.", status=415)
        self.rows = header.number(0, "q")
        self._nodes = iter(header.numbers(1, each=2))
        self._buffers = iter(header.numbers(2, each=2))
        self._counts = iter(header.numbers(4))
        self._part = part
        self._budget = budget
        if self.rows < 0:
            raise broken("a batch has fewer than no rows")

    def column(self, field: Field, count: int) -> list[Any]:
        """The next column's values, None for each missing one."""
        length, nulls = self._next(self._nodes)
        if length != count:
            raise broken("its columns differ in length")
        self._budget.spend(count, 0)
        if field.kind == NULL:
            return [None] * count
        present = self._validity(count, nulls)
        if field.kind in TEXTS:
            return self._texts(field, count, present)
        if field.kind in (DATE, TIMESTAMP):
            self._budget.spend(0, count * _MOMENT)
        return _as_json(self._numbers(field, count), field, present)

    def require_end(self) -> None:
        """Raise ``Refusal`` when a column is left over."""
        if next(self._nodes, None) is not None or next(self._buffers, None) is not None:
            raise broken("a batch has more columns than the schema names")

    def _validity(self, count: int, nulls: int) -> np.ndarray[Any, Any] | None:
        start, length = self._buffer()
        if not nulls:
            return None
        return self._bits(start, length, count)

    def _bits(self, start: int, length: int, count: int) -> np.ndarray[Any, Any]:
        packed = self._array("u1", start, length, (count + 7) // 8)
        return np.unpackbits(packed, count=count, bitorder="little").astype(bool)

    def _numbers(self, field: Field, count: int) -> np.ndarray[Any, Any]:
        start, length = self._buffer()
        if field.kind == BOOL:
            return self._bits(start, length, count)
        return self._array(field.values, start, length, count)

    def _array(self, form: str, start: int, length: int, count: int) -> np.ndarray[Any, Any]:
        dtype = np.dtype(form)
        if length < dtype.itemsize * count:
            raise broken("a buffer is too short")
        return np.frombuffer(self._part, dtype, count, start) if count else np.empty(0, dtype)

    def _texts(self, field: Field, count: int, present: np.ndarray[Any, Any] | None) -> list[Any]:
        spans = self._views(count) if field.kind == UTF8_VIEW else self._offsets(field, count)
        wanted = [True] * count if present is None else present.tolist()
        self._budget.spend(0, sum(end - start for (start, end), there in zip(spans, wanted, strict=True) if there))
        part = self._part
        try:
            return [
                part[start:end].decode() if there else None for (start, end), there in zip(spans, wanted, strict=True)
            ]
        except UnicodeDecodeError:
            raise Refusal(f"The column {shown(field.name)} is not text in UTF-8.", field=field.name[:100]) from None

    def _offsets(self, field: Field, count: int) -> list[tuple[int, int]]:
        """Where each text lies in the part."""
        start, length = self._buffer()
        base, size = self._buffer()
        if not count:
            return []
        found = self._array("<i8" if field.kind == LARGE_UTF8 else "<i4", start, length, count + 1)
        if found[0] < 0 or found[-1] > size or (found[1:] < found[:-1]).any():
            raise broken("a text lies outside of its buffer")
        ends = [base + each for each in found.tolist()]
        return list(pairwise(ends))

    def _views(self, count: int) -> list[tuple[int, int]]:
        start, length = self._buffer()
        (many,) = self._next(self._counts)
        if many < 0:
            raise broken("a column has fewer than no buffers")
        buffers = []
        for _ in range(many):  # ends with the message's own buffers
            buffers.append(self._buffer())
        views = self._array("<i4", start, length, 4 * count).reshape(count, 4).tolist()
        return [self._view(view, start + 16 * row, buffers) for row, view in enumerate(views)]

    def _view(self, view: list[int], at: int, buffers: list[tuple[int, int]]) -> tuple[int, int]:
        length, _, which, offset = view
        if 0 <= length <= _INLINE:
            return at + 4, at + 4 + length
        if not (0 <= which < len(buffers) and offset >= 0 and 0 < length <= buffers[which][1] - offset):
            raise broken("a text lies outside of its buffer")
        start = buffers[which][0] + offset
        return start, start + length

    def _buffer(self) -> tuple[int, int]:
        """Where the next buffer begins in the part, and how long it is."""
        start, length = self._next(self._buffers)
        if start < 0 or length < 0 or start + length > len(self._part):
            raise broken("a buffer lies outside of its message")
        return start, length

    def _next(self, found: Iterator[tuple[int, ...]]) -> tuple[int, ...]:
        each = next(found, None)
        if each is None:
            raise broken("a batch has fewer columns than the schema names")
        return each


def read_field(found: FlatTable) -> Field:
    """The column that the schema's table ``found`` is about. Raises ``Refusal`` for types that no row holds."""
    name, kind = found.text(0), found.number(2, "B")
    values = _values_of(name, kind, found.table(3))
    encoding = found.table(4)
    if encoding is None:
        return Field(name, kind, values)
    index = encoding.table(1)
    indices = "<i4" if index is None else _values_of(name, INT, index)
    return Field(name, kind, values, encoding.number(0, "q"), indices)


def _values_of(name: str, kind: int, about: FlatTable | None) -> str:
    """The NumPy type of a column's values; "" for texts, truth values and nulls."""
    if kind in TEXTS or kind in (NULL, BOOL):
        return ""
    if about is not None and kind == INT:
        width = about.number(0, "i")
        if width in (8, 16, 32, 64):
            return f"<{'i' if about.number(1, 'B') else 'u'}{width // 8}"
    if about is not None and kind == FLOAT:
        precision = about.number(0, "h")
        if precision in (0, 1, 2):
            return ("<f2", "<f4", "<f8")[precision]
    if about is not None and kind == DATE:
        return "<M8[ms]" if about.number(0, "h", 1) else "<i4"
    if about is not None and kind == TIMESTAMP:
        unit = about.number(0, "h")
        if about.text(1) not in ("", "UTC"):
            raise Refusal(f"The column {shown(name)} has a time zone; send moments in UTC.", field=name[:100])
        if unit in range(len(_UNITS)):
            return f"<M8[{_UNITS[unit]}]"
    told = OTHER_TYPES.get(kind, f"type {kind}")
    raise Refusal(
        f"The column {shown(name)} is {told} in Arrow; send truth values, numbers, texts or dates.", field=name[:100]
    )


def _as_json(found: np.ndarray[Any, Any], field: Field, present: np.ndarray[Any, Any] | None) -> list[Any]:
    """The values as JSON would say them."""
    if found.dtype.kind in "fM":
        gaps = np.isnan(found)
        present = (~gaps if present is None else present & ~gaps) if gaps.any() else present
    if field.kind in (DATE, TIMESTAMP):
        moments = found.astype("<M8[D]") if field.kind == DATE else found
        values: list[Any] = np.datetime_as_string(moments).tolist()
    else:
        values = found.tolist()
    if present is not None:
        for at in np.flatnonzero(~present).tolist():
            values[at] = None
    return values
