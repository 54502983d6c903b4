"""A notebook registers what it has in memory, of each library: it is served as it answered there, or refused with what
to do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kronkers_studio.workflows.session import create_workspace
from tests.model_kinds.environments import told_by

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

_FIT = "Fit it, then save it."
_REFUSALS = {
    "keras: a layer": ("keras.src.layers.core.dense.Dense is no model", "Give a fitted model of"),
    "keras: unbuilt": ("before it was built", "Give it an Input layer"),
    "keras: a class of its own": ("needs “Own”, which is not Keras's own", "Export the model to ONNX"),
    "keras: not to be saved": ("A Sequential cannot be written into a file: NotImplementedError:", "Fit it, and leave"),
    "torch: a module": ("A Sequential of PyTorch is a program, and its weights alone", "torch.jit.script(model)"),
    "torch: weights": ("OrderedDict is no model", "Give a fitted model of"),
    "xgboost: unfitted": ("The XGBClassifier is not fitted yet", "Fit it, then register it."),
    "xgboost: an unfitted regressor": ("The XGBRegressor is not fitted yet", "Fit it, then register it."),
    "xgboost: an empty booster": ("A Booster cannot be written into a file: XGBoostError:", "Fit it, and leave"),
    "lightgbm: unfitted": ("It is a LGBMClassifier that was saved before it was fitted.", _FIT),
    "catboost: unfitted": ("The CatBoostClassifier is not fitted yet", "Fit it, then register it."),
    "a pipeline with an unfitted XGBClassifier": ("a XGBClassifier that was saved before it was fitted", _FIT),
    "a pipeline with an unfitted LGBMClassifier": ("a LGBMClassifier that was saved before it was fitted", _FIT),
    "a pipeline with an unfitted CatBoostClassifier": ("a CatBoostClassifier that was saved before it was", _FIT),
    "an unfitted search": ("without a fitted model", "Fit it with refit=True"),
    "statsmodels": ("RegressionResultsWrapper is no model that can be registered", "Give a fitted model of"),
    "onnx: empty": ("is not a complete ONNX model", "Export it again"),
}
_KINDS = {
    "keras": ("keras.keras", "keras 3.15.1"),
    "exported": ("exported.pt2", "pytorch 2."),
    "onnx": ("onnx.onnx", "onnx opset 13"),
    "xgb": ("xgb.ubj", "xgboost 3.2.0"),
    "xgb-pipeline": ("xgb-pipeline.joblib", "scikit-learn 1.9.1"),
    "lgb-pipeline": ("lgb-pipeline.joblib", "scikit-learn 1.9.1"),
    "cat-pipeline": ("cat-pipeline.joblib", "scikit-learn 1.9.1"),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    create_workspace(tmp_path / "workspace", key_file=tmp_path / "key")[0].close()
    return tmp_path


def test_what_cannot_be_served_is_refused_with_what_to_do_and_not_stored(libraries: Path, folder: Path) -> None:
    """Seen to fail: what XGBoost, CatBoost and Keras raise themselves came out, and a pipeline that was not fitted
    was said to have no estimator at its end."""
    found = told_by(libraries, "tests.model_kinds.from_memory", str(folder), "refused")
    assert found.pop("left") == [0, 0]
    assert found.keys() == _REFUSALS.keys()
    for name, (words, advice) in _REFUSALS.items():
        kind, message, next_step = found[name]
        assert kind in ("UnsupportedModel", "NotAModel"), (name, found[name])
        assert words in message and advice in next_step, (name, found[name])


def test_what_is_registered_answers_as_it_did_in_memory(libraries: Path, torch_builds: None, folder: Path) -> None:
    """Seen to fail: an exported program did not start on this computer, where PyTorch finds no folder for temporary
    files."""
    found: dict[str, Any] = told_by(libraries, "tests.model_kinds.from_memory", str(folder), "asked", seconds=1500)
    assert found.keys() == _KINDS.keys()
    for name, (file, framework) in _KINDS.items():
        one = found[name]
        assert one["file"] == file and one["framework"].startswith(framework), one
        numbers = isinstance(one["expected"][0], float)
        assert one["answers"] == (pytest.approx(one["expected"], rel=1e-5) if numbers else one["expected"])
