"""Whole tensors as frames, for a worker of Python: every array arrives with its type, shape and order in memory, every
text and missing value as it was. The front believes nothing that a worker says: frames hold JSON and numbers, never
objects that are made by being read.

A frame of answers is a status (as ``worker_frames`` has them), the length of its head, the head as JSON, and what the
tensors that it names consist of, one after the other. A frame of questions is the same without a status.
"""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Collection, Mapping
from dataclasses import asdict
from typing import Any, Literal

import numpy as np
import orjson

from kronkers_studio.serving.frameworks.workers.worker_frames import ANSWERED, FAILED, REFUSED, BadFrame
from kronkers_studio.serving.model import Arrays
from kronkers_studio.serving.model_failures import Failure, ModelFailed
from kronkers_studio.serving.problems import Refusal

_Array = np.ndarray[Any, Any]

_NUMBER = struct.Struct("<i")
_RAW_KINDS = "biufcmMSU"
_RAW_TYPE = re.compile(r"[<>|=][biufcmMSU][1-9]\d{0,8}(\[[0-9A-Za-z]{1,12}\])?")
_OBJECTS = "objects"
_IN_JSON = {str, int, float, bool, type(None)}
_LONGEST_TEXT = 1000


def question_frame(inputs: Arrays, wanted: Collection[str]) -> bytes:
    """The ``inputs``, and the names of the outputs ``wanted``."""
    return _packed({"wanted": list(wanted)}, inputs)


def question_in(frame: bytes) -> tuple[dict[str, _Array], list[str]]:
    """The inputs and the outputs wanted. Raises ``BadFrame``."""
    head, tensors = _unpacked(frame, 0)
    return tensors, head["wanted"]


def answer_frame(outputs: Arrays) -> bytes:
    return _NUMBER.pack(ANSWERED) + _packed({}, outputs)


def facts_frame(facts: Mapping[str, Any]) -> bytes:
    """What a worker says of its model, as JSON has it."""
    return _NUMBER.pack(ANSWERED) + _packed({"facts": facts}, {})


def refusal_frame(refusal: Refusal) -> bytes:
    headers = [[name.decode("latin-1"), value.decode("latin-1")] for name, value in refusal.headers]
    said = {"message": refusal.message, "status": refusal.status, "field": refusal.field, "row": refusal.row}
    return _NUMBER.pack(REFUSED) + _packed({**said, "headers": headers}, {})


def failure_frame(failure: Failure) -> bytes:
    return _NUMBER.pack(FAILED) + _packed(asdict(failure), {})


def facts_in(frame: bytes) -> dict[str, Any]:
    """What the worker says of its model. Raises ``BadFrame``."""
    try:
        head, _ = _answered(frame)
        facts = head["facts"]
    except (KeyError, Refusal, ModelFailed):
        raise BadFrame("it says nothing of its model") from None
    if not isinstance(facts, dict):
        raise BadFrame("it says nothing of its model")
    return facts


def outputs_in(frame: bytes, wanted: Collection[str]) -> dict[str, _Array]:
    """The ``wanted`` outputs. Raises ``Refusal`` and ``ModelFailed``, which the model raised, ``BadFrame``."""
    _, tensors = _answered(frame)
    if not tensors.keys() >= set(wanted):
        raise BadFrame("it does not say all that it was asked")
    return tensors


def _answered(frame: bytes) -> tuple[dict[str, Any], dict[str, _Array]]:
    try:
        (status,) = _NUMBER.unpack_from(frame)
        head, tensors = _unpacked(frame, _NUMBER.size)
        if status == REFUSED:
            raise _refusal(head)
        if status == FAILED:
            raise ModelFailed(_failure(head))
    except (struct.error, LookupError, TypeError, ValueError, AttributeError) as problem:
        raise BadFrame(f"it says what no worker says ({type(problem).__name__})") from None
    if status != ANSWERED:
        raise BadFrame(f"{status} is no status")
    return head, tensors


def _refusal(head: Mapping[str, Any]) -> Refusal:
    status, field, row = head["status"], head["field"], head["row"]
    if not 400 <= status <= 499 or not isinstance(field, str | None) or not isinstance(row, int | None):
        raise ValueError
    headers = [(_header(name), _header(value)) for name, value in head["headers"]]
    return Refusal(str(head["message"]), status=status, field=field, row=row, headers=headers)


