"""PyTorch comes without code for graphics cards, from wherever that can be had, or not at all."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from kronkers_studio.domain.errors import PackagingFailed
from kronkers_studio.packaging.dependencies import torch_builds
from kronkers_studio.packaging.dependencies.torch_builds import require_for_processors, run_uv_for_processors
from kronkers_studio.packaging.dependencies.uv_program import IndexUnavailable
from kronkers_studio.packaging.dependencies.wheels import Wheel
from kronkers_studio.packaging.digests import parse_digest

_DIGEST = parse_digest("sha256:" + "0" * 64)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """What uv is asked, while PyTorch's own index cannot be reached."""
    asked: list[list[str]] = []

    def run_uv(arguments: Sequence[str], **_: object) -> str:
        asked.append(list(arguments))
        if "--torch-backend" in arguments:
            raise IndexUnavailable("PyTorch's index cannot be reached.")
        return "found"

    monkeypatch.setattr(torch_builds, "run_uv", run_uv)
    return asked


@pytest.mark.parametrize("wanted", ["torch\n", "numpy\ntorch==2.13.0\n", "numpy==2.1.0\ntorch==2.13.0+cpu \\\n"])
def test_builds_for_processors_are_asked_for_before_uvs_own_settings_count(
    asked: list[list[str]], wanted: str, tmp_path: Path
) -> None:
    assert run_uv_for_processors(["pip", "compile"], wanted, folder=tmp_path) == "found"
    assert asked == [["pip", "compile", "--torch-backend", "cpu"], ["pip", "compile"]]


@pytest.mark.parametrize("wanted", ["numpy\n", "torchvision-like\n", "scikit-learn\nmy-torch==1\n"])
def test_other_libraries_are_asked_for_as_ever(asked: list[list[str]], wanted: str, tmp_path: Path) -> None:
    run_uv_for_processors(["pip", "compile"], wanted, folder=tmp_path)
    assert asked == [["pip", "compile"]]


def test_a_build_with_code_for_graphics_cards_is_refused() -> None:
    def wheel(name: str, version: str) -> Wheel:
        return Wheel(name, version, f"{name.replace('-', '_')}-{version}-py3-none-any.whl", _DIGEST)

    require_for_processors([wheel("torch", "2.13.0+cpu"), wheel("numpy", "2.4.6")])
    with pytest.raises(PackagingFailed, match="Only a build of PyTorch with code for graphics cards"):
        require_for_processors([wheel("torch", "2.13.0"), wheel("nvidia-cublas", "13.1")])
