"""Saves models with the MLflow that is installed: ``python make_folders.py FOLDER``, with its Python.

In tests/mlflow_folders/files lie what MLflow 2.22.4 and 3.17.2 made of it, with Python 3.11, scikit-learn 1.9.1,
xgboost-cpu 3.2.0, lightgbm 4.7.0 and skl2onnx 1.20, and their answers.json. ``mlflow-1`` was written by hand after
MLflow's documentation of version 1.30; the model in it is that of ``sklearn-2``.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from mlflow.models import infer_signature

_random = np.random.default_rng(11)
TABLE = pd.DataFrame(_random.normal(size=(80, 3)), columns=["alpha", "beta", "gamma"]).round(6)
VALUES = TABLE.to_numpy() @ [1.0, -2.0, 0.5]
NAMES = np.where(TABLE["alpha"] > 0, "high", "low")
TWO = (TABLE["beta"] > 0).astype(int).to_numpy()
_SHOWN = 6

Made = tuple[str, dict[str, Any]]


def main(folder: Path) -> None:
    answers = {}
    for make in (_sklearn, _sklearn_unnamed, _xgboost, _lightgbm, _onnx, _own_program):
        try:
            made = list(make(folder))
        except ImportError:
            continue
        for name, said in made:
            answers[name] = {"rows": TABLE[:_SHOWN].to_numpy().tolist()} | {
                key: np.asarray(found).tolist() for key, found in said.items()
            }
    (folder / "answers.json").write_text(json.dumps(answers), encoding="utf-8")


def _sklearn(folder: Path) -> Iterator[Made]:
    from mlflow import sklearn as saver
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(TABLE, NAMES)
    saver.save_model(
        model,
        folder / "sklearn",
        signature=infer_signature(TABLE, model.predict(TABLE)),
        pip_requirements=_pins("scikit-learn", "numpy"),
        **_as_pickle(),
    )
    yield "sklearn", {"label": model.predict(TABLE[:_SHOWN]), "probabilities": model.predict_proba(TABLE[:_SHOWN])}


def _sklearn_unnamed(folder: Path) -> Iterator[Made]:
    """A model of a matrix, whose columns only MLmodel names."""
    from mlflow import sklearn as saver
    from sklearn.linear_model import LinearRegression

    model = LinearRegression().fit(TABLE.to_numpy(), VALUES)
    saver.save_model(
        model,
        folder / "sklearn-unnamed",
        signature=infer_signature(TABLE, VALUES),
        pip_requirements=_pins("scikit-learn"),
        **_as_pickle(),
    )
    yield "sklearn-unnamed", {"output": model.predict(TABLE[:_SHOWN].to_numpy())}


def _xgboost(folder: Path) -> Iterator[Made]:
    import xgboost
    from mlflow import xgboost as saver

    model = xgboost.XGBClassifier(n_estimators=3, max_depth=2, n_jobs=1).fit(TABLE, TWO)
    saver.save_model(model, folder / "xgboost", signature=infer_signature(TABLE, TWO), pip_requirements=["xgboost"])
    yield "xgboost", {"label": model.predict(TABLE[:_SHOWN]), "probabilities": model.predict_proba(TABLE[:_SHOWN])}


def _lightgbm(folder: Path) -> Iterator[Made]:
    import lightgbm
    from mlflow import lightgbm as saver

    model = lightgbm.train({"verbose": -1, "num_leaves": 4}, lightgbm.Dataset(TABLE, VALUES), 3)
    saver.save_model(
        model, folder / "lightgbm", signature=infer_signature(TABLE, VALUES), pip_requirements=["lightgbm"]
    )
    yield "lightgbm", {"output": model.predict(TABLE[:_SHOWN])}


def _onnx(folder: Path) -> Iterator[Made]:
    from mlflow import onnx as saver
    from skl2onnx import to_onnx
    from sklearn.linear_model import LinearRegression

    model = LinearRegression().fit(TABLE.to_numpy().astype(np.float32), VALUES)
    graph = to_onnx(model, TABLE.to_numpy()[:1].astype(np.float32))
    saver.save_model(graph, folder / "onnx", signature=infer_signature(TABLE, VALUES), pip_requirements=_pins("onnx"))
    yield "onnx", {"variable": model.predict(TABLE[:_SHOWN].to_numpy().astype(np.float32)).reshape(-1, 1)}


def _own_program(folder: Path) -> Iterator[Made]:
    from mlflow import pyfunc as saver

    class Doubled(saver.PythonModel):  # type: ignore[misc]  # MLflow is not there where this is typed
        def predict(self, context: Any, model_input: list[float], params: Any = None) -> list[float]:
            return [2 * value for value in model_input]

    saver.save_model(folder / "own-program", python_model=Doubled(), pip_requirements=["mlflow"])
    yield from ()


def _as_pickle() -> dict[str, str]:
    """MLflow 3 may choose another form by default."""
    return {"serialization_format": "cloudpickle"}


def _pins(*projects: str) -> list[str]:
    from importlib.metadata import version

    return [f"{project}=={version(project)}" for project in projects]


if __name__ == "__main__":
    main(Path(sys.argv[1]))
