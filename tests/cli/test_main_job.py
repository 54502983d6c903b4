"""The main job by command: every command is a process of its own, as a script would call it."""

from __future__ import annotations

import json
import os
from pathlib import Path
from urllib.request import urlopen

import pytest

from kronkers_studio.settings.paths import resource
from tests.cli.shell import ProcessShell, Shell

MODEL_PATH = "Quality/Wine/model/wine_quality.joblib"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("main-job")


@pytest.fixture
def shell(folder: Path) -> Shell:
    shell = ProcessShell(folder)
    del shell.environment["KRONKERS_KEY_FILE"]
    shell.environment["KRONKERS_PASSPHRASE"] = "correct horse battery"
    if not shell.workspace.exists():
        shell.run("init", "--passphrase")
    return shell


def assert_overview(shell: Shell, *, rows: int) -> None:
    """Wine is the only one that is live, and was sent ``rows`` in one request."""
    (service,) = shell.json("metrics")["services"]
    assert (service["model"], service["version"], service["state"]["reachable"]) == ("wine", 1, True)
    assert service["state"]["totals"] == {"answered": 1, "refused": 0, "failed": 0, "rows": rows}
    assert service["errors"] == 0
    assert "wine:1" in shell.run("metrics").out
    assert "place is missing" in shell.run("metrics", "wine", expect=2).err


def test_a_folder_becomes_a_live_service_that_answers_is_charted_and_rolls_back(shell: Shell, tmp_path: Path) -> None:
    sample = resource("sample/OneDrive - Kronkers")
    plan = shell.json("migrate", str(sample), "--project", "sample", "--dry-run")
    assert {"model", "data", "code", "notebook"} <= {item["kind"] for item in plan["items"]}
    with_model = shell.json("migrate", str(sample), "--project", "sample")
    assert with_model["changed"]
    again = shell.json("migrate", str(sample), "--project", "sample")
    assert (again["changed"], again["read_bytes"]) == (False, 0)

    found = {model["source"]["path"]: model for model in shell.json("model", "find", "sample")}
    path = next(path for path, model in found.items() if model["facts"] and path.endswith(".joblib"))
    version = shell.json("model", "register", f"sample:{path}", "--name", "wine", "--metric", "accuracy=0.97")
    assert version["version"] == 1
    assert shell.json("model", "show", "wine")["metrics"] == {"accuracy": 0.97}

    first = shell.json("package", "wine")["package"]
    second = shell.json("package", "wine")
    assert (second["reused"], second["package"]["digest"]) == (True, first["digest"])

    try:
        assert shell.json("release", "wine", "--to", "this-computer")["state"] == "live"
        rows = next(sample.rglob("rows.json"))
        answer = shell.json("predict", "wine", "--in", "this-computer", "--input", str(rows))
        assert len(answer["outputs"]) == len(json.loads(rows.read_text(encoding="utf-8"))["rows"])

        broken = tmp_path / "rows.json"
        broken.write_text('{"rows": [{"nonsense": 1}]}', encoding="utf-8")
        told = shell.run("address", "wine", "--in", "this-computer").out
        page = told.rpartition("Try it in a browser: ")[2].strip()
        with urlopen(page, timeout=10) as opened:  # noqa: S310  # an address of this computer
            assert b"<title>Try the model</title>" in opened.read()
        refused = shell.run("predict", "wine", "--in", "this-computer", "--input", str(broken), expect=1)
        assert "nonsense" in refused.err

        live = shell.json("metrics", "wine", "--in", "this-computer")["state"]
        assert live["reachable"]
        assert live["values"]["memory"] > 0

        assert_overview(shell, rows=len(answer["outputs"]))
        assert shell.json("release", "wine", "--to", "this-computer")["number"] == 2
        assert shell.json("rollback", "wine", "--in", "this-computer")["number"] == 1
        assert shell.json("predict", "wine", "--in", "this-computer", "--input", str(rows))["version"] == 1
    finally:
        shell.run("stop", "wine", "--in", "this-computer")

    after = shell.json("metrics", "wine", "--in", "this-computer")["state"]
    assert not after["reachable"]
    assert after["values"]["memory"] > 0
    shell.run("predict", "wine", "--in", "this-computer", "--input", str(rows), expect=1)
    assert shell.json("check", "--read-data")["problems"] == []

    target = tmp_path / "restored"
    shell.json("restore", "sample", str(target))
    original = {p.relative_to(sample).as_posix(): p.read_bytes() for p in sample.rglob("*") if p.is_file()}
    for name, content in original.items():
        if (target / name).exists():
            assert (target / name).read_bytes() == content
    left_out = {item["path"] for item in with_model["skipped"]}
    assert {name for name in original if not (target / name).exists()} == left_out


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (["log", "nothing"], 1, "nothing"),
        (["migrate", "/no/such/folder"], 1, "/no/such/folder"),
        (["model", "show", "nothing"], 1, "nothing"),
        (["model", "register", "sample"], 2, "names no file"),
        (["predict", "nothing", "--in", "this-computer", "--input", "/no/such/file"], 2, "cannot be read"),
        (["release", "nothing", "--to", "nowhere"], 1, "nothing"),
        (["server", "add", "Bad Name", "ssh://me@host"], 2, "Bad Name"),
        (["server", "check", "nowhere"], 1, "nowhere"),
    ],
)
def test_an_expected_failure_is_one_message_and_its_exit_code(
    shell: Shell, arguments: list[str], code: int, sentence: str
) -> None:
    done = shell.run(*arguments, expect=code)
    assert sentence in done.err
    assert done.out == ""


def test_wrong_usage_leaves_with_2(shell: Shell) -> None:
    shell.run("log", expect=2)
    shell.run("no-such-command", expect=2)


def test_the_version_is_told(shell: Shell) -> None:
    assert shell.run("--version").out.startswith("kronkers ")


def test_with_json_a_failure_is_a_document_too(shell: Shell) -> None:
    assert shell.json("log", "nothing", expect=1)["error"]["kind"] == "NotFound"


def test_a_wrong_passphrase_is_said_to_be_wrong(shell: Shell) -> None:
    """And not shown. Seen to fail with the passphrase in the sentence."""
    shell.environment["KRONKERS_PASSPHRASE"] = "wrong horse"
    done = shell.run("projects", expect=1)
    assert "passphrase" in done.err.lower()
    assert "wrong horse" not in done.err


def test_without_any_key_the_message_says_what_to_do(shell: Shell) -> None:
    del shell.environment["KRONKERS_PASSPHRASE"]
    done = shell.run("projects", expect=1)
    assert "KRONKERS_PASSPHRASE" in done.err


def test_what_could_not_be_read_is_listed_and_leaves_with_4(shell: Shell, tmp_path: Path) -> None:
    folder = tmp_path / "Müll"
    folder.mkdir()
    (folder / "good.txt").write_text("kept", encoding="utf-8")
    (folder / "gone").symlink_to(folder / "good.txt")
    os.mkfifo(folder / "pipe")
    done = shell.run("migrate", str(folder), "--project", "odd", expect=4)
    assert "pipe" in done.out
    assert shell.json("ls", "odd")
