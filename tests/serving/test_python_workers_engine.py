"""A model that takes all memory, or crashes, in a container of a real engine: its worker ends, its service does not."""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from kronkers_studio.packaging import (
    ComposedImage,
    base_from_archive,
    compose_package,
    lock_dependencies,
    this_platform,
)
from kronkers_studio.workflows.allowances import allow_globals, own_code_names
from kronkers_studio.workflows.migrating import migrate_folder
from kronkers_studio.workflows.models import open_code, open_model, register_model
from kronkers_studio.workflows.session import create_workspace
from tests.lab.servers import LabServer
from tests.own_code.projects import PYTHON
from tests.packaging.containers import asked, docker, layer_cache, running
from tests.serving.own_models import CRASH, TAKE_MEMORY, told_project

pytestmark = [pytest.mark.lab, pytest.mark.slow, pytest.mark.timeout(1200)]

_MEMORY = 700 << 20
_HANGS = 60.0


@pytest.fixture
def image(base_image_archive: Path, tmp_path: Path) -> ComposedImage:
    project = tmp_path / "project"
    told_project(project, project / "model.pkl")
    (project / ".python-version").write_text(PYTHON, encoding="utf-8")
    cache = layer_cache()
    session, _recovery = create_workspace(tmp_path / "workspace", key_file=tmp_path / "key")
    with session:
        migrate_folder(session, project, "plant")
        version = register_model(session, "plant", "model.pkl", name="told")
        model = allow_globals(session, ("told", 1, None), own_code_names(version), reason="our own model")
        return compose_package(
            model,
            open_model(session, model),
            lock_dependencies(model.facts, this_platform(), cache=cache),
            open_code=partial(open_code, session, model),
            platform=this_platform(),
            base=base_from_archive(base_image_archive, this_platform(), cache),
            cache=cache,
        )


@pytest.fixture
def container(lab_server: LabServer, image: ComposedImage) -> Iterator[str]:
    limits = ("--memory", str(_MEMORY), "--memory-swap", str(_MEMORY), "--cpus", "2")
    with running(lab_server, image, "told", *limits) as name:
        yield name


def _answered(server: LabServer, name: str, order: float) -> Any:
    return asked(server, name, "/predict", {"rows": [[order, 0.0]]})


def _programs(server: LabServer, name: str) -> list[str]:
    return docker(server, "top", name, "-o", "pid,args").splitlines()


@pytest.mark.parametrize("order", [TAKE_MEMORY, CRASH], ids=["memory", "crash"])
def test_a_worker_ends_and_its_service_does_not(order: float, container: str, lab_server: LabServer) -> None:
    """It chooses to have workers by itself."""
    assert _answered(lab_server, container, 0.0)["outputs"] == ["no"]
    began = docker(lab_server, "inspect", "--format", "{{.State.StartedAt}}", container)
    before = [line for line in _programs(lab_server, container) if "model_worker" in line]
    assert len(before) == 2

    refused = _answered(lab_server, container, order)

    assert refused["status"] == 503, docker(lab_server, "logs", container)
    assert "did not answer" in refused["said"]
    deadline = time.monotonic() + _HANGS
    while len([line for line in _programs(lab_server, container) if "model_worker" in line]) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.2)
    assert _answered(lab_server, container, 0.0)["outputs"] == ["no"]
    assert docker(lab_server, "inspect", "--format", "{{.State.StartedAt}}", container) == began
    after = [line for line in _programs(lab_server, container) if "model_worker" in line]
    assert len(set(before) & set(after)) == 1
