"""Models in containers of a real engine. Those of R and Julia: what comes in is counted alike in every form, and their
versions are tested as the services that they are. Of each kind: values that are missing, sent by other clients."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import joblib
import numpy as np
import pandas as pd
import pytest

from kronkers_studio.domain.models import ContentRef, Framework
from kronkers_studio.settings.paths import resource
from kronkers_studio.workflows.feature_profiles import make_profile
from kronkers_studio.workflows.language_bases import build_language_base
from kronkers_studio.workflows.migrating import migrate_folder
from kronkers_studio.workflows.models import register_model
from kronkers_studio.workflows.releases import release_model, stop_release
from kronkers_studio.workflows.servers import add_server, show_host_key
from kronkers_studio.workflows.session import Session, create_workspace
from tests.conftest import TEST_CACHE
from tests.lab.servers import LabServer
from tests.model_kinds.expectations import CLASSES, NUMBERS, PROJECT, check, write_tests
from tests.model_kinds.forms_of_rows import Service
from tests.model_kinds.missing_values import asked_by_clients
from tests.model_kinds.onnx_models import onnx_model
from tests.packaging.containers import docker, health

pytestmark = [pytest.mark.lab, pytest.mark.slow, pytest.mark.timeout(1800)]

_TESTS = Path(__file__).parents[1]
_TIMES = 12  # so that names are in enough rows to be kept


class Case(NamedTuple):
    """A model's file, its language's, rows that it was asked by its own language, and what it answered there."""

    file: str
    rows: list[dict[str, Any]]
    known: list[Any]


def _r(name: str) -> Case:
    case = json.loads((_TESTS / "r_models" / "files" / "answers.json").read_text(encoding="utf-8"))[name]
    return Case(f"{name}.rds", case["rows"], case.get("label") or case["output"])


def _julia(name: str, classes: tuple[str, ...] = ()) -> Case:
    case = json.loads((_TESTS / "julia_models" / "files" / "answers.json").read_text(encoding="utf-8"))[name]
    likeliest = [classes[row.index(max(row))] for row in case.get("probabilities", ())]
    return Case(f"{name}.jls", case["rows"], likeliest or case["output"])


_COUNTED = {
    "r-numbers": _r("lm"),
    "r-classes": _r("rpart_classes"),
    "julia-numbers": _julia("line"),
    "julia-classes": _julia("logistic", ("low", "middle", "high")),
}


@pytest.fixture(scope="module")
def session(
    tmp_path_factory: pytest.TempPathFactory,
    lab_server: LabServer,
    debian_image_archive: Path,
    base_image_archive: Path,
    package_proxy: str,
) -> Iterator[Session]:
    """With a server whose engine has built the base images with R and Debian's Julia, and a project of all models."""
    folder = tmp_path_factory.mktemp("kinds")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(TEST_CACHE))
        patch.setenv("KRONKERS_BASE_IMAGE", str(base_image_archive))
        session, _ = create_workspace(folder / "workspace", key_file=folder / "key")
        with session:
            server = lab_server.as_server()
            fingerprint = show_host_key(server.address).fingerprint
            add_server(
                session, "works", server.address, fingerprint=fingerprint, identity_file=Path(server.identity_file)
            )
            docker(lab_server, "load", pieces=[debian_image_archive.read_bytes()])
            julia = resource("bases") / "julia" / "Dockerfile.debian"
            build_language_base(session, Framework.JULIA, "works", dockerfile=julia, proxy=package_proxy)
            build_language_base(session, Framework.R, "works", proxy=package_proxy)
            migrate_folder(session, _project(folder / "project"), PROJECT)
            yield session


def _project(folder: Path) -> Path:
    """The files of all cases, and the table that each one's profile is made of."""
    folder.mkdir()
    for name, case in _COUNTED.items():
        files = _TESTS / ("r_models" if case.file.endswith(".rds") else "julia_models") / "files"
        for file in files.glob(f"{Path(case.file).stem}.*"):
            shutil.copy(file, folder)
        with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as table:
            writer = csv.writer(table, lineterminator="\n")
            writer.writerow([*case.rows[0], "known"])
            writer.writerows(
                [*row.values(), known] for row, known in list(zip(case.rows, case.known, strict=True)) * _TIMES
            )
    _write_others(folder)
    return folder


@pytest.mark.parametrize("name", _COUNTED)
def test_every_form_of_the_same_rows_counts_as_the_reference(session: Session, name: str) -> None:
    """Missing numbers, names and truth values, and what is answered."""
    case = _COUNTED[name]
    register_model(session, PROJECT, case.file, name=name)
    made = make_profile(session, (name, None, None), data=ContentRef(PROJECT, "", f"{name}.csv"), target="known")
    assert made.profile is not None
    profile = made.profile.table
    assert not profile.left_out and profile.answers is not None
    expected = {one.bins.name: list(one.counts) for one in profile.features}
    release = release_model(session, name, to="works")
    try:
        with closing(session.client(release)) as client:
            found = Service(client, name).counts_by_form(case.rows * _TIMES)
    finally:
        stop_release(session, name, "works")
    answers = found["JSON"][""]
    if isinstance(case.known[0], str):  # what R and Julia printed of numbers lacks their last digits
        assert answers == list(profile.answers.counts)
    assert sum(answers) == len(case.rows) * _TIMES and answers[-1] == profile.answers.counts[-1]
    assert found == {form: {**expected, "": answers} for form in found} and len(found) == 5


