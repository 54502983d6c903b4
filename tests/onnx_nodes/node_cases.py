"""ONNX's own node tests, each sent through the whole way of a model: what its file says of itself, the folder that a
package would hold, the loaded model, and its answer to a request of the Open Inference Protocol."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np

from kronkers_studio.serving.signature import datatype_of
from tests.onnx_nodes.through_service import asked, served, text_of

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
        inference, input_names = served(content, folder)
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
            if list(map(text_of, found.flat)) != list(map(text_of, wanted.flat)):
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
