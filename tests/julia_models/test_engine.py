"""Julia objects from their files to a release on a server, on a base image that the product built there."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kronkers_studio.domain.models import Framework
from kronkers_studio.settings.paths import resource
from kronkers_studio.workflows.language_bases import build_language_base
from kronkers_studio.workflows.migrating import migrate_folder
from kronkers_studio.workflows.models import register_model
from kronkers_studio.workflows.releases import predict, release_model, stop_release
from kronkers_studio.workflows.servers import add_server, show_host_key
from kronkers_studio.workflows.session import Session, create_workspace
from tests.conftest import TEST_CACHE
from tests.lab.servers import LabServer
from tests.packaging.containers import docker, health
from tests.serving.protocol_clients import arrays_of, kserve_outputs, tensors_of, triton_outputs, whole_rows

pytestmark = [pytest.mark.lab, pytest.mark.slow, pytest.mark.timeout(1800)]

FILES = Path(__file__).with_name("files")
ANSWERS: dict[str, dict[str, Any]] = json.loads((FILES / "answers.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def session(
    tmp_path_factory: pytest.TempPathFactory, lab_server: LabServer, debian_image_archive: Path, package_proxy: str
) -> Iterator[Session]:
    """With a server whose engine has built the base image with Debian's Julia."""
    folder = tmp_path_factory.mktemp("julia")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(TEST_CACHE))
        session, _ = create_workspace(folder / "workspace", key_file=folder / "key")
        with session:
            server = lab_server.as_server()
            fingerprint = show_host_key(server.address).fingerprint
            identity = Path(server.identity_file)
            add_server(session, "works", server.address, fingerprint=fingerprint, identity_file=identity)
            docker(lab_server, "load", pieces=[debian_image_archive.read_bytes()])
            dockerfile = resource("bases") / "julia" / "Dockerfile.debian"
            build_language_base(session, Framework.JULIA, "works", dockerfile=dockerfile, proxy=package_proxy)
            migrate_folder(session, FILES, "trials")
            yield session


@pytest.mark.parametrize("name", ANSWERS)
def test_an_object_answers_in_its_release_as_in_julia(session: Session, name: str) -> None:
    case = ANSWERS[name]
    model = register_model(session, "trials", f"{name}.jls", name=name)
    assert model.facts.framework is Framework.JULIA

    release_model(session, name, to="works")

    try:
        answer = predict(session, name, "works", case["rows"])
    finally:
        stop_release(session, name, "works")
    if "output" in case:
        expected = [math.nan if each is None else each for each in case["output"]]
        found = [math.nan if each is None else each for each in answer.outputs]
        assert found == pytest.approx(expected, rel=1e-12, nan_ok=True)
    else:
        for row, given in zip(case["probabilities"], answer.probabilities, strict=True):
            assert list(given.values()) == pytest.approx(row, rel=1e-12)
        assert list(answer.outputs) == [("low", "middle", "high")[row.index(max(row))] for row in case["probabilities"]]


@pytest.mark.parametrize("name", ANSWERS)
def test_clients_of_the_protocol_get_what_julia_answers(session: Session, lab_server: LabServer, name: str) -> None:
    register_model(session, "trials", f"{name}.jls", name=f"asked-{name}")
    release_model(session, f"asked-{name}", to="works")
    try:
        image = docker(lab_server, "inspect", "--format", "{{.Image}}", *_containers(lab_server)).split()[0]
        docker(lab_server, "run", "--detach", "--name", "asked", "--publish", "8080:8080", image)
        found, case = _asked_by_clients(lab_server, f"asked-{name}", ANSWERS[name])
    finally:
        docker(lab_server, "rm", "--force", "asked")
        stop_release(session, f"asked-{name}", "works")
    for outputs in found:
        if "output" in case:
            assert np.ravel(outputs["output"]) == pytest.approx(case["output"], rel=1e-12)
        else:
            assert np.ravel(outputs["probabilities"]) == pytest.approx(np.ravel(case["probabilities"]), rel=1e-12)


def _containers(server: LabServer) -> list[str]:
    return docker(server, "ps", "--quiet").split()


def _asked_by_clients(
    server: LabServer, model: str, case: dict[str, Any]
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """What tritonclient, by JSON and by binary data, and KServe's client got, and what Julia answers: to the rows that
    lack nothing."""
    assert health(server, "asked") == "healthy", docker(server, "logs", "asked")
    answers, host = whole_rows(case), f"{server.host}:8080"
    tensors = tensors_of(host, model, answers["rows"])
    found = triton_outputs(host, arrays_of(tensors), model=model)
    return [*found, kserve_outputs(host, tensors, model=model)], answers
