"""One file of a project by command: printed as it is, saved without a folder."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from tests.cli.shell import ProcessShell, Shell


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    shell = Shell(tmp_path)
    shell.init()
    return shell


def test_a_file_is_saved_and_read_again(shell: Shell, tmp_path: Path) -> None:
    file = tmp_path / "own.csv"
    file.write_text("id;v\n1;2,5\n", encoding="utf-8")
    assert "There is no project" in shell.run("save", "p:a/own.csv", str(file), expect=1).err
    saved = shell.json("save", "p:a/own.csv", str(file), "-m", "mine", "--create")
    assert (saved["changed"], saved["commit"]["message"], saved["path"]) == (True, "mine", "a/own.csv")
    assert not shell.json("save", "p:a/own.csv", str(file))["changed"]
    assert shell.run("read", "p:a/own.csv").out == "id;v\n1;2,5\n"
    rows = shell.json("read", "p@main:a/own.csv")
    assert (rows["commit"], rows["columns"]) == (saved["commit"]["id"], ["id", "v"])
    target = tmp_path / "out.csv"
    assert shell.json("read", "p:a/own.csv", "--output", str(target))["size"] == len("id;v\n1;2,5\n")
    assert target.read_bytes() == file.read_bytes()
    refused = shell.json("save", "p:a/own.csv", str(file), "--expect", "0" * 12, expect=1)
    assert refused["error"]["kind"] == "BranchChanged"


def test_what_cannot_be_is_said(shell: Shell, tmp_path: Path) -> None:
    file = tmp_path / "x"
    file.write_bytes(b"1")
    assert "cannot be read" in shell.run("save", "p:x", str(tmp_path / "nothing"), "--create", expect=2).err
    assert "names a version" in shell.run("save", "p@main:x", str(file), "--create", expect=2).err
    shell.run("save", "p:x", str(file), "--create")
    assert "no/such" in shell.run("read", "p:no/such", expect=1).err
    assert shell.json("read", "p:x", expect=2)["error"]["kind"] == "InvalidInput"  # no table


def test_bytes_go_through_pipes_as_they_are(shell: Shell) -> None:
    data = os.urandom(200_000)
    own = ProcessShell(shell.folder)
    import subprocess

    command = [sys.executable, "-c", "from kronkers_studio.app import command; command()"]
    environment = {**os.environ, **own.environment}
    save = [*command, "save", "p:x.bin", "-", "--create", "--json"]
    done = subprocess.run(save, input=data, capture_output=True, env=environment, check=True, timeout=120)
    assert json.loads(done.stdout)["changed"]
    read = subprocess.run([*command, "read", "p:x.bin"], capture_output=True, env=environment, check=True, timeout=120)
    assert read.stdout == data
