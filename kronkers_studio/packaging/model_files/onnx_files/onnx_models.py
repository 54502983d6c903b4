"""ONNX files: their own description of inputs, outputs and maker, read with the ``onnx`` library. Nothing is run."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, BinaryIO, Final

from kronkers_studio.domain.errors import UnsupportedModel
from kronkers_studio.domain.models import Datatype, Framework, ModelFacts, Signature, Tensor
from kronkers_studio.domain.printable import printable
from kronkers_studio.packaging.environment_hints import DEFAULT_PYTHON, Surroundings
from kronkers_studio.packaging.model_files.onnx_files.onnx_classes import class_names
from kronkers_studio.packaging.model_files.onnx_files.onnx_weights import SizeBeside, no_files, weights_files

_LARGEST = 2 * 1024**3 - 1  # the format's own limit
_LONGEST_VERSION = 40
_LONGEST_PRODUCER = 120
_KNOWN_DOMAINS = ("", "ai.onnx", "ai.onnx.ml", "com.microsoft", "com.microsoft.nchwc", "com.ms.internal.nhwc")

# onnx.TensorProto.DataType
_DATATYPES: Final = {
    1: Datatype.FP32,
    2: Datatype.UINT8,
    3: Datatype.INT8,
    4: Datatype.UINT16,
    5: Datatype.INT16,
    6: Datatype.INT32,
    7: Datatype.INT64,
    8: Datatype.BYTES,
    9: Datatype.BOOL,
    10: Datatype.FP16,
    11: Datatype.FP64,
    12: Datatype.UINT32,
    13: Datatype.UINT64,
}


def inspect_onnx(
    name: str, stream: BinaryIO, surroundings: Surroundings, size_beside: SizeBeside = no_files
) -> ModelFacts:
    """What the ONNX file says of itself. ``size_beside`` tells of the files in its folder, that may hold its weights.
    Raises ``UnsupportedModel`` for what is none, or cannot be served alone."""
    model = _load(name, stream)
    _require_known(name, model)
    weights = weights_files(name, _weights(model.graph), size_beside)
    opset = max((entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx")), default=0)
    return ModelFacts(
        framework=Framework.ONNX,
        framework_version=f"opset {opset}" if opset else f"IR {model.ir_version}",
        file_format="onnx",
        estimator=_producer(model),
        python_version=surroundings.python or DEFAULT_PYTHON,
        requirements=tuple(f"{project}=={version}" for project, version in sorted(surroundings.pins.items())),
        signature=_with_column_names(_signature(name, model.graph), model.metadata_props),
        assumed=() if surroundings.python else ("python_version",),
        weights=weights,
    )


def _load(name: str, stream: BinaryIO) -> Any:
    import onnx
    from google.protobuf.message import DecodeError  # type: ignore[import-untyped]  # protobuf ships no stubs

    data = stream.read(_LARGEST + 1)
    if len(data) > _LARGEST:
        raise UnsupportedModel(f"{name} is larger than an ONNX file can be (2 GB).")
    try:
        model = onnx.ModelProto.FromString(data)
    except (DecodeError, ValueError, RecursionError):
        model = None
    if model is None or model.ir_version < 1 or not model.graph.node or not model.graph.output:
        raise UnsupportedModel(
            f"{name} is not a complete ONNX model.",
            next_step="Export it again, or copy it again from where it was made.",
        )
    return model


def _producer(model: Any) -> str:
    """Who wrote the file. Some say there how their program was built, too, on many lines."""
    name, version = model.producer_name, model.producer_version
    short = version if version.isprintable() and len(version) <= _LONGEST_VERSION else ""
    return printable(f"{name} {short}".strip()[:_LONGEST_PRODUCER])


def _require_known(name: str, model: Any) -> None:
    """The file has only operators that the ONNX runtime knows, and the values of these in itself."""
    graphs = [graph for part in _bodies(model) for graph in _graphs(part)]
    if any(tensor.external_data for graph in graphs for tensor in _values(graph)):
        raise UnsupportedModel(
            f"{name} keeps values of its operators, other than weights, in separate files: not supported.",
            next_step="Save it as one file: onnx.save(model, file, save_as_external_data=False).",
        )
    own = {function.domain for function in model.functions}
    foreign = sorted({node.domain for graph in graphs for node in graph.node} - own - set(_KNOWN_DOMAINS))
    if foreign:
        raise UnsupportedModel(
            f"{name} uses operators of {', '.join(foreign)[:200]}, which need a library that is not part of the file.",
            next_step="Export it with standard ONNX operators only.",
        )


def _bodies(model: Any) -> Iterator[Any]:
    """Whatever in ``model`` has operators: its graph, its own functions, and what a training would run."""
    yield model.graph
    yield from model.functions
    for training in model.training_info:
        yield from (training.initialization, training.algorithm)


def _graphs(graph: Any) -> Iterator[Any]:
    """``graph`` and the graphs inside its operators (branches, loops)."""
    waiting = [graph]
    while waiting:
        one = waiting.pop()
        yield one
        for node in one.node:
            for attribute in node.attribute:
                waiting.extend(([attribute.g] if attribute.HasField("g") else []) + list(attribute.graphs))


def _weights(graph: Any) -> Iterator[Any]:
    """The weights of ``graph`` and of the graphs inside its operators."""
    for one in _graphs(graph):
        yield from one.initializer


def _values(graph: Any) -> Iterator[Any]:
    """The tensors that ``graph``, or a function, holds beside weights: in its operators, or sparse ones."""
    sparse = list(getattr(graph, "sparse_initializer", ()))
    for node in graph.node:
        for attribute in node.attribute:
            yield from ([attribute.t] if attribute.HasField("t") else [])
            yield from attribute.tensors
            sparse += [attribute.sparse_tensor] if attribute.HasField("sparse_tensor") else []
            sparse += attribute.sparse_tensors
    for tensor in sparse:
        yield from (tensor.values, tensor.indices)


def _signature(name: str, graph: Any) -> Signature:
    weights = {tensor.name for tensor in graph.initializer} | {tensor.name for tensor in graph.sparse_initializer}
    classes = class_names(graph)
    inputs = tuple(_tensor(name, value, ()) for value in graph.input if value.name not in weights)
    return Signature(inputs, tuple(_tensor(name, value, classes) for value in graph.output))


def _with_column_names(signature: Signature, metadata: Any) -> Signature:
    """A single table's columns get the names that the exporter left in the file: ``columns`` in its metadata, a JSON
    list. ONNX itself has no place for them."""
    text = next((entry.value for entry in metadata if entry.key == "columns"), "[]")
    try:
        names = json.loads(text)
    except ValueError:
        return signature
    if not isinstance(names, list) or len({str(name) for name in names}) != len(names):
        return signature
    table = signature.inputs[0] if len(signature.inputs) == 1 else None
    if table is None or table.shape[1:] != (len(names),):
        return signature
    return replace(signature, inputs=(replace(table, columns=tuple(map(str, names))),))


def _tensor(name: str, value: Any, classes: tuple[str, ...]) -> Tensor:
    """An input or output; class probabilities as a list of maps become the matrix that they stand for."""
    kind = value.type.WhichOneof("value")
    if kind == "sequence_type" and value.type.sequence_type.elem_type.WhichOneof("value") == "map_type":
        return Tensor(value.name, Datatype.FP32, (-1, len(classes) or -1), classes)
    held = value.type.tensor_type if kind == "tensor_type" else None
    datatype = _DATATYPES.get(held.elem_type) if held is not None else None
    if held is None or datatype is None:
        raise UnsupportedModel(
            f"“{value.name}” of {name} is of a type that cannot be sent: not supported yet.",
            next_step="Export the model with tensors as inputs and outputs.",
        )
    if not held.HasField("shape"):
        return Tensor(value.name, datatype, (-1,), any_rank=True)
    shape = tuple(_length(axis) for axis in held.shape.dim)
    return Tensor(value.name, datatype, shape, classes if shape[1:] == (len(classes),) else ())


def _length(axis: Any) -> int:
    return axis.dim_value if axis.WhichOneof("value") == "dim_value" and axis.dim_value >= 0 else -1
