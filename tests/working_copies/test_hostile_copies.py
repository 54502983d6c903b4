"""Working copies as people and other programs leave them: thousands of files, any name, in the cloud, locked, links."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from kronkers_studio.domain.content import EntryKind, SkippedItem, SkipReason, SourceItem, SourceProblem
from kronkers_studio.domain.naming import WINDOWS
from kronkers_studio.migration import filesystem
from kronkers_studio.migration.source import FolderSource
from kronkers_studio.registry.restoring import target_names
from kronkers_studio.workflows.migrating import migrate_folder
from kronkers_studio.workflows.saved_copies import save_version
from kronkers_studio.workflows.session import Session
from kronkers_studio.workflows.working_copies import check_out, working_copy_state
from tests.working_copies.conftest import FILES
from tests.working_copies.test_working_copies import changes_in, files_of, write


def test_five_thousand_files_are_looked_through_without_reading_them(
    session: Session, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only what was changed is read. Seen to fail without ``remember_as_stored``."""
    source = tmp_path / "many"
    for number in range(5000):
        file = source / f"part {number % 50:02}" / f"{number:04}.txt"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(str(number), encoding="utf-8")
        os.utime(file, (1_700_000_000, 1_700_000_000))
    migrate_folder(session, source, "Many")
    check_out(session, "Many", "", folder)
    write(folder / "part 07" / "0007.txt", "seven")
    (folder / "part 08" / "0008.txt").unlink()
    read: list[str] = []
    really = FolderSource.read_whole

    def noted(self: FolderSource, item: SourceItem) -> tuple[SourceItem, bytes] | None:
        read.append(item.path)
        return really(self, item)

    monkeypatch.setattr(FolderSource, "read_whole", noted)

    assert changes_in(session, folder) == {("modified", "part 07/0007.txt"), ("removed", "part 08/0008.txt")}
    saved = save_version(session, folder)

    assert read == ["part 07/0007.txt"]
    assert saved.commit.files == 4999


def test_every_letter_of_a_name_and_every_byte_comes_back(session: Session, folder: Path, tmp_path: Path) -> None:
    source = tmp_path / "names"
    source.mkdir()
    names = [b"new\nline.csv", b"M\xfcller.csv", b" spaces ", b"-rf", b"$(touch owned)", "\u202efdp.exe".encode()]
    if sys.platform != "linux":
        names = [b"a b.csv", "ü.csv".encode()]
    for name in names:
        (source / os.fsdecode(name)).write_bytes(b"1\r\n2\r\n\0\xff")
    migrate_folder(session, source, "Names")
    check_out(session, "Names", "", folder)
    assert not working_copy_state(session, folder).changes
    for name in names:
        file = folder / os.fsdecode(name)
        assert file.read_bytes() == b"1\r\n2\r\n\0\xff"
        file.write_bytes(b"3\r\n")
    save_version(session, folder)
    assert set(files_of(session, project="Names").items()) == {(os.fsdecode(name), b"3\r\n") for name in names}


