"""Weights and their program, from a project's folder to a container on a real engine, and its answers there."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kronkers_studio.domain.stated_signatures import parse_tensor
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
from kronkers_studio.workflows.stated_signatures import state_signature
from tests.lab.servers import LabServer
from tests.packaging.containers import asked, layer_cache, running
from tests.torch_models.environments import torch_environment

pytestmark = [pytest.mark.lab, pytest.mark.slow, pytest.mark.timeout(1200)]


@pytest.fixture
def case(
    torch_version: str, lab_server: LabServer, base_image_archive: Path, tmp_path: Path
) -> Iterator[dict[str, Any]]:
    """Rows, and PyTorch's answers to them, of the network whose service is running."""
    project = tmp_path / "project"
    project.mkdir()
    python = torch_environment(torch_version, "safetensors")
    subprocess.run([str(python), str(Path(__file__).with_name("weights.py")), str(project)], check=True)
    known: dict[str, Any] = json.loads((project / "case.json").read_text(encoding="utf-8"))
    (project / "requirements.txt").write_text(f"torch=={torch_version}\n", encoding="utf-8")
    cache = layer_cache()
    session, _recovery = create_workspace(tmp_path / "workspace", key_file=tmp_path / "key")
    with session:
        migrate_folder(session, project, "nets")
        version = register_model(session, "nets", "model.safetensors", name="net")
        allow_globals(session, ("net", 1, None), own_code_names(version), reason="our own network")
        model = state_signature(session, ("net", 1, None), inputs=[parse_tensor("x:FP32[-1,4]=a,b,c,d")])
        image = compose_package(
            model,
            open_model(session, model),
            lock_dependencies(model.facts, this_platform(), cache=cache),
            open_code=partial(open_code, session, model),
            platform=this_platform(),
            base=base_from_archive(base_image_archive, this_platform(), cache),
            cache=cache,
        )
    with running(lab_server, image, "weights"):
        yield known


def test_weights_answer_rows_in_a_container_as_pytorch_does(case: dict[str, Any], lab_server: LabServer) -> None:
    said = asked(
        lab_server, "weights", "/predict", {"rows": [dict(zip("abcd", row, strict=True)) for row in case["rows"]]}
    )
    np.testing.assert_allclose(said["outputs"], case["outputs"][0], rtol=1e-6, atol=1e-6)
