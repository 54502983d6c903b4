"""tritonclient asks models of several kinds: health, metadata, JSON and binary data."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.serving.model_folders import adding_folder, mixed_classifier, running, save_joblib
from tests.serving.test_worker_service import folder as worker_folder  # noqa: F401 — a fixture


@contextmanager
def _client(port: int) -> Iterator[Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # gevent's, at import
        pytest.importorskip("tritonclient", reason="tritonclient is not published for this system")
        import tritonclient.http
    client = tritonclient.http.InferenceServerClient(f"127.0.0.1:{port}")
    try:
        yield client
    finally:
        client.close()


def _answers(port: int, inputs: dict[str, np.ndarray[Any, Any]]) -> list[dict[str, Any]]:
    """All outputs, asked for as JSON and as binary data."""
    from tritonclient.http import InferInput, InferRequestedOutput
    from tritonclient.utils import np_to_triton_dtype

    found = []
    with _client(port) as client:
        assert client.is_server_live()
        assert client.is_server_ready()
        assert client.is_model_ready("wine")
        metadata = client.get_model_metadata("wine")
        assert [each["name"] for each in metadata["inputs"]] == list(inputs)
        names = [each["name"] for each in metadata["outputs"]]
        for binary in (False, True):
            entries = []
            for name, values in inputs.items():
                entries.append(InferInput(name, list(values.shape), np_to_triton_dtype(values.dtype)))
                entries[-1].set_data_from_numpy(values, binary_data=binary)
            wanted = [InferRequestedOutput(name, binary_data=binary) for name in names]
            said = None if binary else {"Content-Type": "application/json"}
            result = client.infer("wine", entries, outputs=wanted, request_id="t1", headers=said)
            assert result.get_response()["id"] == "t1"
            found.append({name: result.as_numpy(name).tolist() for name in names})
    return found


def _texts(values: list[Any]) -> list[Any]:
    return [value.decode() if isinstance(value, bytes) else value for value in values]


def test_a_model_of_numbers_and_words(tmp_path: Path) -> None:
    inputs = [
        {"name": "town", "datatype": "BYTES", "shape": [-1, 1]},
        {"name": "age", "datatype": "FP64", "shape": [-1, 1]},
    ]
    folder = save_joblib(tmp_path / "model", mixed_classifier(), signature={"inputs": inputs, "outputs": []})
    with running(folder) as (port, _):
        asked = {"town": np.array([["Graz"], ["Linz"]], dtype=object), "age": np.array([[20.0], [60.0]])}
        for answer in _answers(port, asked):
            assert _texts(answer["label"]) == ["no", "yes"]


def test_a_model_of_onnx(tmp_path: Path) -> None:
    with running(adding_folder(tmp_path / "model")) as (port, _):
        for answer in _answers(port, {"X": np.array([[1.5, 2.0], [3.0, 4.0]], dtype=np.float32)}):
            assert answer["sum"] == [[3.5], [7.0]]


def test_a_model_in_another_process(worker_folder: Path) -> None:  # noqa: F811
    asked = {"number": np.array([[1.5], [-2.0]]), "word": np.array([["say"], ["für dich"]], dtype=object)}
    with running(worker_folder, "--workers", "2") as (port, _):
        for answer in _answers(port, asked):
            assert _texts(answer["label"]) == ["say", "für dich"]
            assert answer["probabilities"] == [[1.5, -1.5], [-2.0, 2.0]]
