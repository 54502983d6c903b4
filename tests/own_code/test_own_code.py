"""A person's own classes beside a model: found without being run, packaged, verified, answering as they do there."""

from __future__ import annotations

import hashlib
import json
import math
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from kronkers_studio.domain.errors import ForeignEntry, InvalidInput, UnsupportedModel
from kronkers_studio.domain.models import CodeFile, ModelVersion
from kronkers_studio.packaging import find_own_code, unpack_runtime, users_layer_cache
from kronkers_studio.packaging.recorded_facts import checked_facts
from kronkers_studio.workflows.allowances import allow_globals, own_code_names
from kronkers_studio.workflows.migrating import migrate_folder
from kronkers_studio.workflows.models import register_model
from kronkers_studio.workflows.packages import compose_for_this_computer
from kronkers_studio.workflows.session import Session, create_workspace
from tests.cli.shell import Shell
from tests.own_code.projects import PYTHON, make_project, run_python
from tests.serving.model_folders import refused_start, save_joblib, wine_classifier

FILES = ("features.py", "units/__init__.py", "units/lengths.py")


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    opened, _recovery = create_workspace(tmp_path / "workspace", key_file=tmp_path / "key")
    with opened:
        yield opened


@pytest.fixture
def allowed(session: Session, tmp_path: Path) -> ModelVersion:
    make_project(tmp_path / "project", model="models/model.joblib")
    return _allowed(session, tmp_path / "project")


def _allowed(session: Session, project: Path) -> ModelVersion:
    migrate_folder(session, project, "plant")
    version = register_model(session, "plant", "models/model.joblib", name="sorter")
    reference = (version.name, version.version, None)
    return allow_globals(session, reference, own_code_names(version), reason="our own features")


def _model_folder(session: Session, version: ModelVersion, folder: Path) -> Path:
    image = compose_for_this_computer(session, version)
    runtime = unpack_runtime(image, folder, users_layer_cache())
    return runtime.model


# registered, packaged, live
def test_a_pipeline_with_own_steps_answers_as_it_does_where_it_was_fitted(tmp_path: Path) -> None:
    """From the command line to the confined process; nothing of the code runs before that. Seen to fail without
    ``make_importable``, and with own steps passed over when a pipeline is described."""
    canary = tmp_path / "canary"
    rows, labels, probabilities = make_project(tmp_path / "project", canary=canary, model="models/model.joblib")
    shell = Shell(tmp_path)
    shell.init()
    shell.run("migrate", str(tmp_path / "project"), "--project", "plant")
    shown = shell.run("model", "register", "plant:models/model.joblib", "--name", "sorter").out
    assert "with the project's own code: features.py (" in shown and "units/lengths.py (" in shown
    noted = shell.run("model", "allow", "sorter", "--own-code", "--reason", "our own features", "--yes").err
    assert all(f"  {name}  " in noted for name in FILES)
    shell.run("package", "sorter")
    assert not canary.exists()

    released = shell.run("release", "sorter", "--to", "this-computer")
    try:
        assert "allowed, though not on the list: features.Ratio, features.doubled" in released.err
        asked = tmp_path / "rows.json"
        asked.write_text(json.dumps(rows), encoding="utf-8")
        answers = shell.json("predict", "sorter", "--in", "this-computer", "--input", str(asked))
    finally:
        shell.run("stop", "sorter", "--in", "this-computer")

    assert not canary.exists()  # the confined process may not write there
    assert answers["outputs"] == labels
    given = [row[name] for row in answers["probabilities"] for name in ("left", "right")]
    wanted = [value for row in probabilities for value in row]
    assert all(math.isclose(one, other, rel_tol=1e-12) for one, other in zip(given, wanted, strict=True))


_PLACES = """
import io, json, joblib, numpy as np, features
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from kronkers_studio.packaging import inspect_model
from kronkers_studio.packaging.composition import _signature
from kronkers_studio.serving.signature import Signature
from kronkers_studio.serving.frameworks.scikit_learn.sklearn_model import SklearnModel
rows = np.random.default_rng(1).normal(size=(50, 3))
mixed = rows.astype(object)
mixed[:, 0] = np.where(rows[:, 0] > 0, "u", "v")
labels = np.where(rows[:, 0] > 0, "a", "b")
branches = [("words", OneHotEncoder(), [0]), ("own", features.Ratio(), [1, 2])]
models = [
    (make_pipeline(features.Ratio(), LogisticRegression()), rows),
    (make_pipeline(StandardScaler(), features.Ratio(), LogisticRegression()), rows),
    (make_pipeline(FeatureUnion([("own", features.Ratio())]), LogisticRegression()), rows),
    (make_pipeline(ColumnTransformer(branches), LogisticRegression()), mixed),
]
told = []
for model, table in models:
    file = io.BytesIO()
    joblib.dump(model.fit(table, labels), file)
    facts = inspect_model("m.joblib", file, {}, allowed=frozenset(["features.Ratio"]))
    served = SklearnModel(model, Signature((), ())).signature
    sides = [[[t.datatype, list(t.shape)] for t in side] for side in (served.inputs, served.outputs)]
    said = _signature(facts.signature)
    told.append([[[t["datatype"], t["shape"]] for t in said[side]] for side in ("inputs", "outputs")] + sides)
print(json.dumps(told))
"""


