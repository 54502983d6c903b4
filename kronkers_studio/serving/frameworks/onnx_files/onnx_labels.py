"""The class names in an ONNX file, for exports whose probabilities are a plain matrix.

onnxruntime gives no access to a graph's attributes, and the onnx package is not in the container, so the few fields
needed are read from the protobuf wire format here (ModelProto.graph = 7, GraphProto.node = 1 and .initializer = 5,
NodeProto.attribute = 5, AttributeProto.name/.ints/.strings = 1/8/9, TensorProto.data_type/.string_data/.int64_data/
.name/.raw_data = 2/6/7/8/9).
"""

from __future__ import annotations

from collections.abc import Iterator

_ATTRIBUTES = (b"classlabels_ints", b"classlabels_int64s", b"classlabels_strings")
_INT64, _INT32 = 7, 6
_Field = tuple[int, int | bytes]


def class_labels(model: bytes, count: int) -> tuple[str, ...]:
    """The names of the ``count`` classes in their columns' order; "0", "1", … when the file does not say."""
    found = {labels for labels in _candidates(model) if len(labels) == count}
    return found.pop() if len(found) == 1 else tuple(map(str, range(count)))


def _candidates(model: bytes) -> Iterator[tuple[str, ...]]:
    try:
        for graph in _messages(model, 7):
            for node in _messages(graph, 1):
                for attribute in _messages(node, 5):
                    yield _attribute_labels(attribute)
            for initializer in _messages(graph, 5):
                yield _initializer_labels(initializer)
    except (IndexError, ValueError):  # not the wire format: onnxruntime has judged the file already
        return


def _attribute_labels(attribute: bytes) -> tuple[str, ...]:
    fields = list(_fields(attribute))
    if (1, _ATTRIBUTES[0]) not in fields and all((1, name) not in fields for name in _ATTRIBUTES[1:]):
        return ()
    texts = tuple(value.decode() for number, value in fields if number == 9 and isinstance(value, bytes))
    return texts or tuple(map(str, _integers(fields, 8)))


def _initializer_labels(tensor: bytes) -> tuple[str, ...]:
    """The values of the constant "classes", by which some converters look the label up."""
    fields = list(_fields(tensor))
    if (8, b"classes") not in fields:
        return ()
    texts = tuple(value.decode() for number, value in fields if number == 6 and isinstance(value, bytes))
    raw = next((value for number, value in fields if number == 9 and isinstance(value, bytes)), b"")
    size = {_INT64: 8, _INT32: 4}.get(next((int(value) for number, value in fields if number == 2), 0), 0)
    if raw and size:
        parts = (raw[start : start + size] for start in range(0, len(raw), size))
        return tuple(str(int.from_bytes(part, "little", signed=True)) for part in parts)
    return texts or tuple(map(str, _integers(fields, 7) or _integers(fields, 5)))


def _integers(fields: list[_Field], wanted: int) -> list[int]:
    """A repeated integer field, packed or not."""
    numbers: list[int] = []
    for number, value in fields:
        if number == wanted and isinstance(value, int):
            numbers.append(_signed(value))
        elif number == wanted and isinstance(value, bytes):
            position = 0
            while position < len(value):
                found, position = _varint(value, position)
                numbers.append(_signed(found))
    return numbers


def _signed(value: int) -> int:
    return value - (1 << 64) if value >= 1 << 63 else value


def _messages(data: bytes, wanted: int) -> Iterator[bytes]:
    return (value for number, value in _fields(data) if number == wanted and isinstance(value, bytes))


def _fields(data: bytes) -> Iterator[_Field]:
    """Each field of a protobuf message: its number, and its integer or bytes."""
    position = 0
    while position < len(data):
        tag, position = _varint(data, position)
        kind = tag & 7
        if kind == 0:
            number, position = _varint(data, position)
            yield tag >> 3, number
            continue
        if kind == 2:
            length, position = _varint(data, position)
        elif kind in (1, 5):
            length = 8 if kind == 1 else 4
        else:
            raise ValueError("unknown wire type")
        if position + length > len(data):
            raise ValueError("cut off")
        yield tag >> 3, data[position : position + length]
        position += length


def _varint(data: bytes, position: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
        shift += 7
