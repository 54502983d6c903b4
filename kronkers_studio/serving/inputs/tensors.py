"""Tensors of the Open Inference Protocol on the wire: JSON lists and the binary data extension.

https://github.com/kserve/open-inference-protocol (inference_rest.md) and Triton's extension_binary_data.md.
"""

from __future__ import annotations

import math
import struct
from typing import Any

import numpy as np

from kronkers_studio.serving.inputs.row_reader import narrowed
from kronkers_studio.serving.problems import Refusal, kind_of, shown
from kronkers_studio.serving.signature import NUMPY_TYPES, TensorSpec, datatype_of

_Array = np.ndarray[Any, Any]
_LONGEST_AXIS = 1 << 31
_MOST_AXES = 32
_LARGEST_SHAPE = 1 << 60  # elements, of axes that are not empty: NumPy counts in 63 bits


class BinaryData:
    """The bytes after a request's JSON part, handed out in order."""

    def __init__(self, data: memoryview) -> None:
        self._data = data
        self._position = 0

    def take(self, size: object, name: str) -> memoryview:
        """The next ``size`` bytes, which belong to the tensor ``name``."""
        if not isinstance(size, int) or isinstance(size, bool) or size < 0:
            raise Refusal(f"The input {shown(name)}: “binary_data_size” must be a whole number.", field=name)
        if self._position + size > len(self._data):
            raise Refusal(f"The input {shown(name)} announces more binary data than was sent.", field=name)
        self._position += size
        return self._data[self._position - size : self._position]

    def check_used(self) -> None:
        """Refuse bytes that belong to no tensor."""
        if self._position != len(self._data):
            raise Refusal(f"{len(self._data) - self._position} bytes of binary data belong to no input.")


def read_tensor(found: object, binary: BinaryData, most_rows: int | None) -> tuple[str, _Array]:
    """One entry of a request's ``inputs``: its name and its array. Raises ``Refusal``, without ``most_rows`` for no
    length: then the first axis is one like the others."""
    if not isinstance(found, dict):
        raise Refusal(f"Each of “inputs” must be an object, not {kind_of(found)}.", field="inputs")
    name, datatype = found.get("name"), found.get("datatype")
    if not isinstance(name, str) or not name:
        raise Refusal("Each of “inputs” must have a “name”.", field="inputs")
    if not isinstance(datatype, str) or datatype not in NUMPY_TYPES:
        known = ", ".join(NUMPY_TYPES)
        raise Refusal(f"The input {shown(name)}: the datatype {shown(datatype)} is none of {known}.", field=name)
    shape = _shape(found.get("shape"), name, most_rows)
    parameters = found.get("parameters") or {}
    if not isinstance(parameters, dict):
        raise Refusal(f"The input {shown(name)}: “parameters” must be an object.", field=name)
    if "shared_memory_region" in parameters:
        raise Refusal(f"The input {shown(name)}: shared memory is not supported; send the data.", field=name)
    if "binary_data_size" in parameters:
        array = _from_bytes(binary.take(parameters["binary_data_size"], name), datatype, math.prod(shape), name)
    else:
        array = _from_json(found.get("data"), datatype, shape, name)
    return name, array.reshape(shape)


def _shape(found: object, name: str, most_rows: int | None) -> tuple[int, ...]:
    if not isinstance(found, list) or len(found) > _MOST_AXES:
        raise Refusal(f"The input {shown(name)}: “shape” must be a list of at most {_MOST_AXES} lengths.", field=name)
    if not all(type(length) is int and 0 <= length < _LONGEST_AXIS for length in found):
        raise Refusal(f"The input {shown(name)}: “shape” must hold whole numbers from 0.", field=name)
    if most_rows is None:
        if math.prod(filter(None, found)) >= _LARGEST_SHAPE:
            raise Refusal(f"The input {shown(name)} is larger than any tensor.", status=413, field=name)
        return tuple(found)
    if not found:
        raise Refusal(f"The input {shown(name)} is a single value; this model takes rows.", field=name)
    if found[0] == 0:
        raise Refusal(f"The input {shown(name)} has no rows: send at least one.", field=name)
    if found[0] > most_rows:
        raise Refusal(
            f"The input {shown(name)} has {found[0]} rows; one request may hold {most_rows}. Send them in parts.",
            status=413,
            field=name,
        )
    return tuple(found)


def _from_json(data: object, datatype: str, shape: tuple[int, ...], name: str) -> _Array:
    """The ``data`` of a JSON tensor, flat or nested as its shape says; null is a missing number."""
    if not isinstance(data, list):
        if shape or data is None:
            raise Refusal(f"The input {shown(name)}: “data” must be a list.", field=name)
        data = [data]  # a single value is nested in nothing
    flat, count = _flattened(data, shape, name), math.prod(shape)
    if len(flat) != count:
        raise Refusal(f"The input {shown(name)} has {len(flat)} values; its shape needs {count}.", field=name)
    array = _from_values(flat, set(map(type, flat)), datatype)
    if array is None:
        raise Refusal(f"The input {shown(name)}: “data” holds a value that is no {datatype}.", field=name)
    return array


def _from_values(flat: list[Any], kinds: set[type], datatype: str) -> _Array | None:
    if datatype == "BYTES":
        return _objects(flat) if kinds <= {str} else None
    if datatype == "BOOL":
        return np.array(flat, dtype=np.bool_) if kinds <= {int, bool} and set(flat) <= {0, 1} else None
    if datatype.startswith("FP"):
        fits = kinds <= {int, float, type(None)}
        return narrowed(np.array(flat, dtype=np.float64), datatype, takes_missing=True) if fits else None
    if not kinds <= {int, float}:
        return None
    if float in kinds:
        return narrowed(np.array(flat, dtype=np.float64), datatype, takes_missing=False)
    limits = np.iinfo(NUMPY_TYPES[datatype])  # not by an array of no given type: that of 1 and 2 ** 63 are floats
    fits = not flat or (limits.min <= min(flat) and max(flat) <= limits.max)
    return np.array(flat, dtype=NUMPY_TYPES[datatype]) if fits else None


