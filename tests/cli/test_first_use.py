"""What somebody meets who has only ``--help`` and the README: odd names, slips, and a lost key."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from kronkers_studio.cli.plain_text import table
from tests.cli.shell import Shell


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path)


@pytest.fixture
def project(shell: Shell) -> Path:
    """A folder that is the project p, in two versions."""
    shell.init()
    folder = shell.folder / "folder"
    folder.mkdir()
    for name in ("same.bin", "other.bin"):
        (folder / name).write_bytes(b"\x00\xff" + os.urandom(40))
    (folder / "notes.txt").write_text("one\n", encoding="utf-8")
    shell.run("migrate", str(folder), "--project", "p")
    shell.run("tag", "p", "first")
    (folder / "other.bin").write_bytes(b"\x00\xff" + os.urandom(40))
    shell.run("migrate", str(folder), "--project", "p", "--read-limit", "500", "--low-priority")
    return folder


def test_the_recovery_key_opens_the_workspace_and_mends_it_when_every_other_key_is_lost(shell: Shell) -> None:
    made = shell.init()
    shell.key_file.unlink()
    _, message = shell.run("projects", expect=1)
    assert "KRONKERS_RECOVERY_KEY" in message
    shell.environment["KRONKERS_RECOVERY_KEY"] = made["recovery_key"]
    assert shell.json("projects") == []
    (shell.workspace / "metadata.db").unlink()
    assert shell.json("registry", "rebuild")["database_made_anew"]
    shell.json("key", "add", "--key-file", str(shell.key_file) + " new")
    del shell.environment["KRONKERS_RECOVERY_KEY"]
    shell.environment["KRONKERS_KEY_FILE"] = str(shell.key_file) + " new"
    assert "No project yet" in shell.run("projects").out


def test_a_wrong_recovery_key_does_not_open_it(shell: Shell) -> None:
    shell.init()
    shell.key_file.unlink()
    shell.environment["KRONKERS_RECOVERY_KEY"] = "AAAA"
    assert "mistyped" in shell.run("projects", expect=1).err


@pytest.mark.usefixtures("project")
def test_a_file_of_bytes_that_did_not_change_is_not_said_to_differ(shell: Shell) -> None:
    assert shell.run("diff", "p", "first", "main", "same.bin").out == "No difference\n"
    assert shell.run("diff", "p", "first", "main", "other.bin").out.startswith("other.bin differs")


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize(
    "arguments",
    [["search", "notes", "--project", "typo"], ["status", "typo", "."], ["ls", "typo"], ["merge", "typo", "first"]],
)
def test_a_mistyped_project_is_named_and_not_taken_for_an_empty_one(shell: Shell, arguments: list[str]) -> None:
    assert "There is no project “typo”" in shell.run(*arguments, expect=1).err


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize("arguments", [["restore", "p", ""], ["migrate", "", "--project", "p"]])
def test_a_folder_without_a_name_is_not_the_one_one_is_in(shell: Shell, arguments: list[str]) -> None:
    assert "Name" in shell.run(*arguments, expect=2).err


def test_a_dry_merge_shows_and_verifies_the_decisions(shell: Shell, project: Path) -> None:
    shell.run("branch", "p", "try", "--from", "first")
    (project / "notes.txt").write_text("theirs\n", encoding="utf-8")
    shell.run("migrate", str(project), "--project", "p", "--branch", "try")
    (project / "notes.txt").write_text("ours\n", encoding="utf-8")
    shell.run("migrate", str(project), "--project", "p")
    assert "To be decided." in shell.run("merge", "p", "try", "--dry-run").out
    assert "Decided: both." in shell.run("merge", "p", "try", "--dry-run", "--both", "notes.txt").out
    shell.run("merge", "p", "try", "--dry-run", "--both", "typo.txt", expect=2)
    merged = shell.json("merge", "p", "try", "--theirs", "notes.txt")
    assert f"Merged from versions {merged['commit']['parents'][0][:12]} and " in shell.run("show", "p").out


def test_a_name_with_a_line_end_or_odd_bytes_stays_in_its_row() -> None:
    head, odd, plain = table(["Name", "Size"], [["a\nb\udcff\x1b", "1 B"], ["plain", "2 B"]])
    assert odd == "a\\nb\\xff\\x1b  1 B"
    assert head.index("Size") == odd.index("1 B") == plain.index("2 B")


def test_status_tells_what_is_new_renamed_and_gone_and_of_which_branch(shell: Shell, project: Path) -> None:
    os.utime(project / "same.bin", (1_700_000_000.5,) * 2)  # at rest: else only reading tells a rename
    shell.run("migrate", str(project), "--project", "p")
    (project / "notes.txt").write_text("two\n", encoding="utf-8")
    (project / "same.bin").rename(project / "named anew.bin")
    (project / "other.bin").unlink()
    said = shell.run("status", "p", str(project)).out.splitlines()
    assert said == [
        "1 file new or changed, 1 renamed, 1 no longer in the folder, 0 unchanged",
        "  notes.txt",
        "  named anew.bin  (was same.bin)",
        "  other.bin  (no longer in the folder)",
    ]
    shell.run("branch", "p", "newer")
    shell.run("migrate", str(project), "--project", "p", "--branch", "newer")
    found = shell.json("status", "p", str(project), "--branch", "newer")
    assert (found["branch"], found["new_or_changed"], found["gone"]) == ("newer", [], [])
    assert shell.json("status", "p", str(project))["gone"] == ["other.bin", "same.bin"]


def test_status_lists_what_is_skipped_and_warns_of_what_would_be_undone(shell: Shell, project: Path) -> None:
    assert shell.run("status", "p", str(project)).out == "0 files new or changed, 3 unchanged\n"
    other = shell.folder / "other folder"
    shutil.copytree(project, other)
    (other / "added.txt").write_text("from elsewhere\\n", encoding="utf-8")
    shell.run("branch", "p", "elsewhere")
    shell.run("migrate", str(other), "--project", "p", "--branch", "elsewhere")
    shell.run("merge", "p", "elsewhere")
    said = shell.run("status", "p", str(project)).out
    assert "1 file is not in the folder (added.txt)" in said
    assert "refused without --replace" in said
