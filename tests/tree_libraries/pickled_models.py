"""Makes models of the tree libraries' estimators, alone and inside scikit-learn's, and writes what they answer.

    python -m tests.tree_libraries.pickled_models FOLDER

FOLDER gets a folder for each library with each model as a pickle and as a joblib file, and ``models.json`` as
``tests.estimators.models`` writes it. It runs in an environment with the libraries, and imports nothing of the program.
"""

from __future__ import annotations

import json
import math
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tests.estimators.models import (
    AMOUNTS,
    ASKED,
    CLASSES,
    NAMES,
    NUMBERS,
    ROWS,
    TWO_AMOUNTS,
    Case,
    frame,
    frame_rows,
    mixed_columns,
    write,
)

TWO = (CLASSES > 0).astype(int)
GAPPY = np.where(np.arange(NUMBERS.size).reshape(NUMBERS.shape) % 7 == 3, np.nan, NUMBERS)
NAMED = pd.DataFrame(NUMBERS, columns=["alpha", "beta", "gamma", "delta"])
TOWNS = NAMED.assign(
    town=pd.Categorical(np.array(["Graz", "Linz", "Wien"])[CLASSES]), size=pd.Categorical(10 * (1 + CLASSES))
)
QUERIES = np.repeat(range(ROWS // 12), 12)

Made = Iterator[tuple[str, Any, Any]]
"""A model's name, the fitted model, and the table of which rows are asked."""


def xgboost_models() -> Made:
    import xgboost

    small = {"n_estimators": 4, "max_depth": 3}
    classifier, regressor = xgboost.XGBClassifier, xgboost.XGBRegressor
    yield from common(lambda: classifier(**small), lambda: regressor(**small), CLASSES)
    yield "forest of classes", xgboost.XGBRFClassifier(**small).fit(NUMBERS, CLASSES), NUMBERS
    yield "forest of numbers", xgboost.XGBRFRegressor(**small).fit(NUMBERS, AMOUNTS), NUMBERS
    yield "ranks", xgboost.XGBRanker(**small).fit(NUMBERS, TWO, qid=QUERIES), NUMBERS
    yield "several labels", classifier(**small).fit(NUMBERS, np.column_stack([TWO, 1 - TWO, TWO])), NUMBERS
    yield "several numbers", regressor(**small).fit(NUMBERS, TWO_AMOUNTS), NUMBERS
    yield "softmax", classifier(**small, objective="multi:softmax").fit(NUMBERS, CLASSES), NUMBERS
    yield "hinge", classifier(**small, objective="binary:hinge").fit(NUMBERS, TWO), NUMBERS
    yield "dart", classifier(**small, booster="dart", rate_drop=0.3, random_state=1).fit(NUMBERS, TWO), NUMBERS
    yield "linear", regressor(n_estimators=4, booster="gblinear").fit(NAMED, AMOUNTS), NAMED
    yield "logistic numbers", regressor(**small, objective="reg:logistic").fit(NUMBERS, AMOUNTS / 50), NUMBERS
    marked = np.where(np.isnan(GAPPY), -999.0, GAPPY)
    yield "marked gaps", regressor(**small, missing=-999.0).fit(marked, AMOUNTS), marked
    early = {"n_estimators": 60, "learning_rate": 0.9, "early_stopping_rounds": 2}
    stopped = classifier(**early).fit(NUMBERS[:40], TWO[:40], eval_set=[(NUMBERS[40:], TWO[40:])], verbose=False)
    yield "stopped early", stopped, NUMBERS
    yield "large", regressor(n_estimators=150, max_depth=6).fit(NAMED, AMOUNTS), NAMED
    if tuple(map(int, xgboost.__version__.split(".")[:2])) >= (3, 1):  # before, categories are not in the model
        yield "categories", regressor(**small, enable_categorical=True).fit(TOWNS, AMOUNTS), TOWNS


def lightgbm_models() -> Made:
    import lightgbm

    small: dict[str, Any] = {"n_estimators": 4, "num_leaves": 5, "min_child_samples": 5, "verbose": -1}
    classifier, regressor = lightgbm.LGBMClassifier, lightgbm.LGBMRegressor
    yield from common(lambda: classifier(**small), lambda: regressor(**small), NAMES)
    yield "whole numbers", classifier(**small).fit(NUMBERS, CLASSES + 3), NUMBERS
    yield "fractions", classifier(**small).fit(NUMBERS, CLASSES * 1.0), NUMBERS
    yield "truths", classifier(**small).fit(NUMBERS, TWO == 1), NUMBERS
    yield "ranks", lightgbm.LGBMRanker(**small).fit(NUMBERS, TWO, group=[12] * (ROWS // 12)), NUMBERS
    yield "dart", classifier(**small, boosting_type="dart").fit(NUMBERS, NAMES), NUMBERS
    yield (
        "more options",
        regressor(**small, bagging_freq=1, bagging_fraction=0.8, seed=3).fit(NUMBERS, AMOUNTS),
        NUMBERS,
    )
    yield "counts", regressor(**small, objective="poisson").fit(NUMBERS, AMOUNTS), NUMBERS
    yield "stopped early", _stopped_early(lightgbm, classifier, small), NUMBERS
    yield "large", regressor(n_estimators=300, min_child_samples=2, verbose=-1).fit(NAMED, AMOUNTS), NAMED
    yield "categories", classifier(**small).fit(TOWNS, NAMES), TOWNS
    yield (
        "categories of numbers",
        regressor(**small).fit(TOWNS.drop(columns="town"), AMOUNTS),
        TOWNS.drop(columns="town"),
    )


def _stopped_early(lightgbm: Any, classifier: Any, small: dict[str, Any]) -> Any:
    model = classifier(**{**small, "n_estimators": 50, "learning_rate": 0.8})
    told = [lightgbm.early_stopping(2, verbose=False)]
    return model.fit(NUMBERS[:40], NAMES[:40], eval_set=[(NUMBERS[40:], NAMES[40:])], callbacks=told)


def catboost_models() -> Made:
    import catboost

    small: dict[str, Any] = {"iterations": 4, "depth": 3, "verbose": 0, "allow_writing_files": False}
    classifier, regressor = catboost.CatBoostClassifier, catboost.CatBoostRegressor
    yield from common(lambda: classifier(**small), lambda: regressor(**small), NAMES)
    yield "whole numbers", classifier(**small).fit(NUMBERS, CLASSES + 3), NUMBERS
    yield "fractions", classifier(**small).fit(NUMBERS, CLASSES / 2), NUMBERS
    yield "words", classifier(**small).fit(NUMBERS, np.where(TWO, "yes", "no")), NUMBERS
    yield "ranks", catboost.CatBoostRanker(**small).fit(NUMBERS, TWO, group_id=QUERIES), NUMBERS
    several = np.column_stack([TWO, 1 - TWO, TWO])
    yield "several labels", classifier(**small, loss_function="MultiLogloss").fit(NUMBERS, several), NUMBERS
    yield "several numbers", regressor(**small, loss_function="MultiRMSE").fit(NUMBERS, TWO_AMOUNTS), NUMBERS
    yield "counts", regressor(**small, loss_function="Poisson").fit(NUMBERS, AMOUNTS), NUMBERS
    yield "tried", regressor(**small).fit(NUMBERS[:40], AMOUNTS[:40], eval_set=(NUMBERS[40:], AMOUNTS[40:])), NUMBERS
    yield "large", regressor(**{**small, "iterations": 300, "depth": 6}).fit(NAMED, AMOUNTS), NAMED
    texts = TOWNS.assign(town=TOWNS["town"].astype(str), size=TOWNS["size"].astype(str))
    yield "categories", classifier(**small, cat_features=["town", "size"]).fit(texts, NAMES), texts


def common(classifier: Callable[[], Any], regressor: Callable[[], Any], labels: Any) -> Made:
    """What each library's estimators are put into. ``labels`` are such as the library itself takes."""
    import sklearn
    from sklearn import calibration, compose, ensemble, feature_selection, linear_model, model_selection, multioutput
    from sklearn.multiclass import OneVsRestClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer, StandardScaler

    logistic = linear_model.LogisticRegression(max_iter=500)
    table = frame()
    yield "classes", classifier().fit(NUMBERS, labels), NUMBERS
    yield "named columns", classifier().fit(NAMED, labels), NAMED
    yield "two classes", classifier().fit(NUMBERS, TWO), NUMBERS
    yield "gaps", classifier().fit(GAPPY, TWO), GAPPY
    yield "numbers", regressor().fit(NUMBERS, AMOUNTS), NUMBERS
    yield "pipeline", make_pipeline(StandardScaler(), classifier()).fit(NAMED, labels), NAMED
    yield "columns", make_pipeline(mixed_columns(), classifier()).fit(table, labels), table
    yield "columns of numbers", make_pipeline(mixed_columns(), regressor()).fit(table, AMOUNTS), table
    search = model_selection.GridSearchCV(classifier(), {"learning_rate": [0.1, 0.5]}, cv=2)
    yield "search", search.fit(NAMED, labels), NAMED
    steps = make_pipeline(mixed_columns(), regressor())
    yield "search of columns", model_selection.GridSearchCV(steps, {}, cv=2).fit(table, AMOUNTS), table
    yield "calibrated", calibration.CalibratedClassifierCV(classifier(), cv=2).fit(NUMBERS, labels), NUMBERS
    both = [("one", classifier()), ("other", logistic)]
    yield "vote", ensemble.VotingClassifier(both, voting="soft").fit(NUMBERS, NAMES), NUMBERS
    yield "stack", ensemble.StackingClassifier(both, cv=2).fit(NUMBERS, NAMES), NUMBERS
    yield (
        "judged by it",
        ensemble.StackingClassifier([("a", logistic)], classifier(), cv=2).fit(NUMBERS, NAMES),
        NUMBERS,
    )
    numbered = [("one", regressor()), ("other", linear_model.Ridge())]
    yield "vote of numbers", ensemble.VotingRegressor(numbered).fit(NUMBERS, AMOUNTS), NUMBERS
    yield "stack of numbers", ensemble.StackingRegressor(numbered, cv=2).fit(NUMBERS, AMOUNTS), NUMBERS
    yield "bagging", ensemble.BaggingRegressor(regressor(), n_estimators=3).fit(NUMBERS, AMOUNTS), NUMBERS
    yield "one or the rest", OneVsRestClassifier(classifier()).fit(NUMBERS, NAMES), NUMBERS
    yield "outputs", multioutput.MultiOutputRegressor(regressor()).fit(NUMBERS, TWO_AMOUNTS), NUMBERS
    target = compose.TransformedTargetRegressor(regressor(), func=np.log1p, inverse_func=np.expm1)
    yield "target", target.fit(NUMBERS, AMOUNTS), NUMBERS
    logarithms = make_pipeline(FunctionTransformer(np.log1p), regressor())
    yield "logarithms", logarithms.fit(NUMBERS, AMOUNTS), NUMBERS
    select = feature_selection.SelectFromModel(classifier(), threshold="median")
    yield "chosen columns", make_pipeline(select, logistic).fit(NUMBERS, labels), NUMBERS
    if tuple(map(int, sklearn.__version__.split(".")[:2])) >= (1, 6):
        threshold = model_selection.FixedThresholdClassifier(classifier(), threshold=0.4)
        yield "threshold", threshold.fit(NUMBERS, TWO), NUMBERS


def case(name: str, model: Any, table: Any) -> Case:
    asked = table[:ASKED]
    rows = frame_rows(asked) if hasattr(asked, "columns") else _plain(asked)
    return Case(name, type(model).__name__, model, asked, rows)


def _plain(asked: Any) -> list[list[Any]]:
    return [[None if math.isnan(value) else value for value in row] for row in asked.tolist()]


def main(folder: Path) -> None:
    warnings.simplefilter("ignore")
    for library, made in (("xgboost", xgboost_models), ("lightgbm", lightgbm_models), ("catboost", catboost_models)):
        place = folder / library
        place.mkdir(parents=True)
        entries: list[dict[str, Any]] = []
        for number, (name, model, table) in enumerate(made()):
            written = write(place, case(name, model, table), number)
            if name == "several labels":  # whose classes are 0 and 1, of each label
                written = [{**entry, "classes": None} for entry in written]
            entries += written
        (place / "models.json").write_text(json.dumps({"models": entries, "failed": {}}), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
