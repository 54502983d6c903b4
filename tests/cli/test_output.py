"""What a command prints, and what it needs of the account, never decides whether it works."""

from __future__ import annotations

import functools
import json
import os
import select
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.cli.shell import ProcessShell

_COMMAND = "from kronkers_studio.app import command; command()"
_TERMINAL = "import fcntl, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0)"  # so that Ctrl+C goes to the program
posix_only = pytest.mark.skipif(os.name == "nt", reason="Windows has no such files and streams")
linux_only = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has these")


class Studio(ProcessShell):
    first = ""
    """The id of the first version."""


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Studio:
    """With a project whose files have names of all kinds, and one that was renamed."""
    folder = tmp_path_factory.mktemp("output")
    shell = Studio(folder)
    shell.init()
    source = folder / "source"
    source.mkdir()
    for name in (
        "plain.csv",
        "Жук →.csv",
        "表.csv",
        "émile.csv",
        *([os.fsdecode(b"raw\xff.csv")] * (sys.platform == "linux")),
    ):
        (source / name).write_text("id,a\n1,→\n", encoding="utf-8")
        os.utime(source / name, ns=(10**18, 10**18))
    shell.run("migrate", str(source), "--project", "p")
    (source / "plain.csv").rename(source / "renamed.csv")
    (source / "表.csv").write_text("id,a\n1,表\n", encoding="utf-8")
    shell.run("migrate", str(source), "--project", "p")
    shell.first = shell.json("log", "p")[-1]["id"]
    return shell


def run(shell: Studio, *arguments: str, **environment: str | None) -> subprocess.CompletedProcess[bytes]:
    merged = {**os.environ, **shell.environment, **environment}
    return subprocess.run(
        [sys.executable, "-c", _COMMAND, *arguments],
        check=False,
        capture_output=True,
        stdin=subprocess.DEVNULL,
        env={name: value for name, value in merged.items() if value is not None},
        timeout=120,
    )


COMMANDS = (
    ("show", "p"),
    ("ls", "p", "--json"),
    ("migrate", "source", "--project", "p", "--dry-run"),
    ("status", "source", "--project", "p", "--json"),
    ("diff", "p", "FIRST", "main"),
    ("search", "csv"),
    ("tag", "p", "Жук →"),
    ("show", "Жук"),
    ("show", "Жук", "--json"),
    ("Жук",),
)
CODE_PAGES: dict[str, dict[str, str | None]] = {
    "cp1252": {"PYTHONUTF8": "0", "PYTHONIOENCODING": "cp1252:strict"},
    "cp932": {"PYTHONUTF8": "0", "PYTHONIOENCODING": "cp932:strict"},
    "ascii": {"PYTHONUTF8": "0", "LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": None},
}


@pytest.mark.parametrize("page", CODE_PAGES)
def test_no_letter_that_a_code_page_lacks_changes_how_a_command_ends(shell: Studio, page: str) -> None:
    words = {"source": str(shell.folder / "source"), "FIRST": shell.first}
    for command in COMMANDS:
        arguments = tuple(words.get(each, each) for each in command)
        if page == "ascii" and not "".join(arguments).isascii():
            continue  # what is typed there is bytes, and so another name
        other = run(shell, *arguments, **CODE_PAGES[page])
        assert other.returncode == usual_end(shell, *arguments), (arguments, other.stderr)
        assert b"Something went wrong" not in other.stderr and b"Traceback" not in other.stderr
        if "--json" in arguments:
            json.loads(other.stdout.decode("utf-8"))


@functools.cache
def usual_end(shell: Studio, *arguments: str) -> int:
    return run(shell, *arguments, PYTHONUTF8="1").returncode


def test_signs_of_our_own_are_written_plainly_where_a_code_page_lacks_them(shell: Studio) -> None:
    source = str(shell.folder / "source")
    plan = run(shell, "migrate", source, "--project", "p", "--dry-run", **CODE_PAGES["cp1252"])
    assert b" -> p, branch main" in plan.stdout
    assert b"\\u8868.csv" in plan.stdout


@linux_only
@pytest.mark.parametrize("form", [(), ("--json",)])
def test_a_result_that_cannot_be_written_is_said_in_a_sentence(shell: Studio, form: tuple[str, ...]) -> None:
    for arguments in (("projects", *form), ("show", "nope", *form), ("--help",), ("nope", *form)):
        with Path("/dev/full").open("wb") as full:
            done = subprocess.run(
                [sys.executable, "-c", _COMMAND, *arguments],
                check=False,
                stdout=full,
                stderr=subprocess.PIPE,
                env={**os.environ, **shell.environment},
            )
        said = done.stderr.decode()
        assert done.returncode in (1, 2), (arguments, said)
        assert "No space left on device" in said or arguments[0] in ("show", "nope"), said
        assert said.strip() and "Something went wrong inside" not in said and "Exception ignored" not in said, said
        assert "Traceback" not in said, said