@pytest.mark.parametrize("name", _COUNTED)
def test_the_clean_twin_passes_and_one_flipped_label_is_found(session: Session, name: str) -> None:
    case, folder = _COUNTED[name], session.directory.parent / "project"
    columns = {column: _kind(value) for column, value in case.rows[0].items()}
    whole = [at for at, row in enumerate(case.rows) if None not in row.values()]
    rows, known = [list(case.rows[at].values()) for at in whole], [case.known[at] for at in whole]
    classes = isinstance(known[0], str)
    write_tests(
        folder, CLASSES if classes else NUMBERS, columns, rows, known, against=f"twin-{name}", of_class=known[0]
    )
    for each in (f"tested-{name}", f"twin-{name}"):
        register_model(session, PROJECT, case.file, name=each)

    run = check(session, folder, f"tested-{name}", on="works")

    assert len(run.results) == (16 if classes else 13) and run.place == "works"


def _kind(value: Any) -> str:
    return "text" if isinstance(value, str) else "truth" if isinstance(value, bool) else "number"


class Lacking(NamedTuple):
    """A model's file, and rows of which the first lacks nothing; and whether it answers tensors that ``/predict`` would
    not take: of the protocol's own tensors, what NaN means is the model's affair."""

    file: str
    rows: list[dict[str, Any]]
    by_tensor: bool = False


_LACKING = {
    "scikit-learn": Lacking("leavers.joblib", [{"age": 1.5, "town": "Graz"}, {"age": None, "town": ""}]),
    "xgboost": Lacking(
        "xgb-three.ubj",
        [
            {"alpha": 0.5, "beta": -1.0, "gamma": 0.25, "delta": 2.0},
            {"alpha": None, "beta": -1.0, "gamma": 0.25, "delta": None},
        ],
    ),
    "onnx": Lacking(
        "mixed.onnx",
        [
            {"town": "Graz", "calls": 1, "member": True, "income": 0.5},
            {"town": "", "calls": 1, "member": True, "income": None},
        ],
        by_tensor=True,
    ),
    "r": Lacking("lm.rds", [_r("lm").rows[0], {**_r("lm").rows[0], "wt": None}, {**_r("lm").rows[0], "gears": ""}]),
    "julia": Lacking(
        "line.jls", [{"wt": 2.0, "gear": "three"}, {"wt": None, "gear": "three"}, {"wt": 2.0, "gear": ""}]
    ),
}


def _write_others(folder: Path) -> None:
    """Models of Python: one that fills what is missing, one of XGBoost, and one of inputs of several types."""
    from sklearn.compose import make_column_transformer
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder

    table = pd.DataFrame({"age": [1.0, 2.0, np.nan, 4.0] * 5, "town": ["Graz", "Linz", "Graz", "Wien"] * 5})
    parts = make_column_transformer((SimpleImputer(), ["age"]), (OneHotEncoder(handle_unknown="ignore"), ["town"]))
    model = make_pipeline(parts, LogisticRegression()).fit(table, ["no", "yes", "no", "yes"] * 5)
    joblib.dump(model, folder / "leavers.joblib")
    shutil.copy(_TESTS / "tree_libraries" / "files" / "xgb-three.ubj", folder)
    onnx_model(folder)


@pytest.mark.parametrize("name", _LACKING)
def test_what_is_missing_is_answered_to_other_clients_as_by_predict_or_refused(
    session: Session, lab_server: LabServer, name: str
) -> None:
    """NaN among numbers, and empty texts. tritonclient writes NaN into its JSON, which has no such number; KServe's
    client writes null. Seen to fail: a number that Julia could not tell for any row was an empty text."""
    case = _LACKING[name]
    register_model(session, PROJECT, case.file, name=f"lacking-{name}")
    release_model(session, f"lacking-{name}", to="works")
    try:
        (container,) = docker(lab_server, "ps", "--quiet").split()
        image = docker(lab_server, "inspect", "--format", "{{.Image}}", container).strip()
        docker(lab_server, "run", "--detach", "--name", "lacking", "--publish", "8080:8080", image)
        assert health(lab_server, "lacking") == "healthy", docker(lab_server, "logs", "lacking")
        found = asked_by_clients(f"{lab_server.host}:8080", f"lacking-{name}", case.rows)
    finally:
        docker(lab_server, "rm", "--force", "lacking")
        stop_release(session, f"lacking-{name}", "works")
    print(json.dumps(found, indent=1))
    assert all(got.status == 200 for got in found[0].values()), found[0]
    for row, by_client in zip(case.rows, found, strict=True):
        told = by_client.pop("/predict")
        for client, got in by_client.items():
            if got.status != 200:
                assert 400 <= got.status < 500 and got.said.endswith("."), (client, got)
                assert told.status != 200 or (client.endswith("JSON") and None in row.values()), (client, got, told)
            else:
                assert case.by_tensor or told.status == 200, (client, got, told)
                assert told.status != 200 or _alike(got.said, told.said), (client, got, told)


def _alike(one: list[Any], other: list[Any]) -> bool:
    """Numbers may have been of 32 bits."""
    return [pytest.approx(each) if isinstance(each, float) else each for each in one] == other
