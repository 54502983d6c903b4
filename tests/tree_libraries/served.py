"""What the model service's own code answers for the cases of ``models.py``, written as JSON. Run with the libraries'
Python: ``python served.py FOLDER``; ``FOLDER/NAME/model.json`` describes each model."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from kronkers_studio.serving.inputs.row_reader import RowReader
from kronkers_studio.serving.manifest import read_manifest
from kronkers_studio.serving.model_loader import load_model
from kronkers_studio.serving.problems import CannotStart, Refusal


def main(folder: Path) -> None:
    cases = json.loads((folder / "cases.json").read_text(encoding="utf-8"))
    found = {name: _answers(folder / f"{name}.package", case) for name, case in cases.items()}
    (folder / "served.json").write_text(json.dumps(found), encoding="utf-8")


def _answers(package: Path, case: dict[str, Any]) -> dict[str, Any]:
    if not package.exists():
        return {"problem": "not packaged"}
    try:
        model = load_model(read_manifest(package), 1)
        reader = RowReader(model.signature, takes_missing=model.takes_missing, most_rows=1000)
        inputs, _ = reader.read(case["rows"])
        outputs = model.run(inputs, [spec.name for spec in model.signature.outputs])
    except (CannotStart, Refusal) as problem:
        return {"problem": str(problem)}
    return {name: array.tolist() for name, array in outputs.items()}


if __name__ == "__main__":
    main(Path(sys.argv[1]))
