"""Model services on this computer: a process of the package's own Python and dependencies, on a loopback port.

The process outlives the studio. In its folder, which only the user can read, lie its log (``service.log``, at most
3 MiB with its predecessors), what it printed before logging began (``start.log``) and the ready file by which it says
that it takes requests.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from kronkers_studio.deployment.processes import clean_environment, end, find_process, spawn
from kronkers_studio.domain.errors import ReleaseFailed
from kronkers_studio.domain.progress import NEVER, CancelToken

_READY, _LOG, _START_LOG, _STOP = "ready.json", "service.log", "start.log", "stop"
_PAUSE = 0.02  # seconds between two looks
_TAIL_BYTES, _TAIL_LINES = 16 * 1024, 30
_NEXT_STEP = "Read its log under “Details”; package the model again if a dependency is wrong."


def start_service(
    runtime_python: Path,
    python_path: Sequence[Path],
    model: Path,
    folder: Path,
    *,
    timeout: float = 60,
    cancel: CancelToken = NEVER,
) -> dict[str, Any]:
    """Serve the model folder ``model`` with ``runtime_python`` and return the endpoint once it takes requests.

    The endpoint is {"port", "pid", "started", "folder"}. Raises ``ReleaseFailed`` with the log's last lines in
    ``details`` when it is not ready within ``timeout`` seconds, ``Cancelled`` when cancelled; no process stays behind.
    """
    folder = folder.absolute()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    for name in (_READY, _LOG, _STOP):
        (folder / name).unlink(missing_ok=True)
    command = _command(runtime_python, model.absolute(), folder)
    try:
        pid = spawn(command, clean_environment(folder, python_path), folder, folder / _START_LOG)
    except OSError as error:
        raise ReleaseFailed(
            f"The model's Python could not be started: {error.strerror}.",
            next_step="Package the model again.",
            details=f"{runtime_python}: {error}",
        ) from error
    try:
        return _wait_ready(pid, folder, timeout, cancel)
    except BaseException:
        process = find_process(pid)
        if process is not None:
            end(process, timeout=0)
        raise


def stop_service(endpoint: Mapping[str, Any], *, timeout: float = 10) -> None:
    """Stop the service in order: what it is working on is finished within ``timeout`` seconds, else it is ended.

    No error when it has stopped already. Another process that has its pid by now is not touched.
    """
    process = find_process(int(endpoint["pid"]), float(endpoint["started"]))
    if process is None:
        return
    deadline = time.monotonic() + timeout
    if _ask_to_stop(endpoint):
        while time.monotonic() < deadline and service_alive(endpoint):
            time.sleep(_PAUSE)
    if service_alive(endpoint):
        end(process, timeout=max(0.0, deadline - time.monotonic()))


def service_alive(endpoint: Mapping[str, Any]) -> bool:
    """Whether the very process that was started still runs."""
    return find_process(int(endpoint["pid"]), float(endpoint["started"])) is not None


def _command(python: Path, model: Path, folder: Path) -> list[str]:
    return [
        *(str(python), "-m", "kronkers_studio.serving"),
        *("--model", str(model)),
        *("--host", "127.0.0.1", "--port", "0"),
        *("--ready-file", str(folder / _READY)),
        *("--stop-file", str(folder / _STOP)),
        *("--log-file", str(folder / _LOG)),
    ]


def _wait_ready(pid: int, folder: Path, timeout: float, cancel: CancelToken) -> dict[str, Any]:
    deadline = time.monotonic() + timeout
    while True:
        cancel.check()
        running = find_process(pid) is not None
        endpoint = _endpoint(folder)
        if endpoint is not None:
            return endpoint
        if not running:
            raise _failed(folder, "The model service stopped before it was ready")
        if time.monotonic() > deadline:
            raise _failed(folder, f"The model service was not ready within {timeout:g} seconds")
        time.sleep(_PAUSE)


def _endpoint(folder: Path) -> dict[str, Any] | None:
    """What the ready file says. Its pid counts: on Windows the process started may be a launcher of the real one."""
    try:
        ready = json.loads((folder / _READY).read_text(encoding="utf-8"))
    except (OSError, ValueError):  # not there yet, or just being put there
        return None
    process = find_process(int(ready["pid"]))
    if process is None:
        return None
    return {
        "port": int(ready["port"]),
        "pid": process.pid,
        "started": process.create_time(),
        "folder": str(folder),
    }


def _ask_to_stop(endpoint: Mapping[str, Any]) -> bool:
    """Put the stop file there, which works on every platform: on Windows, signals need a console that it has not."""
    try:
        (Path(endpoint["folder"]) / _STOP).touch()
    except (KeyError, OSError):  # its folder is gone or cannot be written to
        return False
    return True


def _failed(folder: Path, what: str) -> ReleaseFailed:
    lines = _last_lines(folder / _LOG) + _last_lines(folder / _START_LOG)
    reason = _reason(lines)
    return ReleaseFailed(f"{what}: {reason}" if reason else f"{what}.", next_step=_NEXT_STEP, details="\n".join(lines))


def _last_lines(file: Path) -> list[str]:
    try:
        with file.open("rb") as stream:
            stream.seek(max(0, file.stat().st_size - _TAIL_BYTES))
            return stream.read().decode("utf-8", "replace").splitlines()[-_TAIL_LINES:]
    except OSError:  # it never came to logging
        return []


def _reason(lines: Sequence[str]) -> str:
    """The sentence in the last serious line of the log, or the last line that anything printed."""
    for line in reversed(lines):
        try:
            found = json.loads(line)
        except ValueError:
            continue
        if isinstance(found, dict) and found.get("level") in ("critical", "error"):
            return str(found.get("message", ""))
    return next((line.strip() for line in reversed(lines) if line.strip()), "")
