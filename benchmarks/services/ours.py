"""Our own service as people get it: registered with its data, packaged, and put live on this computer by the command
line, confined, asking for its key, with all that it checks and counts."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from benchmarks.measuring import Command, environment
from benchmarks.services import work
from benchmarks.services.measuring import Address, ServerFailed, free_port

_REPOSITORY = Path(__file__).parents[2]
_PLACE = "this-computer"


@dataclass(frozen=True, slots=True)
class Workspace:
    """A workspace of its own in ``folder``, in which the model is registered."""

    folder: Path

    def run(self, *words: str) -> Any:
        """What a command prints as JSON. Raises ``ServerFailed``."""
        return json.loads(self._printed(*words, "--json"))

    def _printed(self, *words: str) -> str:
        program = shutil.which("kronkers", path=str(Path(sys.executable).parent)) or "kronkers"
        own = {"KRONKERS_WORKSPACE": str(self.folder / "workspace"), "KRONKERS_KEY_FILE": str(self.folder / "key")}
        argv = [program, *words]
        done = subprocess.run(
            argv, capture_output=True, check=False, encoding="utf-8", env=environment(Command([], env=own))
        )
        if done.returncode:
            raise ServerFailed(f"{' '.join(words)}: {done.stdout[-1500:]} {done.stderr[-500:]}")
        return done.stdout

    def release(self) -> tuple[Address, float]:
        """The live service of the Python model, and the seconds from its start until it took requests."""
        self._register(work.MODEL, "wine")
        self.run("model", "profile", "wine", "--data", f"bench:{work.DATA}", "--target", work.TARGET)
        live = self.run("release", "wine", "--to", _PLACE)
        endpoint = live["endpoint"]
        key = self._printed("address", "wine", "--in", _PLACE, "--key").strip()
        requests = [work.row_of_numbers(row) for row in work.rows()]
        ready = Path(endpoint["folder"]) / "scratch" / "ready.json"
        seconds = ready.stat().st_mtime - psutil.Process(endpoint["pid"]).create_time()
        headers = {"Authorization": f"Bearer {key}"}
        return Address(endpoint["port"], "/predict", requests, endpoint["pid"], headers), seconds

    def stop(self) -> None:
        self.run("stop", "wine", "--in", _PLACE)

    def r_folder(self, files: Path) -> Path:
        """The R model in a folder as its package holds it: its container is Debian's R and this very service."""
        version = self._register(work.R_MODEL, "wine-r")
        folder = self.folder / "r"
        folder.mkdir()
        shutil.copy(files / work.R_MODEL, folder / work.R_MODEL)
        facts = version["facts"]
        manifest = {
            "format": 1,
            "name": "wine-r",
            "version": 1,
            "framework": facts["framework"],
            "framework_version": facts["framework_version"],
            "file": work.R_MODEL,
            "file_format": facts["file_format"],
            "sha256": hashlib.sha256((files / work.R_MODEL).read_bytes()).hexdigest(),
            "signature": facts["signature"],
            "allowed_globals": [],
        }
        (folder / "model.json").write_text(json.dumps(manifest), encoding="utf-8")
        return folder

    def _register(self, path: str, name: str) -> Any:
        if not (self.folder / "workspace").exists():
            self.run("init", "--key-file", str(self.folder / "key"))
            self.run("migrate", str(self.folder / "files"), "--project", "bench")
        return self.run("model", "register", f"bench:{path}", "--name", name)


def r_service(model: Path, log: Path) -> tuple[psutil.Popen, Address]:
    """Our service of the R model in the folder ``model``, unconfined as plumber is."""
    port = free_port()
    argv = [sys.executable, "-m", "kronkers_studio.serving", "--model", str(model), "--port", str(port)]
    process = start(argv, _REPOSITORY, log)
    return process, Address(port, "/predict", [work.row_of_names(row) for row in work.rows()], process.pid, {})


def start(argv: Sequence[str], folder: Path, log: Path, **env: str) -> psutil.Popen:
    """A server in the background; what it prints goes into ``log``."""
    with log.open("wb") as output:
        return psutil.Popen(
            list(argv),
            cwd=folder,
            env=environment(Command([], env=env)),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=os.name == "posix",
        )
