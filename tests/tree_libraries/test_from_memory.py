"""Models of the tree libraries, written from memory as the library for notebooks does, are what they are said to be."""

from __future__ import annotations

import io
import json
import subprocess
from pathlib import Path

import pytest

from kronkers_studio.domain.models import Framework
from kronkers_studio.packaging import inspect_model
from tests.tree_libraries.environments import libraries_of

ROOT = Path(__file__).parents[2]
_WRITE = """
import importlib.util, json, pathlib, sys
import catboost, lightgbm, numpy as np, xgboost
found = importlib.util.spec_from_file_location("model_writing", sys.argv[1])
writing = sys.modules["model_writing"] = importlib.util.module_from_spec(found)
found.loader.exec_module(writing)
out = pathlib.Path(sys.argv[2])
rows = np.random.default_rng(0).random((80, 3))
truth = (rows[:, 0] > 0.5).astype(int)
words = np.array(["no", "yes"])[truth]
quiet = {"verbose": -1}
models = {
    "a": xgboost.XGBClassifier(n_estimators=3).fit(rows, truth),
    "b": xgboost.train({}, xgboost.DMatrix(rows, truth), 2),
    "c": lightgbm.LGBMClassifier(n_estimators=3, **quiet).fit(rows, words),
    "d": lightgbm.train(quiet, lightgbm.Dataset(rows, truth), 2),
    "e": catboost.CatBoostClassifier(iterations=3, verbose=0, allow_writing_files=False).fit(rows, words),
}
for name, model in models.items():
    written = writing.model_bytes(model)
    (out / (name + written.ending)).write_bytes(written.content)
beside = writing.environment_files()
print(json.dumps({name: content.decode() for name, content in beside.items()}))
"""


@pytest.mark.slow
def test_each_is_written_in_a_form_that_is_served(tmp_path: Path) -> None:
    command = [str(libraries_of("new")), "-c", _WRITE, str(ROOT / "kronkers_studio" / "notebook" / "model_writing.py")]
    done = subprocess.run(
        [*command, str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=240,
        env={"PYTHONPATH": str(ROOT)},
    )
    beside = {name: (lambda text=text: text.encode()) for name, text in json.loads(done.stdout).items()}
    found = {file.name: inspect_model(file.name, io.BytesIO(file.read_bytes()), beside) for file in tmp_path.iterdir()}
    assert {name: (facts.framework, facts.framework_version, facts.unsafe) for name, facts in found.items()} == {
        "a.ubj": (Framework.XGBOOST, "3.2.0", ()),
        "b.ubj": (Framework.XGBOOST, "3.2.0", ()),
        "c.joblib": (Framework.LIGHTGBM, "4.7.0", ()),
        "d.txt": (Framework.LIGHTGBM, "4.7.0", ()),
        "e.cbm": (Framework.CATBOOST, "1.2.10", ()),
    }
    assert found["c.joblib"].signature.outputs[1].columns == ("no", "yes")
