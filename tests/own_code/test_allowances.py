"""A person lets one version's file name what is not on the list; what runs programs nobody can allow."""

from __future__ import annotations

import io
import json
import pickle
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from kronkers_studio.domain.allowances import Allowance
from kronkers_studio.domain.errors import ForeignEntry, InvalidInput, UnsupportedModel
from kronkers_studio.domain.models import ModelVersion
from kronkers_studio.packaging import inspect_model
from kronkers_studio.packaging.model_files.pickles.allowances import why_never
from kronkers_studio.packaging.recorded_facts import checked_model
from kronkers_studio.workflows.allowances import allow_globals, disallow_globals
from kronkers_studio.workflows.migrating import migrate_folder
from kronkers_studio.workflows.models import register_model
from kronkers_studio.workflows.packaged_files import packaged_elsewhere
from kronkers_studio.workflows.packages import compose_for_this_computer
from kronkers_studio.workflows.session import Session, create_workspace
from tests.cli.shell import Shell
from tests.own_code.projects import make_project

NAMES = ("features.Ratio", "features.doubled")


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    opened, _recovery = create_workspace(tmp_path / "workspace", key_file=tmp_path / "key")
    with opened:
        yield opened


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project")
    make_project(folder)
    return folder


@pytest.fixture
def version(session: Session, project: Path) -> ModelVersion:
    migrate_folder(session, project, "plant")
    return register_model(session, "plant", "model.joblib", name="sorter")


def test_what_is_allowed_is_packaged_and_told_in_the_provenance(session: Session, version: ModelVersion) -> None:
    """Seen to fail with ``allowed`` not handed to ``require_safe``."""
    assert version.facts.unsafe == NAMES
    with pytest.raises(UnsupportedModel, match=r"needs `features.Ratio`, `features.doubled`"):
        compose_for_this_computer(session, version)
    half = allow_globals(session, ("sorter", 1, None), NAMES[:1], reason="ours")
    with pytest.raises(UnsupportedModel, match=r"needs `features.doubled`"):
        compose_for_this_computer(session, half)

    whole = allow_globals(session, ("sorter", 1, None), NAMES[1:], reason=" reviewed by Ann ")

    assert whole.allowed == set(NAMES)
    assert [(one.names, one.reason, one.author) for one in whole.allowances] == [
        (NAMES[:1], "ours", session.author),
        (NAMES[1:], "reviewed by Ann", session.author),
    ]
    image = compose_for_this_computer(session, whole)
    said = json.loads(image.provenance)["predicate"]["buildDefinition"]["externalParameters"]
    assert said["allowedGlobals"] == list(NAMES)
    assert whole.facts == version.facts

    less = disallow_globals(session, ("sorter", 1, None), NAMES[:1])
    assert less.allowed == {"features.doubled"}
    with pytest.raises(UnsupportedModel, match=r"features.Ratio"):
        compose_for_this_computer(session, less)
    assert not disallow_globals(session, ("sorter", 1, None)).allowances
    with pytest.raises(InvalidInput, match="Nothing was allowed"):
        disallow_globals(session, ("sorter", 1, None))


def test_a_package_from_elsewhere_needs_the_allowance_here_too(
    session: Session, version: ModelVersion, tmp_path: Path
) -> None:
    """Seen to fail without ``require_safe``: it then looks for the file."""
    with pytest.raises(UnsupportedModel, match=r"features.Ratio"):
        packaged_elsewhere(session, version, tmp_path / "sorter.oci.tar")


@pytest.mark.parametrize(
    "name",
    [
        *("os.system", "posix.system", "subprocess.Popen", "importlib.import_module", "builtins.eval", "builtins.exec"),
        *("builtins.getattr", "builtins.__import__", "nt.system", "runpy.run_path", "pickle.loads", "ctypes.CDLL"),
        *("numpy.load", "joblib.load", "sklearn.datasets._base.load_files", "scipy.io.loadmat", "xgboost.Booster"),
        *("cloudpickle.cloudpickle._make_function", "dill._dill._create_function", "kronkers_studio.app.command"),
        *("__main__.Ratio", "features", "", "features.", ".Ratio", "a b.c", "features.Ratio\n", "ferro.Rátio"),
    ],
)
def test_what_runs_programs_and_what_is_no_name_can_never_be_allowed(
    session: Session, version: ModelVersion, name: str
) -> None:
    """Seen to fail without the question to ``runs_programs``."""
    assert why_never(name)
    with pytest.raises(InvalidInput):
        allow_globals(session, ("sorter", 1, None), [name], reason="please")
    foreign = replace(version, allowances=(Allowance((name,), "please", datetime.now(UTC), "eve"),))
    foreign = replace(foreign, facts=replace(version.facts, unsafe=(*version.facts.unsafe, name)))
    with pytest.raises(ForeignEntry):
        checked_model(foreign)


