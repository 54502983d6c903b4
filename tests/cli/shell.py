"""Running ``kronkers`` on a workspace of a test's own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

from typer.testing import CliRunner

from kronkers_studio.cli.main import build

_COMMAND = "from kronkers_studio.app import command; command()"


class Printed(NamedTuple):
    out: str
    err: str


class Shell:
    """Runs commands in this process, which is quick; with ``start`` in one of their own, as a script would."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.workspace = folder / "workspace"
        self.key_file = folder / "key"  # quicker to open with than a passphrase
        self.environment = {"KRONKERS_WORKSPACE": str(self.workspace), "KRONKERS_KEY_FILE": str(self.key_file)}
        self._app = build(lambda *_arguments: None)  # `demo` is not run here

    def init(self) -> Any:
        """Make the workspace."""
        return self.json("init", "--key-file", str(self.key_file))

    def run(self, *arguments: str, expect: int = 0, given: str = "") -> Printed:
        """What a command prints; ``expect`` is its exit code, ``given`` what comes on its standard input."""
        before = signal.getsignal(signal.SIGINT)
        try:
            done = CliRunner().invoke(self._app, arguments, input=given, env=self.environment)
        finally:
            signal.signal(signal.SIGINT, before)
        return _as_expected(arguments, expect, done.exit_code, Printed(done.stdout, done.stderr))

    def json(self, *arguments: str, expect: int = 0, given: str = "") -> Any:
        return json.loads(self.run(*arguments, "--json", expect=expect, given=given).out)

    def start(self, *arguments: str, given: bool = False) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-c", _COMMAND, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            stdin=subprocess.PIPE if given else subprocess.DEVNULL,
            text=True,
            encoding="utf-8",
            env={**os.environ, **self.environment},
        )


class ProcessShell(Shell):
    """Runs every command in a process of its own."""

    def run(self, *arguments: str, expect: int = 0, given: str = "") -> Printed:
        with self.start(*arguments, given=bool(given)) as process:
            try:
                printed = Printed(*process.communicate(given or None, timeout=240))
            finally:
                process.kill()  # does nothing to one that has ended
        return _as_expected(arguments, expect, process.returncode, printed)


def _as_expected(arguments: tuple[str, ...], expected: int, code: int, printed: Printed) -> Printed:
    assert code == expected, f"{arguments}: {code}\n{printed.out}\n{printed.err}"
    assert "Traceback" not in printed.err
    return printed
