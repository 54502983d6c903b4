"""A service beside its own OpenAPI document: schemathesis makes requests of it, right ones and wrong ones."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from kronkers_studio.deployment.service_client import LoopbackClient
from kronkers_studio.settings.paths import uv_program
from tests.serving.model_folders import (
    adding_folder,
    gappy_classifier,
    mixed_classifier,
    running,
    save_joblib,
    wine_folder,
)

pytestmark = pytest.mark.slow

_SCHEMATHESIS = "schemathesis==4.32.5"
_MOST_GROWTH = 32 << 20
_SETTINGS = """
[checks]
positive_data_acceptance.enabled = false
negative_data_rejection.expected-statuses = [400, 413, 415, 422]
"""
"""Not every request of the right form is taken: how many values a tensor of a shape has, no schema can say, nor which
lines are a table. Too many rows are 413."""


@pytest.mark.parametrize(
    "make",
    [
        wine_folder,
        adding_folder,
        lambda folder: save_joblib(folder, mixed_classifier()),
        lambda folder: save_joblib(folder, gappy_classifier()),
    ],
    ids=["numbers", "onnx", "numbers and words", "missing values"],
)
def test_what_a_service_answers_is_what_its_document_says(make: Callable[[Path], Path], tmp_path: Path) -> None:
    settings = tmp_path / "schemathesis.toml"
    settings.write_text(_SETTINGS, encoding="utf-8")
    with running(make(tmp_path / "model")) as (port, _):
        client = LoopbackClient(port)
        before = _memory(client)
        done = subprocess.run(
            [
                *(str(uv_program()), "tool", "run", "--quiet", "--from", _SCHEMATHESIS, "st"),
                *("--config-file", str(settings), "run"),
                *(f"http://127.0.0.1:{port}/openapi.json", "--max-examples", "400", "--seed", "1"),
                *("--request-timeout", "20"),
            ],
            capture_output=True,
            text=True,
            encoding="utf-8",
            cwd=tmp_path,
            check=False,
        )
        assert done.returncode == 0, done.stdout[-6000:]
        assert _memory(client) - before < _MOST_GROWTH
        client.close()


def _memory(client: LoopbackClient) -> int:
    lines = client.request("GET", "/metrics")[1].decode().splitlines()
    return int(float(next(line for line in lines if line.startswith("kronkers_process_memory_bytes ")).split()[1]))
