"""Folders of version control are left out of working copies, for other programs run what they name; and stay stored."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from kronkers_studio.domain.content import EntryKind, StoredItem
from kronkers_studio.domain.working_copies import Unready
from kronkers_studio.migration.working_copy_mark import Mark
from kronkers_studio.workflows.copy_marks import marks
from kronkers_studio.workflows.migrating import migrate_folder
from kronkers_studio.workflows.saved_copies import save_version
from kronkers_studio.workflows.session import Session
from kronkers_studio.workflows.update_copies import save_and_merge, update_working_copy
from kronkers_studio.workflows.version_control_folders import version_control_folders
from kronkers_studio.workflows.working_copies import (
    check_out,
    list_working_copies,
    working_copy_at,
    working_copy_state,
)
from tests.cli.shell import Shell
from tests.working_copies.test_working_copies import files_of, write

REPOSITORY = {
    ".git/HEAD": "ref: refs/heads/main\n",
    ".git/config": "[core]\n\tfsmonitor = touch /tmp/kronkers-was-run\n",
    ".git/refs/heads/main": "",
    ".hg/hgrc": "[hooks]\n",
    "vendor/lib/.git": "gitdir: ../../.git/modules/lib\n",
    "vendor/lib/code.py": "1\n",
    "old/.GIT/config": "",
    "hidden/HEAD": "ref: refs/heads/main\n",
    "hidden/objects/aa": "",
    "hidden/refs/b": "",
    "hidden/config": "[core]\n\tfsmonitor = touch /tmp/kronkers-was-run\n",
    "data/refs/a.csv": "1\n",
    ".gitignore": "*.rds\n",
    "train.py": "1\n",
}
LEFT_OUT = (".git", ".hg", "hidden", "old/.GIT", "vendor/lib/.git")
WRITTEN = {"data/refs/a.csv", ".gitignore", "train.py", "vendor/lib/code.py"}


@pytest.fixture
def project(session: Session, tmp_path: Path) -> str:
    """A project that was brought in with its repositories."""
    source = tmp_path / "OneDrive"
    for name, text in REPOSITORY.items():
        write(source / name, text)
    migrate_folder(session, source, "Repo")
    assert set(files_of(session, project="Repo")) == set(REPOSITORY)
    return "Repo"


def _on_disk(folder: Path) -> set[str]:
    found = (path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    return {path for path in found if not path.startswith(".kronkers/")}


def test_they_are_left_out_and_said_to_be_and_nothing_is_taken_for_removed(
    session: Session, project: str, folder: Path
) -> None:
    """Seen to fail with all of the version written, and with a bare repository taken for data."""
    done = check_out(session, project, "", folder)
    assert done.left_out == LEFT_OUT and done.copy.absent == LEFT_OUT
    assert _on_disk(folder) == WRITTEN
    assert not working_copy_state(session, folder).changes
    assert not save_version(session, folder).changed


def test_they_stay_in_every_version_that_is_saved(session: Session, project: str, folder: Path) -> None:
    """Also in the one after the next: seen to fail with what was left out forgotten when it was saved once."""
    check_out(session, project, "", folder)
    for number in (2, 3, 4):
        write(folder / "train.py", f"{number}\n")
        assert save_version(session, folder).changed
        assert files_of(session, project=project).keys() == REPOSITORY.keys()
        assert working_copy_at(session, folder).absent == LEFT_OUT
    (folder / "train.py").unlink()
    save_version(session, folder)
    assert files_of(session, project=project).keys() == REPOSITORY.keys() - {"train.py"}


def test_what_is_made_in_their_place_stays_on_the_disk_and_is_not_saved(
    session: Session, project: str, folder: Path
) -> None:
    check_out(session, project, "", folder)
    subprocess.run(["git", "init", "-q", str(folder)], check=True)
    write(folder / ".hg" / "hgrc", "mine")
    write(folder / "train.py", "2\n")
    save_version(session, folder)
    content = session.workspace.content
    assert content.read(content.find(project, "", ".hg/hgrc")) == REPOSITORY[".hg/hgrc"].encode()
    assert content.read(content.find(project, "", ".git/config")) == REPOSITORY[".git/config"].encode()
    assert (folder / ".hg" / "hgrc").read_text(encoding="utf-8") == "mine"


def test_they_are_written_when_that_is_asked_for_and_so_are_those_that_come(
    session: Session, project: str, folder: Path, tmp_path: Path
) -> None:
    done = check_out(session, project, "", folder, version_control=True)
    assert done.left_out == () and _on_disk(folder) == set(REPOSITORY)
    _someone_adds(session, project, tmp_path)
    updated = update_working_copy(session, folder)
    assert updated.left_out == () and (folder / "sub" / ".git" / "config").is_file()


def _someone_adds(session: Session, project: str, tmp_path: Path) -> None:
    """Somebody else's version changes one repository, adds another, and a file."""
    other = tmp_path / "Other copy"
    check_out(session, project, "", other, version_control=True)
    source = tmp_path / "OneDrive"
    write(source / "sub" / ".git" / "config", "[core]\n")
    write(source / "sub" / "new.py", "1\n")
    write(source / ".git" / "config", "changed")
    migrate_folder(session, source, project)