def test_what_windows_calls_otherwise_keeps_its_own_name(
    session: Session, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Names that a disk cannot hold, or tell apart, are others there alone. Seen to fail without ``path_of``."""
    source = tmp_path / "names"
    written = {"a:b/x?.csv": "1", "a:b/plain.csv": "2", "Report.csv": "3", "report.csv": "4", "con.txt": "5"}
    for name, text in written.items():
        write(source / name, text)
    migrate_folder(session, source, "Names")
    monkeypatch.setattr(target_names, "rules_of", lambda _target: WINDOWS)
    monkeypatch.setattr("kronkers_studio.registry.restoring.restorer.rules_of", lambda _target: WINDOWS)

    report = check_out(session, "Names", "", folder).report

    assert report is not None and len(report.mapped) == 4
    assert not working_copy_state(session, folder).changes
    assert not save_version(session, folder).changed
    write(folder / "a%3Ab" / "x%3F.csv", "changed")
    write(folder / "a%3Ab" / "new.csv", "new")
    write(folder / "report (2).csv", "changed too")
    save_version(session, folder)
    assert files_of(session, project="Names") == {
        **{name: text.encode() for name, text in written.items()},
        "a:b/x?.csv": b"changed",
        "a:b/new.csv": b"new",
        "report.csv": b"changed too",
    }


def test_what_is_only_in_the_cloud_stays_in_the_version(
    session: Session, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """OneDrive took a file's content away. Seen to fail when what is skipped counts as removed."""
    check_out(session, "Team", "", folder)
    online = (folder / "data" / "größen.csv").stat().st_ino
    os.utime(folder / "data" / "größen.csv")
    write(folder / "train.py", "2")
    monkeypatch.setattr(filesystem, "is_online_only", lambda status: status.st_ino == online)

    state = working_copy_state(session, folder)
    assert {change.path for change in state.changes.changes} == {"train.py"}
    assert [item.reason for item in state.skipped] == [SkipReason.PLACEHOLDER]
    saved = save_version(session, folder)

    assert [item.path for item in saved.skipped] == ["data/größen.csv"]
    assert files_of(session) == {name: text.encode() for name, text in FILES.items()} | {"train.py": b"2"}


@pytest.mark.parametrize("reason", [SkipReason.NO_PERMISSION, SkipReason.READ_ERROR, SkipReason.CHANGED_WHILE_READ])
def test_what_another_program_has_open_stays_as_it_was(
    session: Session, folder: Path, monkeypatch: pytest.MonkeyPatch, reason: SkipReason
) -> None:
    check_out(session, "Team", "", folder)
    write(folder / "train.py", "2")
    write(folder / "data" / "two words.csv", "3")
    really = FolderSource.read_whole

    def locked(self: FolderSource, item: SourceItem) -> tuple[SourceItem, bytes] | None:
        if item.path == "train.py":
            raise SourceProblem(SkippedItem(item.path, reason, "It is open."))
        return really(self, item)

    monkeypatch.setattr(FolderSource, "read_whole", locked)
    saved = save_version(session, folder)

    assert [item.path for item in saved.skipped] == ["train.py"]
    found = files_of(session)
    assert (found["train.py"], found["data/two words.csv"]) == (FILES["train.py"].encode(), b"3")


@pytest.mark.skipif(os.name == "nt", reason="Windows lets few make links, and has no pipes in folders")
def test_links_are_links_and_what_is_no_file_is_left_out(session: Session, folder: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    write(secret / "id_rsa", "private")
    check_out(session, "Team", "", folder)
    (folder / "data" / "größen.csv").unlink()
    (folder / "data" / "größen.csv").symlink_to(secret / "id_rsa")
    (folder / "out").symlink_to(secret)
    os.mkfifo(folder / "pipe")

    saved = save_version(session, folder)

    content = session.workspace.content
    assert [each.path for each in saved.skipped] == ["pipe"]
    assert content.find("Team", "", "data/größen.csv").kind is EntryKind.LINK
    assert content.find("Team", "", "out").target == str(secret)
    assert b"private" not in files_of(session).values()
    again = tmp_path / "again"
    check_out(session, "Team", "", again)
    assert (again / "out").is_symlink()
    assert not working_copy_state(session, again).changes


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such rights")
def test_files_that_may_only_be_read_and_long_paths_are_no_hindrance(session: Session, folder: Path) -> None:
    check_out(session, "Team", "", folder)
    deep = folder.joinpath(*["a folder with a long name"] * 12, "x" * 200)
    write(deep, "deep")
    (folder / "train.py").chmod(0o444)
    (folder / "run.sh").touch(0o755)
    saved = save_version(session, folder)
    assert saved.skipped == ()
    found = {each.path: each.executable for each in session.workspace.content.walk("Team")}
    assert found["run.sh"] and not found["train.py"]


def test_a_file_that_could_not_be_written_here_is_not_taken_for_removed(
    session: Session, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a link on Windows. Seen to fail without ``absent``."""
    from kronkers_studio.registry.restoring.restorer import Restore

    def fails(*_: object) -> None:
        raise OSError(36, "File name too long")

    really = Restore._write_file
    monkeypatch.setattr(
        Restore,
        "_write_file",
        lambda self, entry, path, chunks: (fails if "notes" in path else really)(self, entry, path, chunks),
    )
    done = check_out(session, "Team", "", folder)
    assert done.copy.absent == ("notes 📈.md",)
    assert not working_copy_state(session, folder).changes
    write(folder / "train.py", "2")
    save_version(session, folder)
    assert files_of(session)["notes 📈.md"] == FILES["notes 📈.md"].encode()


def test_a_system_without_executable_files_takes_no_rights_away(
    session: Session, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Windows says of no file that it may be run."""
    source = tmp_path / "source"
    write(source / "run.sh", "1")
    (source / "run.sh").chmod(0o755)
    migrate_folder(session, source, "Scripts")
    check_out(session, "Scripts", "", folder)
    monkeypatch.setattr(filesystem, "HAS_EXECUTABLE_BIT", False)
    monkeypatch.setattr(filesystem, "is_executable", lambda _status: False)
    assert not working_copy_state(session, folder).changes
    write(folder / "run.sh", "2")
    save_version(session, folder)
    entry = session.workspace.content.find("Scripts", "", "run.sh")
    assert entry.executable or os.name == "nt"
