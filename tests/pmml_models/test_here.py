"""A PMML document found in a folder, registered, and put live on this computer, confined."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from kronkers_studio.domain.releases import THIS_COMPUTER
from kronkers_studio.workflows.migrating import migrate_folder
from kronkers_studio.workflows.models import find_models, register_model
from kronkers_studio.workflows.releases import predict, release_model, stop_release
from kronkers_studio.workflows.session import create_workspace

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

_FILES = Path(__file__).with_name("files")


def test_a_document_is_found_registered_and_answers_here(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    shutil.copy(_FILES / "forest.pmml", tmp_path / "models")
    case = json.loads((_FILES / "cases.json").read_text(encoding="utf-8"))["forest"]
    rows = [dict(zip(case["columns"], row, strict=True)) for row in case["rows"]]
    session, _recovery = create_workspace(tmp_path / "workspace", key_file=tmp_path / "key")
    with session:
        migrate_folder(session, tmp_path / "models", "p")
        (found,) = find_models(session, "p")
        version = register_model(session, "p", found.source.path)
        release_model(session, version.name, version.version, to=THIS_COMPUTER)
        try:
            answers = predict(session, version.name, THIS_COMPUTER, rows)
        finally:
            stop_release(session, version.name, THIS_COMPUTER)

    assert list(answers.outputs) == case["label"]
