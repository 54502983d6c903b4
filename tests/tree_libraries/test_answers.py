"""Models that the tree libraries made, of old and new versions: what the service answers is what they answer."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kronkers_studio.domain.errors import UnsupportedModel
from tests.tree_libraries.environments import VERSIONS, libraries_of
from tests.tree_libraries.packages import package_of

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]

_HERE = Path(__file__).parent
_CUT_OFF = {"xgb-letters.json", "xgb-letters.ubj"}


@pytest.fixture(scope="module", params=VERSIONS)
def libraries(request: pytest.FixtureRequest) -> Path:
    """The Python of an environment with the libraries, kept between runs."""
    return libraries_of(str(request.param))


def test_every_kind_of_model_answers_as_its_library_does(libraries: Path, tmp_path: Path) -> None:
    _run(libraries, str(_HERE / "models.py"), str(tmp_path))
    cases: dict[str, dict[str, Any]] = json.loads((tmp_path / "cases.json").read_text(encoding="utf-8"))
    assert len(cases) >= 68
    refused = {name for name in cases if not _packaged(tmp_path / name)}
    assert refused == _CUT_OFF & cases.keys()

    _run(libraries, "-m", "tests.tree_libraries.served", str(tmp_path))

    served: dict[str, dict[str, Any]] = json.loads((tmp_path / "served.json").read_text(encoding="utf-8"))
    wrong = [name for name in cases if name not in refused and not _same(cases[name], served[name])]
    assert not wrong, {name: served[name] for name in wrong}


def _packaged(file: Path) -> bool:
    try:
        package_of(file)
    except UnsupportedModel:
        return False
    return True


def _same(expected: dict[str, Any], found: dict[str, Any]) -> bool:
    answers = expected.keys() - {"rows", "columns"}
    return answers == found.keys() and all(_equal(expected[name], found[name]) for name in answers)


def _equal(expected: list[Any], found: list[Any]) -> bool:
    one, other = np.array(expected), np.array(found)
    if one.shape != other.shape:
        return False
    if other.dtype.kind == "U":
        return list(map(str, expected)) == found
    return bool(np.allclose(one.astype(float), other.astype(float), rtol=1e-6, atol=1e-9))


def _run(python: Path, *arguments: str) -> None:
    ended = subprocess.run(
        [str(python), *arguments], capture_output=True, encoding="utf-8", cwd=_HERE.parents[1], timeout=900, check=False
    )
    assert ended.returncode == 0, ended.stderr[-3000:]
