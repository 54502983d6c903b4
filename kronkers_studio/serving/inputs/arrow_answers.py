"""Answers as an Apache Arrow stream: a schema, one batch, and its end."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any

import numpy as np

from kronkers_studio.serving.inputs.arrow_types import BATCH, BOOL, CONTINUED, FLOAT, INT, LARGE_UTF8, SCHEMA
from kronkers_studio.serving.inputs.flat_tables import Number, Part, structs, table, tables, text, written

_VERSION = Number("h", 4)  # of the format's metadata, V5


def arrow_of(names: Sequence[str], columns: Sequence[np.ndarray[Any, Any]]) -> bytes:
    """A table of ``columns`` (rows,) as an Arrow stream: numbers and truth values as they are, all else as text."""
    found = [each if each.dtype.kind in "biuf" else np.array([str(value) for value in each]) for each in columns]
    body, buffers = bytearray(), []
    for column in found:
        for data in (b"", *_data(column)):  # without a bitmap no value is missing
            buffers.append((len(body), len(data)))
            body += data + bytes(-len(data) % 8)
    rows = len(found[0])
    fields = [_field(name, column) for name, column in zip(names, found, strict=True)]
    schema = table(Number("h", 0), tables(fields))
    batch = table(Number("q", rows), structs([(rows, 0)] * len(found)), structs(buffers))
    return _message(SCHEMA, schema, b"") + _message(BATCH, batch, bytes(body)) + CONTINUED + bytes(4)


def _message(kind: int, about: Part, body: bytes) -> bytes:
    header = written(table(_VERSION, Number("B", kind), about, Number("q", len(body))))
    return CONTINUED + struct.pack("<i", len(header)) + header + body


def _field(name: str, column: np.ndarray[Any, Any]) -> Part:
    kind, about = _type(column)
    return table(text(name), Number("B", 0), Number("B", kind), about, None, tables([]))


def _type(column: np.ndarray[Any, Any]) -> tuple[int, Part]:
    letter, size = column.dtype.kind, column.dtype.itemsize
    if letter == "b":
        return BOOL, table()
    if letter == "f":
        return FLOAT, table(Number("h", {2: 0, 4: 1}.get(size, 2)))
    if letter in "iu":
        return INT, table(Number("i", 8 * size), Number("B", int(letter == "i")))
    return LARGE_UTF8, table()


def _data(column: np.ndarray[Any, Any]) -> list[bytes]:
    """The buffers of a column, but for which values are missing."""
    letter, size = column.dtype.kind, column.dtype.itemsize
    if letter == "b":
        return [np.packbits(column, bitorder="little").tobytes()]
    if letter in "iuf":
        return [column.astype(f"<{letter}{min(size, 8)}").tobytes()]
    texts = [value.encode() for value in column.tolist()]
    return [np.cumsum([0, *map(len, texts)], dtype="<i8").tobytes(), b"".join(texts)]
