"""Updates that end half way, or that meet what somebody put in the way: nothing is lost, and nothing is undone."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from kronkers_studio.domain.content import Entry, RestoreReport
from kronkers_studio.domain.errors import InvalidInput, RestoreUnderWay, StudioError, WorkingCopyChanged
from kronkers_studio.domain.working_copies import Unready
from kronkers_studio.workflows.saved_copies import save_version
from kronkers_studio.workflows.session import Session
from kronkers_studio.workflows.update_copies import save_and_merge, update_working_copy
from kronkers_studio.workflows.working_copies import (
    check_out,
    copies_of,
    list_working_copies,
    working_copy_state,
)
from tests.working_copies.conftest import FILES
from tests.working_copies.test_working_copies import changes_in, files_of, write


@pytest.fixture
def other(session: Session, folder: Path, tmp_path: Path) -> Path:
    """Somebody else's working copy, beside the one in ``folder``."""
    check_out(session, "Team", "", folder)
    check_out(session, "Team", "", tmp_path / "theirs")
    return tmp_path / "theirs"


@pytest.mark.parametrize("moved", [0, 1, 2, 3])
def test_an_update_killed_while_it_sets_files_aside_undoes_nothing(
    session: Session, folder: Path, other: Path, made_project: tuple[Path, Path], moved: int
) -> None:
    """Seen to fail when a killed update is gone on with as a checkout: what was not set aside yet became a change."""
    write(other / "train.py", "theirs")
    write(other / "notes 📈.md", "theirs too")
    (other / "data" / "two words.csv").unlink()
    save_version(session, other)
    write(folder / "own.txt", "mine")
    (folder / "data" / "größen.csv").unlink()
    program = (
        "import os, sys; from pathlib import Path\n"
        "from kronkers_studio.workflows.session import open_workspace\n"
        "from kronkers_studio.workflows import update_copies\n"
        "left, really = [int(sys.argv[4])], os.replace\n"
        "def replace(old, new):\n"
        "    if 'before-' in str(new):\n"
        "        if not left[0]: os._exit(9)\n"
        "        left[0] -= 1\n"
        "    really(old, new)\n"
        "os.replace = replace\n"
        "with open_workspace(Path(sys.argv[1]), key_file=Path(sys.argv[2])) as session:\n"
        "    from kronkers_studio.workflows import browsing\n"
        "    browsing.restore = lambda *_, **__: os._exit(9)\n"
        "    update_copies.update_working_copy(session, Path(sys.argv[3]))\n"
    )
    command = [sys.executable, "-c", program, str(session.directory), str(made_project[1]), str(folder), str(moved)]
    assert subprocess.run(command, check=False, timeout=120).returncode == 9
    unready = {Path(each.folder).name: each.unready for each in list_working_copies(session)}
    assert unready == {"theirs": None, folder.name: Unready.UPDATE}
    (standing,) = (each for each in copies_of(session, "Team") if each.known.unready is not None)
    assert standing.problem is not None and "ended half way" in standing.problem.message

    update_working_copy(session, folder)

    assert changes_in(session, folder) == {("added", "own.txt"), ("removed", "data/größen.csv")}
    save_version(session, folder)
    assert files_of(session) == {"train.py": b"theirs", "notes 📈.md": b"theirs too", "own.txt": b"mine"}
    assert not [each for each in (folder / ".kronkers").iterdir() if each.name.startswith("before")]


def test_an_empty_folder_that_was_removed_here_does_not_come_back(session: Session, folder: Path, other: Path) -> None:
    write(other / "train.py", "theirs")
    save_version(session, other)
    (folder / "empty").rmdir()

    update_working_copy(session, folder)

    assert changes_in(session, folder) == {("removed", "empty")}


def test_a_file_in_the_place_of_an_empty_folder_is_a_change_and_stays(
    session: Session, folder: Path, other: Path
) -> None:
    write(other / "train.py", "theirs")
    save_version(session, other)
    (folder / "empty").rmdir()
    write(folder / "empty", "a file now")

    update_working_copy(session, folder)

    assert (folder / "empty").read_text(encoding="utf-8") == "a file now"


def test_a_folder_that_others_emptied_is_an_empty_folder_here(session: Session, folder: Path, other: Path) -> None:
    for name in ("größen.csv", "two words.csv"):
        (other / "data" / name).unlink()
    save_version(session, other)

    update_working_copy(session, folder)

    assert (folder / "data").is_dir() and not changes_in(session, folder)


