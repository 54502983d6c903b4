"""KServe's own client, as it is published, asks a service of ours: health, readiness, JSON and binary data."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from sklearn.datasets import load_wine

from tests.pmml_models.test_answers import CASES, FILES
from tests.serving.model_folders import (
    adding_folder,
    mixed_classifier,
    running,
    save_joblib,
    wine_classifier,
    wine_folder,
)
from tests.serving.protocol_clients import kserve_outputs
from tests.serving.test_worker_service import folder as worker_folder  # noqa: F401 — a fixture
from tests.tree_libraries.packages import package_of

pytestmark = pytest.mark.slow


def test_a_model_of_scikit_learn(tmp_path: Path) -> None:
    rows = load_wine().data[:3]
    with running(wine_folder(tmp_path / "model")) as (port, _):
        outputs = kserve_outputs(f"127.0.0.1:{port}", [("input", "FP64", list(rows.shape), rows.tolist())])
    assert outputs["label"] == wine_classifier().predict(rows).tolist()
    assert outputs["probabilities"] == pytest.approx(wine_classifier().predict_proba(rows).ravel().tolist())


def test_a_model_of_numbers_and_words(tmp_path: Path) -> None:
    asked = [("town", "BYTES", [2, 1], ["Graz", "Linz"]), ("age", "FP64", [2, 1], [20.0, 60.0])]
    with running(save_joblib(tmp_path / "model", mixed_classifier(), **_mixed())) as (port, _):
        outputs = kserve_outputs(f"127.0.0.1:{port}", asked)
    assert outputs["label"] == ["no", "yes"]


def test_a_model_of_onnx(tmp_path: Path) -> None:
    with running(adding_folder(tmp_path / "model")) as (port, _):
        outputs = kserve_outputs(f"127.0.0.1:{port}", [("X", "FP32", [2, 2], [[1.5, 2.0], [3.0, 4.0]])])
    assert outputs["sum"] == [3.5, 7.0]


def test_a_model_of_pmml(tmp_path: Path) -> None:
    case = CASES["forest"]
    file = Path(shutil.copy(FILES / "forest.pmml", tmp_path))
    columns = zip(case["columns"], zip(*case["rows"], strict=True), strict=True)
    asked = [(name, "FP64", [len(values), 1], list(values)) for name, values in columns]
    with running(package_of(file)) as (port, _):
        outputs = kserve_outputs(f"127.0.0.1:{port}", asked, model="model")
    assert outputs["label"] == case["label"]


def test_a_model_in_another_process(worker_folder: Path) -> None:  # noqa: F811
    asked = [("number", "FP64", [2, 1], [1.5, 2.0]), ("word", "BYTES", [2, 1], ["say", "für dich"])]
    with running(worker_folder, "--workers", "1") as (port, _):
        outputs = kserve_outputs(f"127.0.0.1:{port}", asked)
    assert outputs["label"] == ["say", "für dich"]


def _mixed() -> dict[str, Any]:
    inputs = [
        {"name": "town", "datatype": "BYTES", "shape": [-1, 1]},
        {"name": "age", "datatype": "FP64", "shape": [-1, 1]},
    ]
    return {"signature": {"inputs": inputs, "outputs": []}}