@posix_only
@pytest.mark.parametrize("closed", ["1>&-", "2>&-", "0<&-", "0<&- 1>&- 2>&-"])
def test_closed_streams_do_not_matter_and_nothing_is_written_into_other_files(shell: Studio, closed: str) -> None:
    (shell.folder / "source" / "new.csv").write_text(closed, encoding="utf-8")
    for command in (f'migrate "{shell.folder}/source" --project p', "check --read-data", "projects --json"):
        done = subprocess.run(
            ["/bin/sh", "-c", f'"{sys.executable}" -c "{_COMMAND}" {command} {closed}'],
            check=False,
            capture_output=True,
            env={**os.environ, **shell.environment},
        )
        assert done.returncode == 0, (command, done.stderr)
    assert shell.run("check", "--read-data").out.splitlines()[0]


@posix_only
def test_a_reader_that_has_gone_is_no_failure(shell: Studio) -> None:
    for command in ("ls p", "--help", "ls p --json"):
        done = subprocess.run(
            ["/bin/bash", "-c", f'"{sys.executable}" -c "{_COMMAND}" {command} | true; echo ${{PIPESTATUS[0]}}'],
            check=False,
            capture_output=True,
            env={**os.environ, **shell.environment},
        )
        assert (done.stdout, done.stderr) == (b"0\n", b""), command


@posix_only
@pytest.mark.parametrize("home", ["/proc/nope", "/dev/null", "", None])
def test_commands_work_without_a_home_that_can_be_written_to(shell: Studio, home: str | None) -> None:
    without = dict.fromkeys(("XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME"))
    source = str(shell.folder / "source")
    for arguments in (
        ("projects",),
        ("log", "p"),
        ("search", "csv"),
        ("migrate", source, "--project", "p"),
        ("check",),
    ):
        for form in ((), ("--json",)):
            places = without if home != "" else dict.fromkeys(without, "/proc/nope")
            done = run(shell, *arguments, *form, HOME=home, **places)
            assert done.returncode == 0, (arguments, done.stderr)
            assert done.stderr == b"", done.stderr


@posix_only
def test_that_nothing_is_logged_is_said_when_more_is_asked_for(shell: Studio) -> None:
    done = run(shell, "projects", "--verbose", HOME="/proc/nope", XDG_STATE_HOME=None)
    assert done.returncode == 0
    assert b"Nothing is logged" in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("show",),
        ("migrat",),
        ("log", "p", "--limit", "0"),
        ("projects", "--nope"),
        ("diff", "p"),
        ("model", "nope"),
        ("gc", "--grace-days", "abc"),
    ],
)
def test_wrong_usage_is_one_json_document_too(shell: Studio, arguments: tuple[str, ...]) -> None:
    done = run(shell, *arguments, "--json")
    problem = json.loads(done.stdout)["error"]
    assert (done.returncode, problem["kind"]) == (2, "UsageError")
    assert problem["message"] and "--help` shows" in problem["next_step"]
    assert done.stderr == b""
    as_text = run(shell, *arguments)
    assert (as_text.returncode, as_text.stdout) == (2, b"")
    assert problem["message"].encode() in as_text.stderr.replace(b"\r\n", b"\n")


@posix_only
@pytest.mark.parametrize("form", [(), ("--json",)])
@pytest.mark.parametrize(
    "arguments", [("key", "drill"), ("key", "add", "--passphrase"), ("key", "rotate", "--passphrase"), ("projects",)]
)
def test_a_question_is_ended_by_ctrl_c(shell: Studio, arguments: tuple[str, ...], form: tuple[str, ...]) -> None:
    import pty

    environment = {**os.environ, **shell.environment}
    if arguments == ("projects",):
        environment["KRONKERS_KEY_FILE"] = str(shell.folder / "nowhere")
    parent, child = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-c", f"{_TERMINAL}; {_COMMAND}", *arguments, *form],
        stdin=child,
        stdout=subprocess.PIPE,
        stderr=child,
        env=environment,
        start_new_session=True,
    ) as process:
        try:
            os.close(child)
            asked = b""
            while b":" not in asked:
                assert select.select([parent], [], [], 30)[0], asked
                asked += os.read(parent, 1000)
            time.sleep(0.3)
            os.write(parent, b"\x03")
            out, _ = process.communicate(timeout=60)
        finally:
            process.kill()  # does nothing to one that has ended
    os.close(parent)
    assert process.returncode == 130
    if form:
        assert json.loads(out)["error"]["kind"] == "Cancelled"


@pytest.mark.parametrize(
    "arguments", [("key", "drill"), ("key", "add", "--passphrase"), ("key", "rotate", "--passphrase")]
)
def test_a_question_that_nobody_can_answer_says_how_the_answer_is_given(
    shell: Studio, arguments: tuple[str, ...]
) -> None:
    done = run(shell, *arguments, "--json")
    problem = json.loads(done.stdout)["error"]
    assert (done.returncode, problem["kind"], done.stderr) == (1, "KeyUnavailable", b"")
    assert "Give it as KRONKERS_" in problem["next_step"]