def test_what_is_declared_of_a_model_with_own_steps_is_what_its_service_takes_and_gives(tmp_path: Path) -> None:
    """Own steps may change the table's width, so what comes after them says nothing of it. Seen to fail with own steps
    passed over by ``estimators``."""
    make_project(tmp_path / "project")
    told = json.loads(run_python(_PLACES, folder=tmp_path / "project"))
    for inputs, outputs, served_inputs, served_outputs in told:
        assert (inputs, outputs) == (served_inputs, served_outputs)
    assert [inputs for inputs, *_ in told] == [
        *[[["FP64", [-1, 3]]]] * 3,
        [["BYTES", [-1, 1]], ["FP64", [-1, 1]], ["FP64", [-1, 1]]],
    ]


def test_the_code_is_part_of_what_makes_a_version(session: Session, allowed: ModelVersion, tmp_path: Path) -> None:
    """Seen to fail with the code's content not compared."""
    project = tmp_path / "project"
    again = register_model(session, "plant", "models/model.joblib", name="sorter")
    assert again.version == allowed.version
    lengths = project / "units" / "lengths.py"
    lengths.write_text(lengths.read_text(encoding="utf-8").replace("0.0254", "0.0255"), encoding="utf-8")
    migrate_folder(session, project, "plant")
    changed = register_model(session, "plant", "models/model.joblib", name="sorter")
    assert changed.version == allowed.version + 1 and not changed.allowances
    (project / "features.py").unlink()
    migrate_folder(session, project, "plant")
    gone = register_model(session, "plant", "models/model.joblib", name="sorter")
    assert gone.facts.code == ()
    with pytest.raises(InvalidInput, match=r"No file beside sorter:3 defines features.Ratio, features.doubled"):
        own_code_names(gone)
    assert compose_for_this_computer(session, allowed).package.version == allowed.version  # as it was then


def test_the_files_are_in_the_package_and_in_its_provenance(
    session: Session, allowed: ModelVersion, tmp_path: Path
) -> None:
    image = compose_for_this_computer(session, allowed)
    used = json.loads(image.provenance)["predicate"]["buildDefinition"]["resolvedDependencies"]
    folder = unpack_runtime(image, tmp_path / "run", users_layer_cache()).model
    described = {one["file"]: one["sha256"] for one in json.loads((folder / "model.json").read_bytes())["code"]}
    assert sorted(described) == sorted(FILES) == sorted(file.name for file in allowed.facts.code)
    for name in FILES:
        content = (tmp_path / "project" / name).read_bytes()
        assert (folder / "code" / name).read_bytes() == content
        assert described[name] == hashlib.sha256(content).hexdigest()
        assert {"name": f"model/code/{name}", "digest": {"sha256": described[name]}} in used


def test_what_a_foreign_workspace_says_of_code_is_looked_at(session: Session, allowed: ModelVersion) -> None:
    """Seen to fail with ``is_own_code`` true of everything, and with the code not compared again."""
    names = ("os.py", "sklearn/__init__.py", "../features.py", "/features.py", "a\\b.py", "features.pyc", "con.py", "")
    for name in names:
        facts = replace(allowed.facts, code=(CodeFile(name, 1, ""),))
        with pytest.raises(ForeignEntry):
            checked_facts(facts)
    for many in ((CodeFile("a.py", 1, ""), CodeFile("A.py", 1, "")), [CodeFile(f"a{n}.py", 1, "") for n in range(101)]):
        with pytest.raises(ForeignEntry):
            checked_facts(replace(allowed.facts, code=tuple(many)))
    other = replace(allowed.facts.code[0], name="other.py")
    foreign = replace(allowed, facts=replace(allowed.facts, code=(*allowed.facts.code, other)))
    with pytest.raises(UnsupportedModel, match="other than what was registered"):
        compose_for_this_computer(session, foreign)


# the service's side
@pytest.mark.parametrize(
    ("name", "content", "sha256", "said"),
    [
        ("features.py", b"x = 2\n", hashlib.sha256(b"x = 1\n").hexdigest(), "not what was packaged"),
        ("features.py", None, "0", "cannot be read"),
        ("os.py", b"", hashlib.sha256(b"").hexdigest(), "take the place of a library"),
        ("sklearn/extra.py", b"", hashlib.sha256(b"").hexdigest(), "take the place of a library"),
        ("../features.py", b"", hashlib.sha256(b"").hexdigest(), "must name files inside"),
    ],
)
def test_a_service_refuses_code_that_is_not_what_was_packaged(
    tmp_path: Path, name: str, content: bytes | None, sha256: str, said: str
) -> None:
    """Seen to fail with the digests of code not compared."""
    folder = save_joblib(tmp_path / "model", wine_classifier(), code=[{"file": name, "sha256": sha256}])
    if content is not None:
        file = folder / "code" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    assert said in refused_start(folder)


