"""Real models, trained here in a moment, in folders as packages hold them; and live servers for them."""

from __future__ import annotations

import hashlib
import json
import os
import pickle
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import joblib
import numpy as np
from joblib.numpy_pickle import NumpyUnpickler
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_diabetes, load_wine
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

WINE_COLUMNS = tuple(name.replace("/", "_") for name in load_wine().feature_names)


def write_folder(folder: Path, file: Path, **facts: Any) -> Path:
    """``model.json`` beside ``file``; ``facts`` replace what it says."""
    manifest = {
        "format": 1,
        "name": "wine",
        "version": 3,
        "framework": "scikit-learn",
        "framework_version": "1.9.1",
        "file": file.name,
        "file_format": "joblib",
        "sha256": hashlib.sha256(file.read_bytes()).hexdigest(),
        "signature": {"inputs": [], "outputs": []},
        "allowed_globals": [],
        **facts,
    }
    (folder / "model.json").write_text(json.dumps(manifest), encoding="utf-8")
    return folder


def save_joblib(folder: Path, model: Any, *, compress: int = 0, **facts: Any) -> Path:
    """A folder with ``model`` dumped by joblib, its globals allowed."""
    folder.mkdir(exist_ok=True)
    file = folder / "model.joblib"
    joblib.dump(model, file, compress=compress)
    return write_folder(folder, file, **{"allowed_globals": globals_of(model), **facts})


def save_pickle(folder: Path, model: Any, **facts: Any) -> Path:
    """A folder with ``model`` as a plain pickle, its globals allowed."""
    folder.mkdir(exist_ok=True)
    file = folder / "model.pkl"
    file.write_bytes(pickle.dumps(model))
    return write_folder(folder, file, **{"allowed_globals": globals_of(model), "file_format": "pickle", **facts})


def save_onnx(folder: Path, content: bytes, **facts: Any) -> Path:
    folder.mkdir(exist_ok=True)
    file = folder / "model.onnx"
    file.write_bytes(content)
    return write_folder(folder, file, **{"framework": "onnx", "file_format": "onnx", **facts})


def adding_folder(folder: Path) -> Path:
    """A tiny ONNX model that adds two numbers."""
    from onnx import TensorProto, helper

    given = helper.make_tensor_value_info("X", TensorProto.FLOAT, ["rows", 2])
    gives = helper.make_tensor_value_info("sum", TensorProto.FLOAT, ["rows", 1])
    ones = helper.make_tensor("ones", TensorProto.FLOAT, [2, 1], [1.0, 1.0])
    graph = helper.make_graph([helper.make_node("MatMul", ["X", "ones"], ["sum"])], "add", [given], [gives], [ones])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    return save_onnx(folder, model.SerializeToString())


def globals_of(model: Any) -> list[str]:
    """What unpickling the model imports, arrays of objects included, as the packaging room would find it."""
    import io

    found: set[str] = set()

    class Plain(pickle.Unpickler):
        def find_class(self, module: str, name: str) -> Any:
            found.add(f"{module}.{name}")
            return super().find_class(module, name)

    class Joblib(NumpyUnpickler):  # type: ignore[misc]
        def find_class(self, module: str, name: str) -> Any:
            found.add(f"{module}.{name}")
            return super().find_class(module, name)

    Plain(io.BytesIO(pickle.dumps(model))).load()
    dumped = io.BytesIO()
    joblib.dump(model, dumped)
    dumped.seek(0)
    Joblib("", dumped, True).load()
    return sorted(found)


def wine_classifier() -> Any:
    features, classes = load_wine(return_X_y=True)
    return make_pipeline(StandardScaler(), LogisticRegression(max_iter=500)).fit(features, classes)


def wine_signature() -> dict[str, Any]:
    columns = list(WINE_COLUMNS)
    return {"inputs": [{"name": "input", "datatype": "FP64", "shape": [-1, 13], "columns": columns}], "outputs": []}


def wine_folder(folder: Path) -> Path:
    return save_joblib(folder, wine_classifier(), signature=wine_signature())


def wine_rows(count: int = 1) -> list[dict[str, float]]:
    return [dict(zip(WINE_COLUMNS, map(float, row), strict=True)) for row in load_wine().data[:count]]


def diabetes_regressor() -> Any:
    return Ridge().fit(*load_diabetes(return_X_y=True))


def mixed_classifier() -> Any:
    """Text and numbers: town, age → “no”/“yes”."""
    rows = np.array([["Graz", 20.0], ["Linz", 60.0], ["Graz", 30.0], ["Wien", 70.0]] * 5, dtype=object)
    answers = np.array(["no", "yes", "no", "yes"] * 5)
    parts = ColumnTransformer([("town", OneHotEncoder(), [0]), ("age", StandardScaler(), [1])])
    return make_pipeline(parts, LogisticRegression()).fit(rows, answers)


def gappy_classifier() -> Any:
    """Takes missing values."""
    features, classes = load_wine(return_X_y=True)
    return HistGradientBoostingClassifier(max_iter=5).fit(features, classes)


@contextmanager
def running(
    folder: Path, *options: str, output: Any = subprocess.DEVNULL
) -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
    """A real server process for the model folder: its port, and the process."""
    ready = folder / "ready.json"
    ready.unlink(missing_ok=True)
    command = [sys.executable, "-m", "kronkers_studio.serving", "--model", str(folder), "--ready-file", str(ready)]
    process = subprocess.Popen([*command, *options], stderr=output, stdout=output, env=_environment())
    try:
        yield wait_for_port(ready, process), process
    finally:
        process.kill()
        process.wait()
        if process.stderr:
            process.stderr.close()


def _environment() -> Mapping[str, str]:
    return {**os.environ, "PYTHONWARNINGS": "default"}


def wait_for_port(ready: Path, process: subprocess.Popen[bytes]) -> int:
    """The port that the ready file names, once it is there."""
    deadline = time.monotonic() + 60
    while not ready.exists():
        assert process.poll() is None, "the server did not start"
        assert time.monotonic() < deadline, "the server is not ready"
        time.sleep(0.02)
    return int(json.loads(ready.read_text(encoding="utf-8"))["port"])


def refused_start(folder: Path, *options: str) -> str:
    """What the server says when it refuses to start; fails when it starts."""
    command = [sys.executable, "-m", "kronkers_studio.serving", "--model", str(folder), *options]
    ended = subprocess.run(command, capture_output=True, timeout=60, env=_environment(), check=False)
    assert ended.returncode == 1, ended.stderr.decode()
    lines = ended.stderr.decode().splitlines()
    assert "Traceback" not in ended.stderr.decode()
    return str(json.loads(lines[-1])["message"])
