"""Makes the files in ``pickles``: some of what ``pickled_models`` writes, with what the libraries answer.

python -m tests.tree_libraries.choose_pickles
"""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any, Final

from tests.tree_libraries.environments import libraries_of

_HERE: Final = Path(__file__).parent
_CHOSEN: Final = (
    ("new", "xgboost", "search of columns", ".joblib", "xgb-columns.joblib"),
    ("new", "xgboost", "classes", ".joblib", "xgb-classes.joblib"),
    ("new", "lightgbm", "categories", ".pkl", "lgb-categories.pkl"),
    ("new", "lightgbm", "stack", ".joblib", "lgb-stack.joblib"),
    ("new", "catboost", "categories", ".joblib", "cat-categories.joblib"),
    ("new", "catboost", "pipeline", ".joblib", "cat-pipeline.joblib"),
    ("old", "lightgbm", "pipeline", ".joblib", "lgb-3.3-pipeline.joblib"),
)
"""The versions' age, the library, the model, its ending, and what the file is called."""


def main(target: Path = _HERE / "pickles") -> None:
    answers: dict[str, dict[str, Any]] = {}
    target.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as made:
        for age in sorted({chosen[0] for chosen in _CHOSEN}):
            command = [str(libraries_of(age)), "-m", "tests.tree_libraries.pickled_models", str(Path(made) / age)]
            subprocess.run(command, check=True, cwd=_HERE.parents[1])
        for age, library, name, ending, file in _CHOSEN:
            folder = Path(made) / age / library
            models = json.loads((folder / "models.json").read_text(encoding="utf-8"))["models"]
            entry = next(one for one in models if one["name"] == name and one["file"].endswith(ending))
            shutil.copyfile(folder / entry["file"], target / file)
            answers[file] = _answers(entry)
    (target / "answers.json").write_text(json.dumps(answers), encoding="utf-8")


def _answers(entry: dict[str, Any]) -> dict[str, Any]:
    if entry["probabilities"] is None:
        return {"rows": entry["rows"], "output": entry["outputs"]}
    return {"rows": entry["rows"], "label": entry["outputs"], "probabilities": entry["probabilities"]}


if __name__ == "__main__":
    main()
