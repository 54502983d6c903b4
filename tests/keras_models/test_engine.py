"""Models of Keras, MLflow folders and skops, from a file to a container on a real engine, and their answers there."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from kronkers_studio.domain.models import ContentRef, ModelVersion
from kronkers_studio.packaging import (
    base_from_archive,
    compose_package,
    docker_archive,
    inspect_model,
    lock_dependencies,
    this_platform,
)
from kronkers_studio.packaging.layer_cache import LayerCache
from tests.conftest import TEST_CACHE
from tests.lab.servers import LabServer
from tests.packaging.test_engine import docker, health

pytestmark = [pytest.mark.lab, pytest.mark.slow, pytest.mark.timeout(1200)]

_TESTS = Path(__file__).parents[1]
_KERAS = _TESTS / "keras_models" / "files"
_MLFLOW = _TESTS / "mlflow_folders" / "files"
_SKOPS = _TESTS / "skops_models" / "files"


def _keras_case() -> tuple[list[Any], list[Any]]:
    case = json.loads((_KERAS / "cases.json").read_text(encoding="utf-8"))["sequence.keras"]
    given = case["inputs"]["row"]
    rows = [given["data"][start : start + 4] for start in range(0, len(given["data"]), 4)]
    return rows, case["outputs"][0]


def _mlflow_case() -> tuple[list[Any], list[Any]]:
    case = json.loads((_MLFLOW / "answers.json").read_text(encoding="utf-8"))["lightgbm-3"]
    return [dict(zip(("alpha", "beta", "gamma"), row, strict=True)) for row in case["rows"]], case["output"]


def _skops_case() -> tuple[list[Any], list[Any]]:
    cases = json.loads((_SKOPS / "models.json").read_text(encoding="utf-8"))["models"]
    case = next(each for each in cases if each["file"] == "xgbpipe.skops")
    return case["rows"], case["outputs"]


_CASES: dict[str, tuple[Path, Callable[[], tuple[list[Any], list[Any]]]]] = {
    "keras": (_KERAS / "sequence.keras", _keras_case),
    "skops": (_SKOPS / "xgbpipe.skops", _skops_case),
    "mlflow": (_MLFLOW / "lightgbm-3" / "model.lgb", _mlflow_case),
}


@pytest.fixture(params=sorted(_CASES))
def container(request: pytest.FixtureRequest, lab_server: LabServer, base_image_archive: Path) -> Iterator[str]:
    """The service of a model, running."""
    cache = LayerCache(TEST_CACHE / "kronkers-studio" / "layers")
    file = _CASES[request.param][0]
    data = file.read_bytes()
    described = {"MLmodel", "requirements.txt", "python_env.yaml"}
    beside: dict[str, Callable[[], bytes]] = {
        each.name: each.read_bytes for each in file.parent.iterdir() if each.name in described
    }
    facts = inspect_model(file.name, io.BytesIO(data), {".python-version": lambda: b"3.11", **beside})
    source = ContentRef("deep", "c0ffee" * 10, file.name)
    model = ModelVersion("deep", 1, source, facts, datetime(2026, 11, 30, tzinfo=UTC), "ada", size=len(data))
    lock = lock_dependencies(facts, this_platform(), cache=cache)
    base = base_from_archive(base_image_archive, this_platform(), cache)
    image = compose_package(model, lambda: io.BytesIO(data), lock, platform=this_platform(), base=base, cache=cache)
    print(request.param, {layer.role: layer.size for layer in image.package.layers}, lock.requirements)
    docker(lab_server, "load", pieces=docker_archive(image))
    confined = ("--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL")
    docker(lab_server, "run", "--detach", "--name", "deep", *confined, image.config_digest)
    try:
        yield request.param
    finally:
        docker(lab_server, "rm", "--force", "deep")
        docker(lab_server, "image", "rm", "--force", image.config_digest)


def test_a_model_answers_in_its_container_as_its_library_does(container: str, lab_server: LabServer) -> None:
    assert health(lab_server, "deep") == "healthy", docker(lab_server, "logs", "deep")
    rows, expected = _CASES[container][1]()
    question = (
        "import json, sys, urllib.request as u; "
        "kind = {'content-type': 'application/json'}; "
        "r = u.Request('http://127.0.0.1:8080/predict', sys.stdin.buffer.read(), kind); "
        "print(u.urlopen(r).read().decode())"
    )

    pieces = [json.dumps({"rows": rows}).encode()]
    said = docker(lab_server, "exec", "--interactive", "deep", "python3.11", "-c", question, pieces=pieces)

    found = json.loads(said)["outputs"]
    assert len(found) == len(expected)
    for row, one in zip(found, expected, strict=True):
        assert row == pytest.approx(one, rel=1e-6, abs=1e-6)
