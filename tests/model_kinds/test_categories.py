"""Categories and classes that look like numbers or truth values mean the same in a table of CSV and in one of JSON:
versions of CatBoost and LightGBM are compared alike by both, and answer what their libraries do."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from kronkers_studio.domain.references import ModelReference
from kronkers_studio.estimators.class_labels import label_of
from kronkers_studio.workflows.migrating import migrate_folder
from kronkers_studio.workflows.models import register_model
from kronkers_studio.workflows.row_comparison import compare_on_rows
from kronkers_studio.workflows.session import Session, create_workspace
from tests.model_kinds.environments import told_by

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]

_CASES = [("cat", "bools"), ("cat", "codes"), ("lgb", "numbers"), ("lgb", "words")]
"""Libraries, and what they are taught. The categories are the same in all."""
_FORMS = {"cat": (".csv", ".json", ".texts.json", ".truths.json"), "lgb": (".csv", ".json", ".texts.json")}
"""In the last, texts that are true and false are no texts: LightGBM keeps the words, and is not asked so."""


@pytest.fixture(scope="module")
def made(libraries: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("categories")
    return folder, told_by(libraries, "tests.model_kinds.categories", str(folder))


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    opened, _ = create_workspace(tmp_path / "workspace", key_file=tmp_path / "key")
    with opened:
        yield opened


@pytest.mark.parametrize(("library", "taught"), _CASES)
def test_a_truth_of_csv_and_of_json_tell_the_same(
    made: tuple[Path, dict[str, Any]], session: Session, tmp_path: Path, library: str, taught: str
) -> None:
    """Seen to fail for truth values as categories of CatBoost, which the model was fitted to as 1 and 0: it did not
    know True, and answered as for a category that it had never seen."""
    files, told = made
    known = told[f"{library}-{taught}"]
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "requirements.txt").write_text("catboost==1.2.10\nlightgbm==4.7.0\nscikit-learn==1.9.1\n", "utf-8")
    for version in (1, 2):
        shutil.copy(files / f"{library}-{taught}-{version}{known['ending']}", folder)
    migrate_folder(session, folder, "p")
    for version in (1, 2):
        register_model(session, "p", f"{library}-{taught}-{version}{known['ending']}", name="both")
    found = []
    for form in _FORMS[library]:
        rows = files / f"{taught}{form}"
        left, right = ModelReference("both", 1, None), ModelReference("both", 2, None)
        compared = compare_on_rows(session, left, right, rows, truth="known")
        for outputs, expected in zip((compared.left, compared.right), known["answers"], strict=True):
            assert [label_of(one) for one in outputs] == [label_of(one) for one in expected], form
        found.append(replace(compared.comparison, table="", left_milliseconds=0.0, right_milliseconds=0.0, remarks=()))
    assert found[0].truth is not None and found[0].truth.metrics[0].left != found[0].truth.metrics[0].right
    assert found == [found[0]] * len(found)
