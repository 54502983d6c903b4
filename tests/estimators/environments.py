"""Environments with one version of scikit-learn each, made once in the tests' cache."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

from kronkers_studio.settings.paths import uv_program
from tests.conftest import TEST_CACHE

VERSIONS = {
    "1.3.2": ("numpy==1.26.4", "scipy==1.11.4", "pandas==2.1.4", "joblib==1.3.2"),
    "1.7.2": ("numpy==2.3.3", "scipy==1.16.2", "pandas==2.3.3", "joblib==1.5.2"),
    "1.9.1": ("numpy==2.4.6", "scipy==1.17.1", "pandas==3.1.1", "joblib==1.6.0"),
}
"""The oldest, a middle and the newest version whose every estimator is tried, with libraries of their time."""


def environment(version: str, libraries: tuple[str, ...] = ()) -> Path:
    """The interpreter of an environment with that scikit-learn and ``libraries``, for the running Python's version."""
    chosen = sha256(" ".join(libraries).encode()).hexdigest()[:8]
    folder = TEST_CACHE / "scikit-learn" / f"{version}-{sys.version_info[0]}.{sys.version_info[1]}-{chosen}"
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    ready = folder / "ready"
    if not ready.is_file():
        shutil.rmtree(folder, ignore_errors=True)
        _uv("venv", "--python", sys.executable, str(folder))
        _uv(
            *("pip", "install", "--python", str(python), "--only-binary", ":all:"),
            *(f"scikit-learn=={version}", *libraries),
        )
        ready.touch()
    return python


def sources(version: str) -> Path:
    """The files of a scikit-learn that no current Python has a build of: to be read, not run."""
    folder = TEST_CACHE / "scikit-learn" / f"{version}-sources"
    if not folder.is_dir():
        _uv(
            *("pip", "install", "--target", str(folder), "--no-deps", "--only-binary", ":all:"),
            *("--python-version", "3.9", "--python-platform", "x86_64-manylinux2014", f"scikit-learn=={version}"),
        )
    return folder


def _uv(*arguments: str) -> None:
    subprocess.run([str(uv_program()), *arguments, "--quiet", "--no-progress"], check=True)
