"""Looking after a workspace by command."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from kronkers_studio.registry import open_workspace
from kronkers_studio.storage.keys import Unlock
from tests.cli.shell import Shell


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path)


def test_a_project_is_removed_given_up_and_its_space_freed_and_the_database_made_again(
    shell: Shell, tmp_path: Path
) -> None:
    made = shell.init()
    for name in ("keep", "drop"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "data.bin").write_bytes(os.urandom(300_000))
        shell.run("migrate", str(tmp_path / name), "--project", name)
    item = shell.json("trash", "project", "drop")
    assert [project["name"] for project in shell.json("projects")] == ["keep"]
    assert [found["id"] for found in shell.json("trash", "list")] == [item["id"]]
    shell.run("trash", "restore", item["id"])
    shell.run("trash", "project", "drop")
    assert "1 item kept in the trash" in shell.run("gc", "--dry-run").out
    assert len(shell.json("trash", "empty")) == 1
    assert shell.json("gc")["freed"] == 0, "it is too young"
    assert "1 version kept for now: in use within the last 14 days" in shell.run("gc", "--dry-run").out
    text, _ = shell.run("gc", "--dry-run", "--grace-days", "0")
    assert "would be freed" in text and "00000001" in text
    report = shell.json("gc", "--grace-days", "0")
    assert report["freed"] > 300_000 and len(report["forgotten"]) == 1

    (tmp_path / "workspace" / "metadata.db").unlink()
    _, message = shell.run("projects", expect=1)
    assert "registry rebuild" in message
    rebuilt = shell.json("registry", "rebuild")
    assert rebuilt["database_made_anew"] and rebuilt["problems"] == []
    assert shell.json("check", "--read-data")["problems"] == []
    assert [project["name"] for project in shell.json("projects")] == ["keep"]

    shell.environment["KRONKERS_RECOVERY_KEY"] = made["recovery_key"]
    assert shell.json("key", "drill")["drilled"]
    slots = shell.json("key", "list")
    assert {slot["kind"]: bool(slot["drilled"]) for slot in slots} == {"recovery": True, "key-file": False}
    shell.environment["KRONKERS_NEW_PASSPHRASE"] = "another one"
    rotated = shell.json("key", "rotate", "--passphrase", "--key-file", str(tmp_path / "new key"))
    assert len(rotated["renewed"]) == 3 and rotated["kept"] == []
    shell.run("key", "list", expect=1)
    shell.environment["KRONKERS_PASSPHRASE"] = "another one"
    _, message = shell.run("key", "drill", expect=1)
    assert "not this workspace" in message
    shell.environment["KRONKERS_RECOVERY_KEY"] = rotated["recovery_key"]
    shell.run("key", "drill")
    added = shell.json("key", "add", "--key-file", str(tmp_path / "third key"))
    assert shell.json("key", "remove", added["id"])["kind"] == "key-file"
    with_text, _ = shell.run("key", "list")
    assert rotated["recovery_key"] not in with_text


def test_a_damaged_database_is_told_in_few_words_and_how_to_mend_it(shell: Shell, tmp_path: Path) -> None:
    shell.init()
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "data.bin").write_bytes(os.urandom(3000))
    shell.run("migrate", str(tmp_path / "a"))
    with (
        open_workspace(shell.workspace, Unlock(key_file=shell.key_file)) as opened,
        opened.database.read() as connection,
    ):
        roots = "SELECT rootpage FROM sqlite_master WHERE name IN ('journal', 'commits', 'releases')"
        pages = [page for (page,) in connection.execute(roots)]
        size = int(connection.execute("PRAGMA cipher_page_size").fetchone()[0])
    database = shell.workspace / "metadata.db"
    content = bytearray(database.read_bytes())
    for page in pages:
        content[size * (page - 1) + 100] ^= 1
    database.write_bytes(content)
    report = shell.json("check", expect=1)
    assert report["database_damaged"] and all("\n" not in problem for problem in report["problems"])
    assert len(set(report["problems"])) == len(report["problems"])
    assert "registry rebuild" in shell.run("check", expect=1).err
    shell.run("registry", "rebuild")
    assert shell.json("check", "--read-data")["problems"] == []


def test_two_migrations_at_once_are_served_in_turn_or_refused_by_name(shell: Shell, tmp_path: Path) -> None:
    shell.init()
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        for number in range(40):
            (tmp_path / name / f"{number}.bin").write_bytes(os.urandom(400_000))
    running = [shell.start("migrate", str(tmp_path / name), "--project", name, "--json") for name in ("one", "two")]
    ended = [(process.communicate(timeout=120), process.returncode) for process in running]
    for (out, err), code in ended:
        assert code in (0, 1) and "Traceback" not in err
        assert code == 0 or json.loads(out)["error"]["kind"] == "WorkspaceBusy"
    assert any(code == 0 for _, code in ended)
    assert shell.json("check", "--read-data")["problems"] == []


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (["trash", "project", "nothing"], 1, "nothing"),
        (["trash", "restore", "nothing"], 1, "trash list"),
        (["trash", "model", "wine"], 2, "Write for instance wine:3."),
        (["gc", "--grace-days", "-1"], 2, ""),
        (["key", "add"], 2, "--passphrase"),
        (["key", "remove", "zz"], 1, "key list"),
    ],
)
def test_an_expected_failure_is_one_message(shell: Shell, arguments: list[str], code: int, sentence: str) -> None:
    if code == 1:
        shell.init()
    out, err = shell.run(*arguments, expect=code)
    assert sentence in err and out == ""
