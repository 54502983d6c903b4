"""Every estimator that scikit-learn has: registered, packaged, and answering as the library does; or refused with a
reason that docs/scikit-learn.md gives."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.estimators import registered
from tests.estimators.environments import VERSIONS, environment
from tests.estimators.registered import ROOT, differences, register, serve

DOCUMENT = ROOT / "docs" / "scikit-learn.md"
SAMPLE = (
    *("stack of columns", "vote of columns", "calibrated columns", "target over columns", "bagging of columns"),
    *("outputs of columns", "search of columns", "random search", "text outputs", "class chain"),
    *("nested columns", "set output", "selector", "logarithms", "text table", "categories of trees"),
)
"""The hard kinds."""

CANNOT_BE_FITTED = {
    "PLSSVD before": "its transform gives two tables",
    "PLSSVD columns before": "its transform gives two tables",
}
NOT_THERE = {
    "1.3.2": {"threshold over columns", "fixed threshold over columns", "frozen columns", "categories of trees"},
}


def made_models(folder: Path, version: str, *only: str) -> tuple[Path, dict[str, Any]]:
    """The folder with models of that scikit-learn, and what ``models.json`` there says."""
    made = folder / version
    python = environment(version, VERSIONS[version])
    subprocess.run(
        [str(python), "-m", "tests.estimators.models", str(made), *only],
        check=True,
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    return made, json.loads((made / "models.json").read_text(encoding="utf-8"))


def wrong_answers(made: Path, version: str, accepted: dict[str, dict[str, Any]]) -> dict[str, list[str]]:
    """What services of the ``accepted`` models say otherwise than the library, by model."""
    answers = serve(made, environment(version, VERSIONS[version]))
    found = {entry["name"]: differences(made, entry, answers[file]) for file, entry in accepted.items()}
    return {name: wrong for name, wrong in found.items() if wrong}


def untold_reasons(said: dict[str, Any], refused: dict[str, str]) -> dict[str, str]:
    """Reasons of refusals that the document does not give for that estimator."""
    document = " ".join(DOCUMENT.read_text(encoding="utf-8").split())
    lines = [line for line in DOCUMENT.read_text(encoding="utf-8").splitlines() if line.startswith("| ")]
    untold = {}
    for entry in said["models"]:
        reason = refused.get(entry["file"], "")
        advice = reason.partition("next: ")[2]
        told = advice in document and any(f"`{entry['kind']}`" in line for line in lines)
        if reason and not told:
            untold[entry["name"]] = reason
    return untold


def test_the_hard_kinds_are_registered_and_answer_as_the_library_does(tmp_path: Path) -> None:
    made, said = made_models(tmp_path, "1.9.1", *SAMPLE)
    assert said["failed"] == {}
    assert len(said["models"]) == 2 * len(SAMPLE)

    accepted, refused = register(made)

    assert refused == {}
    assert wrong_answers(made, "1.9.1", accepted) == {}


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("version", list(VERSIONS))
def test_every_estimator_is_registered_and_answers_as_the_library_does(version: str, tmp_path: Path) -> None:
    made, said = made_models(tmp_path, version)
    assert set(said["failed"]) == set(CANNOT_BE_FITTED) | NOT_THERE.get(version, set())
    assert set(said["estimators"]) <= {entry["kind"] for entry in said["models"]}

    accepted, refused = register(made)
    wrong = wrong_answers(made, version, accepted)
    predicting = [entry for entry in said["models"] if entry["predicts"]]
    print(f"{version}: {len(said['estimators'])} estimators, {len(said['models'])} files, {len(predicting)} of models")
    print(f"that predict; {len(accepted)} packaged, {len(refused)} refused, {len(wrong)} models with wrong answers")

    assert wrong == {}
    assert [entry["name"] for entry in accepted.values() if not entry["predicts"]] == []
    assert untold_reasons(said, refused) == {}
    assert {entry["kind"] for entry in predicting if entry["file"] in refused} == {"DictVectorizer", "FeatureHasher"}


def test_the_comparison_tells_another_answer_and_another_signature() -> None:
    assert registered.same([[1.0, "a"]], [[1.0 + 1e-12, "a"]])
    assert not registered.same([[1.0]], [[1.0 + 1e-8]])
    assert not registered.same(["a"], ["b"])
    assert not registered.same([1], [1, 1])
    assert not registered.same(None, [[0.5]])
