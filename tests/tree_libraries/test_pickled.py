"""Estimators of the tree libraries in pickles, alone and inside scikit-learn's: registered, packaged, and answering as
the libraries do, of old and new versions."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from kronkers_studio.packaging.model_files.pickles.listed_tree_names import ESTIMATORS
from tests.estimators.registered import ROOT, differences, register
from tests.tree_libraries.environments import libraries_of

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]

_LIBRARIES = ("xgboost", "lightgbm", "catboost")
_ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1"}
_BASES = {"CatBoost", "LGBMModel", "XGBModel"}  # of the others


@pytest.fixture(scope="module", params=["old", "new"])
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The folder of models, and the Python that made them."""
    python = libraries_of(request.param)
    folder = tmp_path_factory.mktemp(f"pickled-{request.param}")
    command = [str(python), "-m", "tests.tree_libraries.pickled_models", str(folder)]
    subprocess.run(command, check=True, cwd=ROOT, env=_ENVIRONMENT)
    return folder, python


@pytest.mark.parametrize("library", _LIBRARIES)
def test_every_estimator_answers_as_its_library_does(made: tuple[Path, Path], library: str) -> None:
    folder, python = made[0] / library, made[1]
    models = _models(folder)

    accepted, refused = register(folder)
    answers = _serve(folder, python, library)
    wrong = {entry["name"]: differences(folder, entry, answers[file]) for file, entry in accepted.items()}
    print(f"{library}: {len(models)} files, {len(accepted)} packaged")

    assert refused == {}
    assert {name: found for name, found in wrong.items() if found} == {}


def test_every_listed_estimator_is_tried(made: tuple[Path, Path]) -> None:
    tried = {entry["kind"] for library in _LIBRARIES for entry in _models(made[0] / library)}

    assert {name for names in ESTIMATORS.values() for name in names.split()} - tried == _BASES


def _models(folder: Path) -> list[dict[str, Any]]:
    return list(json.loads((folder / "models.json").read_text(encoding="utf-8"))["models"])


def _serve(folder: Path, python: Path, library: str) -> dict[str, Any]:
    """What the packages answer, without pandas where the library does not bring it."""
    command = [str(python), "-m", "tests.estimators.served", str(folder / "packages")]
    command += ["with pandas"] if library == "catboost" else []
    subprocess.run(command, check=True, cwd=ROOT, env=_ENVIRONMENT)
    return dict(json.loads((folder / "packages" / "answers.json").read_text(encoding="utf-8")))
