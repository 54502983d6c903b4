"""An open workspace of a test's own, as a notebook has it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import kronkers_studio as ks
from kronkers_studio.workflows.session import create_workspace


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where a workspace lies (``workspace``) and its key (``key``)."""
    create_workspace(tmp_path / "workspace", key_file=tmp_path / "key")[0].close()
    return tmp_path


@pytest.fixture
def ws(folder: Path) -> Iterator[ks.Workspace]:
    with ks.open(folder / "workspace", key_file=folder / "key") as opened:
        yield opened
