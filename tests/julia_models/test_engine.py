"""Julia objects from their files to a release on a server, on a base image that the product built there."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

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
from tests.packaging.containers import docker

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