def _header(text: str) -> bytes:
    if not text.isascii() or not text.isprintable():
        raise ValueError
    return text.encode("ascii")


def _failure(head: Mapping[str, Any]) -> Failure:
    kind, reason, place = (str(head[name])[:_LONGEST_TEXT] for name in ("kind", "reason", "place"))
    return Failure(kind, reason, place, of_values=head["of_values"] is True)


def _packed(head: Mapping[str, Any], tensors: Arrays) -> bytes:
    entries, parts = [], []
    for name, array in tensors.items():
        in_order: Literal["F", "C"] = "F" if array.flags.f_contiguous and not array.flags.c_contiguous else "C"
        raw = array.dtype.kind in _RAW_KINDS and array.dtype.itemsize > 0
        part = array.tobytes(in_order) if raw else _json_of(array, in_order)
        entries.append([name, array.dtype.str if raw else _OBJECTS, list(array.shape), in_order, len(part)])
        parts.append(part)
    said = orjson.dumps({**head, "tensors": entries})
    return b"".join([_NUMBER.pack(len(said)), said, *parts])


def _unpacked(frame: bytes, at: int) -> tuple[dict[str, Any], dict[str, _Array]]:
    (length,) = _NUMBER.unpack_from(frame, at)
    at += _NUMBER.size
    whole = memoryview(frame)
    if not 0 <= length <= len(frame) - at:
        raise BadFrame("it ends too early")
    head = orjson.loads(whole[at : at + length])
    at += length
    tensors = {}
    for name, kind, shape, in_order, size in head["tensors"]:
        if not 0 <= size <= len(frame) - at:
            raise BadFrame("it ends too early")
        tensors[name] = _array(kind, tuple(shape), in_order, whole[at : at + size])
        at += size
    if at != len(frame):
        raise BadFrame("it says more than its tensors")
    return head, tensors


def _array(kind: str, shape: tuple[int, ...], in_order: Any, part: memoryview) -> _Array:
    """A new array, which may be written into."""
    count = math.prod(shape)
    if kind == _OBJECTS:
        values = orjson.loads(part)
        if len(values) != count:
            raise BadFrame("a tensor is not of its shape")
        array = np.empty(count, dtype=object)
        array[:] = [_untold(value) for value in values] if dict in set(map(type, values)) else values
    elif _RAW_TYPE.fullmatch(kind):
        array = np.frombuffer(part, dtype=np.dtype(kind)).copy()
    else:
        raise BadFrame("a tensor is of no type that is known")
    if array.size != count or min(shape, default=0) < 0:
        raise BadFrame("a tensor is not of its shape")
    return array.reshape(shape, order=in_order)


def _json_of(array: _Array, in_order: Any) -> bytes:
    values = array.ravel(order=in_order).tolist()
    kinds = set(map(type, values))
    if kinds <= _IN_JSON and (float not in kinds or all(map(_is_finite, values))):
        try:
            return orjson.dumps(values)
        except TypeError:  # a half of a sign, or a number that is too long
            pass
    return orjson.dumps([_told(value) for value in values])


def _told(value: Any) -> Any:
    """``value`` as JSON has it, in an object where JSON has no such thing. What a model may answer besides numbers,
    texts and NumPy's own kinds is its text."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, np.generic) and value.dtype.kind in "biufcmM":
        return {"numpy": [value.dtype.str, value.tobytes().hex()]}
    if isinstance(value, float):
        return value if math.isfinite(value) else {"float": repr(float(value))}
    if isinstance(value, int):
        return value if -(1 << 63) <= value < 1 << 64 else {"int": hex(value)}
    text = str(value)
    return text if text.isascii() or _is_whole(text) else {"text": text.encode("utf-8", "surrogatepass").hex()}


def _is_finite(value: Any) -> bool:
    return type(value) is not float or value - value == 0


def _is_whole(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _untold(value: Any) -> Any:
    if type(value) is not dict:
        return value
    ((kind, told),) = value.items()
    match kind:
        case "numpy" if _RAW_TYPE.fullmatch(told[0]):
            (found,) = np.frombuffer(bytes.fromhex(told[1]), dtype=np.dtype(told[0]))
            return found
        case "float":
            return float(told)
        case "int":
            return int(told, 16)
        case "text":
            return bytes.fromhex(told).decode("utf-8", "surrogatepass")
    raise BadFrame("a value is of no kind that is known")
