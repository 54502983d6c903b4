"""A pipeline with own steps, from a project's folder to a container on a real engine, and its answers there."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from kronkers_studio.packaging import (
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
from tests.own_code.projects import make_project
from tests.packaging.containers import asked, layer_cache, running

pytestmark = [pytest.mark.lab, pytest.mark.slow, pytest.mark.timeout(1200)]


@pytest.fixture
def container(lab_server: LabServer, base_image_archive: Path, tmp_path: Path) -> Iterator[tuple[Any, Any, Any]]:
    """The service, running; some rows, and the library's labels and probabilities for them."""
    known = make_project(tmp_path / "project")
    cache = layer_cache()
    session, _recovery = create_workspace(tmp_path / "workspace", key_file=tmp_path / "key")
    with session:
        migrate_folder(session, tmp_path / "project", "plant")
        version = register_model(session, "plant", "model.joblib", name="sorter")
        model = allow_globals(session, ("sorter", 1, None), own_code_names(version), reason="our own features")
        image = compose_package(
            model,
            open_model(session, model),
            lock_dependencies(model.facts, this_platform(), cache=cache),
            open_code=partial(open_code, session, model),
            platform=this_platform(),
            base=base_from_archive(base_image_archive, this_platform(), cache),
            cache=cache,
        )
    with running(lab_server, image, "own-code"):
        yield known


def test_own_steps_answer_in_a_container_as_they_do_where_they_were_fitted(
    container: tuple[Any, Any, Any], lab_server: LabServer
) -> None:
    rows, labels, probabilities = container
    said = asked(lab_server, "own-code", "/predict", {"rows": rows})
    assert said["outputs"] == labels
    given = [[row["left"], row["right"]] for row in said["probabilities"]]
    assert given == [pytest.approx(row, rel=1e-12) for row in probabilities]
