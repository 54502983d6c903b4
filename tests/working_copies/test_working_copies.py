"""A version's files are worked on in a folder, and what was changed there becomes the next version."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from kronkers_studio.domain.content import EntryKind
from kronkers_studio.domain.differences import ChangeKind, MergeConflicts
from kronkers_studio.domain.errors import (
    BranchChanged,
    InvalidInput,
    NotAWorkingCopy,
    WorkingCopyBehind,
    WorkingCopyChanged,
)
from kronkers_studio.domain.migration import MigrationSource
from kronkers_studio.workflows.browsing import history
from kronkers_studio.workflows.migrating import migrate_folder
from kronkers_studio.workflows.migration.import_run import BringIn, Brought
from kronkers_studio.workflows.saved_copies import save_version
from kronkers_studio.workflows.session import Session, create_workspace
from kronkers_studio.workflows.sources import project_sources
from kronkers_studio.workflows.trash import list_trash
from kronkers_studio.workflows.update_copies import save_and_merge, update_working_copy
from kronkers_studio.workflows.versions import list_branches
from kronkers_studio.workflows.working_copies import (
    check_out,
    forget_working_copy,
    list_working_copies,
    working_copy_at,
    working_copy_state,
)
from tests.working_copies.conftest import FILES


def files_of(session: Session, ref: str = "", project: str = "Team") -> dict[str, bytes]:
    content = session.workspace.content
    return {each.path: content.read(each) for each in content.walk(project, ref) if each.kind is EntryKind.FILE}


def changes_in(session: Session, folder: Path) -> set[tuple[str, str]]:
    state = working_copy_state(session, folder)
    return {(change.kind.value, change.path) for change in state.changes.changes}


def write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8", newline="")


def test_what_is_checked_out_is_the_version_and_nothing_is_changed(session: Session, folder: Path) -> None:
    done = check_out(session, "Team", "", folder)

    assert done.report is not None and done.report.files == len(FILES)
    assert {name: (folder / name).read_bytes() for name in FILES} == {n: t.encode() for n, t in FILES.items()}
    assert (folder / "empty").is_dir()
    state = working_copy_state(session, folder)
    assert not state.changes and state.newer is None and state.unchanged == len(FILES) + 1


def test_what_was_changed_becomes_one_version(session: Session, folder: Path) -> None:
    before = check_out(session, "Team", "", folder).copy.commit
    write(folder / "train.py", "print('better')\n")
    write(folder / "src" / "neu.py", "")
    (folder / "data" / "two words.csv").unlink()
    (folder / "notes 📈.md").rename(folder / "Notizen.md")
    assert changes_in(session, folder) == {
        ("modified", "train.py"),
        ("added", "src/neu.py"),
        ("removed", "data/two words.csv"),
        ("renamed", "Notizen.md"),
    }

    saved = save_version(session, folder, "Better")

    assert saved.changed and saved.before == before
    assert files_of(session) == {
        "train.py": b"print('better')\n",
        "src/neu.py": b"",
        "data/größen.csv": FILES["data/größen.csv"].encode(),
        "Notizen.md": FILES["notes 📈.md"].encode(),
    }
    assert next(each.message for each in history(session, "Team")) == "Better"
    assert saved.commit.parents == (before,)
    assert not working_copy_state(session, folder).changes
    assert not save_version(session, folder).changed


def test_only_what_differs_is_another_entry_and_a_new_time_is_no_change(session: Session, folder: Path) -> None:
    """Seen to fail when what was stored is taken as it was found."""
    check_out(session, "Team", "", folder)
    os.utime(folder / "train.py")
    assert not save_version(session, folder).changed
    write(folder / "train.py", "2")
    os.utime(folder / "data" / "größen.csv")
    saved = save_version(session, folder)

    changes = session.workspace.versions.diff("Team", saved.before, saved.commit.id).changes
    assert [(each.kind, each.path) for each in changes] == [(ChangeKind.MODIFIED, "train.py")]


def test_what_languages_and_editors_make_is_not_taken(session: Session, folder: Path) -> None:
    check_out(session, "Team", "", folder)
    for name in (".venv/bin/python", "__pycache__/a.pyc", ".ipynb_checkpoints/a.ipynb", "renv/library/x/R.rds"):
        write(folder / name, "x")
    write(folder / ".git" / "HEAD", "ref")
    write(folder / ".vscode" / "settings.json", "{}")

    save_version(session, folder)

    assert set(files_of(session)) == {*FILES, ".vscode/settings.json"}


def test_what_is_never_saved_from_a_working_copy_and_was_brought_in_otherwise_stays(
    session: Session, folder: Path, tmp_path: Path
) -> None:
    """Seen to fail without ``staying``: the version lost them."""
    source = tmp_path / "source"
    write(source / ".venv" / "pyvenv.cfg", "home")
    write(source / "a.py", "1")
    migrate_folder(session, source, "Other")
    check_out(session, "Other", "", folder)
    write(folder / "a.py", "2")
    (folder / ".venv" / "pyvenv.cfg").unlink()

    save_version(session, folder)

    assert files_of(session, project="Other") == {".venv/pyvenv.cfg": b"home", "a.py": b"2"}


def test_a_working_copy_that_was_moved_is_one_still(session: Session, folder: Path, tmp_path: Path) -> None:
    check_out(session, "Team", "", folder)
    moved = tmp_path / "elsewhere" / "copy"
    moved.parent.mkdir()
    folder.rename(moved)
    write(moved / "train.py", "moved")

    assert working_copy_at(session, moved / "data").folder == str(moved)
    save_version(session, moved / "data", "From elsewhere")

    assert files_of(session)["train.py"] == b"moved"
    assert {each.folder for each in list_working_copies(session) if each.copy} == {str(moved)}


def test_a_folder_cannot_say_that_it_belongs_to_another_project(session: Session, folder: Path, tmp_path: Path) -> None:
    """Its mark is sealed. Seen to fail with a mark that is not authenticated."""
    check_out(session, "Team", "", folder)
    mark = folder / ".kronkers" / "working-copy"
    sealed = mark.read_bytes()
    assert b"Team" not in sealed and b"main" not in sealed
    for changed in (sealed[:-1] + bytes([sealed[-1] ^ 1]), b"", sealed[:30], b"x" * 1000):
        mark.write_bytes(changed)
        with pytest.raises(NotAWorkingCopy):
            save_version(session, folder)
    mark.write_bytes(sealed)
    other, _recovery = create_workspace(tmp_path / "other", key_file=tmp_path / "other-key")
    with other, pytest.raises(NotAWorkingCopy, match="another workspace"):
        working_copy_at(other, folder)


@pytest.mark.skipif(os.name == "nt", reason="Windows lets few make links")
def test_a_mark_is_never_read_or_written_through_a_link(session: Session, folder: Path, tmp_path: Path) -> None:
    check_out(session, "Team", "", folder)
    elsewhere = tmp_path / "hostile"
    (folder / ".kronkers").rename(elsewhere)
    (folder / ".kronkers").symlink_to(elsewhere)
    with pytest.raises(NotAWorkingCopy):
        working_copy_at(session, folder)
    (folder / ".kronkers").unlink()
    (folder / ".kronkers").mkdir()
    (folder / ".kronkers" / "working-copy").symlink_to(elsewhere / "working-copy")
    with pytest.raises(NotAWorkingCopy):
        working_copy_at(session, folder)
    os.mkfifo(folder / ".kronkers" / "pipe")
    (folder / ".kronkers" / "pipe").replace(folder / ".kronkers" / "working-copy")
    with pytest.raises(NotAWorkingCopy):
        working_copy_at(session, folder)


def test_a_folder_that_holds_other_things_is_left_alone(session: Session, folder: Path, tmp_path: Path) -> None:
    write(folder / "thesis.docx", "mine")
    with pytest.raises(InvalidInput, match="not empty"):
        check_out(session, "Team", "", folder)
    assert [each.name for each in folder.iterdir()] == ["thesis.docx"]
    with pytest.raises(InvalidInput, match="workspace"):
        check_out(session, "Team", "", session.directory / "copy")
    source = tmp_path / "OneDrive"
    write(source / "a.csv", "1")
    migrate_folder(session, source, "Drive")
    with pytest.raises(InvalidInput, match="brought into “Drive”"):
        check_out(session, "Team", "", source / "copy")


def test_a_working_copy_does_not_become_a_source_of_its_project(session: Session, folder: Path) -> None:
    before = project_sources(session, "Team")
    check_out(session, "Team", "", folder)
    write(folder / "train.py", "2")
    save_version(session, folder)
    assert project_sources(session, "Team") == before


def test_what_others_saved_meanwhile_is_not_undone(session: Session, folder: Path, tmp_path: Path) -> None:
    """Seen to fail when the branch's newest version is taken for the copy's."""
    other = tmp_path / "theirs"
    check_out(session, "Team", "", folder)
    check_out(session, "Team", "", other)
    write(other / "data" / "neu.csv", "theirs")
    theirs = save_version(session, other, "Theirs")
    write(folder / "train.py", "mine")

    with pytest.raises(WorkingCopyBehind) as refused:
        save_version(session, folder, "Mine")
    assert refused.value.exit_code == 3
    assert working_copy_state(session, folder).newer == theirs.commit

    saved = save_and_merge(session, folder, "Both")

    assert saved.merged
    found = files_of(session)
    assert (found["train.py"], found["data/neu.csv"]) == (b"mine", b"theirs")
    assert (folder / "data" / "neu.csv").read_text(encoding="utf-8") == "theirs"
    assert not working_copy_state(session, folder).changes
    assert [each.name for each in list_branches(session, "Team")] == ["main"]
    assert len(list_trash(session)) == 1  # the branch that it was on for a moment


def test_where_both_changed_the_same_nothing_is_lost(session: Session, folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "theirs"
    check_out(session, "Team", "", folder)
    check_out(session, "Team", "", other)
    write(other / "train.py", "theirs\n")
    save_version(session, other, "Theirs")
    write(folder / "train.py", "mine\n")

    with pytest.raises(WorkingCopyChanged, match=r"train\.py"):
        update_working_copy(session, folder)
    assert (folder / "train.py").read_text(encoding="utf-8") == "mine\n"
    with pytest.raises(MergeConflicts) as conflict:
        save_and_merge(session, folder, "Mine")
    assert "nothing is lost" in conflict.value.next_step
    own = working_copy_at(session, folder).branch
    assert files_of(session, own)["train.py"] == b"mine\n"
    assert files_of(session)["train.py"] == b"theirs\n"
    assert not working_copy_state(session, folder).changes

    back = update_working_copy(session, folder, branch="main")
    assert (folder / "train.py").read_text(encoding="utf-8") == "theirs\n"
    assert (back.written, back.removed) == (1, 0)


def test_an_own_branch_takes_what_was_changed(session: Session, folder: Path, tmp_path: Path) -> None:
    check_out(session, "Team", "", folder)
    check_out(session, "Team", "", tmp_path / "theirs")
    write(tmp_path / "theirs" / "x", "theirs")
    save_version(session, tmp_path / "theirs")
    write(folder / "train.py", "mine")

    saved = save_version(session, folder, "Mine", branch="try")

    assert saved.copy.branch == "try" and files_of(session, "try")["train.py"] == b"mine"
    assert "x" not in files_of(session, "try")
    assert check_out(session, "Team", "try", tmp_path / "again").copy.branch == "try"


def test_an_update_writes_what_came_and_keeps_what_was_changed(session: Session, folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "theirs"
    check_out(session, "Team", "", folder)
    check_out(session, "Team", "", other)
    (other / "data" / "two words.csv").unlink()
    (other / "empty").rmdir()
    write(other / "empty", "a file now")
    write(other / "notes 📈.md", "theirs")
    (other / "data" / "größen.csv").unlink()
    (other / "data").rmdir()
    save_version(session, other)
    write(folder / "train.py", "mine")
    write(folder / "own.txt", "mine")

    done = update_working_copy(session, folder)

    assert (done.written, done.removed, done.kept) == (2, 2, 2)
    assert not (folder / "data").exists()
    assert (folder / "empty").read_text(encoding="utf-8") == "a file now"
    assert changes_in(session, folder) == {("modified", "train.py"), ("added", "own.txt")}
    save_version(session, folder)
    assert files_of(session)["own.txt"] == b"mine"
    assert [each.name for each in (folder / ".kronkers").iterdir() if each.name.startswith("before")] == []


def test_an_update_that_fails_changes_nothing(
    session: Session, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seen to fail when files are removed and not set aside."""
    other = tmp_path / "theirs"
    check_out(session, "Team", "", folder)
    check_out(session, "Team", "", other)
    write(other / "train.py", "theirs")
    (other / "notes 📈.md").unlink()
    save_version(session, other)
    before = {name: (folder / name).read_bytes() for name in FILES}

    def fails(*_: object, **__: object) -> None:
        raise InvalidInput("The disk is gone.")

    monkeypatch.setattr("kronkers_studio.workflows.browsing.restore", fails)
    with pytest.raises(InvalidInput):
        update_working_copy(session, folder)
    assert {name: (folder / name).read_bytes() for name in FILES} == before
    assert not working_copy_state(session, folder).changes


