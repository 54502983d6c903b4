"""Models of every kind and library in a process of their own: they answer as in the service's own, to the bit. Where
the tests' own Python has no such library, another one is asked."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import warnings
from collections.abc import Iterable
from pathlib import Path

import pytest

from kronkers_studio.domain.errors import UnsupportedModel
from tests.keras_models.test_answers import service as keras_python  # noqa: F401 — a fixture
from tests.packaging.model_zoo import makers
from tests.serving.both_ways import INPUTS, differences
from tests.serving.model_folders import save_joblib
from tests.serving.own_models import told_folder
from tests.torch_models.conftest import torch_version  # noqa: F401 — a fixture
from tests.torch_models.environments import torch_environment
from tests.tree_libraries.environments import libraries_of
from tests.tree_libraries.packages import package_of

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]

_TESTS = Path(__file__).parents[1]


def _compared(python: Path, packages: Iterable[Path]) -> dict[str, int]:
    """How often each package's model was asked both ways and answered. Fails where it answered differently."""
    ended = subprocess.run(
        [str(python), "-m", "tests.serving.both_ways", *map(str, packages)],
        capture_output=True,
        encoding="utf-8",
        cwd=_TESTS.parent,
        timeout=1000,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr[-5000:]
    answered: dict[str, int] = json.loads(ended.stdout.splitlines()[-1])
    return answered


def _packages(folder: Path, files: Iterable[Path]) -> list[Path]:
    """Those of the ``files`` that can be packaged."""
    found = []
    for file in files:
        copy = Path(shutil.copy(file, folder))
        try:
            found.append(package_of(copy))
        except UnsupportedModel:
            continue
    return found


@pytest.mark.parametrize("kind", makers())
def test_estimators_of_scikit_learn(kind: str, tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # tiny data does not converge
        folder = save_joblib(tmp_path / "model", makers()[kind]())
    answered, found = differences(folder, repeats=1)
    assert found == []
    assert answered > 0


def test_own_code(tmp_path: Path) -> None:
    """In a process of its own: what it imports stays imported."""
    assert _compared(Path(sys.executable), [told_folder(tmp_path / "model")])["model"] > 0


def test_tree_libraries(tmp_path: Path) -> None:
    places = [_TESTS / name for name in ("tree_libraries/files", "tree_libraries/pickles", "skops_models/files")]
    left_out = ("answers.json", "models.json", "own.skops")  # no models, and one whose code is not beside it
    files = [file for place in places for file in sorted(place.iterdir()) if file.name not in left_out]
    answered = _compared(libraries_of("new"), _packages(tmp_path, files))
    assert len(answered) == 20
    assert sum(map(bool, answered.values())) >= 18, "two know none of these words, and refuse them alike"


def test_keras(keras_python: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    files = sorted((_TESTS / "keras_models" / "files").glob("*.keras"))
    answered = _compared(keras_python, _packages(tmp_path, files))
    assert len(answered) == 3
    assert all(answered.values()), answered


def test_pytorch(torch_version: str, tmp_path: Path) -> None:  # noqa: F811
    programs = _TESTS / "torch_models"
    files = [*(programs / "files").glob("*.pt"), *(programs / "exported").glob("*-2.13.0.pt2")]
    packages = _packages(tmp_path, sorted(files))
    cases = json.loads((programs / "files" / "cases.json").read_bytes())
    for package in packages:
        if (case := cases.get(package.name.removesuffix(".package"))) is not None:
            (package / INPUTS).write_text(json.dumps(case["inputs"]), encoding="utf-8")
    answered = _compared(torch_environment(torch_version), packages)
    assert len(answered) == 5
    assert all(answered.values()), answered
