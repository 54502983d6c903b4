"""R's models from their file to a container on a real engine, and their answers there; on a base image that the product
built on that engine."""

from __future__ import annotations

import io
import json
import math
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kronkers_studio.domain.errors import PackagingFailed, ServerError
from kronkers_studio.domain.models import ContentRef, Framework, ModelVersion
from kronkers_studio.packaging import (
    BaseImage,
    ComposedImage,
    compose_package,
    docker_archive,
    inspect_model,
    lock_dependencies,
    this_platform,
)
from kronkers_studio.packaging.layer_cache import LayerCache
from kronkers_studio.workflows.language_bases import build_language_base, kept_language_base, list_language_bases
from kronkers_studio.workflows.migrating import migrate_folder
from kronkers_studio.workflows.models import register_model
from kronkers_studio.workflows.packages import package_model
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
ASK = (
    "import sys, urllib.request as u, urllib.error as e\n"
    "kind = {'content-type': 'application/json'}\n"
    "r = u.Request('http://127.0.0.1:8080' + sys.argv[1], sys.stdin.buffer.read(), kind)\n"
    "try: print(u.urlopen(r).read().decode())\n"
    "except e.HTTPError as problem: print(problem.read().decode())\n"
)
KILL = (
    "import os, pathlib\n"
    "for folder in pathlib.Path('/proc').glob('[0-9]*'):\n"
    "    if 'predict.R' in (folder / 'cmdline').read_text() and 'python' not in (folder / 'cmdline').read_text():\n"
    "        os.kill(int(folder.name), 9)\n"
)
CONFINED = ("--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL", "--memory", "1g", "--pids-limit", "128")
PUBLISHED = ("--publish", "8080:8080")


@pytest.fixture(scope="module")
def cache() -> LayerCache:
    return LayerCache(TEST_CACHE / "kronkers-studio" / "layers")


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory, lab_server: LabServer) -> Iterator[Session]:
    folder = tmp_path_factory.mktemp("r")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(TEST_CACHE))
        session, _ = create_workspace(folder / "workspace", key_file=folder / "key")
        with session:
            server = lab_server.as_server()
            address = server.address
            add_server(
                session,
                "works",
                address,
                fingerprint=show_host_key(address).fingerprint,
                identity_file=Path(server.identity_file),
            )
            migrate_folder(session, FILES, "trials")
            yield session


@pytest.fixture(scope="module")
def base(session: Session, lab_server: LabServer, debian_image_archive: Path, package_proxy: str) -> BaseImage:
    """The base image with R, built on the lab's engine by the product."""
    docker(lab_server, "load", pieces=[debian_image_archive.read_bytes()])
    built = build_language_base(session, Framework.R, "works", proxy=package_proxy)
    assert built in list_language_bases()
    return kept_language_base(Framework.R, this_platform())


def composed(name: str, base: BaseImage, cache: LayerCache, data: bytes = b"") -> ComposedImage:
    data = data or (FILES / f"{name}.rds").read_bytes()
    facts = inspect_model(f"{name}.rds", io.BytesIO(data), {})
    source = ContentRef("trials", "c0ffee" * 10, f"{name}.rds")
    model = ModelVersion("trials", 1, source, facts, datetime(2026, 11, 30, tzinfo=UTC), "ada", size=len(data))
    lock = lock_dependencies(facts, this_platform(), cache=cache)
    return compose_package(model, lambda: io.BytesIO(data), lock, platform=this_platform(), base=base, cache=cache)


@pytest.fixture(params=sorted(ANSWERS))
def container(
    request: pytest.FixtureRequest, lab_server: LabServer, base: BaseImage, cache: LayerCache
) -> Iterator[str]:
    """The service of a model file, running."""
    image = composed(request.param, base, cache)
    docker(lab_server, "load", pieces=docker_archive(image))
    docker(lab_server, "run", "--detach", "--name", "trials", *CONFINED, *PUBLISHED, image.config_digest)
    try:
        yield request.param
    finally:
        docker(lab_server, "rm", "--force", "trials")
        docker(lab_server, "image", "rm", "--force", image.config_digest)


def ask(server: LabServer, address: str, content: object) -> dict[str, Any]:
    said = docker(
        server,
        *("exec", "--interactive", "trials", "python3.11", "-c", ASK, address),
        pieces=[json.dumps(content).encode()],
    )
    found: dict[str, Any] = json.loads(said)
    return found


def numbers(values: Any) -> Any:
    """``values`` with NaN for what is missing, so that they can be compared."""
    if isinstance(values, list):
        return [numbers(each) for each in values]
    return math.nan if values is None else values


