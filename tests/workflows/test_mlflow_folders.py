"""Folders that MLflow saved: found as one model each, registered, and answering as the model's library does."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kronkers_studio.domain.errors import UnsupportedModel
from kronkers_studio.serving.inputs.row_reader import RowReader
from kronkers_studio.serving.manifest import read_manifest
from kronkers_studio.serving.model_loader import load_model
from kronkers_studio.workflows.added_models import add_model
from kronkers_studio.workflows.dependencies import model_dependencies
from kronkers_studio.workflows.migrating import migrate_folder
from kronkers_studio.workflows.models import find_models, register_model
from kronkers_studio.workflows.session import Session
from tests.workflows.test_onnx_weights import unpacked

FILES = Path(__file__).parents[1] / "mlflow_folders" / "files"
ANSWERS: dict[str, dict[str, Any]] = json.loads((FILES / "answers.json").read_text(encoding="utf-8"))


@pytest.fixture
def brought_in(session: Session, tmp_path: Path) -> Session:
    """Every folder that MLflow saved, in a project of the name p."""
    folder = tmp_path / "models"
    shutil.copytree(FILES, folder)
    (folder / "answers.json").unlink()
    migrate_folder(session, folder, "p")
    return session


def test_a_folder_is_one_model(brought_in: Session) -> None:
    found = {model.source.path: model for model in find_models(brought_in, "p")}

    own = {"sklearn": "model.pkl", "sklearn-unnamed": "model.pkl", "lightgbm": "model.lgb", "onnx": "model.onnx"}
    expected = {f"{name}-{version}/{file}" for name, file in own.items() for version in "23"}
    expected |= {"mlflow-1/model.pkl", "xgboost-2/model.xgb", "xgboost-3/model.ubj"}
    refused = {"own-program-2/MLmodel", "own-program-3/MLmodel"}
    assert set(found) == expected | refused
    assert all(found[path].facts is not None and not found[path].problem for path in expected)
    assert all("a Python program of its own" in found[path].problem for path in refused)
    assert found["onnx-3/model.onnx"].suggested_name == "onnx-3"


@pytest.mark.parametrize("named", ["sklearn-3", "sklearn-3/MLmodel", "sklearn-3/model.pkl"])
def test_the_folder_its_mlmodel_and_the_file_in_it_are_registered_alike(brought_in: Session, named: str) -> None:
    version = register_model(brought_in, "p", named)

    assert (version.name, version.source.path) == ("sklearn-3", "sklearn-3/model.pkl")
    assert version.facts.notes == ("Saved by MLflow 3.17.2 as sklearn.",)
    assert (
        version.facts
        == {model.source.path: model.facts for model in find_models(brought_in, "p")}["sklearn-3/model.pkl"]
    )
    said = {one.file for one in model_dependencies(brought_in, ("sklearn-3", None, None)).evidence}
    assert said == {"requirements.txt", "conda.yaml"}


def test_a_program_of_its_own_is_not_registered(brought_in: Session) -> None:
    with pytest.raises(UnsupportedModel, match="own-program-3/MLmodel is a Python program of its own"):
        register_model(brought_in, "p", "own-program-3")


def test_a_folder_without_its_model_is_refused(session: Session, tmp_path: Path) -> None:
    shutil.copytree(FILES / "onnx-3", tmp_path / "m" / "onnx")
    (tmp_path / "m" / "onnx" / "model.onnx").unlink()
    migrate_folder(session, tmp_path / "m", "p")

    (found,) = find_models(session, "p")

    assert found.problem == "The MLflow folder onnx says that its model is model.onnx, which is not in it."
    with pytest.raises(UnsupportedModel, match="which is not in it"):
        register_model(session, "p", "onnx")


@pytest.mark.parametrize("named", ["", "MLmodel"])
def test_a_folder_from_anywhere_is_added(session: Session, named: str) -> None:
    found = add_model(session, FILES / "xgboost-3" / named)

    version = register_model(session, found.source.project, found.source.path, ref=found.source.commit)

    assert found.source.path == "xgboost/model.ubj"
    assert version.facts == found.facts
    assert version.facts.notes == ("Saved by MLflow 3.17.2 as xgboost.",)


def test_a_link_is_no_model_of_the_folder(session: Session, tmp_path: Path) -> None:
    folder = tmp_path / "sklearn"
    shutil.copytree(FILES / "sklearn-3", folder)
    (folder / "model.pkl").rename(tmp_path / "elsewhere.pkl")
    (folder / "model.pkl").symlink_to(tmp_path / "elsewhere.pkl")

    with pytest.raises(UnsupportedModel, match="which is not in it"):
        add_model(session, folder)


@pytest.mark.parametrize("name", ["mlflow-1", "sklearn-2", "sklearn-3", "sklearn-unnamed-3", "onnx-2", "onnx-3"])
def test_the_package_answers_as_the_library_does(brought_in: Session, tmp_path: Path, name: str) -> None:
    """Those of XGBoost and LightGBM answer as other files of theirs do (tests/tree_libraries)."""
    version = register_model(brought_in, "p", name)
    model = load_model(read_manifest(unpacked(brought_in, version, tmp_path / "package")), 1)
    reader = RowReader(model.signature, takes_missing=model.takes_missing, most_rows=1000)
    case = ANSWERS[name]
    columns = ("alpha", "beta", "gamma")

    inputs, _ = reader.read([dict(zip(columns, row, strict=True)) for row in case["rows"]])
    answers = model.run(inputs, [spec.name for spec in model.signature.outputs])

    for output, expected in case.items():
        if output != "rows":
            found = np.asarray(answers[output])
            same = found == expected if found.dtype.kind == "O" else np.isclose(found, expected, rtol=1e-6, atol=1e-6)
            assert np.all(same), output


_NETWORK = (
    "flavors:\n  {flavor}:\n    {key}: data\n    {library}_version: {version}\n  python_function:\n    data: data\n"
    "    env:\n      conda: conda.yaml\n    loader_module: mlflow.{flavor}\n    python_version: 3.11.7\n"
    "mlflow_version: 3.17.2\nsignature:\n"
    '  inputs: \'[{{"type": "tensor", "tensor-spec": {{"dtype": "float32", "shape": [-1, 4]}}}}]\'\n'
)


@pytest.mark.parametrize(
    ("flavor", "said", "own", "file"),
    [
        ("keras", ("data", "keras", "3.15.1"), "model.keras", "keras_models/files/sequence.keras"),
        ("pytorch", ("model_data", "pytorch", "2.13.0+cpu"), "model.pth", "torch_models/files/traced.pt"),
    ],
)
def test_a_model_below_its_folder_is_found_with_what_mlmodel_says(
    session: Session, tmp_path: Path, flavor: str, said: tuple[str, str, str], own: str, file: str
) -> None:
    key, library, version = said
    folder = tmp_path / "models" / "network"
    (folder / "data").mkdir(parents=True)
    shutil.copy(FILES.parents[1] / file, folder / "data" / own)
    text = _NETWORK.format(flavor=flavor, key=key, library=library, version=version)
    (folder / "MLmodel").write_text(text, encoding="utf-8")
    migrate_folder(session, tmp_path / "models", "p")

    (found,) = find_models(session, "p")
    registered = register_model(session, "p", f"network/data/{own}")
    added = add_model(session, folder)

    assert (found.source.path, found.suggested_name) == (f"network/data/{own}", "network")
    assert found.facts == registered.facts == added.facts
    assert (registered.name, registered.facts.python_version) == ("network", "3.11")
    assert registered.facts.framework_version == version.partition("+")[0]
    assert registered.facts.signature.inputs[0].shape == (-1, 4)
    assert registered.facts.notes == (f"Saved by MLflow 3.17.2 as {flavor}.",)
    assert added.source.path == f"network/data/{own}"
