"""Estimators of XGBoost, LightGBM and CatBoost in pickles: what is told of them, and what is refused."""

from __future__ import annotations

import contextlib
import io
import pickle
import sys
import zlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kronkers_studio.domain.errors import InvalidInput, UnsupportedModel
from kronkers_studio.domain.libraries import library_wanted
from kronkers_studio.domain.models import ContentRef, Framework, ModelFacts, ModelVersion
from kronkers_studio.packaging import inspect_model, require_safe
from kronkers_studio.packaging.dependencies import locking
from kronkers_studio.packaging.recorded_facts import checked_facts
from kronkers_studio.serving.frameworks.scikit_learn.boosted_parts import _guarded
from tests.packaging.misuse import Made, Named, pickled

_PICKLES = Path(__file__).parents[1] / "tree_libraries" / "pickles"
_FILES = _PICKLES.with_name("files")


def _facts(data: bytes, name: str = "model.pkl") -> ModelFacts:
    facts = inspect_model(name, io.BytesIO(data), {})
    require_safe(checked_facts(facts, name))
    return facts


@pytest.mark.parametrize(
    ("file", "framework", "version", "libraries", "outputs"),
    [
        ("xgb-classes.joblib", Framework.XGBOOST, "3.2.0", ("scikit-learn",), ["label", "probabilities"]),
        ("xgb-columns.joblib", Framework.SKLEARN, "1.9.1", ("xgboost==3.2.0",), ["output"]),
        (
            "lgb-categories.pkl",
            Framework.LIGHTGBM,
            "",
            ("lightgbm>=4", "scikit-learn==1.9.1"),
            ["label", "probabilities"],
        ),
        ("lgb-stack.joblib", Framework.SKLEARN, "1.9.1", ("lightgbm>=4",), ["label", "probabilities"]),
        ("lgb-3.3-pipeline.joblib", Framework.SKLEARN, "1.2.2", ("lightgbm<4",), ["label", "probabilities"]),
        ("cat-categories.joblib", Framework.CATBOOST, "1.2.10", ("scikit-learn",), ["label", "probabilities"]),
        ("cat-pipeline.joblib", Framework.SKLEARN, "1.9.1", ("catboost==1.2.10",), ["label", "probabilities"]),
    ],
)
def test_what_made_a_pickle_and_what_else_it_needs(
    file: str, framework: Framework, version: str, libraries: tuple[str, ...], outputs: list[str]
) -> None:
    facts = _facts((_PICKLES / file).read_bytes(), file)

    assert (facts.framework, facts.framework_version) == (framework, version)
    assert facts.libraries == libraries
    assert [tensor.name for tensor in facts.signature.outputs] == outputs


def test_columns_and_classes_are_those_of_the_model_inside() -> None:
    facts = _facts((_PICKLES / "lgb-categories.pkl").read_bytes())

    assert [(tensor.name, tensor.datatype.value) for tensor in facts.signature.inputs] == [
        *((name, "FP64") for name in ("alpha", "beta", "gamma", "delta")),
        ("town", "BYTES"),
        ("size", "FP64"),
    ]
    assert facts.signature.outputs[1].columns == ("Barbera", "Barolo", "Grignolino")


@pytest.mark.parametrize(
    ("file", "wanted"),
    [
        ("xgb-classes.joblib", {"xgboost-cpu==3.2.0", "scikit-learn", "joblib", "numpy>=2"}),
        ("xgb-columns.joblib", {"xgboost-cpu==3.2.0", "scikit-learn==1.9.1", "joblib", "numpy>=2"}),
        ("lgb-categories.pkl", {"lightgbm>=4", "scikit-learn==1.9.1", "joblib", "numpy>=2"}),
        ("lgb-3.3-pipeline.joblib", {"lightgbm<4", "scikit-learn==1.2.2", "joblib", "numpy<2"}),
        ("cat-categories.joblib", {"catboost==1.2.10", "scikit-learn", "joblib", "numpy>=2"}),
    ],
)
def test_a_service_gets_every_library_of_which_there_are_objects(file: str, wanted: set[str]) -> None:
    found = set(locking._framework(_facts((_PICKLES / file).read_bytes(), file), "linux/amd64"))

    assert found - {"numpy>=2"} == wanted - {"numpy>=2"}
    assert found <= wanted


