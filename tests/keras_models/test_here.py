"""A model of Keras put live on this computer, confined."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from kronkers_studio.domain.releases import THIS_COMPUTER
from kronkers_studio.workflows.migrating import migrate_folder
from kronkers_studio.workflows.models import find_models, register_model
from kronkers_studio.workflows.releases import predict, release_model, stop_release
from kronkers_studio.workflows.session import create_workspace

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

_FILES = Path(__file__).with_name("files")


def test_a_model_is_found_registered_and_answers_here(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    shutil.copy(_FILES / "sequence.keras", tmp_path / "models")
    case = json.loads((_FILES / "cases.json").read_text(encoding="utf-8"))["sequence.keras"]
    rows = np.reshape(case["inputs"]["row"]["data"], case["inputs"]["row"]["shape"]).tolist()
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

    assert np.allclose(answers.outputs, case["outputs"][0], rtol=1e-6, atol=1e-6)