def test_a_model_answers_in_its_container_as_r_does(container: str, lab_server: LabServer) -> None:
    assert health(lab_server, "trials") == "healthy", docker(lab_server, "logs", "trials")
    case = ANSWERS[container]

    answer = ask(lab_server, "/predict", {"rows": case["rows"]})

    expected = next(case[name] for name in ("output", "probability", "label") if case.get(name))
    if "label" in case:
        assert answer["outputs"] == expected
    else:
        flat = [each for row in expected for each in (row if isinstance(row, list) else [row])]
        found = [each for row in answer["outputs"] for each in (row if isinstance(row, list) else [row])]
        assert numbers(found) == pytest.approx(numbers(flat), rel=1e-6, nan_ok=True)
    for row, found in zip(case["probabilities"], answer.get("probabilities", ()), strict=True):
        assert numbers([found[name] for name in row]) == pytest.approx(
            numbers(list(row.values())), rel=1e-6, abs=1e-12, nan_ok=True
        )


@pytest.mark.parametrize("container", ["lm", "glmnet_classes"], indirect=True)
def test_clients_of_the_protocol_get_what_r_answers(container: str, lab_server: LabServer) -> None:
    """Numbers, truth and words go in; numbers, or words with probabilities, come back."""
    assert health(lab_server, "trials") == "healthy", docker(lab_server, "logs", "trials")
    case, host = whole_rows(ANSWERS[container]), f"{lab_server.host}:8080"
    tensors = tensors_of(host, "trials", case["rows"])

    found = [*triton_outputs(host, arrays_of(tensors), model="trials"), kserve_outputs(host, tensors, model="trials")]

    for outputs in found:
        if "label" in case:
            expected = [value for row in case["probabilities"] for value in row.values()]
            assert outputs["label"] == case["label"]
            assert np.ravel(outputs["probabilities"]) == pytest.approx(expected, rel=1e-6)
        else:
            assert np.ravel(outputs["output"]) == pytest.approx(np.ravel(case["output"]), rel=1e-6)


@pytest.mark.parametrize("container", ["lm"], indirect=True)
def test_the_senders_mistakes_are_told_and_a_killed_r_is_started_again(container: str, lab_server: LabServer) -> None:
    """Seen to fail without the new start."""
    assert health(lab_server, "trials") == "healthy", docker(lab_server, "logs", "trials")
    row = ANSWERS["lm"]["rows"][0]

    refused = ask(lab_server, "/predict", {"rows": [row, {**row, "gears": "six"}]})
    assert (refused["field"], refused["row"]) == ("gears", 2)
    assert "holds “six”, which the model never saw; it knows “five”, “four”, “three”." in refused["error"]
    assert "must be true or false" in ask(lab_server, "/predict", {"rows": [{**row, "fast": None}]})["error"]

    zero = ask(lab_server, "/predict", {"rows": [{**row, "wt": 0}, {**row, "wt": -1}]})
    assert zero["outputs"] == [None, None]  # infinite, and the logarithm of a negative number

    docker(lab_server, "exec", "trials", "python3.11", "-c", KILL)
    answer = ask(lab_server, "/predict", {"rows": [row]})
    assert "outputs" in answer, (answer, docker(lab_server, "logs", "trials"))
    assert answer["outputs"] == pytest.approx(ANSWERS["lm"]["output"][:1], rel=1e-6)


def test_from_a_folder_to_a_release_on_a_server(session: Session, base: BaseImage) -> None:
    model = register_model(session, "trials", "lm.rds", name="fuel")
    assert model.facts.framework is Framework.R
    with pytest.raises(PackagingFailed, match="run in a container"):
        package_model(session, "fuel")

    release_model(session, "fuel", to="works")

    case = ANSWERS["lm"]
    answer = predict(session, "fuel", "works", case["rows"])
    assert numbers(list(answer.outputs)) == pytest.approx(numbers(case["output"]), rel=1e-6, nan_ok=True)
    stop_release(session, "fuel", "works")


def test_a_build_that_fails_says_what_the_engine_said(session: Session, base: BaseImage, tmp_path: Path) -> None:
    dockerfile = tmp_path / "Dockerfile"
    dockerfile.write_text("FROM debian:bookworm-slim\nRUN echo before && false\n", encoding="utf-8")
    with pytest.raises(ServerError, match="could not build kronkers/base-r") as failed:
        build_language_base(session, Framework.R, "works", dockerfile=dockerfile)
    assert "before" in failed.value.details
