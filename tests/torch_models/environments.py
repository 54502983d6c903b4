"""Environments with one version of PyTorch each, made once in the tests' cache."""

from __future__ import annotations

import os
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


def torch_build() -> tuple[Path, str] | None:
    """The folder that pip's settings name which has a build of PyTorch for processors, and the version of that; None
    without."""
    folder = Path(os.environ.get("PIP_FIND_LINKS", "nowhere"))
    found = sorted(folder.glob("torch-*+cpu-cp311-*_x86_64.whl"))
    return (folder, found[-1].name.split("-")[1].partition("+")[0]) if found else None
