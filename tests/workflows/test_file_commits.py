"""One file saved as a commit: what it leaves as it was, what refuses it, and what a folder makes of it later."""

from __future__ import annotations

import io
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from kronkers_studio.domain.content import EntryKind, SourceItem
from kronkers_studio.domain.errors import (
    BranchChanged,
    Cancelled,
    InvalidInput,
    NotFound,
    StudioError,
    WorkspaceBusy,
    WouldUndo,
)
from kronkers_studio.domain.progress import CancelSource
from kronkers_studio.storage.writer_lock import WriterLock
from kronkers_studio.workflows import file_commits
from kronkers_studio.workflows.browsing import list_projects
from kronkers_studio.workflows.file_commits import save_files
from kronkers_studio.workflows.migrating import folder_status, migrate_folder
from kronkers_studio.workflows.session import Session
from kronkers_studio.workflows.versions import create_branch, diff_versions, list_branches


@pytest.fixture
def source(session: Session, tmp_path: Path) -> Path:
    """A folder that is the project "p": two files, one of them a program, a link and an empty folder."""
    folder = tmp_path / "source"
    (folder / "data").mkdir(parents=True)
    (folder / "empty" / "within").mkdir(parents=True)
    (folder / "data" / "a.csv").write_text("id\n1\n", encoding="utf-8")
    (folder / "run.sh").write_text("#!/bin/sh\n", encoding="utf-8")
    (folder / "run.sh").chmod(0o755)
    (folder / "link").symlink_to("data/a.csv")
    migrate_folder(session, folder, "p")
    return folder


def content(session: Session, ref: str = "") -> dict[str, Any]:
    store = session.workspace.content
    return {
        entry.path: store.read(entry) if entry.kind is EntryKind.FILE else entry.kind for entry in store.walk("p", ref)
    }


def test_all_else_stays_as_it_was_also_links_programs_and_empty_folders(session: Session, source: Path) -> None:
    """Seen to fail without what is kept of empty folders."""
    before = content(session)
    commit, changed = save_files(session, "p", {"data/b.csv": b"id\n2\n"}, message="more")
    assert changed and (commit.message, commit.files, len(commit.parents)) == ("more", 3, 1)
    assert content(session) == {**before, "data/b.csv": b"id\n2\n"}
    changes = diff_versions(session, "p", commit.parents[0], commit.id).changes
    assert [change.path for change in changes if change.after and change.after.kind is EntryKind.FILE] == ["data/b.csv"]
    save_files(session, "p", {"run.sh": b"#!/bin/bash\n"})
    assert session.workspace.content.find("p", "", "run.sh").executable


def test_the_same_content_makes_no_version(session: Session, source: Path) -> None:
    head = session.workspace.content.resolve("p").id
    commit, changed = save_files(session, "p", {"data/a.csv": io.BytesIO(b"id\n1\n")})
    assert (commit.id, changed) == (head, False)


def test_bringing_the_folder_in_again_does_not_undo_what_was_saved_without_a_word(
    session: Session, source: Path
) -> None:
    commit, _ = save_files(session, "p", {"data/b.csv": b"id\n2\n", "data/a.csv": b"id\n9\n"})
    status = folder_status(session, source, "p")
    assert status.undone is not None and status.undone.count == 2
    (source / "new.txt").write_text("new", encoding="utf-8")
    with pytest.raises(WouldUndo, match=r"data/b\.csv|2 files|removed"):
        migrate_folder(session, source, "p")
    assert session.workspace.content.resolve("p").id == commit.id
    for name, text in {"b.csv": "id\n2\n", "a.csv": "id\n9\n"}.items():
        (source / "data" / name).write_text(text, encoding="utf-8")
    assert migrate_folder(session, source, "p").changed  # what was saved lies in the folder, too
    assert content(session)["data/b.csv"] == b"id\n2\n"


def test_a_branch_that_moved_is_not_saved_to(session: Session, source: Path) -> None:
    seen = session.workspace.content.resolve("p").id
    save_files(session, "p", {"x": b"1"}, expect=seen[:12])
    with pytest.raises(BranchChanged, match="somebody changed it"):
        save_files(session, "p", {"x": b"2"}, expect=seen)
    with pytest.raises(BranchChanged):
        save_files(session, "p", {"x": b"2"}, expect=session.workspace.content.resolve("p").id[:6])
    assert content(session)["x"] == b"1"


