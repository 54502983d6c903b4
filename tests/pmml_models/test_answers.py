"""Documents that other libraries wrote of their models answer as those models do, from the file to the service."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kronkers_studio.serving.manifest import read_manifest
from kronkers_studio.serving.model_loader import load_model
from tests.tree_libraries.packages import package_of

FILES = Path(__file__).with_name("files")
CASES: dict[str, dict[str, Any]] = json.loads((FILES / "cases.json").read_text(encoding="utf-8"))


def test_there_are_enough_of_them() -> None:
    assert len(CASES) >= 11


@pytest.mark.parametrize("name", CASES)
def test_a_document_answers_as_the_model_that_it_was_written_of(name: str, tmp_path: Path) -> None:
    """Seen to fail with trees that go on where a predicate is false as where it is true."""
    case = CASES[name]
    file = Path(shutil.copy(FILES / f"{name}.pmml", tmp_path))
    model = load_model(read_manifest(package_of(file)), 1)
    rows = np.array(case["rows"])
    inputs = {spec.name: rows[:, case["columns"].index(spec.name)].reshape(-1, 1) for spec in model.signature.inputs}

    found = model.run(inputs, [spec.name for spec in model.signature.outputs])

    label = found[model.label].tolist()
    assert label == case["label"] if case["classes"] else np.allclose(label, case["label"], rtol=1e-6, atol=1e-6)
    if case["classes"]:
        shares = found[model.probabilities][:, [model.classes.index(name) for name in case["classes"]]]
        assert np.allclose(shares, case["probabilities"], rtol=1e-6, atol=1e-6)
    for spec in model.signature.outputs:
        assert len(found[spec.name]) == len(rows)
