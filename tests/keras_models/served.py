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
    try:
        model = load_model(read_manifest(package), 1)
    except CannotStart as problem:
        return {"problem": str(problem)}
    given = [np.array(one["data"], one["dtype"]).reshape(one["shape"]) for one in case["inputs"].values()]
    inputs = {spec.name: array for spec, array in zip(model.signature.inputs, given, strict=True)}
    names = [spec.name for spec in model.signature.outputs]
    try:
        answers = model.run(inputs, names)
        one_row = model.run({name: array[:1] for name, array in inputs.items()}, names)
    except Refusal as problem:
        return {"problem": str(problem)}
    specs = [[spec.name, spec.datatype, list(spec.shape)] for spec in model.signature.outputs]
    return {
        "outputs": [answers[name].tolist() for name in names],
        "first": [one_row[name].tolist() for name in names],
        "specs": specs,
        "fills_up": getattr(model, "_fills_up", None),
    }


if __name__ == "__main__":
    main(Path(sys.argv[1]))
