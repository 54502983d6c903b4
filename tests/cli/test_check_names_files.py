"""`kronkers check` names the files that damage concerns: nobody knows objects."""

from __future__ import annotations

from pathlib import Path

import pytest

from kronkers_studio.workflows.session import open_workspace
from tests.cli.shell import Shell


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    shell = Shell(tmp_path)
    shell.init()
    return shell


def test_damaged_files_are_named_in_words_and_in_json(shell: Shell) -> None:
    for number in range(3):
        file = shell.folder / "Sales" / "2026" / f"{number}.bin"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(bytes([number]) * 5000)
    version = shell.json("migrate", str(shell.folder / "Sales"))["commit"]["id"]
    with open_workspace(shell.workspace, key_file=shell.key_file) as session:
        chunk = session.workspace.content.find("Sales", "", "2026/1.bin").content[0]
        with session.workspace.database.read() as connection:
            ((pack, offset),) = connection.execute("SELECT pack, offset FROM objects WHERE id = ?", (chunk,)).fetchall()
    (file,) = (file for file in (shell.workspace / "packs").iterdir() if int(file.stem.split("-")[-1]) == pack)
    with file.open("r+b") as stream:
        stream.seek(offset + 70)
        byte = stream.read(1)
        stream.seek(offset + 70)
        stream.write(bytes([byte[0] ^ 1]))

    said = shell.run("check", "--read-data", expect=1).err
    assert "1 file or folder is damaged or missing:" in said
    assert f"Sales: 2026/1.bin  (newest version that has it: {version[:12]})" in said
    report = shell.json("check", "--read-data", expect=1)
    assert report["affected"] == [{"project": "Sales", "path": "2026/1.bin", "commit": version}]
    assert report["affected_count"] == 1
