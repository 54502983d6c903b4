"""A process that passes for a model service's, where the service itself is played by the test's own."""

from __future__ import annotations

import atexit
import functools
import subprocess
import sys
from typing import Any

import psutil


@functools.cache
def _process() -> subprocess.Popen[bytes]:
    """It ends with this process at the latest: then its input does."""
    process = subprocess.Popen(
        [sys.executable, "-c", "import sys; print(flush=True); sys.stdin.read()", "kronkers_studio.serving"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    process.stdout.readline()  # before it has begun, it has no arguments yet
    atexit.register(_end, process)
    return process


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.communicate()


def service_process() -> dict[str, Any]:
    """Its number and start, as an endpoint has them."""
    pid = _process().pid
    return {"pid": pid, "started": psutil.Process(pid).create_time()}
