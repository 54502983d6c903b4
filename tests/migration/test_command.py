"""`kronkers migrate` as a script calls it: each a process of its own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.migration.kinds import Kronkers, Make


@pytest.fixture
def kronkers(empty_workspace: tuple[Path, Path], tmp_path: Path) -> Kronkers:
    directory = shutil.copytree(empty_workspace[0], tmp_path / "workspace")
    environment = {**os.environ, "KRONKERS_WORKSPACE": str(directory), "KRONKERS_KEY_FILE": str(empty_workspace[1])}

    def run(*arguments: object, expect: int = 0) -> Any:
        done = subprocess.run(
            [sys.executable, "-c", "from kronkers_studio.app import command; command()", *map(str, arguments)],
            capture_output=True,
            text=True,
            env=environment,
            timeout=240,
            check=False,
        )
        assert done.returncode == expect, done.stdout + done.stderr
        return done.stdout if "--json" not in arguments else json.loads(done.stdout)

    return run


def test_rules_conflicts_and_what_is_new_are_shown_before_anything_is_done(
    kronkers: Kronkers, folder: Path, make: Make
) -> None:
    make("data.csv", "id\n1\n2\n")
    make("data-LAPTOP7.csv", "id\n1\n3\n")
    make("copy of data.csv", "id\n1\n2\n")
    make("scratch.tmp", "x")

    said = kronkers("migrate", folder, "--project", "p", "--dry-run", "--exclude", "*.tmp")

    assert "Rule “*.tmp” excludes 1 file, 1 B, such as scratch.tmp." in said
    assert "Copies of data.csv that OneDrive made when two people saved:\n  data-LAPTOP7.csv  (1 row differs)" in said
    assert "There more than once: 1 file" in said
    assert kronkers("projects", "--json") == []


def test_what_is_asked_for_once_is_remembered_and_a_project_can_be_brought_in_by_its_name_alone(
    kronkers: Kronkers, folder: Path, make: Make
) -> None:
    make("Sales/a.csv", "1")
    make("Sales/a.tmp", "1")
    make("Lab/b.csv", "2")

    both = [folder / "Sales", folder / "Lab", "--project", "p", "--exclude", "*.tmp"]
    first = kronkers("migrate", *both, "--fold-conflicts", "--online-only", "fetch", "--json")
    assert (first["files"], [item["reason"] for item in first["skipped"]]) == (2, ["excluded"])
    make("Lab/c.csv", "3")
    make("Lab/c.tmp", "3")
    (folder / "Sales/a.csv").rename(folder / "Sales/renamed.csv")
    said = kronkers("migrate", "--project", "p")
    assert "renamed: Sales/a.csv → Sales/renamed.csv" in said
    assert {entry["path"] for entry in kronkers("ls", "p", "Lab", "--json")} == {"Lab/b.csv", "Lab/c.csv"}


@pytest.mark.parametrize(
    "arguments",
    [
        ("--dry-run", "--watch"),
        ("--exclude", "!"),
        ("--into", "../out"),
        ("--online-only", "perhaps"),
    ],
)
def test_what_cannot_be_meant_is_wrong_usage(kronkers: Kronkers, folder: Path, arguments: list[str]) -> None:
    kronkers("migrate", folder, "--project", "p", *arguments, expect=2)


def test_what_a_merge_brought_is_not_dropped_without_being_asked_for_and_the_plan_says_so(
    kronkers: Kronkers, folder: Path, make: Make
) -> None:
    make("own/a.csv", "id\n1\n")
    make("hers/a.csv", "id\n1\n")
    make("hers/b.csv", "id\n2\n")
    own, hers = folder / "own", folder / "hers"
    kronkers("migrate", own, "--project", "p")
    kronkers("branch", "p", "hers")
    kronkers("migrate", hers, "--project", "p", "--branch", "hers")
    kronkers("merge", "p", "hers")

    plan = kronkers("migrate", own, "--project", "p", "--dry-run")
    assert "No longer in the folder: 1 file, such as b.csv; earlier versions keep them." in plan
    assert "since the folder was brought in: 1 file is not in the folder (b.csv)." in plan
    refused = kronkers("migrate", own, "--project", "p", "--json", expect=3)
    assert refused["error"]["kind"] == "WouldUndo"
    said = kronkers("migrate", own, "--project", "p", "--replace")
    assert "The folder alone counts, as asked for: 1 file is not in the folder (b.csv)." in said


def test_what_is_to_be_included_and_is_nowhere_is_said_to_be(kronkers: Kronkers, folder: Path, make: Make) -> None:
    make("data.csv", "id\n1\n")
    rules = ["--project", "p", "--include", "*.cvs", "--include", "*.csv"]

    plan = kronkers("migrate", folder, *rules, "--dry-run")
    assert "Nothing matches “*.cvs”" in plan and "Nothing matches “*.csv”" not in plan
    assert "Nothing matches “*.cvs”, which is to be included" in kronkers("migrate", folder, *rules)
    assert kronkers("migrate", folder, "--json", "--project", "p")["unmatched"] == ["*.cvs"]


def test_rules_that_leave_nothing_are_taken_for_mistyped(kronkers: Kronkers, folder: Path, make: Make) -> None:
    """Seen to fail: the project was emptied."""
    make("data.csv", "id\n1\n")
    kronkers("migrate", folder, "--project", "p")
    refused = kronkers("migrate", folder, "--project", "p", "--include", "*.cvs", "--json", expect=2)
    assert refused["error"]["kind"] == "InvalidInput"
    assert kronkers("ls", "p", "--json")[0]["path"] == "data.csv"
    kronkers("migrate", folder, "--project", "p", "--include", "*.csv")
    (folder / "data.csv").rename(folder / "data.txt")
    assert (
        kronkers("migrate", folder, "--project", "p", "--json", expect=0)["files"] == 0
    )  # the rule hit something once


def test_a_plan_is_readable_also_of_many_files_with_long_names(kronkers: Kronkers, folder: Path, make: Make) -> None:
    for number in range(60):
        make(f"{number:02d}.csv", str(number))
    make("/".join(["a folder with a long name"] * 11) + "/last.csv", "x")
    make("data-LAPTOP7.csv", "x")
    make("data.csv", "x")

    said = kronkers("migrate", folder, "--project", "p", "--dry-run")
    first, *lines = said.splitlines()
    assert first == f"{folder} → p, branch main. Nothing is copied yet."
    assert "All are kept as files; --fold-conflicts keeps them as older versions of theirs." in lines
    assert "and 11 more kept" in lines and "--json names all." in lines
    assert "last.csv" in said and max(map(len, lines)) < 250
    assert len(kronkers("migrate", folder, "--project", "p", "--dry-run", "--json")["items"]) == 63

    kronkers("migrate", folder, "--project", "p")
    (folder / "00.csv").unlink()
    make("01.csv", "changed")
    make("new.csv", "new")
    assert "Since the version before: 1 added, 1 modified, 1 removed" in kronkers("migrate", folder, "--project", "p")
