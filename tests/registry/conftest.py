"""A workspace, made once and copied for each test, and folders to bring into it."""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from kronkers_studio.domain.content import Commit
from kronkers_studio.domain.search import SearchFilters, SearchKind, Sort
from kronkers_studio.registry import StoreOutcome, Workspace, create_workspace, open_workspace
from kronkers_studio.registry.search import files
from kronkers_studio.storage.keys import Protection, Unlock
from tests.registry import local_folder
from tests.registry.kinds import BringIn


@pytest.fixture(scope="session")
def empty_workspace(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A closed workspace with nothing in it, and its key file: copy it, do not change it."""
    folder = tmp_path_factory.mktemp("template")
    workspace, _recovery = create_workspace(folder / "workspace", Protection(key_file=folder / "key"))
    workspace.close()
    return folder / "workspace", folder / "key"


@pytest.fixture
def key_file(empty_workspace: tuple[Path, Path]) -> Path:
    return empty_workspace[1]


@pytest.fixture
def directory(empty_workspace: tuple[Path, Path], tmp_path: Path) -> Path:
    """The folder of a workspace of this test's own."""
    return Path(shutil.copytree(empty_workspace[0], tmp_path / "workspace"))


@pytest.fixture
def workspace(directory: Path, key_file: Path) -> Iterator[Workspace]:
    with open_workspace(directory, Unlock(key_file=key_file)) as opened:
        yield opened


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A small untidy folder: small and large files, twins, an empty file and folder, a link, an executable."""
    chance = random.Random(5)  # the same folder every time
    top = tmp_path / "source"
    (top / "team a" / "data").mkdir(parents=True)
    (top / "empty" / "inside").mkdir(parents=True)
    for number in range(30):
        text = "".join(f"{chance.randrange(10**6)},north,{number}\n" for _ in range(100 + 10 * number))
        (top / "team a" / "data" / f"sales {number:02d}.csv").write_text(text, encoding="utf-8")
    shutil.copy2(top / "team a" / "data" / "sales 03.csv", top / "sales 03 copy.csv")
    (top / "large.bin").write_bytes(chance.randbytes(3_000_000) + b"the same again" * 50_000)
    (top / "nothing.txt").write_bytes(b"")
    (top / "Übersicht – neu.txt").write_text("grün\n", encoding="utf-8")
    if os.name != "nt":
        (top / "run.sh").write_text("#!/bin/sh\n", encoding="utf-8")
        (top / "run.sh").chmod(0o755)
        (top / "latest").symlink_to("team a/data/sales 29.csv")
        Path(os.fsdecode(os.fsencode(top) + b"/not utf-8 \xff\xfe.txt")).write_bytes(b"raw")
    return top


@pytest.fixture
def bring_in(workspace: Workspace) -> BringIn:
    """Bring a folder into a project of ``workspace`` and commit it."""

    def run(folder: Path, project: str = "project", branch: str = "main") -> tuple[Commit, bool, StoreOutcome]:
        outcome = workspace.content.store_items(local_folder.listing(folder), local_folder.LocalFolder(folder))
        commit, changed = workspace.content.commit(
            project,
            branch,
            outcome.stored,
            message="Brought in",
            author="ann",
            skipped=outcome.skipped,
            source=str(folder),
            generation=outcome.generation,
        )
        return commit, changed, outcome

    return run


@pytest.fixture
def pages_agree(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> Callable[[Sequence[str], Sequence[str]], None]:
    """Assert that searches for files give the same pages by whichever of its ways the search finds them."""

    def run(texts: Sequence[str], orders: Sequence[str]) -> None:
        for text in texts:
            for order in orders:
                filters = SearchFilters(kinds=(SearchKind.FILE,), sort=Sort.parse(order))
                pages = []
                for few, top in ((2, 1000), (-1, 1000), (-1, 100), (-1, 1)):
                    monkeypatch.setattr(files, "_FEW", few)
                    monkeypatch.setattr(files, "_TOP", top)
                    pages.append([workspace.search.run(text, filters, 7, offset) for offset in (0, 5, 20, 50)])
                assert pages[0] == pages[1] == pages[2] == pages[3], (text, order)

    return run
