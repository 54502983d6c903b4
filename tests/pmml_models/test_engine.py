"""Documents of PMML from their file to a container on a real engine, and their answers there."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

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

_FILES = Path(__file__).with_name("files")


@pytest.fixture(params=["forest", "xgboost-regression"])
def container(request: pytest.FixtureRequest, lab_server: LabServer, base_image_archive: Path) -> Iterator[str]:
    """The service of a document, running."""
    cache = LayerCache(TEST_CACHE / "kronkers-studio" / "layers")
    data = (_FILES / f"{request.param}.pmml").read_bytes()
    facts = inspect_model("m.pmml", io.BytesIO(data), {".python-version": lambda: b"3.11"})
    source = ContentRef("pmml", "c0ffee" * 10, "m.pmml")
    model = ModelVersion("marked", 1, source, facts, datetime(2026, 11, 30, tzinfo=UTC), "ada", size=len(data))
    lock = lock_dependencies(facts, this_platform(), cache=cache)
    base = base_from_archive(base_image_archive, this_platform(), cache)
    image = compose_package(model, lambda: io.BytesIO(data), lock, platform=this_platform(), base=base, cache=cache)
    print(request.param, {layer.role: layer.size for layer in image.package.layers}, lock.requirements)
    docker(lab_server, "load", pieces=docker_archive(image))
    confined = ("--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL")
    docker(lab_server, "run", "--detach", "--name", "marked", *confined, image.config_digest)
    try:
        yield request.param
    finally:
        docker(lab_server, "rm", "--force", "marked")
        docker(lab_server, "image", "rm", "--force", image.config_digest)


def test_a_document_answers_in_its_container_as_the_model_that_it_was_written_of(
    container: str, lab_server: LabServer
) -> None:
    assert health(lab_server, "marked") == "healthy", docker(lab_server, "logs", "marked")
    case = json.loads((_FILES / "cases.json").read_text(encoding="utf-8"))[container]
    rows = [dict(zip(case["columns"], row, strict=True)) for row in case["rows"]]
    question = (
        "import json, sys, urllib.request as u; "
        "kind = {'content-type': 'application/json'}; "
        "r = u.Request('http://127.0.0.1:8080/predict', sys.stdin.buffer.read(), kind); "
        "print(u.urlopen(r).read().decode())"
    )

    pieces = [json.dumps({"rows": rows}).encode()]
    said = docker(lab_server, "exec", "--interactive", "marked", "python3.11", "-c", question, pieces=pieces)

    found = json.loads(said)
    if not case["classes"]:
        assert found["outputs"] == pytest.approx(case["label"], rel=1e-6)
        return
    assert found["outputs"] == case["label"]
    for shares, expected in zip(found["probabilities"], case["probabilities"], strict=True):
        assert [shares[name] for name in case["classes"]] == pytest.approx(expected, abs=1e-6)