def test_one_that_moves_while_it_is_saved_to_is_not_either(
    session: Session, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seen to fail with ``base=None``."""
    really, once = file_commits._as_before, iter([True])

    def meanwhile(*arguments: Any) -> Any:
        if next(once, False):
            save_files(session, "p", {"other": b"1"})
        return really(*arguments)

    monkeypatch.setattr(file_commits, "_as_before", meanwhile)
    with pytest.raises(BranchChanged):
        save_files(session, "p", {"x": b"2"})
    assert content(session)["other"] == b"1" and "x" not in content(session)


def test_projects_and_branches_are_made_only_when_that_is_wanted(session: Session, source: Path) -> None:
    for project, branch in (("q", "main"), ("p", "draft")):
        with pytest.raises(NotFound):
            save_files(session, project, {"x": b"1"}, branch=branch)
        save_files(session, project, {"x": b"1"}, branch=branch, create=True)
    assert [project.name for project in list_projects(session)] == ["p", "q"]
    assert {branch.name for branch in list_branches(session, "p")} == {"draft", "main"}
    assert "data/a.csv" in content(session, "draft") and "x" not in content(session)
    create_branch(session, "p", "later")
    save_files(session, "p", {"y": b"1"}, branch="later")
    assert "y" in content(session, "later")


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("", "no path"),
        ("/a", "no path"),
        ("a//b", "no path"),
        ("../a", "no path"),
        ("data/../a", "no path"),
        ("data", "is a folder"),
        ("data/a.csv/b", "which is a file"),
        ("link/b", "which is a file"),
        ("a\0b", "cannot be stored"),
    ],
)
def test_a_path_that_cannot_be_is_refused(session: Session, source: Path, path: str, said: str) -> None:
    before = session.workspace.content.resolve("p").id
    with pytest.raises(InvalidInput, match=said):
        save_files(session, "p", {path: b"1"})
    assert session.workspace.content.resolve("p").id == before


def test_a_large_stream_is_read_in_pieces_and_one_that_changes_meanwhile_is_refused(
    session: Session, source: Path
) -> None:
    data = os.urandom(3 << 20)
    stream = Noted(data)
    save_files(session, "p", {"big.bin": stream})
    assert session.workspace.content.read(session.workspace.content.find("p", "", "big.bin")) == data
    assert max(stream.asked) < len(data)
    growing = Growing(data)
    with pytest.raises(InvalidInput, match="changed while it was read"):
        save_files(session, "p", {"big.bin": growing})
    with pytest.raises(InvalidInput, match="broken"):
        save_files(session, "p", {"big.bin": Failing(data)})


class Noted(io.BytesIO):
    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self.asked = [0]

    def read(self, size: int | None = -1) -> bytes:
        self.asked.append(1 << 40 if size is None or size < 0 else size)
        return super().read(size)


class Growing(io.BytesIO):
    def read(self, size: int | None = -1) -> bytes:
        at = self.tell()
        self.seek(0, io.SEEK_END)
        self.write(b"more")
        self.seek(at)
        return super().read(size)


class Failing(io.BytesIO):
    def read(self, size: int | None = -1) -> bytes:
        raise OSError(5, "broken")


def test_it_is_one_writer_that_is_named(session: Session, source: Path) -> None:
    lock = WriterLock(session.directory / "writer.lock")
    lock.acquire()
    try:
        with pytest.raises(WorkspaceBusy, match="being written to by"):
            save_files(session, "p", {"x": b"1"})
    finally:
        lock.release()


def test_what_is_cancelled_changes_nothing(session: Session, source: Path) -> None:
    cancel = CancelSource()
    cancel.cancel()
    before = session.workspace.content.resolve("p").id
    with pytest.raises(Cancelled):
        save_files(session, "p", {"x": b"1"}, cancel=cancel)
    assert session.workspace.content.resolve("p").id == before


def test_what_was_left_out_is_said_to_be_unless_it_was_saved(session: Session, tmp_path: Path) -> None:
    folder = tmp_path / "odd"
    folder.mkdir()
    (folder / "good.txt").write_text("kept", encoding="utf-8")
    os.mkfifo(folder / "pipe")
    assert stat.S_ISFIFO((folder / "pipe").stat().st_mode)
    migrate_folder(session, folder, "p")
    assert [item.path for item in save_files(session, "p", {"x": b"1"})[0].skipped] == ["pipe"]
    assert save_files(session, "p", {"pipe": b"1"})[0].skipped == ()


def test_the_source_gives_an_item_as_it_is() -> None:
    given = file_commits._Given({"a": io.BytesIO(b"abc"), "b": b"abc"})
    for path in "ab":
        item = SourceItem(path, EntryKind.FILE, 3, 0)
        assert given.read_whole(item) == (item, b"abc")
    assert issubclass(BranchChanged, StudioError)
