"""Models of tree libraries from their file to a container on a real engine, and their answers there."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
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

pytestmark = [pytest.mark.lab, pytest.mark.slow, pytest.mark.timeout(900)]

_FOLDERS = [Path(__file__).with_name(name) for name in ("files", "pickles")]
_ANSWERS: dict[str, dict[str, Any]] = {
    name: {**answers, "file": folder / name}
    for folder in _FOLDERS
    for name, answers in json.loads((folder / "answers.json").read_text(encoding="utf-8")).items()
}


@pytest.fixture(scope="module")
def cache() -> LayerCache:
    return LayerCache(TEST_CACHE / "kronkers-studio" / "layers")


@pytest.fixture(params=sorted(_ANSWERS))
def container(
    request: pytest.FixtureRequest, lab_server: LabServer, base_image_archive: Path, cache: LayerCache
) -> Iterator[str]:
    """The service of a model file, running."""
    data = _ANSWERS[request.param]["file"].read_bytes()
    facts = inspect_model(request.param, io.BytesIO(data), {".python-version": lambda: b"3.11"})
    source = ContentRef("trees", "c0ffee" * 10, request.param)
    model = ModelVersion("trees", 1, source, facts, datetime(2026, 11, 30, tzinfo=UTC), "ada", size=len(data))
    lock = lock_dependencies(facts, this_platform(), cache=cache)
    base = base_from_archive(base_image_archive, this_platform(), cache)
    image = compose_package(model, lambda: io.BytesIO(data), lock, platform=this_platform(), base=base, cache=cache)
    docker(lab_server, "load", pieces=docker_archive(image))
    confined = ("--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL")
    docker(lab_server, "run", "--detach", "--name", "trees", *confined, image.config_digest)
    try:
        yield request.param
    finally:
        docker(lab_server, "rm", "--force", "trees")
        docker(lab_server, "image", "rm", "--force", image.config_digest)


def test_a_model_answers_in_its_container_as_its_library_does(container: str, lab_server: LabServer) -> None:
    assert health(lab_server, "trees") == "healthy", docker(lab_server, "logs", "trees")
    case = _ANSWERS[container]
    question = (
        "import json, sys, urllib.request as u; "
        "kind = {'content-type': 'application/json'}; "
        "r = u.Request('http://127.0.0.1:8080/predict', sys.stdin.buffer.read(), kind); "
        "print(u.urlopen(r).read().decode())"
    )
    rows = json.dumps({"rows": case["rows"]}).encode()

    said = docker(lab_server, "exec", "--interactive", "trees", "python3.11", "-c", question, pieces=[rows])

    answer = json.loads(said)
    expected = case.get("label", case.get("output"))
    assert answer["outputs"] == pytest.approx(expected, rel=1e-6) if "output" in case else answer["outputs"] == expected
    for row, found in zip(case.get("probabilities", ()), answer.get("probabilities", ()), strict=True):
        assert list(found.values()) == pytest.approx(row, rel=1e-6)