def test_no_other_version_is_chosen_than_the_one_that_made_the_model_inside() -> None:
    source = ContentRef("trees", "c0ffee" * 10, "model.joblib")

    def version(file: str) -> ModelVersion:
        facts = _facts((_PICKLES / file).read_bytes(), file)
        return ModelVersion("model", 1, source, facts, datetime(2026, 11, 30, tzinfo=UTC), "ada")

    for wanted in ("xgboost==3.1.0", "xgboost-cpu==3.1.0"):
        with pytest.raises(InvalidInput, match=r"was made with xgboost(?:-cpu)? 3\.2\.0"):
            library_wanted(wanted, version("xgb-columns.joblib"))
    assert library_wanted("lightgbm==4.6.0", version("lgb-stack.joblib")) == ("lightgbm", "lightgbm==4.6.0")


class Booster:
    """Pickled as XGBoost's."""

    __module__ = "xgboost.core"
    handle: bytearray


class XGBRegressor:
    """Pickled as XGBoost's."""

    __module__ = "xgboost.sklearn"
    _Booster: Booster


# hostile
def _xgboost(handle: Any, kind: str = "XGBRegressor", **attributes: Any) -> Made:
    booster = Made(Named("xgboost.core", "Booster"), (), {"handle": handle}, True)
    return Made(Named("xgboost.sklearn", kind), (), {"n_estimators": 2, "_Booster": booster, **attributes}, True)


def _lightgbm(text: Any, **attributes: Any) -> Made:
    booster = Made(Named("lightgbm.basic", "Booster"), (), {"_handle": text, "params": {}}, True)
    return Made(Named("lightgbm.sklearn", "LGBMRegressor"), (), {"_Booster": booster, **attributes}, True)


def _catboost(model: Any, **options: Any) -> Made:
    return Made(Named("catboost.core", "CatBoostRegressor"), (), {"__model": model, **options}, True)


_TEXT = (_FILES / "lgb-two.txt").read_text(encoding="utf-8")
_CBM = (_FILES / "cat-values.cbm").read_bytes()
_MEMORY = b"{L" + (5).to_bytes(8, "big") + b"Model" + (_FILES / "xgb-two.json").read_bytes() + b"}"
_JSON = b'{"Model":' + (_FILES / "xgb-two.json").read_bytes() + b"}"


def test_the_hostile_files_below_are_honest_but_for_what_is_said_of_each() -> None:
    for honest in (_xgboost(bytearray(_JSON)), _lightgbm(_TEXT), _catboost(_CBM)):
        assert _facts(pickled(honest)).signature.outputs


