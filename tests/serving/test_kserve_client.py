"""KServe's own client, as it is published, asks a service of ours: health, readiness, JSON and binary data."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from sklearn.datasets import load_wine

from kronkers_studio.settings.paths import uv_program
from tests.serving.model_folders import (
    adding_folder,
    mixed_classifier,
    running,
    save_joblib,
    wine_classifier,
    wine_folder,
)
from tests.serving.test_worker_service import folder as worker_folder  # noqa: F401 — a fixture

pytestmark = pytest.mark.slow

_KSERVE = "kserve==0.21.0"
_SECONDS = 600

# Asks as its own documentation does. Prints what came back as one JSON object.
_CLIENT = """
import asyncio, json, sys
import numpy as np
from kserve import InferenceRESTClient, InferInput, InferRequest, RESTConfig

def values_of(output):
    return np.asarray(output.as_numpy()).astype(object).ravel().tolist()

async def main(address, tensors):
    client = InferenceRESTClient(RESTConfig(protocol="v2", retries=0))
    found = {
        "live": await client.is_server_live(address),
        "ready": await client.is_server_ready(address),
        "model": await client.is_model_ready(address, "wine"),
        "other": await client.is_model_ready(address, "beer"),
    }
    for binary in (False, True):
        inputs = []
        for name, datatype, shape, values in tensors:
            kind = np.object_ if datatype == "BYTES" else np.dtype(datatype.replace("FP", "float").lower())
            entry = InferInput(name=name, shape=shape, datatype=datatype)
            entry.set_data_from_numpy(np.array(values, dtype=kind).reshape(shape), binary_data=binary)
            inputs.append(entry)
        parameters = {"binary_data_output": binary}
        request = InferRequest(model_name="wine", request_id="k1", infer_inputs=inputs, parameters=parameters)
        answer = await client.infer(address, request, model_name="wine")
        found["binary" if binary else "json"] = {
            "id": answer.id,
            "outputs": {each.name: values_of(each) for each in answer.outputs},
        }
    try:
        bad = InferInput(name="nothing", shape=[1], datatype="FP64", data=[1.0])
        await client.infer(address, InferRequest(model_name="wine", infer_inputs=[bad]), model_name="wine")
    except Exception as problem:
        found["refusal"] = str(problem)
    await client.close()
    text = lambda value: value.decode() if isinstance(value, bytes) else str(value)
    print(json.dumps(found, default=text))

asyncio.run(main(sys.argv[1], json.loads(sys.argv[2])))
"""


def _asked(port: int, tensors: list[Any]) -> dict[str, Any]:
    command = [*(str(uv_program()), "run", "--quiet", "--no-project", "--python", "3.11", "--with", _KSERVE)]
    done = subprocess.run(
        [*command, "python", "-c", _CLIENT, f"http://127.0.0.1:{port}", json.dumps(tensors)],
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def _require_answers(found: dict[str, Any]) -> dict[str, Any]:
    """The outputs, the same both ways."""
    assert (found["live"], found["ready"], found["model"], found["other"]) == (True, True, True, False)
    assert found["json"]["id"] == found["binary"]["id"] == "k1"
    assert "no input “nothing”" in found["refusal"]
    assert found["json"]["outputs"].keys() == found["binary"]["outputs"].keys()
    for name, values in found["json"]["outputs"].items():
        expected = pytest.approx(values) if isinstance(values[0], float) else values
        assert found["binary"]["outputs"][name] == expected
    outputs: dict[str, Any] = found["json"]["outputs"]
    return outputs


def test_a_model_of_scikit_learn(tmp_path: Path) -> None:
    rows = load_wine().data[:3]
    with running(wine_folder(tmp_path / "model")) as (port, _):
        found = _asked(port, [["input", "FP64", list(rows.shape), rows.tolist()]])
    outputs = _require_answers(found)
    assert outputs["label"] == wine_classifier().predict(rows).tolist()
    assert outputs["probabilities"] == pytest.approx(wine_classifier().predict_proba(rows).ravel().tolist())


def test_a_model_of_numbers_and_words(tmp_path: Path) -> None:
    with running(save_joblib(tmp_path / "model", mixed_classifier(), **_mixed())) as (port, _):
        found = _asked(port, [["town", "BYTES", [2, 1], ["Graz", "Linz"]], ["age", "FP64", [2, 1], [20.0, 60.0]]])
    assert _require_answers(found)["label"] == ["no", "yes"]


def test_a_model_of_onnx(tmp_path: Path) -> None:
    with running(adding_folder(tmp_path / "model")) as (port, _):
        found = _asked(port, [["X", "FP32", [2, 2], [[1.5, 2.0], [3.0, 4.0]]]])
    assert _require_answers(found)["sum"] == [3.5, 7.0]


def test_a_model_in_another_process(worker_folder: Path) -> None:  # noqa: F811
    with running(worker_folder, "--workers", "1") as (port, _):
        found = _asked(port, [["number", "FP64", [2, 1], [1.5, 2.0]], ["word", "BYTES", [2, 1], ["say", "für dich"]]])
    assert _require_answers(found)["label"] == ["say", "für dich"]


def _mixed() -> dict[str, Any]:
    inputs = [
        {"name": "town", "datatype": "BYTES", "shape": [-1, 1]},
        {"name": "age", "datatype": "FP64", "shape": [-1, 1]},
    ]
    return {"signature": {"inputs": inputs, "outputs": []}}
