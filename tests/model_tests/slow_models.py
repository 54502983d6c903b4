"""Pipelines whose own step keeps a service waiting when it starts, and a twin that does not."""

from __future__ import annotations

from pathlib import Path

from tests.own_code.projects import PYTHON, run_python

SECONDS = 25
"""How long a slow step takes: longer than any service of such a model needs to start."""
MODELS = ("quick", "slow to load", "slow at first")

_STEPS = f'''"""What the plant's engineers put before their model."""

import time

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin


class Quick(TransformerMixin, BaseEstimator):
    def fit(self, X, y=None):
        self.n_features_in_ = np.asarray(X).shape[1]
        return self

    def transform(self, X):
        return np.asarray(X, dtype=float)


class SlowToLoad(Quick):
    """Reads a large table, say, whenever it is loaded."""

    def __setstate__(self, state):
        time.sleep({SECONDS})
        super().__setstate__(state)


class SlowAtFirst(Quick):
    """Compiles something for the first rows that it gets; where it was fitted, it has."""

    compiled = False

    def fit(self, X, y=None):
        SlowAtFirst.compiled = True
        return super().fit(X, y)

    def transform(self, X):
        if not SlowAtFirst.compiled:
            time.sleep({SECONDS})
            SlowAtFirst.compiled = True
        return super().transform(X)
'''
_FIT = """
import pathlib, sys
import joblib, numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
import steps
folder = pathlib.Path(sys.argv[1])
rows = np.random.default_rng(3).normal(size=(80, 2))
labels = np.where(rows[:, 0] > 0, "yes", "no")
made = {"quick": steps.Quick(), "slow to load": steps.SlowToLoad(), "slow at first": steps.SlowAtFirst()}
for name, step in made.items():
    joblib.dump(make_pipeline(step, LogisticRegression()).fit(rows, labels), folder / f"{name}.joblib")
np.savetxt(folder / "rows.csv", rows, delimiter=",", header="x,z", comments="")
"""


def write(folder: Path) -> None:
    """The steps, a model of each, some rows, and a test set that says how soon a service must be ready."""
    folder.mkdir()
    (folder / ".python-version").write_text(PYTHON, encoding="utf-8")
    (folder / "steps.py").write_text(_STEPS, encoding="utf-8")
    run_python(_FIT, str(folder), folder=folder)
    tests = f"tests: [{{kind: start, at_most_seconds: {SECONDS - 5}}}, {{kind: deterministic, data: rows.csv}}]"
    (folder / "start.tests.yaml").write_text(tests, encoding="utf-8")