@pytest.mark.parametrize(
    ("made", "reason"),
    [
        (_xgboost(b"binf" + bytes(200)), "cannot be read"),
        (_xgboost(bytearray(_JSON)[:2000]), "cannot be read"),
        (_xgboost(_MEMORY), "cannot be read"),
        (_xgboost(b'{"Model":' + b"[" * 100_000), "nested deeper"),
        (_xgboost("/etc/passwd"), "cannot be read"),
        (_xgboost(np.zeros(3)), "handle of its Booster is no model in the library's own form"),
        (_xgboost(bytearray(_JSON), _Booster=np.zeros(3)), "_Booster of its XGBRegressor is no booster"),
        (_xgboost(bytearray(_JSON), objective=np.max), "objective of its XGBRegressor holds `numpy"),
        (_xgboost(bytearray(_JSON), feature_types=[Made(Named("numpy", "dtype"), ("f8",)), np.max]), "holds `numpy"),
        (_xgboost(bytearray(_JSON), __class__=3), "sets __class__ of XGBRegressor"),
        (_xgboost(bytearray(_JSON), "XGBClassifier", _le=np.zeros(2)), "_le of its XGBClassifier is no encoder"),
        (Made(Named("xgboost.core", "Booster"), ({}, (), "/etc/passwd")), "calls `xgboost.core.Booster` with"),
        (Made(Named("xgboost.sklearn", "XGBRegressor"), ()), "calls `xgboost.sklearn.XGBRegressor` with arguments"),
        (_lightgbm("tree\nversion=v4\nmax_feature_idx=99999999\nTree=0\n"), "100000000 columns"),
        (_lightgbm("../../etc/passwd"), "cannot be read"),
        (_lightgbm(_TEXT, _other_params={"output_result": "x"}), "sets “output_result”, which names files"),
        (_lightgbm(_TEXT, _other_params={"config": "x"}), "sets “config”, which names files"),
        (_lightgbm(_TEXT, _fobj=np.max), "_fobj of its LGBMRegressor holds"),
        (_catboost(b"CBM1\xff\xff\xff\xff" + b"\xff" * 64), "lies outside"),
        (_catboost(np.zeros(4)), "__model of its CatBoostRegressor is no model"),
        (_catboost(_CBM, eval_metric=np.max), "eval_metric of its CatBoostRegressor holds"),
        (Made(Named("catboost.core", "CatBoostRegressor"), (10, "/etc/passwd"), {}), "with arguments that no model"),
    ],
)  # fmt: skip
def test_a_boosted_model_that_is_none_is_refused_with_its_reason(made: Made, reason: str) -> None:
    with pytest.raises(UnsupportedModel, match=reason):
        _facts(pickled(made))


def test_what_was_not_fitted_is_refused() -> None:
    with pytest.raises(UnsupportedModel, match="no model that predicts"):
        _facts(pickled(Made(Named("xgboost.sklearn", "XGBRegressor"), (), {"n_estimators": 2}, True)))


def test_boosters_alone_are_refused_with_what_to_do() -> None:
    with pytest.raises(UnsupportedModel, match=r"xgboost\.core\.Booster") as refusal:
        _facts(pickled(Made(Named("xgboost.core", "Booster"), (), {"handle": bytearray(_JSON)}, True)))

    assert "save_model" in refusal.value.next_step


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize("compressed", [False, True])
def test_large_models_are_found_where_they_are(
    protocol: int, compressed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beyond what is kept of a pickle: in the file, behind its compression, and as text in the old protocols."""
    for module in ("xgboost", "xgboost.sklearn", "xgboost.core"):
        monkeypatch.setitem(sys.modules, module, sys.modules[__name__])
    model = XGBRegressor()
    model._Booster = Booster()
    model._Booster.handle = bytearray(_JSON.replace(b'"Model":', b'"Filler":"' + "ä".encode() * 50_000 + b'","Model":'))
    data = pickle.dumps(model, protocol)
    assert len(data) > 100_000

    facts = _facts(zlib.compress(data) if compressed else data, "model.joblib" if compressed else "model.pkl")

    assert facts.framework_version == "3.2.0"
    assert facts.signature.inputs[0].shape == (-1, 4)


def test_a_step_that_gives_no_table_is_told_so() -> None:
    """XGBoost would take a text for the name of a file to read."""
    asked: list[Any] = []
    predict = _guarded(asked.append, None, {}, contextlib.nullcontext())

    for wrong in ("/etc/passwd", np.array("/etc/passwd"), np.str_("/etc/passwd"), Path("/etc/passwd"), [[1.0]]):
        with pytest.raises(ValueError, match="no table"):
            predict(wrong)
        with pytest.raises(ValueError, match="no table"):
            predict(X=wrong)
    predict(np.zeros((1, 2)))

    assert len(asked) == 1
