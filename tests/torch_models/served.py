"""What the model service's own code answers for the cases of ``models.py``, written as JSON. Run with the libraries'
Python: ``python served.py FOLDER``; ``FOLDER/NAME.package/model.json`` describes each model."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from kronkers_studio.serving.manifest import read_manifest
from kronkers_studio.serving.model_loader import load_model
from kronkers_studio.serving.problems import CannotStart, Refusal


def main(folder: Path) -> None:
    cases = json.loads((folder / "cases.json").read_text(encoding="utf-8"))
    found = {name: _answers(folder / f"{name}.package", case) for name, case in cases.items()}
    (folder / "served.json").write_text(json.dumps(found), encoding="utf-8")


def _answers(package: Path, case: dict[str, Any]) -> dict[str, Any]:
    given = [np.array(one["data"], one["dtype"]).reshape(one["shape"]) for one in case["inputs"]]
    try:
        model = load_model(read_manifest(package), 1)
        inputs = {spec.name: array for spec, array in zip(model.signature.inputs, given, strict=True)}
        answers = model.run(inputs, [spec.name for spec in model.signature.outputs])
    except (CannotStart, Refusal) as problem:
        return {"problem": str(problem)}
    wrong = {name: np.zeros((2, 99), np.float32) for name in inputs}
    try:
        model.run(wrong, [spec.name for spec in model.signature.outputs])
    except Refusal as problem:
        refused = str(problem)
    return {"outputs": [answers[spec.name].tolist() for spec in model.signature.outputs], "refused": refused}


if __name__ == "__main__":
    main(Path(sys.argv[1]))
