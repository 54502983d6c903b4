"""Documents that other libraries write of their own models, and what these answer: ``python models.py FOLDER``, with
the libraries of ``test_answers``. Made with nyoka 5.5.0, scikit-learn 1.2.2, XGBoost 1.7.6 and LightGBM 3.3.5."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import nyoka  # type: ignore[import-not-found]
import xgboost
from sklearn.datasets import load_diabetes, load_iris
from sklearn.ensemble import GradientBoostingRegressor, RandomForestClassifier, RandomForestRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

SHOWN = 12  # rows


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    iris, diabetes = load_iris(), load_diabetes()
    species = [str(iris.target_names[place]) for place in iris.target]
    flowers = ("iris", iris.data, np.array(species), ["sl", "sw", "pl", "pw"])
    two = ("two", iris.data[50:], np.array(species[50:]), ["sl", "sw", "pl", "pw"])
    sick = ("sick", diabetes.data[:, :4], diabetes.target, ["age", "sex", "bmi", "bp"])
    cases: dict[str, Any] = {}
    for name, data, steps in (
        ("logistic", flowers, [StandardScaler(), LogisticRegression(multi_class="ovr")]),
        ("logistic-two", two, [LogisticRegression(max_iter=500)]),
        ("tree", flowers, [DecisionTreeClassifier(max_depth=4, random_state=0)]),
        ("forest", flowers, [RandomForestClassifier(3, max_depth=3, random_state=0)]),
        ("linear", sick, [MinMaxScaler(), LinearRegression()]),
        ("tree-regression", sick, [DecisionTreeRegressor(max_depth=4, random_state=0)]),
        ("forest-regression", sick, [RandomForestRegressor(4, max_depth=3, random_state=0)]),
        ("boosting-regression", sick, [GradientBoostingRegressor(n_estimators=4, random_state=0)]),
        ("xgboost-regression", sick, [xgboost.XGBRegressor(n_estimators=5, max_depth=3)]),
        ("lightgbm-regression", sick, [lightgbm.LGBMRegressor(n_estimators=6, num_leaves=6)]),
        ("lightgbm", flowers, [lightgbm.LGBMClassifier(n_estimators=2, num_leaves=4)]),
    ):
        _, rows, target, columns = data
        named = [(f"step{place}", step) for place, step in enumerate(steps)]
        try:
            pipeline = Pipeline(named).fit(rows, target)
            write = nyoka.skl_to_pmml
            if "xgboost" in name:
                write = nyoka.xgboost_to_pmml
            if "lightgbm" in name:
                write = nyoka.lgb_to_pmml
            write(pipeline, columns, "target", str(folder / f"{name}.pmml"))
        except Exception as problem:  # noqa: BLE001 — libraries of other years do not always fit
            print(name, repr(problem), file=sys.stderr)
            continue
        shown = rows[:: max(1, len(rows) // SHOWN)]
        cases[name] = {
            "columns": columns,
            "rows": shown.tolist(),
            "label": pipeline.predict(shown).tolist(),
            "probabilities": pipeline.predict_proba(shown).tolist() if hasattr(pipeline, "predict_proba") else None,
            "classes": [str(one) for one in getattr(pipeline, "classes_", [])],
        }
    (folder / "cases.json").write_text(json.dumps(cases), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
