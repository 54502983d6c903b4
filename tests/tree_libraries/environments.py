"""Environments with an old and a new version of each tree library, made once in the tests' cache."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from kronkers_studio.packaging.dependencies.uv_program import run_uv
from tests.conftest import TEST_CACHE

VERSIONS: Final = {
    "old": ("xgboost==1.7.6", "lightgbm==3.3.5", "catboost==1.2", "scikit-learn==1.2.2", "pandas<2.1", "numpy<2"),
    "new": (
        *("xgboost-cpu==3.2.0", "lightgbm==4.7.0", "catboost==1.2.10", "scikit-learn==1.9.1"),
        *("pandas", "numpy", "orjson"),
    ),
}


def libraries_of(age: str) -> Path:
    """The Python of the environment with the "old" or the "new" versions."""
    home: Path = TEST_CACHE / "tree-libraries" / age
    done = home / "complete"
    wanted = "\n".join(VERSIONS[age])
    if not done.exists() or done.read_text(encoding="utf-8") != wanted:
        home.parent.mkdir(parents=True, exist_ok=True)
        run_uv(["venv", "--clear", "--python", "3.11", str(home)], folder=home.parent)
        run_uv(["pip", "install", "--python", str(home), *VERSIONS[age]], folder=home.parent)
        done.write_text(wanted, encoding="utf-8")
    return home / ("Scripts/python.exe" if (home / "Scripts").exists() else "bin/python")
