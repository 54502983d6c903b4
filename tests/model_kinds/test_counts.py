"""What comes in is counted alike in whichever form it comes, for models of each kind, as their services run."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from kronkers_studio.deployment.service_client import LoopbackClient
from tests.model_kinds.forms_of_rows import Service
from tests.model_kinds.onnx_models import onnx_model
from tests.model_kinds.packages import ANSWER, add_profile, package_of, served, table_of, version_of

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

_TESTS = Path(__file__).parents[1]
_KERAS, _TORCH = _TESTS / "keras_models" / "files", _TESTS / "torch_models"
_MLFLOW = _TESTS / "mlflow_folders" / "files"
_TIMES = 12  # so that names are in enough rows to be kept


class Kind(NamedTuple):
    """A model's file, some of its rows, the answers where each row has one, and what a person says that it takes."""

    file: Path
    rows: list[dict[str, Any]]
    answers: list[Any]
    takes: tuple[str, ...] = ()


def _numbered(values: list[Any], width: int) -> list[dict[str, Any]]:
    table = np.reshape(values, (-1, width)).tolist()
    return [{str(place): value for place, value in enumerate(row, 1)} for row in table]


def _case(file: Path, name: str) -> Any:
    return json.loads(file.read_text(encoding="utf-8"))[name]


def _keras(_folder: Path) -> Kind:
    case = _case(_KERAS / "cases.json", "sequence.keras")
    return Kind(_KERAS / "sequence.keras", _numbered(case["inputs"]["row"]["data"], 4), [])


def _torchscript(_folder: Path) -> Kind:
    given = _case(_TORCH / "files" / "cases.json", "traced.pt")["inputs"][0]["data"]
    rows = [dict(zip("abcd", row.values(), strict=True)) for row in _numbered(given, 4)]
    return Kind(_TORCH / "files" / "traced.pt", rows, [], ("x:FP32[-1,4]=a,b,c,d",))


def _exported(_folder: Path) -> Kind:
    given = _case(_TORCH / "exported" / "cases.json", "rows-2.13.0.pt2")["inputs"][0]["data"]
    return Kind(_TORCH / "exported" / "rows-2.13.0.pt2", _numbered(given, 4), [])


def _mlflow(name: str, file: str) -> Callable[[Path], Kind]:
    def kind(_folder: Path) -> Kind:
        case = _case(_MLFLOW / "answers.json", name)
        rows = [dict(zip(("alpha", "beta", "gamma"), row, strict=True)) for row in case["rows"]]
        answers = np.ravel(case.get("label") or case.get("output") or case["variable"]).tolist()
        return Kind(_MLFLOW / name / file, rows, answers)

    return kind


def _onnx(folder: Path) -> Kind:
    towns = ["Graz", "Linz", "für dich"]
    rows = [{"town": towns[n % 3], "calls": n, "member": n % 2 == 0, "income": n / 8} for n in range(9)]
    return Kind(onnx_model(folder), rows, [row["town"] for row in rows])


_KINDS: dict[str, Callable[[Path], Kind]] = {
    "Keras": _keras,
    "TorchScript": _torchscript,
    "exported": _exported,
    "MLflow of scikit-learn": _mlflow("sklearn-3", "model.pkl"),
    "MLflow of LightGBM": _mlflow("lightgbm-3", "model.lgb"),
    "MLflow of XGBoost": _mlflow("xgboost-3", "model.ubj"),
    "MLflow of ONNX": _mlflow("onnx-3", "model.onnx"),
    "ONNX": _onnx,
}


@pytest.mark.parametrize("name", _KINDS)
def test_every_form_of_the_same_rows_counts_as_the_reference(libraries: Path, tmp_path: Path, name: str) -> None:
    """Seen to fail with tensors not counted."""
    kind = _KINDS[name](tmp_path)
    version = version_of(kind.file, kind.takes)
    package = package_of(tmp_path / "package", kind.file, version)
    table = table_of(kind.rows * _TIMES, kind.answers * _TIMES)
    profile = add_profile(package, version, table, target=ANSWER if kind.answers else "")
    assert not profile.left_out
    expected = {one.bins.name: list(one.counts) for one in profile.features}
    if profile.answers is not None:
        expected[""] = list(profile.answers.counts)
    sent = kind.rows * _TIMES
    with served(libraries, package) as port:
        client = LoopbackClient(port)
        try:
            found = Service(client, "model").counts_by_form(sent)
        finally:
            client.close()
    assert found == dict.fromkeys(found, expected) and len(found) == 5
