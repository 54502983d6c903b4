"""numpy dtypes as pickles describe them: element size, whether they hold objects, and the values of small arrays."""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass

from kronkers_studio.packaging.byte_reader import Damaged
from kronkers_studio.packaging.model_files.pickles.pickle_symbols import Array, Call, Pairs, Symbol, class_of

_TYPE = re.compile(r"([biufcSUVOMm])(\d{1,9})")  # as numpy writes them: "f8", "U10", "V64"
_DEEPEST = 16


@dataclass(frozen=True, slots=True)
class ArrayType:
    """``kind`` is numpy's letter ("f", "i", "u", "b", "U", "S", "V", "O" …), ``size`` bytes per element."""

    kind: str
    size: int
    order: str = "<"
    has_objects: bool = False


def array_type(symbol: Symbol, depth: int = 0) -> ArrayType:
    """What a pickled ``numpy.dtype`` says. Raises ``Damaged`` for one that is not understood in full."""
    if not isinstance(symbol, Call) or class_of(symbol) != "numpy.dtype" or depth > _DEEPEST or not symbol.arguments:
        raise Damaged("an array in it is of an unknown type")
    name = symbol.arguments[0]
    matched = _TYPE.fullmatch(name) if isinstance(name, str) else None
    if matched is None:
        raise Damaged("an array in it is of an unknown type")
    kind, size = matched[1], int(matched[2]) * (4 if matched[1] == "U" else 1)
    state = symbol.state
    if state is None:
        return ArrayType(kind, size, has_objects=kind == "O")
    if not isinstance(state, tuple) or len(state) not in (8, 9):
        raise Damaged("an array in it is of an unknown type")
    _, order, base, _, fields, stated_size = state[:6]
    if stated_size not in (-1, size) or isinstance(stated_size, bool):
        raise Damaged("an array in it states two sizes")
    parts = [array_type(part, depth + 1) for part in parts_of_type(base, fields)]
    return ArrayType(kind, size, str(order), kind == "O" or any(part.has_objects for part in parts))


def parts_of_type(base: Symbol, fields: Symbol) -> list[Symbol]:
    """The types of which a structured or sub-array type is made."""
    parts = []
    if base is not None:
        parts.append(base[0] if isinstance(base, tuple) and base else None)
    if fields is not None:
        values = [value for _, value in fields.pairs] if isinstance(fields, Pairs) else [None]
        parts.extend(value[0] if isinstance(value, tuple) and value else None for value in values)
    return parts


_FORMATS = {
    "b1": "?",
    "i1": "b",
    "i2": "h",
    "i4": "i",
    "i8": "q",
    "u1": "B",
    "u2": "H",
    "u4": "I",
    "u8": "Q",
    "f2": "e",
    "f4": "f",
    "f8": "d",
}


def values_of(symbol: Symbol) -> tuple[str, list[Symbol]] | None:
    """A small one-dimensional array as (kind, values): numbers, truth values or text; None for anything else.

    Understands joblib's arrays, arrays pickled by numpy itself, and arrays of objects in both.
    """
    try:
        return _values(symbol)
    except (Damaged, ValueError, UnicodeDecodeError, struct.error):
        return None


def shape_of(symbol: Symbol) -> tuple[int, ...] | None:
    """The shape of an array, None when that is no array."""
    if isinstance(symbol, Array):
        return symbol.shape
    state = _numpy_state(symbol)
    shape = state[1] if state else None
    return shape if isinstance(shape, tuple) and all(isinstance(length, int) for length in shape) else None


def _values(symbol: Symbol) -> tuple[str, list[Symbol]] | None:
    if isinstance(symbol, Array):
        if symbol.content is not None:
            return _values(symbol.content)
        return _decoded(symbol.dtype, symbol.shape, symbol.data)
    state = _numpy_state(symbol)
    if state is None:
        return None
    _, shape, dtype, _, data = state
    if isinstance(data, list):
        return ("O", data) if isinstance(shape, tuple) and shape == (len(data),) else None
    return _decoded(dtype, shape, _raw(data))


def _numpy_state(symbol: Symbol) -> tuple[Symbol, ...] | None:
    """(version, shape, dtype, is_fortran, data) of an array that numpy pickled itself, whichever way it did."""
    if not isinstance(symbol, Call):
        return None
    name = str(symbol.function)
    if name.endswith("multiarray._reconstruct") and isinstance(symbol.state, tuple) and len(symbol.state) == 5:
        return symbol.state
    if name.endswith("numeric._frombuffer") and len(symbol.arguments) == 4:
        data, dtype, shape, order = symbol.arguments
        return (1, shape, dtype, order == "F", data)
    return None


def _raw(data: Symbol) -> bytes | None:
    if isinstance(data, bytes):
        return data
    if isinstance(data, Call) and str(data.function) == "_codecs.encode" and data.arguments:  # protocol 2
        text = data.arguments[0]
        return text.encode("latin-1") if isinstance(text, str) else None
    return b"" if isinstance(data, Call) and str(data.function) == "builtins.bytes" and not data.arguments else None


def _decoded(dtype: Symbol, shape: Symbol, data: bytes | None) -> tuple[str, list[Symbol]] | None:
    kind = array_type(dtype)
    if data is None or not isinstance(shape, tuple) or len(shape) != 1 or len(data) != shape[0] * kind.size:
        return None
    order = ">" if kind.order == ">" else "<"
    if kind.kind == "U":
        codec = "utf-32-be" if order == ">" else "utf-32-le"
        pieces = [data[at : at + kind.size] for at in range(0, len(data), kind.size or 1)]
        return "U", [piece.decode(codec).rstrip("\0") for piece in pieces]
    letter = _FORMATS.get(f"{kind.kind}{kind.size}")
    if letter is None:
        return None
    return kind.kind, list(struct.unpack(f"{order}{shape[0]}{letter}", data))


def kind_of(symbol: Symbol) -> str:
    """numpy's letter for the type of an array's elements, "V" when it is not understood."""
    state = _numpy_state(symbol)
    dtype = symbol.dtype if isinstance(symbol, Array) else state[2] if state else None
    try:
        return array_type(dtype).kind
    except Damaged:
        return "V"


def number_of(symbol: Symbol) -> int | float | bool | str | None:
    """The value of a scalar of numpy, None for anything else."""
    if not isinstance(symbol, Call) or not str(symbol.function).endswith("multiarray.scalar"):
        return None
    if len(symbol.arguments) != 2:
        return None
    try:
        decoded = _decoded(symbol.arguments[0], (1,), _raw(symbol.arguments[1]))
    except (Damaged, ValueError, UnicodeDecodeError, struct.error):
        return None
    value = decoded[1][0] if decoded else None
    return value if isinstance(value, int | float | str) else None
