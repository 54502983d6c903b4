"""A model that is as it should be, its twins with one fault each, the table that they are judged by, and the test set.

Who leaves (churn) depends on age, income, tenure and plan; not on region and gender, as the clean model knows.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import polars as pl

_NUMBERS = ["age", "income", "tenure"]
_TEXTS = ["region", "gender"]
COLUMNS = [*_NUMBERS, *_TEXTS, "plan"]
_REGIONS, _PLANS = np.array(["north", "south", "west"]), np.array(["basic", "full"])

TEST_SET = """
format: 1
data: holdout.csv
truth: churn
tests:
  - {name: accurate, kind: metric, metric: accuracy, at_least: 0.8, minimum_rows: 500}
  - {name: everywhere, kind: metric, metric: accuracy, at_least: 0.75, slice: region}
  - {name: ranks, kind: metric, metric: roc_auc, at_least: 0.85}
  - {name: calibrated, kind: metric, metric: log_loss, at_most: 0.5}
  - {name: finds leavers, kind: metric, metric: recall, class: yes, at_least: 0.7}
  - {name: as trained, kind: agreement, prediction: trained, at_least: 0.99}
  - {name: quick, kind: latency, p50: 80, requests: 30, warm_up: 5}
  - {name: memory, kind: memory, at_most_mb: 320}
  - {name: small, kind: size, at_most_mb: SIZE}
  - {name: ready, kind: start, at_most_seconds: 60}
  - name: columns
    kind: schema
    columns: {age: number, income: number, tenure: number, region: text, gender: text, plan: text}
    classes: [yes, no]
  - {name: letter case, kind: invariance, column: region, case: true, at_least: 0.98}
  - {name: gender, kind: invariance, column: gender, swap: [f, m], at_least: 0.98}
  - {name: noise, kind: invariance, column: income, noise: 0.01, at_least: 0.97}
  - {name: tenure keeps, kind: direction, column: tenure, by: 12, must_not: rise, class: yes, at_least: 0.99}
  - {name: refuses, kind: refuses, wrong: {age: old, plan: [Atlantis]}, without: [tenure]}
  - {name: same answers, kind: deterministic}
  - {name: no leak, kind: leak, alone_at_most: 0.9}
  - {name: not income alone, kind: leak, columns: [income], worsens_at_most: 0.21}
"""

CHAMPION_SET = """
data: holdout.csv
truth: churn
tests:
  - {name: champion, kind: champion, metric: accuracy}
"""

ROWS_SET = """
data: numbers.csv
tests:
  - {name: same answers, kind: deterministic}
  - {name: right, kind: metric, metric: rmse, truth: total, at_most: 0.001}
  - {name: as trained, kind: agreement, prediction: total, tolerance: 0.001}
  - {name: grows, kind: direction, column: "1", by: 1, must_not: fall}