def test_a_checkout_that_was_stopped_goes_on(session: Session, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from kronkers_studio.registry.restoring.restorer import Restore

    really = Restore._write_file

    def stops(self: Restore, entry: object, path: str, chunks: object) -> None:
        if path.endswith("train.py"):
            raise KeyboardInterrupt
        really(self, entry, path, chunks)  # type: ignore[arg-type]

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Restore, "_write_file", stops)
        check_out(session, "Team", "", folder)
    with pytest.raises(NotAWorkingCopy, match="Not all of version"):
        save_version(session, folder)

    check_out(session, "Team", "", folder)

    assert not working_copy_state(session, folder).changes


def test_a_folder_that_is_forgotten_keeps_its_files(session: Session, folder: Path, tmp_path: Path) -> None:
    check_out(session, "Team", "", folder)
    gone = tmp_path / "gone"
    check_out(session, "Team", "", gone)
    shutil.rmtree(gone)
    assert {each.folder: each.copy is not None for each in list_working_copies(session)} == {
        str(folder): True,
        str(gone): False,
    }

    forget_working_copy(session, folder)
    forget_working_copy(session, gone)

    assert list_working_copies(session) == []
    assert (folder / "train.py").exists() and not (folder / ".kronkers").exists()
    with pytest.raises(NotAWorkingCopy):
        working_copy_at(session, folder)


