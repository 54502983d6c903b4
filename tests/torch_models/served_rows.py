"""What the model service's own code answers rows of numbers, printed as JSON. Run with the libraries' Python:
``python served_rows.py PACKAGE ROWS``."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np

from kronkers_studio.serving.manifest import read_manifest
from kronkers_studio.serving.model_loader import load_model
from kronkers_studio.serving.problems import CannotStart


def main(package: Path, rows: str) -> None:
    try:
        model = load_model(read_manifest(package), 1)
    except CannotStart as problem:
        print(json.dumps({"problem": str(problem)}))
        return
    (given,) = model.signature.inputs
    names = [spec.name for spec in model.signature.outputs]
    answers = model.run({given.name: np.array(json.loads(rows), np.float32)}, names)
    print(json.dumps({"outputs": [answers[name].tolist() for name in names]}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
