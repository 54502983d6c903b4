from __future__ import annotations

from pathlib import Path

import pytest

from tests.model_kinds.environments import every_library
from tests.torch_models.environments import torch_build


@pytest.fixture(scope="session")
def libraries() -> Path:
    """The Python of an environment with the libraries of every kind of model."""
    return every_library()


@pytest.fixture
def torch_builds(monkeypatch: pytest.MonkeyPatch) -> None:
    """uv is told where the build of PyTorch for processors lies."""
    build = torch_build()
    assert build is not None  # else there would be no ``libraries``
    monkeypatch.setenv("UV_FIND_LINKS", str(build[0]))
