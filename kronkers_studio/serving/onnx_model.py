"""ONNX models on the processor."""

from __future__ import annotations

import logging
from collections.abc import Collection
from dataclasses import replace
from typing import Any

import numpy as np
import onnxruntime

from kronkers_studio.serving.model import Arrays
from kronkers_studio.serving.onnx_labels import class_labels
from kronkers_studio.serving.problems import CannotStart
from kronkers_studio.serving.signature import Signature, TensorSpec, blank_row

_log = logging.getLogger(__name__)

_DATATYPES = {
    "tensor(bool)": "BOOL",
    "tensor(float16)": "FP16",
    "tensor(float)": "FP32",
    "tensor(double)": "FP64",
    "tensor(string)": "BYTES",
    **{f"tensor({sign}int{bits})": f"{sign.upper()}INT{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)},
}


class OnnxModel:
    """A session of onnxruntime. Probabilities that an export wraps as a list of {class: p} come out as a matrix."""

    takes_missing = False

    def __init__(self, content: bytes, declared: Signature, threads: int) -> None:
        self._session = _open(content, threads)
        self._wrapped = {node.name for node in self._session.get_outputs() if node.type.startswith("seq(map(")}
        self._names: dict[str, tuple[Any, ...]] = {}  # the classes of each wrapped output, once seen
        inputs = tuple(_input(node, declared) for node in self._session.get_inputs())
        outputs = tuple(_output(node) for node in self._session.get_outputs())
        self.label, self.probabilities = _roles(outputs, self._wrapped)
        first = self._first_run(inputs, outputs)
        self.classes = self._classes(content, first)
        self.signature = Signature(inputs, tuple(self._completed(spec, first) for spec in outputs))

    def run(self, inputs: Arrays, wanted: Collection[str]) -> dict[str, np.ndarray[Any, Any]]:
        """See ``Model.run``."""
        names = list(wanted)
        results = self._session.run(names, dict(inputs))
        return {name: self._plain(name, result) for name, result in zip(names, results, strict=True)}

    def _plain(self, name: str, result: Any) -> np.ndarray[Any, Any]:
        if name not in self._wrapped:
            return np.asarray(result)
        names = self._names.setdefault(name, tuple(result[0]))
        return np.array([[row[key] for key in names] for row in result], dtype=np.float32)

    def _first_run(self, inputs: tuple[TensorSpec, ...], outputs: tuple[TensorSpec, ...]) -> dict[str, Any]:
        """The answer to one row of zeros and empty texts: it shows the outputs' widths, and warms the session."""
        try:
            return self.run(blank_row(inputs), [spec.name for spec in outputs])
        except Exception as error:  # noqa: BLE001 — onnxruntime's errors share no class; a model may dislike zeros
            _log.info("the model does not take zeros", extra={"fields": {"error": type(error).__name__}})
            return {}

    def _classes(self, content: bytes, first: dict[str, Any]) -> tuple[str, ...]:
        if self.probabilities in self._names:
            return tuple(map(str, self._names[self.probabilities]))
        matrix = first.get(self.probabilities)
        return class_labels(content, matrix.shape[1]) if matrix is not None and matrix.ndim == 2 else ()

    def _completed(self, spec: TensorSpec, first: dict[str, Any]) -> TensorSpec:
        """``spec`` with what the first run showed of its shape, and the classes' names."""
        seen = first.get(spec.name)
        shape = spec.shape if seen is None else (-1, *seen.shape[1:])
        return replace(spec, shape=shape, columns=self.classes if spec.name == self.probabilities else ())


def _open(content: bytes, threads: int) -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # waiting threads must not eat a core
    try:
        return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's errors share no class
        raise CannotStart(f"The ONNX model cannot be loaded: {' '.join(str(error).split())[:300]}") from error


def _input(node: Any, declared: Signature) -> TensorSpec:
    datatype = _DATATYPES.get(node.type)
    if datatype is None:
        raise CannotStart(f"The model's input {node.name!r} is a {node.type}, which this service cannot take.")
    shape = _shape(node)
    known = next((spec.columns for spec in declared.inputs if spec.name == node.name), ())
    return TensorSpec(node.name, datatype, shape, known if shape[-1:] in ((len(known),), (-1,)) else ())


def _output(node: Any) -> TensorSpec:
    if node.type.startswith("seq(map("):
        return TensorSpec(node.name, "FP32", (-1, -1))
    if node.type not in _DATATYPES:
        raise CannotStart(f"The model's output {node.name!r} is a {node.type}, which this service cannot give.")
    return TensorSpec(node.name, _DATATYPES[node.type], _shape(node))


def _shape(node: Any) -> tuple[int, ...]:
    """The shape with -1 for named or unknown lengths; a scalar's is one value per row."""
    return tuple(length if isinstance(length, int) and length > 0 else -1 for length in node.shape or ()) or (-1,)


def _roles(outputs: tuple[TensorSpec, ...], wrapped: Collection[str]) -> tuple[str, str]:
    """Which output is the prediction and which, if any, its probabilities."""
    probable = [
        spec.name
        for spec in outputs
        if spec.name in wrapped or ("prob" in spec.name.lower() and spec.datatype.startswith("FP"))
    ]
    labels = [spec.name for spec in outputs if spec.name not in probable] or [outputs[0].name]
    return labels[0], next((name for name in probable if name != labels[0]), "")
