"""Answers the rows of every packaged model with the real server's own loader, reader of rows and models.

    python served.py FOLDER [with pandas]

FOLDER holds a folder for each package (model.json, the model's file, rows.json); ``answers.json`` says of each what it
answered and what it declares, or what went wrong. It runs where the server runs: without pandas.
"""

from __future__ import annotations

import json
import sys
import warnings
from dataclasses import asdict
from pathlib import Path
from typing import Any

from kronkers_studio.serving.inputs.row_reader import RowReader
from kronkers_studio.serving.manifest import read_manifest
from kronkers_studio.serving.model_loader import load_model
from kronkers_studio.serving.problems import CannotStart, Refusal
from kronkers_studio.serving.signature import datatype_of


def answer(folder: Path) -> dict[str, Any]:
    """What the model in ``folder`` says of itself and of its rows."""
    model = load_model(read_manifest(folder), 1)
    reader = RowReader(model.signature, takes_missing=model.takes_missing, most_rows=100)
    rows = json.loads((folder / "rows.json").read_text(encoding="utf-8"))
    inputs, _ = reader.read(rows)
    outputs = model.run(inputs, tuple(filter(None, (model.label, model.probabilities))))
    return {
        "inputs": [_said(spec) for spec in model.signature.inputs],
        "outputs": [_said(spec) for spec in model.signature.outputs],
        "label": outputs[model.label].tolist(),
        "probabilities": outputs[model.probabilities].tolist() if model.probabilities else None,
        "classes": list(model.classes),
        "given": {name: [datatype_of(array), list(array.shape)] for name, array in outputs.items()},
    }


def _said(spec: Any) -> dict[str, Any]:
    said = asdict(spec)
    return {name: list(said[name]) if name in ("shape", "columns") else said[name] for name in _DECLARED}


_DECLARED = ("name", "datatype", "shape", "columns")


class WithoutPandas:
    """Has pandas fail to be imported: no package brings it."""

    def find_spec(self, name: str, *_: Any) -> None:
        if name.partition(".")[0] == "pandas":
            raise ModuleNotFoundError("There is no pandas where services run.", name=name)


def main(folder: Path, *, pandas: bool = False) -> None:
    if not pandas:
        sys.meta_path.insert(0, WithoutPandas())
    warnings.simplefilter("ignore")
    answers: dict[str, Any] = {}
    for package in sorted(path for path in folder.iterdir() if path.is_dir()):
        try:
            answers[package.name] = answer(package)
        except CannotStart as reason:
            answers[package.name] = {"failed": f"cannot start: {reason}"}
        except Refusal as reason:
            answers[package.name] = {"failed": f"refused: {reason.message}"}
        except Exception as error:  # noqa: BLE001 — models raise anything
            answers[package.name] = {"failed": f"{type(error).__name__}: {error}"[:500]}
    (folder / "answers.json").write_text(json.dumps(answers), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), pandas="with pandas" in sys.argv[2:])
