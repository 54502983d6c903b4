"""Commands that are told to stop, by every signal that this platform has."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from kronkers_studio.cli.interruption import stopped_by_signals
from kronkers_studio.domain.progress import CancelSource
from kronkers_studio.domain.releases import THIS_COMPUTER
from kronkers_studio.settings.paths import resource
from tests.cli.shell import Shell

_COMMAND = "from kronkers_studio.app import command; command()"


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    shell = Shell(tmp_path)
    shell.init()
    return shell


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_the_first_signal_cancels_the_second_interrupts_and_afterwards_all_is_as_before(name: str) -> None:
    number = getattr(signal, name)
    before = signal.getsignal(number)
    cancel = CancelSource()
    with pytest.raises(KeyboardInterrupt), stopped_by_signals(cancel):
        signal.raise_signal(number)
        assert cancel.cancelled
        signal.raise_signal(number)
    assert signal.getsignal(number) == before


def test_a_signal_that_was_ignored_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        cancel = CancelSource()
        with stopped_by_signals(cancel):
            signal.raise_signal(signal.SIGHUP)
        assert not cancel.cancelled
    finally:
        signal.signal(signal.SIGHUP, before)


def test_ctrl_c_while_a_passphrase_is_asked_for_ends_the_command(shell: Shell) -> None:
    child, terminal = pty.fork()
    if child == 0:
        environment = {**os.environ, "KRONKERS_WORKSPACE": str(shell.workspace), "KRONKERS_KEY_FILE": ""}
        shell.key_file.rename(shell.key_file.with_name("elsewhere"))
        os.execve(sys.executable, [sys.executable, "-c", _COMMAND, "projects"], environment)  # noqa: S606
    said = b""
    deadline = time.monotonic() + 30
    while b"recovery key" not in said and time.monotonic() < deadline:
        if select.select([terminal], [], [], 1)[0]:
            said += os.read(terminal, 4096)
    assert b"recovery key" in said
    os.write(terminal, b"\x03")
    deadline = time.monotonic() + 10
    status = 0
    while time.monotonic() < deadline:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            break
        time.sleep(0.05)
    else:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    os.close(terminal)
    assert ended, "it went on asking"
    assert os.waitstatus_to_exitcode(status) == 130


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_a_release_that_is_told_to_stop_leaves_nothing_and_exits_as_cancelled(shell: Shell, name: str) -> None:
    shell.run("migrate", str(resource("sample/OneDrive - Kronkers")), "--project", "sample")
    shell.run("model", "register", "sample:Quality/Wine/model/wine_cultivar.joblib", "--name", "wine")
    shell.run("package", "wine")
    process = shell.start("release", "wine", "--to", THIS_COMPUTER, "--json")
    deadline = time.monotonic() + 60
    while not list(shell.workspace.glob("runs/*/scratch")) and time.monotonic() < deadline:
        assert process.poll() is None, process.communicate()
        time.sleep(0.005)
    process.send_signal(getattr(signal, name))
    out, _err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert '"Cancelled"' in out
    (release,) = shell.json("releases")
    assert (release["state"], release["message"]) == ("failed", "Cancelled.")
    assert not list(shell.workspace.glob("runs/*"))


@pytest.mark.skipif(sys.platform == "win32", reason="a process of Windows cannot send itself Ctrl+C alone")
def test_ctrl_c_before_the_work_begins_ends_the_command_without_a_traceback() -> None:
    program = (
        "import os, signal\n"
        "from kronkers_studio import app\n"
        "from kronkers_studio.cli import main\n"
        "main.build = lambda *_: os.kill(os.getpid(), signal.SIGINT)\n"
        "app.command()\n"
    )
    done = subprocess.run([sys.executable, "-c", program], check=False, capture_output=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (-signal.SIGINT, b"", b"")
