"""Models of old and new versions of Keras: what the service answers is what Keras answers."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kronkers_studio.packaging.dependencies.uv_program import run_uv
from tests.conftest import TEST_CACHE
from tests.tree_libraries.packages import package_of

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]

_HERE = Path(__file__).parent
_SERVICE = ("keras==3.15.1", "jax==0.10.2", "h5py", "orjson", "numpy")
_MAKERS = {
    "old": ("keras==3.0.5", "jax==0.4.30", "h5py<3.12", "numpy<2", "packaging"),
    "new": _SERVICE,
}


def environment(name: str, wanted: tuple[str, ...]) -> Path:
    """The Python of an environment with these libraries, kept between runs."""
    home = TEST_CACHE / "keras" / name
    python = home / ("Scripts/python.exe" if (home / "Scripts").exists() else "bin/python")
    done = home / "complete"
    if not done.exists() or done.read_text(encoding="utf-8") != "\n".join(wanted):
        home.parent.mkdir(parents=True, exist_ok=True)
        run_uv(["venv", "--clear", "--python", "3.11", str(home)], folder=home.parent)
        run_uv(["pip", "install", "--python", str(home), *wanted], folder=home.parent)
        done.write_text("\n".join(wanted), encoding="utf-8")
    return python


@pytest.fixture(scope="module")
def service() -> Path:
    return environment("new", _SERVICE)


@pytest.mark.parametrize("maker", _MAKERS)
def test_every_kind_of_model_answers_as_keras_does(
    maker: str, service: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seen to fail with a service that trains, so that dropout is at work."""
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    run(environment(maker, _MAKERS[maker]), str(_HERE / "models.py"), str(tmp_path))
    cases: dict[str, dict[str, Any]] = json.loads((tmp_path / "cases.json").read_text(encoding="utf-8"))
    assert len(cases) == 8
    for name in cases:
        package_of(tmp_path / name)

    run(service, "-m", "tests.keras_models.served", str(tmp_path))

    served: dict[str, dict[str, Any]] = json.loads((tmp_path / "served.json").read_text(encoding="utf-8"))
    wrong = [name for name, case in cases.items() if not _same(case["outputs"], served[name])]
    assert not wrong, {name: served[name] for name in wrong}
    assert {name for name in cases if not served[name]["fills_up"]} == set()


def _same(expected: list[Any], served: dict[str, Any]) -> bool:
    """All rows at once, and the first alone."""
    if "problem" in served:
        return False
    whole = zip(expected, served["outputs"], strict=True)
    first = ((one[:1], other) for one, other in zip(expected, served["first"], strict=True))
    return all(
        np.shape(one) == np.shape(other) and np.allclose(one, other, rtol=1e-6, atol=1e-6)
        for one, other in [*whole, *first]
    )


def test_hostile_weights_are_refused_before_keras_reads_them(service: Path, tmp_path: Path) -> None:
    """Links to other files, data that lies elsewhere or is made of other files, sizes that are not there."""
    shutil.copyfile(_HERE / "files" / "sequence.keras", tmp_path / "sequence.keras")
    (tmp_path / "secret.bin").write_bytes(b"secret" * 1000)

    run(service, "-m", "tests.keras_models.hostile_weights", str(tmp_path))

    found: dict[str, str] = json.loads((tmp_path / "found.json").read_text(encoding="utf-8"))
    refused = "The Keras model's weights refer to another file or place: refused."
    assert found == {
        "plain": "loaded",
        "external link": refused,
        "soft link": refused,
        "external data": refused,
        "virtual data": refused,
        "claimed size": "The Keras model's weights claim to be larger than their file: refused.",
        "circle": "loaded",
        "no HDF5": "The Keras model's weights cannot be read: OSError.",
    }


def run(python: Path, *arguments: str) -> None:
    ended = subprocess.run(
        [str(python), *arguments], capture_output=True, encoding="utf-8", cwd=_HERE.parents[1], timeout=900, check=False
    )
    assert ended.returncode == 0, ended.stderr[-3000:]