def test_a_service_imports_no_other_name_of_the_code_and_no_other_file(
    session: Session, allowed: ModelVersion, tmp_path: Path
) -> None:
    folder = _model_folder(session, allowed, tmp_path / "run")
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    described = json.loads((copy / "model.json").read_bytes())
    described["allowed_globals"].remove("features.doubled")
    (copy / "model.json").write_text(json.dumps(described), encoding="utf-8")
    assert "features.doubled, which is not on its package's list" in refused_start(copy)
    described["code"] = [one for one in described["code"] if one["file"] != "units/lengths.py"]
    described["allowed_globals"].append("features.doubled")
    (copy / "model.json").write_text(json.dumps(described), encoding="utf-8")
    assert (copy / "code" / "units" / "lengths.py").exists()
    assert "needs the Python module 'units.lengths'" in refused_start(copy)


# how the files are found
def _found(files: dict[str, str], unsafe: Sequence[str], folders: Sequence[str] = ("",)) -> list[str]:
    held = {path: text.encode() for path, text in files.items()}
    return [file.path for file in find_own_code(unsafe, folders, held.get)]


@pytest.mark.parametrize(
    ("files", "found"),
    [
        ({"f.py": "class C: pass"}, ["f.py"]),
        ({"f/__init__.py": "class C: pass", "f.py": ""}, ["f/__init__.py"]),
        ({"f.py": "import os, sklearn\nif 1:\n  class C: pass\nelse:\n  C = 1"}, ["f.py"]),
        ({"f.py": "from g import C"}, []),
        ({"f.py": "class D: pass"}, []),
        ({"f.py": "class C(:"}, []),
        ({"f.py": "class C: pass\n" + "(" * 5000}, []),
        ({"f.py": "def C():\n  import g.h", "g/__init__.py": "", "g/h.py": ""}, ["f.py", "g/__init__.py", "g/h.py"]),
        (
            {"f.py": "from g import h\nclass C: pass", "g/h.py": "from . import i", "g/i.py": ""},
            ["f.py", "g/h.py", "g/i.py"],
        ),
        ({"f.py": "import g\nclass C: pass", "g.py": "import f"}, ["f.py", "g.py"]),
        ({"f.py": "import os\nclass C: pass", "os.py": "", "sklearn.py": ""}, ["f.py"]),
        ({"f.py": "from .... import g\nclass C: pass", "g.py": ""}, ["f.py"]),
    ],
)
def test_modules_are_found_without_being_run(files: dict[str, str], found: list[str]) -> None:
    assert _found(files, ["f.C"]) == found


def test_the_models_own_folder_comes_first_and_hides_what_lies_above() -> None:
    files = {"a/b/f.py": "import g\nclass C: pass", "a/g.py": "x", "g.py": "y", "f.py": "class C: pass\nclass D: pass"}
    assert _found(files, ["f.C"], ("a/b", "a", "")) == ["a/b/f.py", "a/g.py"]
    assert _found(files, ["f.D"], ("a/b", "a", "")) == []
    assert _found({"os.py": "def system(): pass", "__main__.py": "class C: pass"}, ["os.system", "__main__.C"]) == []


def test_more_code_than_can_be_looked_into_is_refused() -> None:
    """Seen to fail without either bound."""
    many = {f"m{number}.py": f"import m{number + 1}" for number in range(200)} | {"f.py": "import m0\nclass C: pass"}
    with pytest.raises(UnsupportedModel, match="more than 100 files"):
        _found(many, ["f.C"])
    names = "\n".join(f"import x{number}" for number in range(11_000))
    with pytest.raises(UnsupportedModel, match="more than can be looked for"):
        _found({"f.py": f"{names}\nclass C: pass"}, ["f.C"])


def test_classes_of_a_notebook_are_refused_with_what_to_do(session: Session, tmp_path: Path) -> None:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / ".python-version").write_text(PYTHON, encoding="utf-8")
    program = (
        "import sys, joblib\nfrom sklearn.base import BaseEstimator, TransformerMixin\n"
        "from sklearn.linear_model import LinearRegression\nfrom sklearn.pipeline import make_pipeline\n"
        "class Own(TransformerMixin, BaseEstimator):\n"
        "    def fit(self, X, y=None): return self\n    def transform(self, X): return X\n"
        "joblib.dump(make_pipeline(Own(), LinearRegression()).fit([[0], [1]], [0, 1]), sys.argv[1])\n"
    )
    run_python(program, str(folder / "model.joblib"), folder=folder)
    migrate_folder(session, folder, "plant")
    version = register_model(session, "plant", "model.joblib", name="own")
    with pytest.raises(UnsupportedModel) as refused:
        compose_for_this_computer(session, version)
    assert "Move it into a file beside the model" in refused.value.next_step
    with pytest.raises(InvalidInput) as never:
        allow_globals(session, ("own", 1, None), ["__main__.Own"], reason="ours")
    assert "Move the class or function into a file" in never.value.next_step
