"""What is there and cannot be read just now does not drop out of the project: the version before has it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from kronkers_studio.domain.content import EntryKind, SkippedItem, SkipReason, SourceItem, SourceProblem
from kronkers_studio.migration.source import FolderSource
from kronkers_studio.workflows.migrating import migrate_folder, plan_migration
from kronkers_studio.workflows.session import Session


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    top = tmp_path / "source"
    for name in ("alone/book.xlsx", "team/a.csv", "team/inner/b.csv", "z.txt"):
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).write_text(f"first {name}", encoding="utf-8")
    return top


class Locked:
    """Files that another program has open, and folders that may not be listed: root, who runs tests, may read all."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.files: dict[str, SkipReason] = {}
        self.folders: set[str] = set()
        really_read, really_listed = FolderSource.read_whole, os.scandir

        def read_whole(source: FolderSource, item: SourceItem) -> tuple[SourceItem, bytes] | None:
            if item.path in self.files:
                raise SourceProblem(SkippedItem(item.path, self.files[item.path], "It is open."))
            return really_read(source, item)

        def scandir(path: str) -> os._ScandirIterator[str]:
            if Path(path).name in self.folders:
                raise PermissionError(13, "Permission denied")
            return really_listed(path)

        monkeypatch.setattr(FolderSource, "read_whole", read_whole)
        monkeypatch.setattr(os, "scandir", scandir)


@pytest.fixture
def locked(monkeypatch: pytest.MonkeyPatch) -> Locked:
    return Locked(monkeypatch)


def _files(session: Session, project: str) -> dict[str, bytes]:
    content = session.workspace.content
    return {each.path: content.read(each) for each in content.walk(project, "") if each.kind is EntryKind.FILE}


@pytest.mark.parametrize("into", ["", "part"])
@pytest.mark.parametrize("reason", [SkipReason.NO_PERMISSION, SkipReason.READ_ERROR, SkipReason.CHANGED_WHILE_READ])
def test_a_file_that_is_open_elsewhere_stays_as_it_was(
    session: Session, folder: Path, locked: Locked, reason: SkipReason, into: str
) -> None:
    migrate_folder(session, folder, "p", into=into)
    (folder / "alone" / "book.xlsx").write_text("second, longer", encoding="utf-8")
    (folder / "z.txt").write_text("second", encoding="utf-8")
    locked.files["alone/book.xlsx"] = reason
    result = migrate_folder(session, folder, "p")
    place = f"{into}/" if into else ""
    assert [(each.path, each.reason) for each in result.skipped] == [(f"{place}alone/book.xlsx", reason)]
    assert result.skipped[0].detail == "It is open. The new version keeps what the one before has of it."
    found = _files(session, "p")
    assert found[f"{place}alone/book.xlsx"] == b"first alone/book.xlsx"
    assert found[f"{place}z.txt"] == b"second"
    assert result.files == len(found) == 4
    locked.files.clear()
    assert migrate_folder(session, folder, "p").skipped == ()
    assert _files(session, "p")[f"{place}alone/book.xlsx"] == b"second, longer"


def test_a_folder_that_cannot_be_listed_stays_as_it_was(session: Session, folder: Path, locked: Locked) -> None:
    migrate_folder(session, folder, "p")
    before = _files(session, "p")
    locked.folders.add("team")
    assert plan_migration(session, folder, "p").gone == ()
    result = migrate_folder(session, folder, "p")
    assert [(each.path, each.reason) for each in result.skipped] == [("team", SkipReason.NO_PERMISSION)]
    assert "keeps what the one before has" in result.skipped[0].detail
    assert _files(session, "p") == before
    assert session.workspace.content.check(read_data=True).healthy


def test_what_is_new_and_cannot_be_read_is_only_listed(session: Session, folder: Path, locked: Locked) -> None:
    migrate_folder(session, folder, "p")
    (folder / "new.txt").write_text("new", encoding="utf-8")
    locked.files["new.txt"] = SkipReason.NO_PERMISSION
    (skipped,) = migrate_folder(session, folder, "p").skipped
    assert skipped.detail == "It is open."
    assert "new.txt" not in _files(session, "p")


def test_what_vanishes_while_it_is_brought_in_is_gone(session: Session, folder: Path, locked: Locked) -> None:
    migrate_folder(session, folder, "p")
    (folder / "z.txt").write_text("second", encoding="utf-8")
    locked.files["z.txt"] = SkipReason.VANISHED
    migrate_folder(session, folder, "p")
    assert "z.txt" not in _files(session, "p")
