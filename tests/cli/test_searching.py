"""Searching by command: what is found, what is told of what is not, and what happens when the user stops it."""

from __future__ import annotations

from pathlib import Path

import pytest

from kronkers_studio.domain.errors import Cancelled
from kronkers_studio.workflows import searching
from tests.cli.shell import Shell


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    shell = Shell(tmp_path)
    shell.init()
    source = tmp_path / "source"
    source.mkdir()
    (source / "orders.csv").write_text("customer_id,amount\n1,2\n", encoding="utf-8")
    (source / "broken.csv").write_bytes(b"\0\1\2" * 100)
    shell.run("migrate", str(source), "--project", "sales")
    return shell


def test_data_files_are_found_by_a_column_which_is_shown(shell: Shell) -> None:
    told = shell.run("search", "customer_id")
    assert told.out.splitlines()[0].split() == ["Kind", "Name", "Size", "Changed", "Columns"]
    assert "sales:orders.csv" in told.out and told.out.splitlines()[1].endswith("customer_id")
    assert "The columns of 1 file cannot be searched:\n  sales:broken.csv: It cannot be read as a table" in told.err
    again = shell.run("search", "customer_id")
    assert again.out == told.out and again.err == ""  # what cannot be read is told once
    assert "Columns" not in shell.run("search", "orders").out
    hit = shell.json("search", "customer amount")["hits"][0]
    assert (hit["path"], hit["columns"]) == ("orders.csv", ["customer_id", "amount"])


def test_a_quick_search_does_not_read_columns_and_says_so(shell: Shell) -> None:
    told = shell.run("search", "customer_id", "--quick")
    assert told.out == "Nothing was found.\n"
    assert told.err == "2 new data files were looked for by name only. " + (
        "Search again without --quick to read their columns.\n"
    )
    assert "orders.csv" in shell.run("search", "orders", "--quick").out
    shell.run("search", "customer_id")
    assert "orders.csv" in shell.run("search", "customer_id", "--quick").out


def test_who_stops_the_reading_of_columns_gets_what_can_be_found_so_far(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(*_arguments: object, **_options: object) -> None:
        raise Cancelled("Cancelled.")

    monkeypatch.setattr(searching, "read_columns", stopped)
    told = shell.run("search", "orders", expect=4)
    assert "sales:orders.csv" in told.out and "2 new data files were looked for by name only" in told.err


def test_what_is_no_framework_is_refused_with_those_that_are(shell: Shell) -> None:
    for command in (("search", "x"), ("model", "search", "x"), ("model", "list")):
        told = shell.run(*command, "--framework", "tensorflow", expect=2).err
        assert "“tensorflow” is no framework" in told and "Use one of scikit-learn, onnx, xgboost," in told
        shell.run(*command, "--framework", "ONNX")


def test_both_searches_have_the_options_they_share(shell: Shell) -> None:
    shared = ["--framework", "--tag", "--where", "--sort", "--limit", "--offset"]
    for command, more in ((("search",), ["--kind", "--quick"]), (("model", "search"), [])):
        help_text = shell.run(*command, "--help").out
        assert all(option in help_text for option in [*shared, *more])
    assert "--quick" not in shell.run("model", "search", "--help").out