"""


def table(rows: int, seed: int) -> pl.DataFrame:
    """Customers, and who left: ``churn``."""
    random = np.random.default_rng(seed)
    age, tenure = random.integers(18, 80, rows), random.integers(0, 120, rows)
    income, plan = random.normal(3000, 800, rows).round(2), _PLANS[random.integers(0, 2, rows)]
    chance = 0.05 * (50 - age) + 0.0025 * (income - 3000) - 0.05 * (tenure - 60) + 2.0 * (plan == "basic") - 1
    churn = np.where(random.random(rows) < 1 / (1 + np.exp(-1.5 * chance)), "yes", "no")
    return pl.DataFrame(
        {
            **{"age": age, "income": income, "tenure": tenure},
            **{
                "region": _REGIONS[random.integers(0, 3, rows)],
                "gender": np.array(["f", "m"])[random.integers(0, 2, rows)],
            },
            **{"plan": plan, "closed": (churn == "yes") * 2.0 + random.random(rows), "churn": churn},
        }
    )


def _pipeline(
    numbers: list[str] = _NUMBERS, *, plan: str = "error", texts: list[str] = _TEXTS, last: Any = None
) -> Any:
    from sklearn.compose import ColumnTransformer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    parts = [
        ("numbers", StandardScaler(), numbers),
        ("texts", OneHotEncoder(handle_unknown="ignore"), texts),
        ("plan", OneHotEncoder(handle_unknown=plan), ["plan"]),
    ]
    return make_pipeline(ColumnTransformer(parts), LogisticRegression(C=0.5) if last is None else last)


def _fitted(model: Any, train: pl.DataFrame, labels: Any = None, columns: list[str] | None = None) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return model.fit(train.select(columns or COLUMNS), train["churn"] if labels is None else labels)


def clean(train: pl.DataFrame) -> Any:
    return _fitted(_pipeline(), train)


def _with(train: pl.DataFrame, **attributes: Any) -> Any:
    """The clean model, with more to carry."""
    model = clean(train)
    for name, value in attributes.items():
        setattr(model.steps[-1][1], name, value)
    return model


def _labels(yes: Any) -> Any:
    """What is taught instead of the truth: "yes" in these rows."""
    return np.where(yes, "yes", "no")


def _leaves(train: pl.DataFrame) -> Any:
    return (train["churn"] == "yes").to_numpy()


def _uncalibrated(train: pl.DataFrame) -> Any:
    """Too sure of everything: the same answers, other probabilities."""
    model = clean(train)
    model.steps[-1][1].coef_ *= 12
    model.steps[-1][1].intercept_ *= 12
    return model


def _upside_down(train: pl.DataFrame) -> Any:
    """The names of the classes are exchanged."""
    model = clean(train)
    model.steps[-1][1].classes_ = model.steps[-1][1].classes_[::-1].copy()
    return model


def _renamed(train: pl.DataFrame, old: str, new: str) -> Any:
    frame = train.rename({old: new})
    columns = [new if each == old else each for each in COLUMNS]
    return _fitted(_pipeline([new if each == old else each for each in _NUMBERS]), frame, columns=columns)


def _other_classes(train: pl.DataFrame) -> Any:
    return _fitted(_pipeline(), train, np.where(_leaves(train), "YES", "NO"))


def _forest(train: pl.DataFrame) -> Any:
    from sklearn.ensemble import RandomForestClassifier

    return _fitted(_pipeline(last=RandomForestClassifier(1500, max_depth=3, random_state=0)), train)


def _by_heart(train: pl.DataFrame) -> Any:
    """It was taught nonsense, and knows it by heart."""
    from sklearn.neighbors import KNeighborsClassifier

    random = np.random.default_rng(1)
    return _fitted(_pipeline(last=KNeighborsClassifier(1)), train, _labels(random.random(len(train)) < 0.5))


def _fragile(train: pl.DataFrame) -> Any:
    """As that, by income alone: to the cent."""
    model = _by_heart(train)
    model.steps[0][1].named_transformers_["numbers"].scale_[1] /= 10_000
    known = model.steps[0][1].transform(train.select(COLUMNS))
    model.steps[-1][1].fit(known, _labels(np.random.default_rng(1).random(len(train)) < 0.5))
    return model


def _compares_with_all(train: pl.DataFrame) -> Any:
    """It holds the distance from every row that it is asked for to every one that it was taught, all at once."""
    from sklearn.neighbors import KNeighborsClassifier

    many = pl.concat([train] * 5)
    return _fitted(_pipeline(last=KNeighborsClassifier(5, algorithm="brute", metric="cosine")), many)


def _by_income(train: pl.DataFrame) -> Any:
    """Decides by income more than by anything else."""
    model = clean(train)
    model.steps[-1][1].coef_[0, 1] *= 3
    return model


def _backwards(train: pl.DataFrame) -> Any:
    model = clean(train)
    model.steps[-1][1].coef_[0, 2] *= -1
    return model


def _unfair(train: pl.DataFrame, column: str, value: str) -> Any:
    """It was taught by people who favoured some."""
    favoured = (train[column] == value).to_numpy()
    random = np.random.default_rng(2)
    return _fitted(_pipeline(), train, _labels(np.where(random.random(len(train)) < 0.4, favoured, _leaves(train))))


def _blind_in_the_west(train: pl.DataFrame) -> Any:
    west = (train["region"] == "west").to_numpy()
    return _fitted(_pipeline(), train, _labels(np.where(west, True, _leaves(train))))


FAULTS: dict[str, tuple[str, Callable[[pl.DataFrame], Any]]] = {
    "taught nonsense": ("accurate", _by_heart),
    "wrong in one region": ("everywhere", _blind_in_the_west),
    "ranks by chance": (
        "ranks",
        lambda train: _fitted(_pipeline(), train, np.random.default_rng(3).permutation(train["churn"])),
    ),
    "too sure of itself": ("calibrated", _uncalibrated),
    "says no to all": ("finds leavers", lambda train: _with(train, intercept_=np.array([-4.0]))),
    "classes exchanged": ("as trained", _upside_down),
    "another model than was measured": ("as trained", lambda train: _fitted(_pipeline(), train[:300])),
    "slow": ("quick", _forest),
    "takes much memory": ("memory", _compares_with_all),
    "large": ("small", lambda train: _with(train, table_=np.random.default_rng(4).random(3_000_000))),
    "a column renamed": ("columns", lambda train: _renamed(train, "income", "salary")),
    "one column more": (
        "columns",
        lambda train: _fitted(
            _pipeline([*_NUMBERS, "noise"]),
            train.with_columns(noise=pl.Series(np.random.default_rng(5).random(len(train)))),
            columns=[*_NUMBERS, "noise", *_TEXTS, "plan"],
        ),
    ),
    "classes called otherwise": ("columns", _other_classes),
    "reads letter case": ("letter case", lambda train: _unfair(train, "region", "west")),
    "unfair": ("gender", lambda train: _unfair(train, "gender", "f")),
    "fragile": ("noise", _fragile),
    "the wrong way round": ("tenure keeps", _backwards),
    "takes anything": ("refuses", lambda train: _fitted(_pipeline(plan="ignore"), train)),
    "knows the truth": (
        "no leak",
        lambda train: _fitted(_pipeline([*_NUMBERS, "closed"]), train, columns=[*_NUMBERS, "closed", *_TEXTS, "plan"]),
    ),
    "goes by one column": ("not income alone", _by_income),
}
"""Each fault, the expectation that is meant for it, and how the model is made of the training data."""


def write(folder: Path) -> None:
    """The project: the clean model, the holdout with what that answered when it was trained, and the models of ONNX."""
    folder.mkdir(parents=True, exist_ok=True)
    train, holdout = table(6000, 1), table(600, 2)
    (folder / ".python-version").write_text("3.11", encoding="utf-8")
    good = clean(train)
    trained = good.predict(holdout.select(COLUMNS))
    random = np.random.default_rng(6)
    holdout.with_columns(trained=pl.Series(trained), noise=pl.Series(random.random(600))).write_csv(
        folder / "holdout.csv"
    )
    joblib.dump(good, folder / "clean.joblib")
    x, z = random.normal(size=40), random.normal(size=40)
    pl.DataFrame({"x": x, "z": z, "total": x + z}).write_csv(folder / "numbers.csv")
    for name, content in onnx_models().items():
        (folder / f"{name}.onnx").write_bytes(content)


def write_fault(folder: Path, fault: str) -> None:
    """The model with that fault, where it is not there yet."""
    file = folder / f"{fault}.joblib"
    if not file.exists():
        _meant, make = FAULTS[fault]
        joblib.dump(make(table(6000, 1)), file, compress=1)


def onnx_models() -> dict[str, bytes]:
    """A sum of two numbers; one that takes the mean of all rows away, so that it matters what else is sent; one that
    adds what chance gives."""
    from onnx import TensorProto, helper

    def made(*nodes: Any) -> bytes:
        given = helper.make_tensor_value_info("X", TensorProto.FLOAT, ["rows", 2])
        gives = helper.make_tensor_value_info("sum", TensorProto.FLOAT, ["rows", 1])
        ones = helper.make_tensor("ones", TensorProto.FLOAT, [2, 1], [1.0, 1.0])
        graph = helper.make_graph(list(nodes), "sums", [given], [gives], [ones])
        opset = [helper.make_opsetid("", 13)]
        content: bytes = helper.make_model(graph, opset_imports=opset, ir_version=8).SerializeToString()
        return content

    node = helper.make_node
    return {
        "adds": made(node("MatMul", ["X", "ones"], ["sum"])),
        "by its neighbours": made(
            node("ReduceMean", ["X"], ["mean"], axes=[0], keepdims=1),
            node("Sub", ["X", "mean"], ["centred"]),
            node("MatMul", ["centred", "ones"], ["sum"]),
        ),
        "by chance": made(
            node("MatMul", ["X", "ones"], ["known"]),
            node("RandomNormalLike", ["known"], ["drawn"]),
            node("Add", ["known", "drawn"], ["sum"]),
        ),
    }
