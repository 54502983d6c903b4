"""A project in a workspace of a test's own, and a folder to check it out into."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from kronkers_studio.workflows.migrating import migrate_folder
from kronkers_studio.workflows.session import Session, create_workspace, open_workspace

FILES = {
    "train.py": "print('train')\n",
    "data/größen.csv": "id,a\r\n1,x\r\n",
    "data/two words.csv": "id,b\n1,y\n",
    "notes 📈.md": "# Notes\n",
}


@pytest.fixture(scope="session")
def made_project(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A closed workspace with the project "Team", and its key file: copy it, do not change it."""
    place = tmp_path_factory.mktemp("template")
    source = place / "source"
    for name, text in FILES.items():
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_bytes(text.encode())
        os.utime(source / name, (1_700_000_000.5, 1_700_000_000.5))  # at rest since long ago
    (source / "empty").mkdir()
    session, _recovery = create_workspace(place / "workspace", key_file=place / "key")
    with session:
        migrate_folder(session, source, "Team")
    shutil.rmtree(source)
    return place / "workspace", place / "key"


@pytest.fixture
def session(made_project: tuple[Path, Path], tmp_path: Path) -> Iterator[Session]:
    """An open workspace of this test's own."""
    directory = Path(shutil.copytree(made_project[0], tmp_path / "workspace"))
    with open_workspace(directory, key_file=made_project[1]) as opened:
        yield opened


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where nothing is yet."""
    return tmp_path / "Meine Kopie"
