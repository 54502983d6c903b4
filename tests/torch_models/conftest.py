from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture
def torch_version(monkeypatch: pytest.MonkeyPatch) -> str:
    """The version of PyTorch that pip's settings have a folder with a build for processors of; uv is told of it."""
    folder = Path(os.environ.get("PIP_FIND_LINKS", "nowhere"))
    found = sorted(folder.glob("torch-*+cpu-cp311-*_x86_64.whl"))
    if not found:
        pytest.skip("no build of PyTorch for processors lies in a folder that PIP_FIND_LINKS names")
    monkeypatch.setenv("UV_FIND_LINKS", str(folder))
    return found[-1].name.split("-")[1].partition("+")[0]
