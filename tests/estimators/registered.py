"""Registers models as the program does, packages what describes them, and compares services with the library."""

from __future__ import annotations

import hashlib
import json
import math
import os
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from kronkers_studio.domain.errors import StudioError
from kronkers_studio.domain.models import ContentRef, ModelFacts, ModelVersion
from kronkers_studio.packaging import inspect_model, require_safe
from kronkers_studio.packaging.composition import describe_model
from kronkers_studio.packaging.recorded_facts import checked_facts

ROOT = Path(__file__).parents[2]
TOLERANCE = 1e-9


def register(made: Path) -> tuple[dict[str, dict[str, Any]], dict[str, str]]:
    """Looks at every file that ``models.json`` in ``made`` names. Those that are accepted are packaged into
    ``made/packages``; of the others the reason is given, by the file's name."""
    said = json.loads((made / "models.json").read_text(encoding="utf-8"))
    packages = made / "packages"
    shutil.rmtree(packages, ignore_errors=True)
    packages.mkdir()
    accepted: dict[str, dict[str, Any]] = {}
    refused: dict[str, str] = {}
    for entry in said["models"]:
        file = made / entry["file"]
        try:
            with file.open("rb") as stream:
                facts = inspect_model(file.name, stream, {})
            require_safe(checked_facts(facts, file.name))
        except StudioError as reason:
            refused[file.name] = f"{reason.message} next: {reason.next_step}"
            continue
        accepted[file.name] = entry
        _package(packages / file.name, file, facts, entry["rows"])
    return accepted, refused


def _package(folder: Path, file: Path, facts: ModelFacts, rows: list[Any]) -> None:
    folder.mkdir()
    version = ModelVersion("model", 1, ContentRef("p", "c", file.name), facts, datetime.now(UTC), "anna")
    description = describe_model(version, hashlib.sha256(file.read_bytes()).hexdigest())
    (folder / "model.json").write_text(json.dumps(description), encoding="utf-8")
    (folder / "rows.json").write_text(json.dumps(rows), encoding="utf-8")
    shutil.copyfile(file, folder / str(description["file"]))


def serve(made: Path, python: Path) -> dict[str, Any]:
    """What the packages in ``made/packages`` answer in the environment of ``python``."""
    subprocess.run(
        [str(python), str(Path(__file__).with_name("served.py")), str(made / "packages")],
        check=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
    )
    return dict(json.loads((made / "packages" / "answers.json").read_text(encoding="utf-8")))


def differences(made: Path, entry: dict[str, Any], answer: dict[str, Any]) -> list[str]:
    """What a service says otherwise than the library, or than its package declares."""
    if "failed" in answer:
        return [answer["failed"]]
    found = []
    if not same(answer["label"], entry["outputs"]):
        found.append(f"answers {answer['label'][:3]}, the library {entry['outputs'][:3]}")
    if not same(answer["probabilities"], entry["probabilities"]):
        found.append(f"probabilities {_first(answer['probabilities'])}, the library {_first(entry['probabilities'])}")
    description = json.loads((made / "packages" / entry["file"] / "model.json").read_text(encoding="utf-8"))
    declared = description["signature"]
    for side in ("inputs", "outputs"):
        if declared[side] != answer[side]:
            found.append(f"declares {declared[side]}, serves {answer[side]}")
    for spec in answer["outputs"]:
        datatype, shape = answer["given"][spec["name"]]
        lengths = zip(spec["shape"], shape, strict=False)
        if (
            datatype != spec["datatype"]
            or len(shape) != len(spec["shape"])
            or any(w not in (-1, h) for w, h in lengths)
        ):
            found.append(f"{spec['name']} is {datatype} {shape}, declared {spec['datatype']} {spec['shape']}")
    if entry["classes"] is not None and entry["probabilities"] is not None and answer["classes"] != entry["classes"]:
        found.append(f"classes {answer['classes']}, the library {entry['classes']}")
    return found


def _first(rows: Any) -> Any:
    return rows[:1] if isinstance(rows, list) else rows


def same(found: Any, wanted: Any) -> bool:
    """Whether two nested lists hold the same, numbers within ``TOLERANCE`` of their size."""
    if isinstance(found, list) and isinstance(wanted, list):
        return len(found) == len(wanted) and all(map(same, found, wanted))
    if isinstance(found, bool | int | float) and isinstance(wanted, bool | int | float):
        return math.isclose(found, wanted, rel_tol=TOLERANCE, abs_tol=TOLERANCE)
    return bool(found == wanted)
