"""Honest models of many kinds, as the real libraries write them."""

from __future__ import annotations

import io
import pickle
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.packaging.model_zoo import make, makers

_TREES = Path(__file__).parents[1] / "tree_libraries"
_EXPORTED = Path(__file__).parents[1] / "torch_models" / "exported"
_PMML = Path(__file__).parents[1] / "pmml_models" / "files"
_CUT_OFF = "xgb-letters.json"  # honest, and refused: XGBoost cut its categories off


def honest_files() -> Iterator[tuple[str, str, bytes]]:
    """What each model is, its file's name and the file."""
    for number, name in enumerate(makers()):
        yield f"scikit-learn: {name}", *_written(make(name), number)
    for folder in (_TREES / "files", _TREES / "pickles"):
        for file in sorted(folder.iterdir()):
            if file.name not in ("answers.json", _CUT_OFF):
                yield f"{folder.name}: {file.name}", file.name, file.read_bytes()
    for file in sorted(_EXPORTED.glob("*.pt2")):
        yield f"PyTorch: {file.name}", file.name, file.read_bytes()
    for file in sorted(_PMML.glob("*.pmml")):
        yield f"PMML: {file.name}", file.name, file.read_bytes()
    for name in ("pipeline", "forest", "linear", "svc", "gradient boosting"):
        yield f"ONNX: {name}", "model.onnx", _onnx(make(name))


def _written(model: Any, number: int) -> tuple[str, bytes]:
    """As a pickle of each protocol, as joblib's file, and as its compressed file, in turn."""
    import joblib

    stream = io.BytesIO()
    match number % 3:
        case 0:
            return "model.pkl", pickle.dumps(model, 2 + number % 4)
        case 1:
            joblib.dump(model, stream)
        case _:
            joblib.dump(model, stream, compress=3)
    return "model.joblib", stream.getvalue()


def _onnx(model: Any) -> bytes:
    from skl2onnx import to_onnx
    from skl2onnx.common.data_types import FloatTensorType

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what it reads of scikit-learn is old
        return bytes(to_onnx(model, initial_types=[("X", FloatTensorType([None, 4]))]).SerializeToString())
