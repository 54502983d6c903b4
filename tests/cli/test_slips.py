"""Slips of a scripter: an empty variable, a number with too many digits, a home of nobody, a link to itself."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from kronkers_studio.cli.json_output import json_text
from kronkers_studio.domain.errors import WorkspaceError
from kronkers_studio.workflows.browsing import list_projects
from kronkers_studio.workflows.models import checked_metrics
from kronkers_studio.workflows.session import open_workspace
from tests.cli.shell import Shell

_HUGE = "9" * 24
_LONGER_THAN_PYTHON_READS = "9" * 5000


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    made = Shell(tmp_path)
    made.init()
    return made


@pytest.mark.parametrize("number", [_HUGE, _LONGER_THAN_PYTHON_READS, "nan", "inf", "1e308"])
@pytest.mark.parametrize(
    "command",
    [
        ("log", "p", "--limit"),
        ("model", "list", "--limit"),
        ("model", "list", "--offset"),
        ("search", "x", "--limit"),
        ("gc", "--dry-run", "--grace-days"),
        ("trash", "empty", "--older-than-days"),
        ("migrate", ".", "--settle"),
        ("migrate", ".", "--dry-run", "--read-limit"),
    ],
)
def test_a_number_that_cannot_be_counted_with_is_wrong_usage(
    shell: Shell, command: tuple[str, ...], number: str
) -> None:
    shell.run(*command, number, expect=2)


@pytest.mark.parametrize("number", [_HUGE, _LONGER_THAN_PYTHON_READS])
@pytest.mark.parametrize(
    ("command", "before", "after"),
    [
        (("model", "show"), "m:", ""),
        (("model", "compare", "m"), "m:", ""),
        (("trash", "model"), "m:", ""),
        (("rollback", "m", "--in", "this-computer", "--to"), "r", ""),
        (("metrics", "m", "--in", "this-computer", "--since"), "", "d"),
    ],
)
def test_a_version_release_or_time_with_too_many_digits_is_wrong_usage(
    shell: Shell, command: tuple[str, ...], before: str, after: str, number: str
) -> None:
    assert shell.json(*command, before + number + after, expect=2)["error"]["next_step"]


def test_an_empty_release_is_not_taken_for_none(shell: Shell) -> None:
    found = shell.json("rollback", "m", "--in", "this-computer", "--to", "", expect=2)
    assert found["error"]["next_step"] == "Write for instance r3."


@pytest.mark.parametrize(
    "arguments",
    [
        ("migrate", "{}"),
        ("migrate", "{}", "--dry-run"),
        ("restore", "p", "{}"),
        ("projects", "--workspace", "{}"),
        ("init", "--workspace", "{}", "--key-file", "key2"),
        ("init", "--workspace", "new", "--key-file", "{}"),
        ("predict", "m", "--in", "this-computer", "--input", "{}"),
        ("key", "add", "--key-file", "{}"),
        ("server", "add", "s", "ssh://a@127.0.0.1:9", "--identity", "{}"),
    ],
)
@pytest.mark.parametrize("place", ["~nobody-of-this-name/x", "loop", "loop/x"])
def test_a_path_that_leads_nowhere_is_named_in_a_sentence(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], place: str
) -> None:
    monkeypatch.chdir(shell.folder)
    (shell.folder / "loop").symlink_to("loop")
    (shell.folder / "folder").mkdir()
    shell.run("migrate", "folder", "--project", "p")
    command = [argument.format(place) for argument in arguments]
    for expect in (1, 2):
        try:
            found = shell.json(*command, expect=expect)
        except AssertionError:
            continue
        break
    assert found["error"]["kind"] != "InternalError"
    assert not (shell.folder / "~nobody-of-this-name").exists()


def test_a_key_file_may_lie_in_the_home_folder(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(shell.folder)
    monkeypatch.setenv("HOME", str(shell.folder / "home"))
    monkeypatch.setenv("USERPROFILE", str(shell.folder / "home"))
    del shell.environment["KRONKERS_KEY_FILE"]
    shell.json("init", "--workspace", "other", "--key-file", "~/key")
    assert (shell.folder / "home" / "key").is_file()
    shell.environment["KRONKERS_KEY_FILE"] = "~/key"
    assert shell.json("projects", "--workspace", "other") == []


def test_json_holds_texts_exactly_and_without_effect_on_a_terminal() -> None:
    text = "two\nlines, \x1b[31mred, \u202eturned, \u0085, grün, 😀"
    printed = json_text({"a": text, text: 1})
    assert printed.isprintable()
    assert json.loads(printed) == {"a": text, text: 1}
    assert "grün" in printed


def test_a_name_with_a_line_end_makes_no_line_of_its_own(shell: Shell) -> None:
    folder = shell.folder / "folder"
    folder.mkdir()
    name = "a\nSound: 1 pack.txt" if os.name != "nt" else "a.txt"
    (folder / name).write_text("x", encoding="utf-8")
    shell.run("migrate", str(folder), "--project", "p")
    for command in (("ls", "p"), ("ls", "p", "no\nSound: x"), ("restore", "p", str(shell.folder / "out"), "no\nSound")):
        printed = shell.run(*command, expect=0 if len(command) == 2 else 1)
        assert not [line for line in (printed.out + printed.err).splitlines() if line.startswith("Sound")]


def test_a_bug_is_one_json_document_too(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(*_arguments: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("kronkers_studio.workflows.browsing.list_projects", wrong)
    assert shell.json("projects", expect=1)["error"]["kind"] == "InternalError"


def test_a_workspace_that_was_moved_away_is_said_to_be_gone_and_not_to_be_damaged(shell: Shell) -> None:
    with open_workspace(shell.workspace, key_file=shell.key_file) as session:
        list_projects(session)
        shell.workspace.rename(shell.folder / "moved")
        with pytest.raises(WorkspaceError, match="is not there any more"):
            list_projects(session)


def test_what_the_language_settings_cannot_name_is_left_out_of_a_restore(shell: Shell) -> None:
    folder = shell.folder / "folder"
    (folder / "Müller").mkdir(parents=True)
    for name in ("a.txt", "→.txt", "Müller/b.txt"):
        (folder / name).write_text(name, encoding="utf-8")
    shell.run("migrate", str(folder), "--project", "p")
    for name, value in {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}.items():
        shell.environment[name] = value
    process = shell.start("restore", "p", str(shell.folder / "out"), "--json")
    out, _err = process.communicate(timeout=60)
    if sys.platform not in ("win32", "darwin"):  # there names are no bytes, or always UTF-8
        assert process.returncode == 4
        assert {item["path"] for item in json.loads(out)["skipped"]} == {"→.txt", "Müller", "Müller/b.txt"}
    assert (shell.folder / "out" / "a.txt").is_file()


def test_a_metric_of_minus_zero_is_zero() -> None:
    assert str(checked_metrics({"bias": -0.0})["bias"]) == "0.0"
