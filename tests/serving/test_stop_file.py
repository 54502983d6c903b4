"""A service ends when it is told to or its folder is gone, and not because that was moved."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest

from kronkers_studio.serving.stop_file import StopFile


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "runs").mkdir()
    return tmp_path / "runs"


@pytest.mark.parametrize("holds", [True, False], ids=["Linux", "another system"])
def test_it_is_there_once_it_was_put_there(folder: Path, monkeypatch: pytest.MonkeyPatch, holds: bool) -> None:
    if not holds:
        monkeypatch.delattr(os, "O_PATH", raising=False)
    stop = StopFile(folder / "stop")
    assert not stop.is_there()
    (folder / "stop").touch()
    assert stop.is_there()


@pytest.mark.parametrize("holds", [True, False], ids=["Linux", "another system"])
def test_a_folder_that_is_removed_or_never_was_ends_the_service(
    folder: Path, monkeypatch: pytest.MonkeyPatch, holds: bool
) -> None:
    if not holds:
        monkeypatch.delattr(os, "O_PATH", raising=False)
    stop = StopFile(folder / "stop")
    shutil.rmtree(folder)
    assert stop.is_there()
    assert StopFile(folder / "stop").is_there()


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a moved folder cannot be followed")
def test_a_folder_that_is_moved_is_followed(folder: Path) -> None:
    stop = StopFile(folder / "stop")
    moved = folder.rename(folder.with_name("moved"))
    folder.mkdir()
    assert not stop.is_there()
    (folder / "stop").touch()
    assert not stop.is_there(), "another folder took its name"
    (moved / "stop").touch()
    assert stop.is_there()
