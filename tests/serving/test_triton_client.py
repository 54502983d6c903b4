"""tritonclient asks models of several kinds: health, metadata, JSON and binary data."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np

from tests.pmml_models.test_answers import CASES, FILES
from tests.serving.model_folders import adding_folder, mixed_classifier, running, save_joblib
from tests.serving.protocol_clients import triton_outputs
from tests.serving.test_worker_service import folder as worker_folder  # noqa: F401 — a fixture
from tests.tree_libraries.packages import package_of


def test_a_model_of_numbers_and_words(tmp_path: Path) -> None:
    inputs = [
        {"name": "town", "datatype": "BYTES", "shape": [-1, 1]},
        {"name": "age", "datatype": "FP64", "shape": [-1, 1]},
    ]
    folder = save_joblib(tmp_path / "model", mixed_classifier(), signature={"inputs": inputs, "outputs": []})
    with running(folder) as (port, _):
        asked = {"town": np.array([["Graz"], ["Linz"]], dtype=object), "age": np.array([[20.0], [60.0]])}
        for answer in triton_outputs(f"127.0.0.1:{port}", asked):
            assert answer["label"] == ["no", "yes"]


def test_a_model_of_onnx(tmp_path: Path) -> None:
    with running(adding_folder(tmp_path / "model")) as (port, _):
        asked = {"X": np.array([[1.5, 2.0], [3.0, 4.0]], dtype=np.float32)}
        for answer in triton_outputs(f"127.0.0.1:{port}", asked):
            assert answer["sum"] == [[3.5], [7.0]]


def test_a_model_of_pmml(tmp_path: Path) -> None:
    case = CASES["forest"]
    file = Path(shutil.copy(FILES / "forest.pmml", tmp_path))
    columns = dict(zip(case["columns"], np.array(case["rows"]).T.reshape(4, -1, 1), strict=True))
    with running(package_of(file)) as (port, _):
        for answer in triton_outputs(f"127.0.0.1:{port}", columns, model="model"):
            assert answer["label"] == case["label"]


def test_a_model_in_another_process(worker_folder: Path) -> None:  # noqa: F811
    asked = {"number": np.array([[1.5], [-2.0]]), "word": np.array([["say"], ["für dich"]], dtype=object)}
    with running(worker_folder, "--workers", "2") as (port, _):
        for answer in triton_outputs(f"127.0.0.1:{port}", asked):
            assert answer["label"] == ["say", "für dich"]
            assert answer["probabilities"] == [[1.5, -1.5], [-2.0, 2.0]]
