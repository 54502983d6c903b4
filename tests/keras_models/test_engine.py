"""Models of Keras, MLflow folders and skops, from a file to a container on a real engine, and their answers there."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.lab.servers import LabServer
from tests.packaging.containers import asked, composed_of_file, running

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
    file = _CASES[request.param][0]
    described = {"MLmodel", "requirements.txt", "python_env.yaml"}
    beside = {each.name: each.read_bytes for each in file.parent.iterdir() if each.name in described}
    with running(lab_server, composed_of_file(file, base_image_archive, beside), "deep"):
        yield request.param


def test_a_model_answers_in_its_container_as_its_library_does(container: str, lab_server: LabServer) -> None:
    rows, expected = _CASES[container][1]()

    found = asked(lab_server, "deep", "/predict", {"rows": rows})["outputs"]

    assert len(found) == len(expected)
    for row, one in zip(found, expected, strict=True):
        assert row == pytest.approx(one, rel=1e-6, abs=1e-6)
