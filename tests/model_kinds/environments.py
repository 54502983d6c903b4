"""One environment with every library that models are served by, made once in the tests' cache: in it a notebook has its
models, and a service answers with them."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any, Final

import pytest

from kronkers_studio.packaging.dependencies.uv_program import run_uv
from tests.conftest import TEST_CACHE
from tests.torch_models.environments import torch_build

ROOT: Final = Path(__file__).parents[2]
_MODELS: Final = (
    *("keras==3.15.1", "jax==0.10.2", "h5py", "xgboost-cpu==3.2.0", "lightgbm==4.7.0", "catboost==1.2.10"),
    *("scikit-learn==1.9.1", "onnxruntime>=1.20", "statsmodels>=0.14"),
)
_SERVICE: Final = ("httptools>=0.6", "orjson>=3.11", "prometheus-client>=0.26", "starlette>=1.0", "uvicorn>=0.54")


def every_library() -> Path:
    """The Python of that environment, which has what the studio itself needs as well; skips where there is no build of
    PyTorch for processors, which the index that everybody uses does not have."""
    build = torch_build()
    if build is None:
        pytest.skip("no build of PyTorch for processors lies in a folder that PIP_FIND_LINKS names")
    folder, version = build
    home = TEST_CACHE / "model-kinds"
    wanted = "\n".join((*_MODELS, *_SERVICE, f"torch=={version}", (ROOT / "pyproject.toml").read_text("utf-8")))
    done = home / "complete"
    if not done.exists() or done.read_text(encoding="utf-8") != wanted:
        run_uv(["venv", "--clear", "--python", "3.11", str(home)], folder=TEST_CACHE)
        command = ["pip", "install", "--python", str(home), "--find-links", str(folder)]
        libraries = [*_MODELS, *_SERVICE, f"torch=={version}+cpu"]
        run_uv([*command, "--requirements", str(ROOT / "pyproject.toml"), *libraries], folder=ROOT)
        done.write_text(wanted, encoding="utf-8")
    return home / ("Scripts/python.exe" if (home / "Scripts").exists() else "bin/python")


def told_by(python: Path, module: str, *arguments: str, seconds: float = 900) -> Any:
    """What ``module`` of the tests, run by ``python``, prints last: JSON. Keras computes with JAX."""
    done = subprocess.run(
        [str(python), "-m", module, *arguments],
        cwd=ROOT,
        env={**os.environ, "KERAS_BACKEND": "jax"},
        capture_output=True,
        encoding="utf-8",
        timeout=seconds,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    return json.loads(done.stdout.splitlines()[-1])
