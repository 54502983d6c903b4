from __future__ import annotations

import pytest

from tests.torch_models.environments import torch_build


@pytest.fixture
def torch_version(monkeypatch: pytest.MonkeyPatch) -> str:
    """The version of PyTorch that pip's settings have a folder with a build for processors of; uv is told of it."""
    build = torch_build()
    if build is None:
        pytest.skip("no build of PyTorch for processors lies in a folder that PIP_FIND_LINKS names")
    folder, version = build
    monkeypatch.setenv("UV_FIND_LINKS", str(folder))
    return version
