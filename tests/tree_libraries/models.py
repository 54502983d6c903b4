"""Trains a model of each kind with the tree libraries that are installed, saves it as they do, and writes down what
they answer. Run with their Python: ``python models.py FOLDER``."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

_ROWS = 240
_SHOWN = 12

_random = np.random.default_rng(7)
NUMBERS = pd.DataFrame(_random.normal(size=(_ROWS, 4)), columns=["alpha", "beta", "gamma", "delta"]).round(6)
VALUES = NUMBERS.to_numpy() @ [1.0, -2.0, 0.5, 0.0]
TWO = (NUMBERS["alpha"] > 0).astype(int).to_numpy()
THREE = np.digitize(NUMBERS["beta"], [-0.5, 0.5])
NAMES = np.array(["low", "mid", "high"])[THREE]
GAPPY = NUMBERS.mask(_random.random(NUMBERS.shape) < 0.2)
TRUTHS = NUMBERS.assign(member=NUMBERS["gamma"] > 0)
TOWNS = NUMBERS.assign(
    town=pd.Categorical(_random.choice(["Graz", "Linz", "Österreich", "Wien"], _ROWS)),
    size=pd.Categorical(_random.choice([10, 20, 30], _ROWS)),
)

Made = tuple[str, str, pd.DataFrame, dict[str, Any]]
"""Name, the file's ending, rows to ask, and the answers: "output", or "label" with "probabilities"."""


def main(folder: Path) -> None:
    cases = {}
    for make in (_xgboost, _lightgbm, _catboost):
        try:
            for name, ending, rows, answers in make(folder):
                listed = {key: np.asarray(found).tolist() for key, found in answers.items()}
                cases[f"{name}{ending}"] = {"rows": _plain(rows), "columns": list(map(str, rows.columns)), **listed}
        except ImportError:
            continue
    (folder / "cases.json").write_text(json.dumps(cases), encoding="utf-8")


def _plain(rows: pd.DataFrame) -> list[list[Any]]:
    plain = rows.astype(object).where(rows.notna(), None)
    return [[value.item() if hasattr(value, "item") else value for value in row] for row in plain.to_numpy().tolist()]


def _classifier(model: Any, rows: pd.DataFrame) -> dict[str, Any]:
    return {"label": np.asarray(model.predict(rows)).reshape(-1), "probabilities": model.predict_proba(rows)}


