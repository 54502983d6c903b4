"""The names of a classifier's classes in an ONNX graph, whoever exported it: ONNX has no place of its own for them.

They are found from the output that is the label, backwards: through operators that only rearrange it, to the operator
that knows the classes, or the constant that it picks from.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_WIDEST = 100_000
_REARRANGING = frozenset({"Identity", "Cast", "Reshape", "Squeeze", "Unsqueeze", "Flatten", "ZipMap"})
_PICKING = frozenset({"ArrayFeatureExtractor", "Gather"})
_LABELS = ("classlabels_strings", "classlabels_int64s", "classlabels_ints")
_KEPT = {"values_strings": "keys_int64s", "values_int64s": "keys_int64s"}  # of LabelEncoder


def class_names(graph: Any) -> tuple[str, ...]:
    """The classes in the order of the probabilities' columns; () when the graph does not tell them."""
    made_by = {name: node for node in graph.node for name in node.output if name}
    constants = {tensor.name: tensor for tensor in graph.initializer}
    for node in graph.node:
        if node.op_type == "Constant" and node.output:
            constants.update((node.output[0], attribute.t) for attribute in node.attribute if attribute.name == "value")
    for output in graph.output:
        found = _of_output(output.name, made_by, constants)
        if found:
            return found
    told = {labels for node in graph.node if (labels := _labels_of(node))}
    return told.pop() if len(told) == 1 else ()


def _of_output(name: str, made_by: Mapping[str, Any], constants: Mapping[str, Any]) -> tuple[str, ...]:
    seen: set[str] = set()
    while name in made_by and name not in seen:
        seen.add(name)
        node = made_by[name]
        if labels := _labels_of(node):
            return labels
        if node.op_type in _PICKING and node.input:
            return _values(constants.get(node.input[0]))
        if node.op_type not in _REARRANGING or not node.input:
            return ()
        name = node.input[0]
    return ()


def _labels_of(node: Any) -> tuple[str, ...]:
    """The classes that an operator of a classifier carries, or those that it turns their numbers into."""
    held = {attribute.name: attribute for attribute in node.attribute}
    for name in _LABELS:
        if name in held and (labels := _attribute_values(held[name])):
            return labels
    if node.op_type == "LabelEncoder":
        for values, keys in _KEPT.items():
            if values in held and keys in held:
                labels = _attribute_values(held[values])
                in_order = list(held[keys].ints) == list(range(len(labels)))
                return labels if in_order else ()
    return ()


def _attribute_values(attribute: Any) -> tuple[str, ...]:
    found = [label.decode("utf-8", "replace") for label in attribute.strings] or list(attribute.ints)
    return tuple(map(str, found)) if 0 < len(found) <= _WIDEST else ()


def _values(tensor: Any) -> tuple[str, ...]:
    """The texts or whole numbers of a constant list."""
    import onnx

    whole = (onnx.TensorProto.INT64, onnx.TensorProto.INT32)
    if tensor is None or len(tensor.dims) != 1 or not 0 < tensor.dims[0] <= _WIDEST or tensor.external_data:
        return ()
    if tensor.data_type == onnx.TensorProto.STRING:
        return tuple(text.decode("utf-8", "replace") for text in tensor.string_data)
    if tensor.data_type not in whole:
        return ()
    try:
        return tuple(map(str, onnx.numpy_helper.to_array(tensor).tolist()))
    except ValueError:  # as many values as it says are not there
        return ()
