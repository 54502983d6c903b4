"""ONNX's own node tests, each sent through the whole way of a model: what its file says of itself, the folder that a
package would hold, the loaded model, and its answer to a request of the Open Inference Protocol."""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
import struct
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np

from kronkers_studio.domain.models import ContentRef, ModelVersion
from kronkers_studio.packaging import inspect_model
from kronkers_studio.packaging.composition import describe_model
from kronkers_studio.serving.execution import Runner
from kronkers_studio.serving.inference import Inference
from kronkers_studio.serving.manifest import read_manifest
from kronkers_studio.serving.model_loader import load_model
from kronkers_studio.serving.signature import NUMPY_TYPES, datatype_of

MOST_BYTES = 1 << 28
_TYPES = {  # onnx.TensorProto.DataType of what the protocol carries
    *(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13),
}


@dataclass(frozen=True)
class Outcome:
    """``kind``: equal, wrong, refused, not carriable, not runnable."""

    name: str
    kind: str
    reason: str = ""


def all_cases() -> list[Any]:
    """Every node test, in the library's order."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # reference results divide by zero on purpose
        from onnx.backend.test.case.node import collect_testcases

        return list(collect_testcases(None))


def cases_of(*modules: str) -> list[Any]:
    """The node tests of some modules of the library: to make all of them takes a while."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from onnx.backend.test.case import node

        for module in modules:
            import_module(f"{node.__name__}.{module}")
        with patch.object(node, "import_recursive"):  # of what is there already, without the rest
            return list(node.collect_testcases(None))


def outcome_of(case: Any, folder: Path) -> Outcome:
    """What became of one node test, its model written to ``folder``."""
    reason = _not_carriable(case.model)
    if reason:
        return Outcome(case.name, "not carriable", reason)
    content = case.model.SerializeToString()
    data_sets = [(list(map(_array, inputs)), list(map(_array, outputs))) for inputs, outputs in case.data_sets]
    reason = _not_runnable(content, data_sets, case)
    if reason:
        return Outcome(case.name, "not runnable", reason)
    try:
        inference, input_names = _served(content, folder)
        for inputs, outputs in data_sets:
            for binary in (True, False):
                sent = dict(zip(input_names, inputs, strict=True))
                if not binary and not _fits_json(sent, outputs):
                    continue
                reason = _differs(asked(inference, sent, binary=binary), outputs, case)
                if reason:
                    return Outcome(case.name, "wrong", reason)
                reason = _metadata_differs(inference.model_metadata()["outputs"], outputs)
                if reason:
                    return Outcome(case.name, "wrong", reason)
    except Exception as error:  # noqa: BLE001 — whatever stops it is counted by its words
        return Outcome(case.name, "refused", f"{type(error).__name__}: {error}"[:300])
    return Outcome(case.name, "equal")


def _not_carriable(model: Any) -> str:
    from onnx import TensorProto

    for value in (*model.graph.input, *model.graph.output):
        kind = value.type.WhichOneof("value")
        if kind != "tensor_type":
            return str(kind)
        if value.type.tensor_type.elem_type not in _TYPES:
            return str(TensorProto.DataType.Name(value.type.tensor_type.elem_type))
    return ""


def _array(value: Any) -> Any:
    from onnx import TensorProto, numpy_helper

    return numpy_helper.to_array(value) if isinstance(value, TensorProto) else np.asarray(value)


