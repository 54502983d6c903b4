"""Projects with a model whose pipeline has steps of a person's own, fitted by a process of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

PYTHON = f"{sys.version_info[0]}.{sys.version_info[1]}"
FEATURES = '''"""Columns that the plant's engineers use."""

from pathlib import Path

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin

from units.lengths import IN_METRES

{canary}

class Ratio(TransformerMixin, BaseEstimator):
    """Adds the ratio of two columns."""

    def __init__(self, over=0, under=1):
        self.over = over
        self.under = under

    def fit(self, X, y=None):
        X = np.asarray(X, dtype=float)
        self.n_features_in_ = X.shape[1]
        self.mean_ = X.mean(axis=0)
        return self

    def transform(self, X):
        X = np.asarray(X, dtype=float)
        return np.c_[X * IN_METRES, (X[:, self.over] / (1 + abs(X[:, self.under]))), X - self.mean_]


def doubled(X):
    return 2 * X
'''
CANARY = """try:
    with open({path!r}, "a", encoding="utf-8") as file:
        print("imported", file=file)
except OSError:  # in the confined process
    pass
"""
LENGTHS = "IN_METRES = 0.0254\n"
_FIT = """
import json, sys
import joblib, numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
import features
rows = np.random.default_rng(7).normal(size=(80, 3))
labels = np.where(rows[:, 0] > rows[:, 1], "left", "right")
steps = [features.Ratio(over=0, under=2), FunctionTransformer(features.doubled), StandardScaler(), LogisticRegression()]
model = make_pipeline(*steps).fit(rows, labels)
joblib.dump(model, sys.argv[1])
asked = np.random.default_rng(8).normal(size=(20, 3))
print(json.dumps([asked.tolist(), model.predict(asked).tolist(), model.predict_proba(asked).tolist()]))
"""


def make_project(folder: Path, *, canary: Path | None = None, model: str = "model.joblib") -> tuple[Any, Any, Any]:
    """A module of steps, the package ``units`` that it imports, and a fitted pipeline with such steps: some rows, and
    the library's labels and probabilities for them. With ``canary``, whoever imports the code adds to that file."""
    (folder / "units").mkdir(parents=True)
    (folder / "units" / "__init__.py").write_text("", encoding="utf-8")
    (folder / "units" / "lengths.py").write_text(LENGTHS, encoding="utf-8")
    (folder / ".python-version").write_text(PYTHON, encoding="utf-8")
    code = folder / "features.py"
    code.write_text(FEATURES.format(canary=CANARY.format(path=str(canary)) if canary else ""), encoding="utf-8")
    (folder / model).parent.mkdir(exist_ok=True, parents=True)
    rows, labels, probabilities = json.loads(run_python(_FIT, str(folder / model), folder=folder))
    if canary:
        canary.unlink()
    return rows, labels, probabilities


def run_python(program: str, *arguments: str, folder: Path) -> str:
    """What ``program`` prints, run with ``folder`` first among where it imports from."""
    environment = {**os.environ, "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        [sys.executable, "-c", program, *arguments], check=True, capture_output=True, text=True, env=environment
    ).stdout
