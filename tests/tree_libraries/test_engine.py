"""Models of tree libraries from their file to a container on a real engine, and their answers there."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.lab.servers import LabServer
from tests.packaging.containers import asked, composed_of_file, docker, health, running
from tests.serving.protocol_clients import kserve_outputs, triton_outputs

pytestmark = [pytest.mark.lab, pytest.mark.slow, pytest.mark.timeout(900)]

_FOLDERS = [Path(__file__).with_name(name) for name in ("files", "pickles")]
_ANSWERS: dict[str, dict[str, Any]] = {
    name: {**answers, "file": folder / name}
    for folder in _FOLDERS
    for name, answers in json.loads((folder / "answers.json").read_text(encoding="utf-8")).items()
}


@pytest.fixture(params=sorted(_ANSWERS))
def container(request: pytest.FixtureRequest, lab_server: LabServer, base_image_archive: Path) -> Iterator[str]:
    """The service of a model file, running."""
    with running(lab_server, composed_of_file(_ANSWERS[request.param]["file"], base_image_archive), "trees"):
        yield request.param


def test_a_model_answers_in_its_container_as_its_library_does(container: str, lab_server: LabServer) -> None:
    case = _ANSWERS[container]

    answer = asked(lab_server, "trees", "/predict", {"rows": case["rows"]})

    expected = case.get("label", case.get("output"))
    assert answer["outputs"] == pytest.approx(expected, rel=1e-6) if "output" in case else answer["outputs"] == expected
    for row, found in zip(case.get("probabilities", ()), answer.get("probabilities", ()), strict=True):
        assert list(found.values()) == pytest.approx(row, rel=1e-6)


def test_clients_of_the_protocol_get_what_xgboost_answers(lab_server: LabServer, base_image_archive: Path) -> None:
    case = _ANSWERS["xgb-three.ubj"]
    rows = np.array(case["rows"])
    with running(lab_server, composed_of_file(case["file"], base_image_archive), "trees", port=8080):
        assert health(lab_server, "trees") == "healthy", docker(lab_server, "logs", "trees")
        (name,) = (each["name"] for each in asked(lab_server, "trees", "/v2/models/model")["inputs"])
        host = f"{lab_server.host}:8080"
        by_kserve = kserve_outputs(host, [(name, "FP64", list(rows.shape), rows.tolist())], model="model")
        found = [*triton_outputs(host, {name: rows}, model="model"), by_kserve]
    for outputs in found:
        assert outputs["label"] == case["label"]
        assert np.ravel(outputs["probabilities"]) == pytest.approx(np.ravel(case["probabilities"]), rel=1e-6)
