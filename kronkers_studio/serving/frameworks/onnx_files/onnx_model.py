"""ONNX models on the processor."""

from __future__ import annotations

import logging
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from onnxruntime.capi.onnxruntime_pybind11_state import InvalidArgument

from kronkers_studio.serving.frameworks.onnx_files.onnx_labels import class_labels
from kronkers_studio.serving.model import Arrays
from kronkers_studio.serving.problems import CannotStart, Refusal
from kronkers_studio.serving.signature import Signature, TensorSpec, blank_rows, is_by_row

_log = logging.getLogger(__name__)

_JOINED = "probabilities of each class"
"""What ``/predict`` calls the probabilities of an export that gives each class an output of its own."""

_DATATYPES = {
    "tensor(bool)": "BOOL",
    "tensor(float16)": "FP16",
    "tensor(float)": "FP32",
    "tensor(double)": "FP64",
    "tensor(string)": "BYTES",
    **{f"tensor({sign}int{bits})": f"{sign.upper()}INT{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)},
}


class OnnxModel:
    """A session of onnxruntime. Probabilities that an export wraps as a list of {class: p}, or gives one class at a
    time, come out as a matrix. ``weights`` is the folder of the files that hold what the model's own does not."""

    takes_missing = False

    def __init__(self, content: bytes, declared: Signature, threads: int, weights: Path | None = None) -> None:
        self._session = _open(content, threads, weights)
        self._wrapped = {node.name for node in self._session.get_outputs() if node.type.startswith("seq(map(")}
        self._names: dict[str, tuple[Any, ...]] = {}  # the classes of each wrapped output, once seen
        inputs = tuple(_input(node, declared) for node in self._session.get_inputs())
        outputs = tuple(_output(node, declared) for node in self._session.get_outputs())
        self._apart = _classes_apart(self._session, outputs)
        self.label, self.probabilities = _roles(outputs, self._wrapped)
        if self._apart:
            self.label, self.probabilities = outputs[0].name, _JOINED
        signature = Signature(inputs, outputs)
        tried = self._tried(signature)
        self.classes = self._classes(content, declared, tried[0] if tried else {})
        told = [_seen(spec, [one[spec.name] for one in tried], of_rows=not signature.no_rows) for spec in outputs]
        self.signature = Signature(inputs, tuple(map(self._with_columns, told)), by_tensor=True)

    def run(self, inputs: Arrays, wanted: Collection[str]) -> dict[str, np.ndarray[Any, Any]]:
        """See ``Model.run``. Raises ``Refusal`` for values and shapes that an operator of the model does not take."""
        names = [name for name in wanted if name != _JOINED]
        names += [name for name in self._apart if _JOINED in wanted and name not in names]
        try:
            results = self._session.run(names, dict(inputs))
        except InvalidArgument as error:
            reason = " ".join(str(error).split())[:300]
            raise Refusal(f"The model does not take these inputs: {reason}", status=422) from None
        found = {name: self._plain(name, result) for name, result in zip(names, results, strict=True)}
        if _JOINED in wanted:
            found[_JOINED] = np.stack([found[name].reshape(-1) for name in self._apart], axis=1)
        return {name: found[name] for name in wanted}

    def _plain(self, name: str, result: Any) -> np.ndarray[Any, Any]:
        if name not in self._wrapped:
            return np.asarray(result)
        if not result:
            return np.empty((0, len(self._names.get(name, ()))), np.float32)
        names = self._names.setdefault(name, tuple(result[0]))
        return np.array([[row[key] for key in names] for row in result], dtype=np.float32)

    def _tried(self, signature: Signature) -> list[dict[str, Any]]:
        """The answers to one row, and to two where it takes them, of zeros and empty texts: they show what the outputs
        look like, and warm the session. Fewer, when the model takes no zeros."""
        names = [spec.name for spec in signature.outputs]
        counts = (1,) if signature.no_rows or signature.one_row else (1, 2)
        answers = []
        for count in counts:
            try:
                answers.append(self.run(blank_rows(signature.inputs, count), names))
            except Exception as error:  # noqa: BLE001 — onnxruntime's errors share no class; a model may dislike zeros
                _log.info("the model does not take zeros", extra={"fields": {"error": type(error).__name__}})
        return answers

    def _classes(self, content: bytes, declared: Signature, first: dict[str, Any]) -> tuple[str, ...]:
        """The names of the probabilities' columns: the file's own words, or else their numbers."""
        if self._apart:
            return self._apart_names(content)
        if self.probabilities in self._names:
            return tuple(map(str, self._names[self.probabilities]))
        known = next((spec.columns for spec in declared.outputs if spec.name == self.probabilities), ())
        matrix = first.get(self.probabilities)
        if matrix is None:
            return known
        if matrix.ndim != 2:
            return ()
        return known if len(known) == matrix.shape[1] else class_labels(content, matrix.shape[1])

    def _apart_names(self, content: bytes) -> tuple[str, ...]:
        """The classes that the outputs are named for, in the file's own words if these are as many."""
        told = class_labels(content, len(self._apart))
        named = tuple(name[1:] for name in self._apart)
        return told if set(told) == set(named) else named

    def _with_columns(self, spec: TensorSpec) -> TensorSpec:
        named = self.classes if spec.name == self.probabilities else ()
        if spec.name in self._wrapped:
            return replace(spec, shape=(-1, len(named) or -1), columns=named)
        return replace(spec, columns=named if spec.shape[-1:] in ((len(named),), (-1,)) else ())


def _open(content: bytes, threads: int, weights: Path | None) -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # waiting threads must not eat a core
    if weights is not None:
        options.add_session_config_entry("session.model_external_initializers_file_folder_path", str(weights))
    try:
        return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's errors share no class
        raise CannotStart(f"The ONNX model cannot be loaded: {' '.join(str(error).split())[:300]}") from error


def _input(node: Any, declared: Signature) -> TensorSpec:
    datatype = _DATATYPES.get(node.type)
    if datatype is None:
        raise CannotStart(f"The model's input {node.name!r} is a {node.type}, which this service cannot take.")
    shape = _shape(node)
    told = next((spec for spec in declared.inputs if spec.name == node.name), TensorSpec(node.name, datatype, shape))
    if not shape and (told.any_rank or told.shape):  # to onnxruntime, no shape is that of a single value
        return TensorSpec(node.name, datatype, (-1,), any_rank=True)
    return TensorSpec(node.name, datatype, shape, told.columns if shape[-1:] in ((len(told.columns),), (-1,)) else ())


def _output(node: Any, declared: Signature) -> TensorSpec:
    if node.type.startswith("seq(map("):
        return TensorSpec(node.name, "FP32", (-1, -1))
    if node.type not in _DATATYPES:
        raise CannotStart(f"The model's output {node.name!r} is a {node.type}, which this service cannot give.")
    shape = _shape(node)
    single = any(spec.name == node.name and not spec.shape for spec in declared.outputs)
    if not shape and not single:  # to onnxruntime, no shape is that of a single value
        return TensorSpec(node.name, _DATATYPES[node.type], (-1,), any_rank=True)
    return TensorSpec(node.name, _DATATYPES[node.type], shape)


def _shape(node: Any) -> tuple[int, ...]:
    """The shape with -1 for named or unknown lengths."""
    return tuple(length if isinstance(length, int) and length >= 0 else -1 for length in node.shape or ())


def _seen(spec: TensorSpec, answers: list[np.ndarray[Any, Any]], *, of_rows: bool) -> TensorSpec:
    """An output with the shape that the file tells, as far as the model's answers agree; a length that it leaves open
    is told when it was the same for one row and for two. Zeros can be nonsense where an input is no row, but which
    axes to work on, say: the number of axes is the file's then."""
    ranks = {answer.ndim for answer in answers}
    if not ranks:
        return spec
    if len(ranks) > 1:
        return replace(spec, shape=(-1,), any_rank=True)
    rank = ranks.pop()
    if rank != len(spec.shape) and not of_rows and not spec.any_rank:
        return spec
    said = spec.shape if len(spec.shape) == rank and not spec.any_rank else (-1,) * rank
    lengths = [
        _length_seen(axis, length, [answer.shape[axis] for answer in answers]) for axis, length in enumerate(said)
    ]
    return replace(spec, shape=tuple(lengths), any_rank=False)


def _length_seen(axis: int, said: int, seen: list[int]) -> int:
    if said >= 0:
        return said if set(seen) == {said} else -1
    steady = axis > 0 and len(seen) > 1 and len(set(seen)) == 1 and seen[0] > 0
    return seen[0] if steady else -1


def _classes_apart(session: Any, outputs: tuple[TensorSpec, ...]) -> tuple[str, ...]:
    """The outputs of an export by skl2onnx that gives each class one of its own, named "s" or "i" and the class."""
    if len(outputs) < 3 or not str(session.get_modelmeta().producer_name).startswith("skl2onnx"):
        return ()
    mark = {"BYTES": "s", "INT64": "i"}.get(outputs[0].datatype, "")
    fits = mark and all(
        spec.name.startswith(mark) and spec.datatype in ("FP32", "FP64") and spec.width == 1 for spec in outputs[1:]
    )
    return tuple(spec.name for spec in outputs[1:]) if fits else ()


def _roles(outputs: tuple[TensorSpec, ...], wrapped: Collection[str]) -> tuple[str, str]:
    """Which output is the prediction and which, if any, its probabilities: of those that answer row by row."""
    by_row = [spec for spec in outputs if is_by_row(spec)] or list(outputs)
    probable = [
        spec.name
        for spec in by_row
        if spec.name in wrapped
        or ("prob" in spec.name.lower() and spec.datatype.startswith("FP") and (len(spec.shape) == 2 or spec.any_rank))
    ]
    labels = [spec.name for spec in by_row if spec.name not in probable] or [by_row[0].name]
    return labels[0], next((name for name in probable if name != labels[0]), "")
