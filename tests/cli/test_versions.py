"""Branches, tags, differences and merges by command."""

from __future__ import annotations

from pathlib import Path

import pytest

from kronkers_studio.domain.errors import InvalidInput
from kronkers_studio.domain.models import ContentRef
from kronkers_studio.domain.references import parse_commit, parse_content
from tests.cli.shell import Shell

TABLE = "id,name,price\n1,Anna,10\n2,Bert,20\n3,Cleo,30\n"


class VersionedShell(Shell):
    def bring_in(self, branch: str, **files: str) -> None:
        source = self.folder / "source"
        for name, text in files.items():
            file = source / name.replace("__", "/").replace("_", ".")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        self.run("migrate", str(source), "--project", "p", "--branch", branch)


@pytest.fixture
def shell(tmp_path: Path) -> VersionedShell:
    shell = VersionedShell(tmp_path)
    shell.init()
    return shell


def test_a_branch_is_made_changed_compared_tagged_and_merged(shell: VersionedShell) -> None:
    shell.bring_in("main", data__t_csv=TABLE, notes_txt="one\ntwo\nthree\n")
    assert shell.json("branch", "p", "try", "--from", "main")["name"] == "try"
    assert [branch["name"] for branch in shell.json("branch", "p")] == ["main", "try"]
    shell.bring_in("try", data__t_csv=TABLE.replace("20", "22") + "4,Dora,40\n", notes_txt="one\ntwo\nthree\nfour\n")
    first = shell.json("tag", "p", "first", "main")["commit"]["id"]
    assert "first" in shell.run("tag", "p").out

    tree = shell.json("diff", "p", "first", "try")
    assert (tree["kind"], tree["old"]) == ("tree", first)
    assert [change["after"]["path"] for change in tree["difference"]["changes"]] == ["data/t.csv", "notes.txt"]
    rows = shell.json("diff", "p", "main", "try", "data/t.csv")["difference"]["tables"][0]
    assert (rows["rows_added"], rows["rows_changed"], rows["key"]) == (1, 1, ["id"])
    text = shell.run("diff", "p", "main", "try", "notes.txt").out
    assert "+four" in text and "1 line added" in text

    shell.bring_in("main", data__t_csv=TABLE.replace("10", "11"), notes_txt="one\ntwo\nthree\nfive\n")
    undecided = shell.json("merge", "p", "try", "--into", "main", expect=1)
    assert [conflict["path"] for conflict in undecided["conflicts"]] == ["notes.txt"]
    shown = shell.run("merge", "p", "try", expect=1).err
    assert "notes.txt" in shown and "--theirs PATH" in shown and "Traceback" not in shown
    assert shell.json("merge", "p", "try", "--dry-run")["merged"][0]["by"] == "rows"
    merged = shell.json("merge", "p", "try", "--both", "*.txt")
    assert merged["kept_as"] == {"notes.txt": "notes (from try).txt"} and len(merged["commit"]["parents"]) == 2
    shell.run("restore", "p", str(shell.folder / "out"))
    expected = "id,name,price\n1,Anna,11\n2,Bert,22\n3,Cleo,30\n4,Dora,40\n"
    assert (shell.folder / "out" / "data" / "t.csv").read_text(encoding="utf-8") == expected
    assert not shell.json("merge", "p", "try")["changed"]

    shell.run("restore", "p@{now}:x".removesuffix(":x"), str(shell.folder / "now"))
    assert (shell.folder / "now" / "notes (from try).txt").exists()
    assert shell.json("log", "p@main@{1990-01-01}", expect=1)["error"]["kind"] == "NotFound"
    assert shell.json("tag", "p", "first", "main", expect=1)["error"]["kind"] == "AlreadyExists"
    assert shell.json("check", "--read-data")["problems"] == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("p:a/b.csv", ("p", "", "a/b.csv")),
        ("p@main:a:b", ("p", "main", "a:b")),
        ("p@{2026-05-01 14:05}:a/b.csv", ("p", "{2026-05-01 14:05}", "a/b.csv")),
        ("p@try@{yesterday 14:05}:a{b}:c", ("p", "try@{yesterday 14:05}", "a{b}:c")),
    ],
)
def test_a_file_can_be_named_as_it_was_at_a_moment(text: str, expected: tuple[str, str, str]) -> None:
    assert parse_content(text) == ContentRef(*expected)
    assert parse_commit(text.removesuffix(":" + expected[2])) == expected[:2]


@pytest.mark.parametrize("text", ["p", "p@main", "p@{2026-05-01 14:05}", "p:", ":a", "@main:a"])
def test_what_names_no_file_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        parse_content(text)


def test_the_log_of_one_file_lists_the_versions_that_changed_it(shell: VersionedShell) -> None:
    """Seen to fail with the path left aside: all versions were listed."""
    shell.bring_in("main", data__t_csv=TABLE, notes_txt="one\n")
    shell.bring_in("main", data__t_csv=TABLE, notes_txt="two\n")
    shell.bring_in("main", data__t_csv=TABLE + "4,Dora,40\n", notes_txt="two\n")
    history = shell.json("log", "p", "data/t.csv")
    assert [state["change"]["kind"] for state in history["states"]] == ["modified", "added"]
    assert (history["path"], history["versions"], history["complete"]) == ("data/t.csv", 3, True)
    shown = shell.run("log", "p", "/data/t.csv").out
    assert "modified" in shown and "added" in shown and len(shown.splitlines()) == 3
    assert "--limit" in shell.run("log", "p", "data/t.csv", "--limit", "1").err
    assert shell.json("log", "p", "nothing", expect=1)["error"]["kind"] == "NotFound"


def test_a_table_of_a_version_is_sorted_filtered_and_told_of(shell: VersionedShell) -> None:
    """Seen to fail with the options left aside."""
    shell.bring_in("main", data__t_csv=TABLE, notes_txt="one\n")
    shell.bring_in("main", data__t_csv=TABLE + "4,,5\n", notes_txt="one\n")
    before = shell.json("log", "p")[1]["id"]
    view = shell.json("table", "p", "data/t.csv", "--sort", "price", "--descending")
    assert [row[0] for row in view["rows"]] == ["3", "2", "1", "4"]
    assert (view["matched"], view["total"], view["width"]) == (4, 4, 3)
    assert shell.json("table", f"p@{before}", "data/t.csv")["total"] == 3
    found = shell.run("table", "p", "data/t.csv", "--find", "> 15", "--in", "price", "--limit", "1").out
    assert "2 of 4 rows, 3 columns; the first 1 are shown" in found and "Bert" in found and "Cleo" not in found
    told = shell.run("table", "p", "data/t.csv", "--columns").out
    assert "price   number  0      4          5, 15, 30" in told
    facts = shell.json("table", "p", "data/t.csv", "--columns")["columns"]
    assert [(each["name"], each["type"], each["empty"]) for each in facts][1] == ("name", "text", 1)
    for wrong in (("--sort", "nothing"), ("--columns", "--find", "x")):
        assert shell.json("table", "p", "data/t.csv", *wrong, expect=2)["error"]["kind"] == "InvalidInput"
    assert shell.json("table", "p", "notes.txt", expect=2)["error"]["kind"] == "InvalidInput"
    assert shell.json("table", "p", "gone.csv", expect=1)["error"]["kind"] == "NotFound"
