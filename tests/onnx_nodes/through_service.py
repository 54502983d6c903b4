"""An ONNX model sent through the whole way: what its file says of itself, the folder that a package would hold, the
loaded model, and its answer to a request of the Open Inference Protocol."""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
import shutil
import struct
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from kronkers_studio.domain.models import ContentRef, ModelVersion
from kronkers_studio.packaging import inspect_model
from kronkers_studio.packaging.composition import describe_model
from kronkers_studio.serving.execution import Runner
from kronkers_studio.serving.http.inference import Inference
from kronkers_studio.serving.manifest import read_manifest
from kronkers_studio.serving.model_loader import load_model
from kronkers_studio.serving.signature import NUMPY_TYPES, datatype_of

MOST_BYTES = 1 << 28


def served(content: bytes, folder: Path, beside: Path | None = None) -> tuple[Inference, list[str]]:
    """The model as a service would answer for it, and the names of its inputs in their order. The files of its weights
    are those in ``beside``; what a package would hold is written to ``folder``."""

    def size_beside(name: str) -> int | None:
        return (beside / name).stat().st_size if beside is not None and (beside / name).is_file() else None

    facts = inspect_model("model.onnx", io.BytesIO(content), {}, size_beside)
    source = ContentRef("p", "0" * 64, "model.onnx")
    version = ModelVersion("node", 1, source, facts, datetime.now(UTC), "test", len(content))
    (folder / "model.onnx").write_bytes(content)
    digests = []
    for weights in facts.weights:
        assert beside is not None
        file = folder / "weights" / weights.name
        file.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(beside / weights.name, file)
        digests.append(hashlib.sha256(file.read_bytes()).hexdigest())
    described = describe_model(version, hashlib.sha256(content).hexdigest(), digests)
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
    texts = [text_of(value).encode() for value in array.flat]
    return b"".join(struct.pack("<I", len(text)) + text for text in texts)


def _texts(data: bytes) -> list[str]:
    found, position = [], 0
    while position < len(data):
        (length,) = struct.unpack_from("<I", data, position)
        found.append(data[position + 4 : position + 4 + length].decode())
        position += 4 + length
    return found


def text_of(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
