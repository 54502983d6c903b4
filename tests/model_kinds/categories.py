"""Models of CatBoost and LightGBM on categories that look like numbers and truth values, two versions of each, with the
rows that they are asked, as CSV and as JSON. Run with a Python that has the libraries:
``python -m tests.model_kinds.categories FOLDER``."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

_ROWS, _SHOWN = 400, 60
_CHANCE = np.random.default_rng(11)
_CATEGORIES = ["member", "open", "number", "code", "word"]


def _drawn(*values: Any) -> Any:
    return np.array(values)[_CHANCE.integers(0, len(values), _ROWS)]


TABLE = pd.DataFrame(
    {
        "member": _drawn(True, False),
        "open": _drawn("True", "False"),
        "number": _drawn(1, 2, 3),
        "code": _drawn("01", "1", "2", "1e3"),
        "word": _drawn("true", "False", "no"),
        "amount": _CHANCE.normal(size=_ROWS).round(3),
    }
)
_SCORE = (
    TABLE["member"] * 1.0
    + (TABLE["open"] == "True")
    + (TABLE["number"] == 2)
    + (TABLE["code"] == "01")
    + (TABLE["word"] == "true")
    + TABLE["amount"] / 2
)
_HIGH = _SCORE.gt(_SCORE.median()).to_numpy()
TRUTHS: dict[str, Any] = {
    "bools": _HIGH,
    "numbers": _HIGH.astype(int),
    "codes": np.where(_HIGH, "01", "1"),
    "words": np.where(_HIGH, "True", "no"),
}
"""What is taught: classes that are truth values, numbers, codes that would be one number, and words."""


def main(folder: Path) -> None:
    told = {}
    for name, models in _models():
        for version, model in enumerate(models, 1):
            model.save(folder / f"{name}-{version}{model.ending}")
        told[name] = {"ending": models[0].ending, "answers": [each.answers for each in models]}
    for taught, truth in TRUTHS.items():
        rows = TABLE.assign(known=truth)[:_SHOWN]
        rows.to_csv(folder / f"{taught}.csv", index=False)
        plain = json.loads(rows.to_json(orient="records"))
        (folder / f"{taught}.json").write_text(json.dumps(plain), encoding="utf-8")
        written = [{name: str(value) for name, value in row.items()} for row in plain]
        truths = [{**row, "open": row["open"] == "True"} for row in plain]
        (folder / f"{taught}.truths.json").write_text(json.dumps(truths), encoding="utf-8")
        (folder / f"{taught}.texts.json").write_text(json.dumps(written), encoding="utf-8")
    print(json.dumps(told))


class _CatBoost:
    ending = ".cbm"

    def __init__(self, truth: Any, rounds: int) -> None:
        import catboost

        model = catboost.CatBoostClassifier(
            iterations=rounds, depth=3, verbose=0, allow_writing_files=False, cat_features=_CATEGORIES, random_seed=1
        )
        self._model = model.fit(TABLE, truth)
        self.answers = [str(one) for one in np.ravel(model.predict(TABLE[:_SHOWN])).tolist()]

    def save(self, file: Path) -> None:
        self._model.save_model(str(file))


class _LightGBM:
    """With the scikit-learn interface, which keeps the classes."""

    ending = ".joblib"

    def __init__(self, truth: Any, rounds: int) -> None:
        import lightgbm

        table = TABLE.astype(dict.fromkeys(_CATEGORIES, "category"))
        self._model = lightgbm.LGBMClassifier(n_estimators=rounds, verbose=-1, n_jobs=1).fit(table, truth)
        self.answers = [str(one) for one in self._model.predict(table[:_SHOWN]).tolist()]

    def save(self, file: Path) -> None:
        import joblib

        joblib.dump(self._model, file)


def _models() -> Iterator[tuple[str, list[Any]]]:
    for taught, truth in TRUTHS.items():
        yield f"cat-{taught}", [_CatBoost(truth, rounds) for rounds in (2, 30)]
        yield f"lgb-{taught}", [_LightGBM(truth, rounds) for rounds in (1, 30)]


if __name__ == "__main__":
    main(Path(sys.argv[1]))
