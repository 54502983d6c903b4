"""A PyTorch program put live on this computer, confined, with what a person says of its inputs."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from kronkers_studio.domain.errors import RowsRefused
from kronkers_studio.domain.releases import THIS_COMPUTER
from kronkers_studio.domain.stated_signatures import parse_tensor
from kronkers_studio.workflows.migrating import migrate_folder
from kronkers_studio.workflows.models import register_model
from kronkers_studio.workflows.releases import predict, release_model, stop_release
from kronkers_studio.workflows.session import create_workspace
from kronkers_studio.workflows.stated_signatures import state_signature

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

_FILES = Path(__file__).with_name("files")


def test_rows_are_answered_once_a_person_says_what_they_are(torch_version: str, tmp_path: Path) -> None:
    """The first release takes whole tensors only; the words count from the next package on."""
    folder = tmp_path / "models"
    folder.mkdir()
    shutil.copy(_FILES / "traced.pt", folder)
    (folder / "requirements.txt").write_text(f"torch=={torch_version}\n", encoding="utf-8")
    case = json.loads((_FILES / "cases.json").read_text(encoding="utf-8"))["traced.pt"]
    numbers = np.reshape(case["inputs"][0]["data"], case["inputs"][0]["shape"]).tolist()
    rows = [dict(zip("abcd", row, strict=True)) for row in numbers]
    session, _recovery = create_workspace(tmp_path / "workspace", key_file=tmp_path / "key")
    with session:
        migrate_folder(session, folder, "p")
        register_model(session, "p", "traced.pt", name="net")
        release_model(session, "net", 1, to=THIS_COMPUTER)
        try:
            with pytest.raises(RowsRefused, match="takes no rows") as refused:
                predict(session, "net", THIS_COMPUTER, rows)
            assert "kronkers model signature net:1" in refused.value.typed_step
            state_signature(session, ("net", 1, None), inputs=[parse_tensor("row:FP32[-1,4]=a,b,c,d")])
            release_model(session, "net", 1, to=THIS_COMPUTER)
            answers = predict(session, "net", THIS_COMPUTER, rows)
        finally:
            stop_release(session, "net", THIS_COMPUTER)

    assert np.allclose(answers.outputs, case["outputs"][0], rtol=1e-6, atol=1e-6)