def _flattened(data: list[Any], shape: tuple[int, ...], name: str) -> list[Any]:
    if not data or not isinstance(data[0], list):
        return data
    for length in shape[1:]:
        if not all(isinstance(part, list) and len(part) == length for part in data):
            raise Refusal(f"The input {shown(name)}: “data” is not nested as the shape {list(shape)} says.", field=name)
        data = [value for part in data for value in part]
    return data


def _objects(values: list[str]) -> _Array:
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


def _from_bytes(data: memoryview, datatype: str, count: int, name: str) -> _Array:
    if datatype == "BYTES":
        return _objects(_read_texts(data, count, name))
    dtype = NUMPY_TYPES[datatype].newbyteorder("<")
    if not count and not len(data):
        return np.empty(0, NUMPY_TYPES[datatype])
    if len(data) != count * dtype.itemsize:
        raise Refusal(
            f"The input {shown(name)} has {len(data)} bytes of data; its shape needs {count * dtype.itemsize}.",
            field=name,
        )
    if datatype == "BOOL" and np.frombuffer(data, dtype=np.uint8).max() > 1:
        raise Refusal(f"The input {shown(name)} holds a byte that is neither true nor false.", field=name)
    return np.frombuffer(data, dtype=dtype).astype(NUMPY_TYPES[datatype], copy=False)


def _read_texts(data: memoryview, count: int, name: str) -> list[str]:
    """BYTES elements: each a four-byte little-endian length and that many bytes, here of UTF-8."""
    texts: list[str] = []
    position = 0
    while position < len(data) and len(texts) < count:
        if position + 4 > len(data):
            break
        (length,) = struct.unpack_from("<I", data, position)
        position += 4
        if position + length > len(data):
            position -= 4
            break
        try:
            texts.append(str(data[position : position + length], "utf-8"))
        except UnicodeDecodeError:
            raise Refusal(f"The input {shown(name)} holds text that is not UTF-8.", field=name) from None
        position += length
    if len(texts) != count or position != len(data):
        raise Refusal(f"The input {shown(name)}: its binary data does not hold {count} texts.", field=name)
    return texts


def write_tensor(name: str, array: _Array, *, as_binary: bool) -> tuple[dict[str, Any], bytes]:
    """One entry of an answer's ``outputs``, and its binary data (empty for JSON)."""
    entry: dict[str, Any] = {"name": name, "datatype": datatype_of(array), "shape": list(array.shape)}
    if not as_binary:
        entry["data"] = [_text(value) for value in array.flat] if array.dtype.hasobject else array.ravel().tolist()
        return entry, b""
    data = _bytes_of(array)
    entry["parameters"] = {"binary_data_size": len(data)}
    return entry, data


def _text(value: object) -> str | None:
    """A text as it is sent; null for the answer to a row that has none, which is an empty text in binary data."""
    return None if value is None else str(value)


def _bytes_of(array: _Array) -> bytes:
    if not array.dtype.hasobject:
        return array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes()
    texts = [(_text(value) or "").encode() for value in array.flat]
    return b"".join(struct.pack("<I", len(text)) + text for text in texts)


def fitted(array: _Array, datatype: str, name: str, *, takes_missing: bool, any_number: bool = False) -> _Array:
    """``array`` in the input's own ``datatype``, when that keeps its values. Raises ``Refusal``, with ``any_number``
    not for NaN and infinity that come in that type already."""
    if (datatype == "BYTES") != array.dtype.hasobject or (datatype == "BOOL") != (array.dtype == np.bool_):
        raise Refusal(f"The input {shown(name)} must be {datatype}, not {datatype_of(array)}.", field=name)
    if datatype in ("BYTES", "BOOL") or (any_number and array.dtype == NUMPY_TYPES[datatype]):
        return array
    fits = narrowed(array, datatype, takes_missing=takes_missing or any_number)
    if fits is None:
        what = "infinite" if takes_missing or any_number else "missing (NaN), infinite"
        raise Refusal(
            f"The input {shown(name)} holds a value that is {what} or out of range for {datatype}.", field=name
        )
    return fits


def shaped(array: _Array, spec: TensorSpec) -> _Array:
    """``array`` in the input's shape: a column and a list of the same values are one, and so are one value and a list
    of one. Raises ``Refusal`` for another shape."""
    if spec.any_rank:
        return array
    if len(spec.shape) == 2 and spec.shape[1] == 1 and array.ndim == 1:
        array = array.reshape(-1, 1)
    elif len(spec.shape) == 1 and array.ndim == 2 and array.shape[1] == 1:
        array = array.reshape(-1)
    elif not spec.shape and array.shape == (1,):
        array = array.reshape(())
    _check_shape(array, spec.shape, spec.name)
    return array


def _check_shape(array: _Array, shape: tuple[int, ...], name: str) -> None:
    """Refuse an array whose shape is not the input's (-1 there: any length)."""
    fits = len(array.shape) == len(shape) and all(
        wanted in (-1, length) for wanted, length in zip(shape, array.shape, strict=True)
    )
    if not fits:
        raise Refusal(f"The input {shown(name)} has shape {list(array.shape)}; it must be {list(shape)}.", field=name)
