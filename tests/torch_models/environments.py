"""Environments with one version of PyTorch each, made once in the tests' cache."""

from __future__ import annotations

from pathlib import Path

from kronkers_studio.packaging.dependencies.uv_program import run_uv
from tests.conftest import TEST_CACHE


def torch_environment(version: str, *libraries: str) -> Path:
    """The Python of an environment with that PyTorch and ``libraries``."""
    home = TEST_CACHE / "torch" / "-".join([version, *libraries])
    python = home / "bin" / "python"
    done = home / "complete"
    if not done.exists():
        home.parent.mkdir(parents=True, exist_ok=True)
        run_uv(["venv", "--clear", "--python", "3.11", str(home)], folder=home.parent)
        wanted = [f"torch=={version}", "numpy", "orjson", *libraries]
        run_uv(["pip", "install", "--python", str(home), *wanted], folder=home.parent)
        done.write_text("", encoding="utf-8")
    return python