def _not_runnable(content: bytes, data_sets: Sequence[Any], case: Any) -> str:
    """Why onnxruntime alone cannot give the recorded answers; "" when it can."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    try:
        session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # noqa: BLE001 — onnxruntime's errors share no class
        return f"not loaded: {type(error).__name__}"
    names = [node.name for node in session.get_inputs()]
    for inputs, outputs in data_sets:
        try:
            found = session.run(None, dict(zip(names, inputs, strict=True)))
        except Exception as error:  # noqa: BLE001 — onnxruntime's errors share no class
            return f"not run: {type(error).__name__}"
        answers = [(list(array.shape), datatype_of(array), array) for array in map(np.asarray, found)]
        if _differs(answers, outputs, case):
            return "onnxruntime answers otherwise"
    return ""


def _served(content: bytes, folder: Path) -> tuple[Inference, list[str]]:
    """The model as a service would answer for it, and the names of its inputs in their order."""
    facts = inspect_model("model.onnx", io.BytesIO(content), {})
    source = ContentRef("p", "0" * 64, "model.onnx")
    version = ModelVersion("node", 1, source, facts, datetime.now(UTC), "test", len(content))
    (folder / "model.onnx").write_bytes(content)
    described = describe_model(version, hashlib.sha256(content).hexdigest())
    (folder / "model.json").write_text(json.dumps(described), encoding="utf-8")
    manifest = read_manifest(folder)
    model = load_model(manifest, 1)
    runner = Runner(model, threads=1, most_waiting=4)
    inference = Inference(manifest, model, runner, most_rows=50, most_bytes=MOST_BYTES)
    return inference, [tensor.name for tensor in facts.signature.inputs]


def asked(inference: Inference, inputs: Mapping[str, Any], *, binary: bool) -> list[tuple[list[int], str, Any]]:
    """The answer's outputs, each as shape, datatype and array."""
    entries, data = [], []
    for name, array in inputs.items():
        entry: dict[str, Any] = {"name": name, "datatype": datatype_of(array), "shape": list(array.shape)}
        if binary:
            data.append(_bytes_of(array))
            entry["parameters"] = {"binary_data_size": len(data[-1])}
        else:
            entry["data"] = array.tolist()
        entries.append(entry)
    head = json.dumps({"inputs": entries, "parameters": {"binary_data_output": binary}}).encode()
    answer = asyncio.run(_answer(inference, head, b"".join(data)))
    length = dict(answer.headers).get(b"inference-header-content-length")
    document = json.loads(answer.body[: int(length)] if length else answer.body)
    rest = answer.body[int(length) :] if length else b""
    return list(_outputs(document["outputs"], rest))


async def _answer(inference: Inference, head: bytes, data: bytes) -> Any:
    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": head + data, "more_body": False}

    headers = [
        (b"content-type", b"application/octet-stream"),
        (b"content-length", str(len(head + data)).encode()),
        (b"inference-header-content-length", str(len(head)).encode()),
    ]
    scope = {"type": "http", "headers": headers, "path_params": {"model": "node"}, "state": {}}
    return await inference.answer(scope, receive)


def _outputs(entries: Sequence[Any], rest: bytes) -> Iterator[tuple[list[int], str, Any]]:
    position = 0
    for entry in entries:
        dtype = NUMPY_TYPES[entry["datatype"]]
        if "data" in entry:
            yield entry["shape"], entry["datatype"], np.array(entry["data"], dtype=dtype).reshape(entry["shape"])
            continue
        size = entry["parameters"]["binary_data_size"]
        part = rest[position : position + size]
        position += size
        values = _texts(part) if entry["datatype"] == "BYTES" else np.frombuffer(part, dtype) if size else []
        yield entry["shape"], entry["datatype"], np.array(values, dtype=dtype).reshape(entry["shape"])


def _bytes_of(array: Any) -> bytes:
    if array.dtype.kind not in "OUS":
        return bytes(np.ascontiguousarray(array).tobytes())
    texts = [_text(value).encode() for value in array.flat]
    return b"".join(struct.pack("<I", len(text)) + text for text in texts)


def _texts(data: bytes) -> list[str]:
    found, position = [], 0
    while position < len(data):
        (length,) = struct.unpack_from("<I", data, position)
        found.append(data[position + 4 : position + 4 + length].decode())
        position += 4 + length
    return found


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _fits_json(inputs: Mapping[str, Any], outputs: Sequence[Any]) -> bool:
    """Whether JSON can hold all the numbers: it has no infinity, and NaN only as null."""
    arrays = [*inputs.values(), *outputs]
    return all(np.isfinite(array).all() for array in arrays if array.dtype.kind == "f")


def _differs(answers: Sequence[tuple[list[int], str, Any]], expected: Sequence[Any], case: Any) -> str:
    """What is not as recorded; "" when all is."""
    if len(answers) != len(expected):
        return f"{len(answers)} outputs, not {len(expected)}"
    for (shape, datatype, found), wanted in zip(answers, expected, strict=True):
        if shape != list(wanted.shape) or datatype != datatype_of(wanted):
            return f"{datatype} {shape}, not {datatype_of(wanted)} {list(wanted.shape)}"
        if datatype == "BYTES":
            if list(map(_text, found.flat)) != list(map(_text, wanted.flat)):
                return "other texts"
            continue
        if not np.allclose(found, wanted, rtol=case.rtol, atol=case.atol, equal_nan=True):
            return "other values"
    return ""


def _metadata_differs(told: Sequence[Mapping[str, Any]], outputs: Sequence[Any]) -> str:
    """Where the metadata of the outputs is not true of the recorded ones."""
    for spec, output in zip(told, outputs, strict=True):
        fits = len(spec["shape"]) == output.ndim and all(
            length in (-1, actual) for length, actual in zip(spec["shape"], output.shape, strict=True)
        )
        if not fits:
            return f"metadata {spec['shape']} for {list(output.shape)}"
    return ""
