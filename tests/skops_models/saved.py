"""Files of skops, saved by it in an environment of its own, and what was looked at, packaged and answered of them."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from tests.estimators.environments import VERSIONS, environment
from tests.estimators.registered import ROOT

SCIKIT_LEARN = "1.9.1"
SKOPS = "0.16.0"


def python_with_skops() -> Path:
    """The interpreter of an environment with skops and the newest scikit-learn."""
    return environment(SCIKIT_LEARN, (*VERSIONS[SCIKIT_LEARN], f"skops=={SKOPS}"))


def saved_models(folder: Path, *only: str) -> dict[str, Any]:
    """What ``models.json`` in ``folder`` says of the models that skops saved there."""
    subprocess.run(
        [str(python_with_skops()), "-m", "tests.estimators.models", str(folder), "--skops", *only],
        check=True,
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    return dict(json.loads((folder / "models.json").read_text(encoding="utf-8")))
