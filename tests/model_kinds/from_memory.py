"""A notebook's models of every library, registered and asked. Run with a Python that has the libraries:
``python -m tests.model_kinds.from_memory FOLDER refused|asked``; the workspace in ``FOLDER`` is opened with its key."""

from __future__ import annotations

import json
import sys
import warnings
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import kronkers_studio as ks
from kronkers_studio.domain.errors import StudioError

COLUMNS = ["age", "income", "tenure", "calls"]
ROWS = pd.DataFrame(np.random.default_rng(0).random((80, 4)), columns=COLUMNS)
TRUTH = (ROWS["age"] > 0.5).astype(int)
WORDS = np.array(["no", "yes"])[TRUTH]


def main(folder: Path, task: str) -> None:
    with ks.open(folder / "workspace", key_file=folder / "key") as ws:
        if task == "refused":
            found: dict[str, Any] = {name: _refusal(ws, make) for name, make in REFUSED.items()}
            found["left"] = [len(ws.models()), len(ws.projects())]
        else:
            found = {name: _asked(ws, name, make) for name, make in ASKED.items()}
    print(json.dumps(found))


def _refusal(ws: ks.Workspace, make: Callable[[], Any]) -> list[str]:
    """How the program refuses the model, as the class of its error and its words; other errors end this."""
    try:
        version = ws.register(make(), name="refused")
    except StudioError as problem:
        return [type(problem).__name__, problem.message, problem.next_step]
    return ["registered", version.source, ""]


def _asked(ws: ks.Workspace, name: str, make: Callable[[], tuple[Any, Callable[[pd.DataFrame], Any]]]) -> Any:
    """What the model is, what its live service answers to some rows, and what the object itself answers to them."""
    model, predict = make()
    version = ws.register(model, name=name)
    facts = version.facts.facts
    version.release()
    try:
        answers = ws.predict(name, ROWS[:6])
    finally:
        ws.stop(name)
    return {
        "file": version.source.rpartition("/")[2],
        "framework": f"{facts.framework.value} {facts.framework_version}",
        "answers": answers["output"].tolist(),
        "expected": np.ravel(predict(ROWS[:6])).tolist(),
    }


# ---- what is refused ----


def _keras_of_own() -> Any:
    import keras

    class Own(keras.Model):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.dense = keras.layers.Dense(1)

        def call(self, rows: Any) -> Any:
            return self.dense(rows)

    model = Own()
    model(np.zeros((1, 4), np.float32))
    return model


def _keras_unsaveable() -> Any:
    """A layer that keeps what it was given, and does not say how it is made again."""
    import keras

    class Scale(keras.layers.Layer):  # type: ignore[misc]
        def __init__(self, table: Any) -> None:
            super().__init__()
            self.table = table

        def call(self, rows: Any) -> Any:
            return rows * 2.0

    return keras.Sequential([keras.Input((4,)), Scale(object())])


def _keras(*layers: Any) -> Any:
    import keras

    return keras.Sequential([*layers])


def _keras_layers() -> Any:
    import keras

    return keras.layers


def _keras_unbuilt() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return _keras(_keras_layers().Dense(1))


def _network() -> Any:
    import torch

    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.Tanh(), torch.nn.Linear(3, 1)).eval()


def _xgboost(name: str, **options: Any) -> Any:
    import xgboost

    return getattr(xgboost, name)(**options)


def _lightgbm() -> Any:
    import lightgbm

    return lightgbm.LGBMClassifier(n_estimators=3, verbose=-1)


def _catboost() -> Any:
    import catboost

    return catboost.CatBoostClassifier(iterations=3, verbose=0, allow_writing_files=False)


def _pipeline(last: Any) -> Any:
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(StandardScaler(), last)


def _search(last: Any) -> Any:
    from sklearn.model_selection import GridSearchCV

    return GridSearchCV(last, {"max_depth": [2]})


def _statsmodels() -> Any:
    return import_module("statsmodels.api").OLS(TRUTH, ROWS).fit()


def _onnx(model: Any = None) -> Any:
    from onnx import ModelProto

    return ModelProto() if model is None else model


REFUSED: dict[str, Callable[[], Any]] = {
    "keras: a layer": lambda: _keras_layers().Dense(1),
    "keras: unbuilt": _keras_unbuilt,
    "keras: a class of its own": _keras_of_own,
    "keras: not to be saved": _keras_unsaveable,
    "torch: a module": _network,
    "torch: weights": lambda: _network().state_dict(),
    "xgboost: unfitted": lambda: _xgboost("XGBClassifier"),
    "xgboost: an unfitted regressor": lambda: _xgboost("XGBRegressor"),
    "xgboost: an empty booster": lambda: _xgboost("Booster"),
    "lightgbm: unfitted": _lightgbm,
    "catboost: unfitted": _catboost,
    "a pipeline with an unfitted XGBClassifier": lambda: _pipeline(_xgboost("XGBClassifier")),
    "a pipeline with an unfitted LGBMClassifier": lambda: _pipeline(_lightgbm()),
    "a pipeline with an unfitted CatBoostClassifier": lambda: _pipeline(_catboost()),
    "an unfitted search": lambda: _search(_xgboost("XGBClassifier")),
    "statsmodels": _statsmodels,
    "onnx: empty": _onnx,
}


# ---- what is registered ----


def _of_estimator(model: Any, truth: Any = TRUTH) -> tuple[Any, Callable[[pd.DataFrame], Any]]:
    model.fit(ROWS, truth)
    return model, model.predict


def _fitted_keras() -> tuple[Any, Callable[[pd.DataFrame], Any]]:
    import keras

    keras.utils.set_random_seed(0)
    layers = _keras_layers()
    model = _keras(keras.Input((4,)), layers.Dense(5, activation="tanh"), layers.Dense(1))
    model.compile("adam", "mse")
    model.fit(ROWS, TRUTH, verbose=0)
    return model, lambda rows: model.predict(rows, verbose=0)


def _exported() -> tuple[Any, Callable[[pd.DataFrame], Any]]:
    import torch

    network = _network()
    sizes = ({0: torch.export.Dim("rows", min=1, max=5000)},)
    exported = torch.export.export(network, (torch.zeros(2, 4),), dynamic_shapes=sizes)
    return exported, lambda rows: network(torch.tensor(rows.to_numpy(np.float32))).detach().numpy()


def _of_onnx() -> tuple[Any, Callable[[pd.DataFrame], Any]]:
    from onnx import TensorProto, helper

    given = helper.make_tensor_value_info("rows", TensorProto.FLOAT, ["n", 4])
    gives = helper.make_tensor_value_info("sum", TensorProto.FLOAT, ["n", 1])
    weights = helper.make_tensor("weights", TensorProto.FLOAT, [4, 1], [1.0, 2.0, 3.0, 4.0])
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["rows", "weights"], ["sum"])], "sums", [given], [gives], [weights]
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    return model, lambda rows: rows.to_numpy(np.float32) @ np.array([1, 2, 3, 4], np.float32)


ASKED: dict[str, Callable[[], tuple[Any, Callable[[pd.DataFrame], Any]]]] = {
    "keras": _fitted_keras,
    "exported": _exported,
    "onnx": _of_onnx,
    "xgb": lambda: _of_estimator(_xgboost("XGBClassifier", n_estimators=3)),
    "xgb-pipeline": lambda: _of_estimator(_pipeline(_xgboost("XGBClassifier", n_estimators=3))),
    "lgb-pipeline": lambda: _of_estimator(_pipeline(_lightgbm()), WORDS),
    "cat-pipeline": lambda: _of_estimator(_pipeline(_catboost()), WORDS),
}


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
