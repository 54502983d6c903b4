"""Models of the kinds that run on this computer are tested as the services that they are: the clean twin passes every
expectation that fits, and one label that is flipped is found."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kronkers_studio.domain.stated_signatures import parse_tensor
from kronkers_studio.workflows.migrating import migrate_folder
from kronkers_studio.workflows.models import register_model
from kronkers_studio.workflows.session import Session, create_workspace
from tests.model_kinds.environments import told_by
from tests.model_kinds.expectations import CLASSES, NUMBERS, PROJECT, check, write_tests

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]

_MLFLOW = Path(__file__).parents[1] / "mlflow_folders" / "files"
_FILES = {"keras": "net.keras", "torchscript": "net.pt", "exported": "net.pt2"}


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    opened, _ = create_workspace(tmp_path / "workspace", key_file=tmp_path / "key")
    with opened:
        yield opened


@pytest.fixture(scope="module")
def networks(libraries: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """Where the files are, the rows that were asked, and what was answered."""
    folder = tmp_path_factory.mktemp("networks")
    return folder, told_by(libraries, "tests.model_kinds.networks", str(folder))


@pytest.mark.parametrize("kind", _FILES)
def test_a_network_that_answers_numbers(
    networks: tuple[Path, dict[str, Any]], torch_builds: None, session: Session, tmp_path: Path, kind: str
) -> None:
    made, told = networks
    folder = tmp_path / "models"
    folder.mkdir()
    file = shutil.copy(made / _FILES[kind], folder)
    if kind == "torchscript":  # whose file does not say it
        (folder / "requirements.txt").write_text(f"torch=={told['torch']}\n", encoding="utf-8")
    names = ["a", "b", "c", "d"] if kind == "torchscript" else ["1", "2", "3", "4"]
    columns = dict.fromkeys(names, "number")
    write_tests(folder, NUMBERS, columns, told["rows"], told["answers"][kind], against="twin")
    migrate_folder(session, folder, PROJECT)
    takes = [parse_tensor("x:FP32[-1,4]=a,b,c,d")] if kind == "torchscript" else []
    for name in ("net", "twin"):
        register_model(session, PROJECT, Path(file).name, name=name, inputs=takes)

    run = check(session, folder, "net")

    assert len(run.results) == 13


def test_an_mlflow_folder(session: Session, tmp_path: Path) -> None:
    case = json.loads((_MLFLOW / "answers.json").read_text(encoding="utf-8"))["sklearn-3"]
    folder = tmp_path / "models"
    shutil.copytree(_MLFLOW / "sklearn-3", folder / "sklearn-3")
    columns = dict.fromkeys(("alpha", "beta", "gamma"), "number")
    write_tests(folder, CLASSES, columns, case["rows"], case["label"], against="twin", of_class="high")
    migrate_folder(session, folder, PROJECT)
    for name in ("folder", "twin"):
        register_model(session, PROJECT, "sklearn-3", name=name)

    run = check(session, folder, "folder")

    assert len(run.results) == 16
