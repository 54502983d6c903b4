"""Files of safetensors: the names, types and shapes of weights. Only the header is read, within bounds."""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, BinaryIO, Final

from kronkers_studio.domain.errors import UnsupportedModel
from kronkers_studio.domain.printable import printable
from kronkers_studio.packaging.byte_reader import Damaged, TooMuch

_LENGTH: Final = struct.Struct("<Q")
_LARGEST_HEADER: Final = 8 << 20  # bytes; a network of ten thousand tensors has one megabyte
_MOST_TENSORS: Final = 100_000
_MOST_DIMENSIONS: Final = 64
_BITS: Final = {
    **dict.fromkeys(("F64", "I64", "U64", "C64"), 64),
    **dict.fromkeys(("F32", "I32", "U32"), 32),
    **dict.fromkeys(("F16", "BF16", "I16", "U16"), 16),
    **dict.fromkeys(("F8_E4M3", "F8_E5M2", "F8_E8M0", "I8", "U8", "BOOL"), 8),
    **dict.fromkeys(("F6_E2M3", "F6_E3M2"), 6),
    "F4": 4,
}
"""Of one number, by the type's name in the file."""
_METADATA: Final = "__metadata__"


@dataclass(frozen=True, slots=True)
class Weight:
    """One tensor: its type as the file calls it ("F32"), and its bytes from ``start`` to ``end``, counted from the end
    of the header."""

    name: str
    datatype: str
    shape: tuple[int, ...]
    start: int
    end: int


def read_weights(stream: BinaryIO) -> tuple[Weight, ...]:
    """The tensors in ``stream``, in the order of their bytes, which fill the file without gaps. Raises ``Damaged`` and
    ``TooMuch``."""
    size = stream.seek(0, 2)
    stream.seek(0)
    head = stream.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        raise Damaged("it ends too early")
    (length,) = _LENGTH.unpack(head)
    if length > size - _LENGTH.size:
        raise Damaged("its header is longer than the file")
    if length > _LARGEST_HEADER:
        raise TooMuch("its header is longer than any model's")
    described = _described(stream.read(length))
    described.pop(_METADATA, None)
    if len(described) > _MOST_TENSORS:
        raise TooMuch("it holds more tensors than any model")
    weights = sorted((_weight(name, one) for name, one in described.items()), key=lambda one: (one.start, one.end))
    _require_whole(weights, size - _LENGTH.size - length)
    return tuple(weights)


def told_of_weights(name: str, stream: BinaryIO) -> str:
    """What there is to say of the file ``name`` in a clause: "4 tensors, 19 numbers". Raises ``UnsupportedModel`` for a
    file that is damaged."""
    try:
        weights = read_weights(stream)
    except (Damaged, TooMuch) as reason:
        raise UnsupportedModel(
            f"{name} cannot be read: {reason}.", next_step="Copy it again from where it was made."
        ) from None
    numbers = sum(math.prod(weight.shape) for weight in weights)
    tensors = "1 tensor" if len(weights) == 1 else f"{len(weights):,} tensors"
    return f"{tensors}, {numbers:,} numbers"


def transformers_class(read: Callable[[], bytes] | None) -> str:
    """The class of Transformers that the config.json beside weights names, fit to be shown; "" when it names none,
    or one of the model's own code."""
    try:
        found: Any = json.loads(read().decode("utf-8")) if read is not None else None
    except (ValueError, RecursionError):
        return ""
    match found:
        case {"model_type": str(), "architectures": [str(name), *_]} if "auto_map" not in found and name.isidentifier():
            return printable(name[:100])
    return ""


def _described(header: bytes) -> dict[str, Any]:
    try:
        found = json.loads(header.decode("utf-8"), object_pairs_hook=_once, parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise Damaged("its header is damaged") from None
    if not isinstance(found, dict):
        raise Damaged("its header is damaged")
    return found


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Damaged("its header says one thing twice")
    return found


def _no_number(_: str) -> float:
    raise Damaged("its header is damaged")


def _weight(name: str, described: object) -> Weight:
    match described:
        case {"dtype": str(datatype), "shape": list(shape), "data_offsets": [int(start), int(end)]}:
            pass
        case _:
            raise Damaged("its header does not describe each tensor")
    if datatype not in _BITS:
        raise Damaged("it holds numbers of an unknown type")
    if len(shape) > _MOST_DIMENSIONS or not all(type(one) is int and 0 <= one < 1 << 63 for one in shape):
        raise Damaged("a tensor of it has no possible shape")
    if type(start) is not int or type(end) is not int or not 0 <= start <= end:
        raise Damaged("a tensor of it lies nowhere")
    if (end - start) * 8 != math.prod(shape) * _BITS[datatype]:
        raise Damaged("a tensor of it has another size than its shape")
    return Weight(name, datatype, tuple(shape), start, end)


def _require_whole(weights: list[Weight], size: int) -> None:
    """Each begins where the one before ends, and the last ends with the file: so writes the library, and so it wants
    it."""
    at = 0
    for weight in weights:
        if weight.start != at:
            raise Damaged("its tensors overlap, or leave bytes that belong to none")
        at = weight.end
    if at != size:
        raise Damaged("its tensors end elsewhere than the file")
