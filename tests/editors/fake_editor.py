"""Small programs that stand for editors: they are started as such, and write down what they were given."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

_SCRIPT = """#!{python}
import json, os, sys
with open({told!r} + ".new", "w", encoding="utf-8") as file:
    json.dump({{"arguments": sys.argv[1:], "environment": dict(os.environ), "folder": os.getcwd()}}, file)
os.replace({told!r} + ".new", {told!r})
sys.exit({code})
"""


class FakeEditor:
    """A program called ``name`` in ``folder``, which ends with ``code``."""

    def __init__(self, folder: Path, name: str, code: int = 0) -> None:
        self.file = folder / name
        self._told = folder / f"{name}.told"
        folder.mkdir(parents=True, exist_ok=True)
        self.file.write_text(_SCRIPT.format(python=sys.executable, told=str(self._told), code=code), encoding="utf-8")
        self.file.chmod(0o755)

    def told(self) -> dict[str, Any]:
        """What it was started with, once it was."""
        until = time.monotonic() + 30
        while not self._told.exists():
            assert time.monotonic() < until, "it was not started"
            time.sleep(0.02)
        found: dict[str, Any] = json.loads(self._told.read_text(encoding="utf-8"))
        return found