def test_those_that_come_with_an_update_are_left_out_too(
    session: Session, project: str, folder: Path, tmp_path: Path
) -> None:
    """Seen to fail with what came written as any other file."""
    check_out(session, project, "", folder)
    write(folder / "mine.py", "mine\n")
    _someone_adds(session, project, tmp_path)
    updated = update_working_copy(session, folder)
    assert updated.left_out == ("sub/.git",) and (updated.written, updated.removed) == (1, 0)
    assert _on_disk(folder) == WRITTEN | {"sub/new.py", "mine.py"}
    assert updated.copy.absent == tuple(sorted((*LEFT_OUT, "sub/.git")))
    save_version(session, folder)
    assert files_of(session, project=project).keys() == REPOSITORY.keys() | {"sub/.git/config", "sub/new.py", "mine.py"}
    assert files_of(session, project=project)[".git/config"] == b"changed"


def test_they_stay_when_both_sides_are_put_together(
    session: Session, project: str, folder: Path, tmp_path: Path
) -> None:
    check_out(session, project, "", folder)
    write(folder / "mine.py", "mine\n")
    _someone_adds(session, project, tmp_path)
    assert save_and_merge(session, folder).merged
    assert files_of(session, project=project).keys() >= REPOSITORY.keys() | {"sub/.git/config", "mine.py"}
    assert _on_disk(folder) == WRITTEN | {"sub/new.py", "mine.py"}


def test_those_that_others_removed_are_no_longer_missed(session: Session, project: str, folder: Path) -> None:
    check_out(session, project, "", folder)
    content = session.workspace.content
    head = content.resolve(project, "")
    kept = [
        StoredItem.of(entry)
        for entry in content.walk(project)
        if entry.kind is EntryKind.FILE and not entry.path.startswith(".git/")
    ]
    content.commit(project, "main", kept, message="without .git", author="eve", base=head.id)
    updated = update_working_copy(session, folder)
    assert updated.copy.absent == LEFT_OUT[1:] and _on_disk(folder) == WRITTEN
    assert not working_copy_state(session, folder).changes


@pytest.mark.parametrize(
    ("names", "found"),
    [
        ((".git/HEAD", "a/.git/HEAD"), (".git", "a/.git")),
        ((".g\u200cit/config",), (".g\u200cit",)),
        (("GIT~1/config", "b/.git./config"), ("GIT~1", "b/.git.")),
        (("HEAD", "objects/a", "refs/b", "config"), ("HEAD",)),
        (("models/HEAD.csv", "objects/a", "refs/b"), ()),
        ((".gitattributes", ".github/x.yml", "git/x"), ()),
    ],
)
def test_it_is_told_what_version_control_takes_for_its_own(
    session: Session, tmp_path: Path, names: tuple[str, ...], found: tuple[str, ...]
) -> None:
    for name in names:
        write(tmp_path / "names" / name, "x")
    result = migrate_folder(session, tmp_path / "names", "Names")
    assert version_control_folders(session, "Names", result.commit.id) == found


def test_a_prompt_that_asks_git_runs_nothing_of_a_checked_out_version(
    session: Session, tmp_path: Path, folder: Path
) -> None:
    """With git itself, which does run it where the repository is written: that is what is kept from happening."""
    source, ran = tmp_path / "Evil", tmp_path / "was run"
    subprocess.run(["git", "init", "-q", str(source)], check=True)
    with (source / ".git" / "config").open("a", encoding="utf-8") as config:
        config.write(f"[core]\n\tfsmonitor = \"touch '{ran}'; false\"\n")
    write(source / "train.py", "1\n")
    migrate_folder(session, source, "Evil")
    check_out(session, "Evil", "", folder)
    subprocess.run(["git", "-C", str(folder), "status"], check=False, capture_output=True)
    assert not ran.exists()
    whole = tmp_path / "with"
    check_out(session, "Evil", "", whole, version_control=True)
    subprocess.run(["git", "-C", str(whole), "status"], check=False, capture_output=True)
    assert ran.exists(), "git no longer does so: is it still worth leaving repositories out?"


def test_the_command_says_what_it_left_out(tmp_path: Path) -> None:
    shell = Shell(tmp_path)
    shell.init()
    for name, text in REPOSITORY.items():
        write(tmp_path / "source" / name, text)
    shell.run("migrate", str(tmp_path / "source"), "--project", "Repo")
    said = shell.run("checkout", "Repo", str(tmp_path / "one")).out
    assert "Left out: .git, .hg, hidden, old/.GIT, vendor/lib/.git" in said and "--with-repository" in said
    assert shell.json("checkout", "Repo", str(tmp_path / "two"))["left_out"] == list(LEFT_OUT)
    assert "Left out" not in shell.run("checkout", "Repo", str(tmp_path / "all"), "--with-repository").out
    assert (tmp_path / "all" / ".git" / "config").is_file()


def test_the_list_says_what_was_not_finished(session: Session, folder: Path) -> None:
    """Seen to say that they are not there now."""
    copy = check_out(session, "Team", "", folder).copy
    assert [each.unready for each in list_working_copies(session)] == [None]
    for mark, unready in (
        (Mark("Team", "main", copy.commit, finished=False), Unready.CHECKOUT),
        (Mark("Team", "main", copy.commit, holding="before-1"), Unready.UPDATE),
    ):
        marks(session).write(folder, mark)
        assert [each.unready for each in list_working_copies(session)] == [unready]
    (folder / ".kronkers" / "working-copy").write_bytes(b"kronkers working copy 1\n" + bytes(64))
    assert [each.unready for each in list_working_copies(session)] == [Unready.OTHER]
    (folder / ".kronkers" / "working-copy").unlink()
    (gone,) = list_working_copies(session)
    assert gone.copy is None and gone.unready is None