def test_an_allowance_needs_a_reason_and_a_name_that_the_file_has(session: Session, version: ModelVersion) -> None:
    for names, reason in ((NAMES, " "), (NAMES, "x" * 1001), (("features.Other",), "ours"), ((), "ours")):
        with pytest.raises(InvalidInput):
            allow_globals(session, ("sorter", 1, None), names, reason=reason)
    foreign = replace(version, allowances=(Allowance(("features.Other",), "ours", datetime.now(UTC), "eve"),))
    with pytest.raises(ForeignEntry, match="allowed Python name"):
        checked_model(foreign)


class _Own:
    """Stands for an own class; what it is pickled as is below."""

    __module__ = "features"

    def __init__(self, **state: Any) -> None:
        vars(self).update(state)


def _pickled(*steps: Any) -> bytes:
    from sklearn.linear_model import LinearRegression
    from sklearn.pipeline import Pipeline

    own = [(f"step{number}", step) for number, step in enumerate(steps)]
    model = LinearRegression().fit([[0.0], [1.0]], [0.0, 1.0])
    data = pickle.dumps(Pipeline([*own, ("last", model)]))
    return data.replace(b"\x8c\x08features\x94\x8c\x04_Own", b"\x8c\x08features\x94\x8c\x04Rate")


def _inspected(data: bytes) -> None:
    inspect_model("model.pkl", io.BytesIO(data), {}, allowed=frozenset(["features.Rate", "features.call"]))


@pytest.fixture
def importable(monkeypatch: pytest.MonkeyPatch) -> None:
    """``_Own`` where pickle looks for it."""
    import sys
    import types

    module = types.ModuleType("features")
    module._Own = _Own  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "features", module)


class _Calls:
    def __reduce__(self) -> Any:
        return (_Own, (["anything"],))


class _Writes:
    """An array among a pipeline's steps, whose methods would be called."""

    def __reduce__(self) -> Any:
        import numpy as np

        return np.zeros(3).__reduce__()


@pytest.mark.usefixtures("importable")
def test_an_allowed_class_is_filled_and_never_called_and_the_rest_of_the_file_is_looked_at() -> None:
    """Seen to fail with the misuse of files with allowed names not looked at."""
    import numpy as np
    from sklearn.preprocessing import FunctionTransformer

    _inspected(_pickled(_Own(factor=2.0, names=["a"], table=np.arange(3))))
    with pytest.raises(UnsupportedModel, match="with arguments that no model needs"):
        _inspected(_pickled(_Calls()))
    with pytest.raises(UnsupportedModel, match="which no model does"):
        _inspected(_pickled(_Own(__class__="x")))
    with pytest.raises(UnsupportedModel, match="where no model has one"):
        _inspected(_pickled(_Own(made=np.ndarray)))
    with pytest.raises(UnsupportedModel, match=r"no estimator|array of numbers"):
        _inspected(_pickled(_Own(), np.zeros(3)))
    with pytest.raises(UnsupportedModel, match="hands on"):
        _inspected(_pickled(_Own(), FunctionTransformer(np.abs, kw_args={"out": "x"})))


def test_the_command_warns_asks_and_shows_who_allowed_what(project: Path, tmp_path: Path) -> None:
    shell = Shell(tmp_path)
    shell.init()
    shell.run("migrate", str(project), "--project", "plant")
    shown = shell.run("model", "register", "plant:model.joblib", "--name", "sorter").out
    assert "cannot be packaged until that is allowed: features.Ratio, features.doubled" in shown
    asked = shell.run("model", "allow", "sorter", *NAMES, "--reason", "ours", expect=2)
    assert "runs in the model's service" in asked.err and "--yes" in asked.err
    assert shell.json("model", "show", "sorter").get("allowances") in (None, [])
    refused = shell.run("model", "allow", "sorter", "os.system", "--reason", "ours", "--yes", expect=2)
    assert "does not need an allowance for “os.system”" in refused.err

    allowed = shell.run("model", "allow", "sorter", *NAMES, "--reason", "ours", "--yes")

    assert "sees every row" in allowed.err and "sorter:1 can be packaged now" in allowed.out
    told = shell.run("model", "show", "sorter").out
    assert "allowed, though not on the list: features.Ratio, features.doubled (by " in told and ": ours)" in told
    assert "allowed     features.Ratio, features.doubled: ours" in shell.run("model", "history", "sorter").out
    assert "Nothing is allowed for sorter:1" in shell.run("model", "disallow", "sorter").out
    assert "disallowed  features.Ratio, features.doubled" in shell.run("model", "history", "sorter").out