def _xgboost(folder: Path) -> Iterator[Made]:
    import xgboost

    small = {"n_estimators": 6, "max_depth": 3, "n_jobs": 1}
    modern = tuple(map(int, xgboost.__version__.split(".")[:2])) >= (3, 1)

    def saved(name: str, model: Any, rows: pd.DataFrame, answers: Callable[[], dict[str, Any]]) -> Iterator[Made]:
        for ending in (".json", ".ubj"):
            model.save_model(folder / f"{name}{ending}")
            yield name, ending, rows, answers()

    def values(name: str, model: Any, rows: pd.DataFrame) -> Iterator[Made]:
        return saved(name, model, rows, lambda: {"output": model.predict(rows)})

    def classes(name: str, model: Any, rows: pd.DataFrame) -> Iterator[Made]:
        return saved(name, model, rows, lambda: _classifier(model, rows))

    shown = NUMBERS[:_SHOWN]
    yield from classes("xgb-two", xgboost.XGBClassifier(**small).fit(NUMBERS, TWO), shown)
    yield from classes("xgb-three", xgboost.XGBClassifier(**small).fit(NUMBERS, THREE), shown)
    yield from classes("xgb-truths", xgboost.XGBClassifier(**small).fit(TRUTHS, TWO), TRUTHS[:_SHOWN])
    yield from classes("xgb-gaps", xgboost.XGBClassifier(**small).fit(GAPPY, TWO), GAPPY[:_SHOWN])
    softmax = xgboost.XGBClassifier(**small, objective="multi:softmax").fit(NUMBERS, THREE)
    yield from classes("xgb-softmax", softmax, shown)
    yield from values("xgb-values", xgboost.XGBRegressor(**small).fit(NUMBERS, VALUES), shown)
    several = np.stack([VALUES, VALUES * 2], axis=1)
    yield from values("xgb-several", xgboost.XGBRegressor(**small).fit(NUMBERS, several), shown)
    yield from values("xgb-unnamed", xgboost.XGBRegressor(**small).fit(NUMBERS.to_numpy(), VALUES), shown)
    for objective in ("count:poisson", "reg:gamma", "reg:tweedie", "reg:absoluteerror", "reg:logistic"):
        model = xgboost.XGBRegressor(**small, objective=objective).fit(NUMBERS, np.clip(np.abs(VALUES), 0.1, 0.9))
        yield from values(f"xgb-{objective.replace(':', '-')}", model, shown)
    dart = xgboost.XGBClassifier(**small, booster="dart", rate_drop=0.3, random_state=1).fit(NUMBERS, TWO)
    yield from classes("xgb-dart", dart, shown)
    yield from values(
        "xgb-linear", xgboost.XGBRegressor(n_estimators=6, booster="gblinear").fit(NUMBERS, VALUES), shown
    )
    ranked = xgboost.XGBRanker(**small).fit(NUMBERS, TWO, qid=np.repeat(range(_ROWS // 12), 12))
    yield from values("xgb-ranks", ranked, shown)
    matrix = xgboost.DMatrix(NUMBERS, TWO)
    booster = xgboost.train({"objective": "binary:hinge", "max_depth": 2}, matrix, 4)
    yield from saved("xgb-hinge", booster, shown, lambda: {"label": booster.predict(xgboost.DMatrix(shown))})
    raw = xgboost.train({"objective": "binary:logitraw", "max_depth": 2}, matrix, 4)
    yield from saved("xgb-raw", raw, shown, lambda: {"output": raw.predict(xgboost.DMatrix(shown))})
    early = {"n_estimators": 99, "learning_rate": 0.9, "early_stopping_rounds": 2, "n_jobs": 1}
    noisy = TWO ^ (_random.random(_ROWS) < 0.2)
    asked = {"eval_set": [(NUMBERS[120:], noisy[120:])], "verbose": False}
    stopped = xgboost.XGBClassifier(**early).fit(NUMBERS[:120], noisy[:120], **asked)
    yield from classes("xgb-stopped", stopped, shown)
    gone_on = {**early, "num_parallel_tree": 2, "subsample": 0.7}
    yield from values(
        "xgb-stopped-values", xgboost.XGBRegressor(**gone_on).fit(NUMBERS[:120], noisy[:120], **asked), shown
    )
    yield from saved("xgb-stopped-booster", *_stopped_booster(xgboost, shown))
    forest = xgboost.XGBRFClassifier(n_estimators=5, max_depth=3, random_state=1).fit(NUMBERS, THREE)
    yield from classes("xgb-forest", forest, shown)
    if modern:  # before, the categories are not in the file
        plain = TOWNS.assign(town=TOWNS["town"].cat.rename_categories({"Österreich": "Salzburg"}))
        for name, table in (("xgb-categories", plain), ("xgb-letters", TOWNS)):
            model = xgboost.XGBRegressor(**small, enable_categorical=True).fit(table, VALUES)
            yield from values(name, model, table[:_SHOWN])


def _stopped_booster(xgboost: Any, rows: pd.DataFrame) -> tuple[Any, pd.DataFrame, Callable[[], dict[str, Any]]]:
    """A booster, which has a best round as estimators have, and answers with all rounds."""
    matrix, other = xgboost.DMatrix(NUMBERS[:120], TWO[:120]), xgboost.DMatrix(NUMBERS[120:], TWO[:120])
    booster = xgboost.train(
        {"eta": 0.9}, matrix, 99, evals=[(other, "other")], early_stopping_rounds=2, verbose_eval=False
    )
    return booster, rows, lambda: {"output": booster.predict(xgboost.DMatrix(rows))}


def _lightgbm(folder: Path) -> Iterator[Made]:
    import lightgbm

    small = {"n_estimators": 6, "num_leaves": 6, "verbose": -1, "n_jobs": 1}

    def saved(name: str, model: Any, rows: pd.DataFrame, answers: dict[str, Any]) -> Made:
        model.booster_.save_model(folder / f"{name}.txt")
        return name, ".txt", rows, answers

    def values(name: str, rows: pd.DataFrame, **options: Any) -> Made:
        model = lightgbm.LGBMRegressor(**small, **options).fit(rows, np.abs(VALUES))
        return saved(name, model, rows[:_SHOWN], {"output": model.predict(rows[:_SHOWN])})

    def classes(name: str, rows: pd.DataFrame, given: Any, **options: Any) -> Made:
        model = lightgbm.LGBMClassifier(**small, **options).fit(rows, given)
        return saved(name, model, rows[:_SHOWN], _classifier(model, rows[:_SHOWN]))

    yield classes("lgb-two", NUMBERS, TWO)
    yield classes("lgb-three", NUMBERS, THREE)
    yield classes("lgb-ova", NUMBERS, THREE, objective="multiclassova")
    yield classes("lgb-gaps", GAPPY, TWO)
    yield classes("lgb-truths", TRUTHS, TWO)
    yield classes("lgb-dart", NUMBERS, TWO, boosting_type="dart")
    for objective in ("regression", "regression_l1", "huber", "poisson", "quantile", "gamma", "tweedie"):
        yield values(f"lgb-{objective}", NUMBERS, objective=objective)
    yield values("lgb-categories", TOWNS)
    yield classes("lgb-categories-two", TOWNS[["town", "alpha"]], TWO)
    unnamed = lightgbm.LGBMRegressor(**small).fit(NUMBERS.to_numpy(), VALUES)
    yield saved("lgb-unnamed", unnamed, NUMBERS[:_SHOWN], {"output": unnamed.predict(NUMBERS[:_SHOWN].to_numpy())})
    linear = lightgbm.LGBMRegressor(**small, linear_tree=True).fit(NUMBERS, VALUES)
    yield saved("lgb-linear", linear, NUMBERS[:_SHOWN], {"output": linear.predict(NUMBERS[:_SHOWN])})
    ranker = lightgbm.LGBMRanker(**small).fit(NUMBERS, TWO, group=[12] * (_ROWS // 12))
    yield saved("lgb-ranks", ranker, NUMBERS[:_SHOWN], {"output": ranker.predict(NUMBERS[:_SHOWN])})


def _catboost(folder: Path) -> Iterator[Made]:
    import catboost

    small = {"iterations": 6, "depth": 3, "verbose": 0, "allow_writing_files": False, "thread_count": 1}
    texts = TOWNS.assign(town=TOWNS["town"].astype(str), size=TOWNS["size"].astype(str))

    def saved(name: str, model: Any, rows: pd.DataFrame, answers: Callable[[pd.DataFrame], dict[str, Any]]) -> Made:
        model.save_model(str(folder / f"{name}.cbm"))
        return name, ".cbm", rows[:_SHOWN], answers(rows[:_SHOWN])

    def values(name: str, rows: pd.DataFrame, given: Any = VALUES, **options: Any) -> Made:
        model = catboost.CatBoostRegressor(**small, **options).fit(rows, given)
        return saved(name, model, rows, lambda shown: {"output": model.predict(shown)})

    def classes(name: str, rows: pd.DataFrame, given: Any, **options: Any) -> Made:
        model = catboost.CatBoostClassifier(**small, **options).fit(rows, given)
        return saved(name, model, rows, lambda shown: _classifier(model, shown))

    named = {"cat_features": ["town", "size"]}
    yield classes("cat-two", NUMBERS, TWO)
    yield classes("cat-yes-no", NUMBERS, np.where(TWO, "yes", "no"))
    yield classes("cat-names", texts, NAMES, **named)
    yield classes("cat-fractions", NUMBERS, THREE / 2)
    yield classes("cat-truth", NUMBERS, TWO == 1)
    yield classes("cat-ova", NUMBERS, THREE, loss_function="MultiClassOneVsAll")
    yield classes("cat-focal", NUMBERS, TWO, loss_function="Focal:focal_alpha=0.5;focal_gamma=2.0")
    yield classes("cat-shares", NUMBERS, np.abs(VALUES) / np.abs(VALUES).max(), loss_function="CrossEntropy")
    several = catboost.CatBoostClassifier(**small, loss_function="MultiLogloss").fit(
        NUMBERS, np.stack([TWO, 1 - TWO], 1)
    )
    yield saved("cat-labels", several, NUMBERS, lambda shown: {"output": several.predict_proba(shown)})
    yield classes("cat-gaps", GAPPY, TWO)
    yield classes("cat-truths", TRUTHS, TWO)
    yield classes("cat-lossguide", NUMBERS, TWO, grow_policy="Lossguide")
    yield values("cat-values", texts, **named)
    codes = NUMBERS.assign(code=np.arange(len(NUMBERS)) % 5, open=TWO == 1)
    yield values("cat-codes", codes, np.arange(len(NUMBERS)) % 5 + 2 * TWO, cat_features=["code", "open"])
    yield values("cat-several", NUMBERS, np.stack([VALUES, VALUES * 2], axis=1), loss_function="MultiRMSE")
    for loss in ("MAE", "Quantile:alpha=0.7", "Poisson", "Tweedie:variance_power=1.5"):
        yield values(f"cat-{loss.partition(':')[0].lower()}", NUMBERS, np.abs(VALUES), loss_function=loss)
    unnamed = catboost.CatBoostRegressor(**small).fit(NUMBERS.to_numpy(), VALUES)
    yield saved("cat-unnamed", unnamed, NUMBERS, lambda shown: {"output": unnamed.predict(shown.to_numpy())})


if __name__ == "__main__":
    main(Path(sys.argv[1]))