def test_the_mark_of_a_working_copy_is_never_brought_in(session: Session, folder: Path) -> None:
    check_out(session, "Team", "", folder)
    migrate_folder(session, folder, "Copied")
    assert set(files_of(session, project="Copied")) == set(FILES)


def test_an_update_that_is_killed_is_gone_on_with_and_removes_nothing(
    session: Session, folder: Path, tmp_path: Path, made_project: tuple[Path, Path]
) -> None:
    """Seen to fail when the mark says all the time that the folder is a whole version."""
    other = tmp_path / "theirs"
    check_out(session, "Team", "", folder)
    check_out(session, "Team", "", other)
    write(other / "train.py", "theirs")
    theirs = save_version(session, other).commit
    write(folder / "own.txt", "mine")
    program = (
        "import os, sys; from pathlib import Path\n"
        "from kronkers_studio.workflows import browsing\n"
        "from kronkers_studio.workflows.session import open_workspace\n"
        "from kronkers_studio.workflows.update_copies import update_working_copy\n"
        "browsing.restore = lambda *_, **__: os._exit(9)\n"
        "with open_workspace(Path(sys.argv[1]), key_file=Path(sys.argv[2])) as session:\n"
        "    update_working_copy(session, Path(sys.argv[3]))\n"
    )
    command = [sys.executable, "-c", program, str(session.directory), str(made_project[1]), str(folder)]
    assert subprocess.run(command, check=False, timeout=120).returncode == 9
    assert not (folder / "train.py").exists()

    with pytest.raises(NotAWorkingCopy, match="ended half way"):
        save_version(session, folder)
    assert update_working_copy(session, folder).commit == theirs

    assert (folder / "train.py").read_text(encoding="utf-8") == "theirs"
    assert changes_in(session, folder) == {("added", "own.txt")}
    assert working_copy_at(session, folder).branch == "main"


def test_a_version_that_others_save_while_this_one_is_stored_is_not_undone(
    session: Session, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seen to fail when the version is not said that it comes after."""
    other = tmp_path / "theirs"
    check_out(session, "Team", "", folder)
    check_out(session, "Team", "", other)
    write(folder / "train.py", "mine")
    write(other / "theirs.py", "theirs")
    really = BringIn.store

    def meanwhile(run: BringIn, source: MigrationSource) -> Brought:
        stored = really(run, source)
        monkeypatch.setattr(BringIn, "store", really)
        save_version(session, other)
        return stored

    monkeypatch.setattr(BringIn, "store", meanwhile)
    with pytest.raises(BranchChanged):
        save_version(session, folder)
    assert "theirs.py" in files_of(session)
    with pytest.raises(WorkingCopyBehind):
        save_version(session, folder)