@pytest.mark.skipif(os.name == "nt", reason="Windows lets few make links")
def test_an_update_makes_nothing_behind_a_link(session: Session, folder: Path, other: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (other / "new" / "deep").mkdir(parents=True)
    write(other / "more" / "x.txt", "theirs")
    save_version(session, other)
    (folder / "new").symlink_to(outside)
    (folder / "more").symlink_to(outside)

    with pytest.raises(WorkingCopyChanged, match="more"):
        update_working_copy(session, folder)

    assert list(outside.iterdir()) == []


@pytest.mark.parametrize(("mine", "theirs"), [("b", "b/x"), ("b/x", "b"), ("b/x/y", "b"), ("b", "b/x/y")])
def test_a_file_here_where_others_made_a_folder_stops_the_update(
    session: Session, folder: Path, other: Path, mine: str, theirs: str
) -> None:
    write(other / theirs, "theirs")
    save_version(session, other)
    write(folder / mine, "mine")

    with pytest.raises(WorkingCopyChanged):
        update_working_copy(session, folder)

    assert changes_in(session, folder) == {("added", mine)}
    assert (folder / mine).read_text(encoding="utf-8") == "mine"


def test_a_file_that_could_be_written_after_all_can_be_removed(
    session: Session, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seen to fail when what could not be written once is ``absent`` for ever."""
    from kronkers_studio.registry.restoring.restorer import Restore

    really = Restore._write_file

    def fails(self: Restore, entry: Entry, path: str, chunks: Iterable[bytes | memoryview]) -> None:
        if entry.path == "train.py":
            raise OSError(36, "File name too long")
        really(self, entry, path, chunks)

    with monkeypatch.context() as patch:
        patch.setattr(Restore, "_write_file", fails)
        check_out(session, "Team", "", folder)
    write(folder / "train.py", "here now")
    save_version(session, folder)
    (folder / "train.py").unlink()

    assert changes_in(session, folder) == {("removed", "train.py")}
    save_version(session, folder)
    assert set(files_of(session)) == {*FILES} - {"train.py"}


def test_what_was_remembered_of_a_folder_of_that_name_is_not_taken_for_what_is_written(
    session: Session, folder: Path, other: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two versions of a file may have one size and one time, and a new file the number of one that is gone."""
    from kronkers_studio.migration import filesystem

    really = filesystem.fingerprint
    monkeypatch.setattr(filesystem, "fingerprint", lambda status: (*really(status)[:2], 0))
    first = check_out(session, "Team", "", folder.with_name("again")).copy
    write(other / "train.py", "PRINT('TRAIN')\n")
    os.utime(other / "train.py", ns=((folder / "train.py").stat().st_mtime_ns,) * 2)
    newer = save_version(session, other)
    assert newer.changed and first.commit != newer.commit.id
    shutil.rmtree(first.folder)
    check_out(session, "Team", "", Path(first.folder))

    assert not working_copy_state(session, Path(first.folder)).changes


def test_merging_does_not_undo_what_others_saved(session: Session, folder: Path, other: Path) -> None:
    write(other / "b" / "x", "theirs")
    save_version(session, other)
    write(folder / "b", "mine")
    with pytest.raises(StudioError):
        save_and_merge(session, folder)
    assert files_of(session)["b/x"] == b"theirs"


@pytest.mark.parametrize("in_its_place", ["", "deep"])
def test_what_could_not_be_written_stays_unless_something_else_has_its_folders_place(
    session: Session, folder: Path, other: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, in_its_place: str
) -> None:
    """Seen to fail when an empty folder counts as something, and when a file there does not."""
    from kronkers_studio.registry.restoring.restorer import Restore

    write(other / "deep" / "only.txt", "1")
    save_version(session, other)
    really = Restore._write_file

    def fails(self: Restore, entry: Entry, path: str, chunks: Iterable[bytes | memoryview]) -> None:
        if entry.path == "deep/only.txt":
            raise OSError(36, "File name too long")
        really(self, entry, path, chunks)

    with monkeypatch.context() as patch:
        patch.setattr(Restore, "_write_file", fails)
        copy = Path(check_out(session, "Team", "", tmp_path / "third").copy.folder)
    write(copy / "train.py", "2")
    if in_its_place:
        (copy / "deep").rmdir()
        write(copy / in_its_place, "a file now")

    save_version(session, copy)

    expected = {"deep": b"a file now"} if in_its_place else {"deep/only.txt": b"1"}
    assert {name: text for name, text in files_of(session).items() if name.startswith("deep")} == expected
    assert not changes_in(session, copy)


def test_an_update_that_fails_half_way_leaves_all_as_it_was(
    session: Session, folder: Path, other: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk is full after some files. Seen to fail when what came stays."""
    from kronkers_studio.registry.restoring.restorer import Restore

    for name in ("a.txt", "new/b.txt", "train.py", "z.txt"):
        write(other / name, "theirs")
    (other / "notes 📈.md").unlink()
    save_version(session, other)
    really = Restore._write_file

    def fails(self: Restore, entry: Entry, path: str, chunks: Iterable[bytes | memoryview]) -> None:
        if entry.path == "z.txt":
            raise OSError(28, "No space left on device")
        really(self, entry, path, chunks)

    with monkeypatch.context() as patch, pytest.raises(StudioError):
        patch.setattr(Restore, "_write_file", fails)
        update_working_copy(session, folder)

    assert not changes_in(session, folder)
    assert not (folder / "new").exists()
    assert {each.name for each in (folder / ".kronkers").iterdir()} == {".gitignore", "working-copy"}
    update_working_copy(session, folder)
    assert not changes_in(session, folder)


def test_nothing_is_saved_while_another_program_updates_the_folder(
    session: Session, folder: Path, other: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seen to fail without ``nothing_else_at_work``."""
    from kronkers_studio.workflows import browsing

    write(other / "train.py", "theirs")
    save_version(session, other)
    really = browsing.restore
    refused: list[str] = []

    def meanwhile(*arguments: Any, **named: Any) -> RestoreReport:
        for act in (save_version, update_working_copy, save_and_merge):
            try:
                act(session, folder)
            except RestoreUnderWay:
                refused.append(act.__name__)
        return really(*arguments, **named)

    monkeypatch.setattr(browsing, "restore", meanwhile)
    update_working_copy(session, folder)

    assert refused == ["save_version", "update_working_copy", "save_and_merge"]
    assert not changes_in(session, folder)


def test_a_working_copy_is_not_made_in_another_which_would_save_it(
    session: Session, folder: Path, tmp_path: Path
) -> None:
    check_out(session, "Team", "", folder)
    with pytest.raises(InvalidInput, match="lies in the working copy"):
        check_out(session, "Team", "", folder / "data" / "inner")
    assert not (folder / "data" / "inner").exists()
    write(tmp_path / ".kronkers" / "working-copy", "anybody's")
    check_out(session, "Team", "", tmp_path / "beside")
