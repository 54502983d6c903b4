"""The commands for the folders that projects are brought in from."""

from __future__ import annotations

from pathlib import Path

from tests.cli.shell import Shell


def test_a_folder_is_listed_forgotten_and_brought_in_again(tmp_path: Path) -> None:
    shell, folder = Shell(tmp_path), tmp_path / "Sales"
    folder.mkdir()
    (folder / "a.csv").write_text("1", encoding="utf-8")
    shell.init()
    assert shell.json("folder", "list") == []
    shell.run("migrate", str(folder), "--project", "p", "--into", "Team/Sales", "--exclude", "*.tmp")

    (known,) = shell.json("folder", "list", "p")
    assert (known["project"], known["folder"], known["into"]) == ("p", str(folder), "Team/Sales")
    assert known["options"]["exclude"] == ["*.tmp"]
    assert str(folder) in shell.run("folder", "list").out
    forgotten = shell.json("folder", "forget", "p", str(folder))

    assert (forgotten["project"], forgotten["forgotten"]["folder"]) == ("p", str(folder))
    assert shell.json("folder", "list") == []
    said = shell.run("folder", "forget", "p", str(folder), expect=1).err
    assert "is not brought into “p”" in said
    assert "kronkers folder list" in said
    assert "No folder is known" in shell.run("migrate", "--project", "p", expect=2).err
    assert [entry["path"] for entry in shell.json("ls", "p", "Team/Sales")] == ["Team/Sales/a.csv"]
    assert (folder / "a.csv").exists()
    shell.run("migrate", str(folder), "--project", "p")
    assert len(shell.json("folder", "list", "p")) == 1
    assert "no project" in shell.run("folder", "list", "nothing", expect=1).err
    assert "no project" in shell.run("folder", "forget", "nothing", str(folder), expect=1).err
