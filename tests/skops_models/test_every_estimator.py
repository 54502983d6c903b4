"""Every estimator of the newest scikit-learn in a file of skops: registered, packaged, and answering as the library
does; or refused with the reason for which its pickle is refused, too. Services have no skops."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.estimators.environments import VERSIONS, environment
from tests.estimators.registered import differences, register, serve
from tests.estimators.test_every_estimator import SAMPLE
from tests.skops_models.saved import SCIKIT_LEARN, saved_models


def _wrong(made: Path, accepted: dict[str, dict[str, object]]) -> dict[str, list[str]]:
    answers = serve(made, environment(SCIKIT_LEARN, VERSIONS[SCIKIT_LEARN]))
    found = {str(entry["name"]): differences(made, entry, answers[file]) for file, entry in accepted.items()}
    return {name: wrong for name, wrong in found.items() if wrong}


def test_the_hard_kinds_in_files_of_skops_answer_as_the_library_does(tmp_path: Path) -> None:
    said = saved_models(tmp_path, *SAMPLE)
    accepted, refused = register(tmp_path)
    print(said["unsaved"])

    assert refused == {}
    assert _wrong(tmp_path, accepted) == {}
    assert len(accepted) + len(said["unsaved"]) == len(SAMPLE)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_every_estimator_that_skops_saves_answers_as_the_library_does(tmp_path: Path) -> None:
    said = saved_models(tmp_path)
    accepted, refused = register(tmp_path)
    wrong = _wrong(tmp_path, accepted)
    by_file = {entry["file"]: entry for entry in said["models"]}
    print(f"{len(said['models'])} files, {len(accepted)} packaged, {len(refused)} refused, {len(wrong)} wrong")
    print(f"not saved by skops: {said['unsaved']}")
    for file, reason in refused.items():
        if by_file[file]["predicts"]:
            print(f"refused: {by_file[file]['name']}: {reason}")

    assert wrong == {}
    assert [entry["name"] for entry in accepted.values() if not entry["predicts"]] == []
    assert {by_file[file]["kind"] for file in refused if by_file[file]["predicts"]} <= {
        "DictVectorizer",
        "FeatureHasher",
    }
