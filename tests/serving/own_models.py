"""A model of a person's own code that does what its rows say: it takes time, prints, crashes, or takes all memory."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from tests.own_code.projects import run_python
from tests.serving.model_folders import write_folder

CRASH, EXIT, PRINT, TAKE_MEMORY, FAIL, WAIT = 1.0, 2.0, 3.0, 4.0, 5.0, 6.0
"""What the first column asks for; 0 for nothing. The second says for how many milliseconds Python is kept busy."""

_CODE = '''"""Does what it is told."""

import ctypes
import os
import sys
import time

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin


class Told(ClassifierMixin, BaseEstimator):
    def fit(self, X, y):
        self.n_features_in_ = X.shape[1]
        self.classes_ = np.unique(y)
        return self

    def predict_proba(self, X):
        for order, milliseconds in np.asarray(X, dtype=float).tolist():
            obey(order)
            until = time.thread_time() + milliseconds / 1000
            while time.thread_time() < until:
                pass
        share = 1 / (1 + np.exp(-np.asarray(X, dtype=float)[:, 1]))
        return np.c_[1 - share, share]

    def predict(self, X):
        return self.classes_[self.predict_proba(X).argmax(axis=1)]


def obey(order):
    if order == 1:
        ctypes.string_at(0)
    elif order == 2:
        sys.exit("the model leaves")
    elif order == 3:
        os.write(1, b"printed past Python\\n")
        print("printed by the model", flush=True)
        print(repr(sys.stdin.read()), flush=True)
    elif order == 4:
        held = []
        while True:
            held.append(np.ones(1 << 22))
    elif order == 5:
        raise KeyError("no such row")
    elif order == 6:
        time.sleep(600)
'''
_FIT = """
import io, json, pickle, sys
import numpy as np
from sklearn.pipeline import make_pipeline
import told
model = make_pipeline(told.Told()).fit(np.zeros((4, 2)), np.array(["no", "yes"] * 2))
found = set()
class Names(pickle.Unpickler):
    def find_class(self, module, name):
        found.add(f"{module}.{name}")
        return super().find_class(module, name)
data = pickle.dumps(model)
Names(io.BytesIO(data)).load()
open(sys.argv[1], "wb").write(data)
print(json.dumps(sorted(found)))
"""


def told_project(folder: Path, file: Path) -> list[str]:
    """A project's folder with the code; the model is saved as ``file``. The names that its pickle has."""
    folder.mkdir(parents=True)
    (folder / "told.py").write_text(_CODE, encoding="utf-8")
    found: list[str] = json.loads(run_python(_FIT, str(file), folder=folder))
    return found


def told_folder(folder: Path) -> Path:
    """The package's folder, as a service has it."""
    code, file = folder / "code", folder / "model.pkl"
    names = told_project(code, file)
    sha256 = hashlib.sha256((code / "told.py").read_bytes()).hexdigest()
    return write_folder(
        folder, file, file_format="pickle", allowed_globals=names, code=[{"file": "told.py", "sha256": sha256}]
    )
