"""Model services on this computer: a process of the package's own Python and dependencies, on a loopback port.

The process outlives the studio and is confined: a model that turns hostile harms nothing. Its folder, which only
the user can read, holds the model, the secret that the service proves itself by, and ``scratch`` with the files
that the service writes to: its log (``service.log``, at most 2 MiB with its predecessor) and the ready file by
which it says that it takes requests. They are there before it starts, and but on Windows it can make no others: it
fills no disk. What they hold is the service's word and is read as such: within bounds, through no link. What it
printed before logging began is in ``start.log``.
"""

from __future__ import annotations

import hmac
import json
import os
import socket
import stat
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import psutil

from kronkers_studio.confinement import Level, Means, Policy, confined_command, means_here
from kronkers_studio.deployment.computer import own_mark
from kronkers_studio.deployment.processes import clean_environment, crashed, end, find_process, processor_seconds, spawn
from kronkers_studio.domain.errors import ConfinementUnavailable, ReleaseFailed
from kronkers_studio.domain.progress import NEVER, CancelToken
from kronkers_studio.domain.recording import MOST_BYTES, RECORD_FILES, Recording

_READY, _LOG, _START_LOG, _STOP, _SECRET = "ready.json", "service.log", "start.log", "stop", "secret"
_PROCESS = "process.json"
RECORDED = "rows"
"""The folder of recorded rows, in a service's folder; what is in it stays when the service is started again."""
_WRITTEN = (_READY, _LOG, f"{_LOG}.1")
_FILE_SIZE = 4 << 20
_PAUSE = 0.02  # seconds between two looks
_LOOK_SECONDS = 1.0  # between two looks at how much a starting service has done
_WORK_SECONDS = 0.05  # of processor time: less between two looks is standing still
_TAIL_BYTES, _TAIL_LINES = 16 * 1024, 30
_LOG_BYTES = 256 * 1024
_READY_BYTES = 4096
_NEXT_STEP = "Read its log under “Details”; package the model again if a dependency is wrong."
_MEMORY = 4 << 30
_MODULE = "kronkers_studio.serving"


def start_service(
    runtime_python: Path,
    python_path: Sequence[Path],
    model: Path,
    folder: Path,
    *,
    secret: bytes = b"",
    request_log: float = 0.0,
    recording: Recording | None = None,
    recording_key: str = "",
    unconfined: bool = False,
    timeout: float = 60,
    longest: float = 300,
    cancel: CancelToken = NEVER,
) -> dict[str, Any]:
    """Serve the model folder ``model`` with ``runtime_python`` and return the endpoint once it takes requests.

    The endpoint is {"port", "pid", "started", "mark", "folder"}. ``secret`` is what the service and its clients prove
    themselves by; without one it answers everybody. ``request_log`` is the share of requests that it logs,
    ``recording`` what it keeps of its rows, sealed for ``recording_key``.

    Raises ``ConfinementUnavailable`` where this system cannot confine it, unless a person agreed to ``unconfined``;
    ``ReleaseFailed`` with the log's last lines in ``details`` when it is not ready and has done nothing for ``timeout``
    seconds, or is not ready after ``longest``; ``Cancelled`` when cancelled; no process stays behind.
    """
    means = means_here()
    if means.level is Level.NONE and not unconfined:
        raise _unconfinable(means)
    folder, model = folder.absolute(), model.absolute()
    scratch = _prepared(folder, secret)
    secrets = [folder / _SECRET] if secret else []
    writable = (scratch,) if sys.platform == "win32" else tuple(scratch / name for name in _WRITTEN)
    rows = _prepared_rows(folder) if recording else ()
    writable += (folder / RECORDED,) if rows and sys.platform == "win32" else rows
    largest = max(_FILE_SIZE, MOST_BYTES // RECORD_FILES) if recording else _FILE_SIZE
    policy = Policy(readable=(model, *secrets), writable=writable, memory=_MEMORY, file_size=largest)
    listener = _listener()
    try:
        handed_on = [] if listener is None else [listener.fileno()]
        port = None if listener is None else int(listener.getsockname()[1])
        arguments = _arguments(model, folder, handed_on, secrets)
        arguments += ["--request-log", str(request_log)] if request_log else []
        arguments += _recording_arguments(folder, recording, recording_key) if recording else []
        command = confined_command(
            runtime_python, _MODULE, arguments, python_path=python_path, policy=policy, means=means
        )
        pid = spawn(command, clean_environment(scratch), folder / _START_LOG, handed_on)
    except OSError as error:
        raise ReleaseFailed(
            f"The model's Python could not be started: {error.strerror}.",
            next_step="Package the model again.",
            details=f"{runtime_python}: {error}",
        ) from error
    finally:
        if listener is not None:
            listener.close()
    try:
        _note_process(pid, folder)
        return _wait_ready(pid, port, folder, _Patience(timeout, longest), cancel)
    except BaseException:
        process = find_process(pid)
        if process is not None:
            end(process, timeout=0)
        raise


def stop_service(endpoint: Mapping[str, Any], *, timeout: float = 15) -> None:
    """Stop the service in order: what it is working on is finished within ``timeout`` seconds, else it is ended.

    No error when it has stopped already. Another process that has its pid by now is not touched.
    """
    process = _service(endpoint)
    if process is None:
        return
    deadline = time.monotonic() + timeout
    if _ask_to_stop(endpoint):
        while time.monotonic() < deadline and service_alive(endpoint):
            time.sleep(_PAUSE)
    if service_alive(endpoint):
        end(process, timeout=max(0.0, deadline - time.monotonic()))


def service_log(folder: Path) -> list[str]:
    """The last lines of what the service in ``folder`` logged, and printed before that; none where there is no such."""
    files = (folder / _START_LOG, folder / "scratch" / f"{_LOG}.1", folder / "scratch" / _LOG)
    return [line for file in files for line in _lines(file, _LOG_BYTES)]


def service_alive(endpoint: Mapping[str, Any]) -> bool:
    """Whether the very process that was started still runs."""
    return _service(endpoint) is not None


def is_of_a_copy(endpoint: Mapping[str, Any], own: Path) -> bool:
    """Whether the service of ``endpoint`` was started from another folder than ``own`` that is still there: then one of
    the two workspaces is a copy of the other, and what runs is the other's. One that was moved has only one."""
    started, own = Path(str(endpoint.get("folder", ""))), own.absolute()
    if not started.is_absolute() or started == own or not started.exists():
        return False
    return not (own.exists() and own.samefile(started))


def process_noted(folder: Path) -> psutil.Process | None:
    """The service that was started in ``folder``, if it runs: also when nobody came to know its endpoint."""
    try:
        noted = json.loads(_read(folder / _PROCESS, _READY_BYTES))
        return None if is_of_a_copy(noted, folder) else _service(noted)
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return None


def _note_process(pid: int, folder: Path) -> None:
    process = find_process(pid)
    if process is not None:
        (folder / _PROCESS).write_text(json.dumps({**_known_as(process), "folder": str(folder)}), encoding="utf-8")


def _known_as(process: psutil.Process) -> dict[str, Any]:
    """What ``process`` is found by, and a mark that this is our word."""
    started = process.create_time()
    return {"pid": process.pid, "started": started, "mark": own_mark(f"{process.pid} {started!r}")}


def _service(endpoint: Mapping[str, Any]) -> psutil.Process | None:
    """The process of ``endpoint``, if that is a service: the history of a workspace that somebody else made may name
    any process. Not by its arguments alone, which the process itself can change."""
    try:
        pid, started = int(endpoint["pid"]), float(endpoint["started"])
        process = find_process(pid, started)
        if process is None:
            return None
        ours = hmac.compare_digest(str(endpoint.get("mark", "")).encode(), own_mark(f"{pid} {started!r}").encode())
        return process if ours or _MODULE in process.cmdline() else None
    except (psutil.NoSuchProcess, psutil.AccessDenied, OverflowError, ValueError):
        return None


def _prepared(folder: Path, secret: bytes) -> Path:
    """The service's folder without what an earlier service left; where it writes."""
    scratch = folder / "scratch"
    for private in (folder, scratch):
        private.mkdir(mode=0o700, parents=True, exist_ok=True)
        private.chmod(0o700)
    for old in (folder / _STOP, folder / _SECRET, folder / _PROCESS, *scratch.iterdir()):
        old.unlink(missing_ok=True)
    for name in _WRITTEN:
        (scratch / name).touch(mode=0o600)
    if secret:
        descriptor = os.open(folder / _SECRET, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secret.hex())
    return scratch


def _prepared_rows(folder: Path) -> tuple[Path, ...]:
    """The files for recorded rows, which the service may write into."""
    rows = folder / RECORDED
    rows.mkdir(mode=0o700, exist_ok=True)
    files = tuple(rows / f"rows-{number}" for number in range(RECORD_FILES))
    for file in files:
        file.touch(mode=0o600)
    return files


def _recording_arguments(folder: Path, recording: Recording, key: str) -> list[str]:
    return [
        *("--record-rows", str(recording.share), "--record-most", str(recording.most_rows)),
        *("--record-key", key, "--record-folder", str(folder / RECORDED)),
    ]


def _listener() -> socket.socket | None:
    """The socket that the service answers on, which it could not make itself; on Windows it must, and can."""
    if sys.platform == "win32":
        return None
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    listener.listen(1024)
    return listener


def _arguments(model: Path, folder: Path, listeners: Sequence[int], secrets: Sequence[Path]) -> list[str]:
    scratch = folder / "scratch"
    return [
        *("--model", str(model), "--host", "127.0.0.1"),
        *(argument for listener in listeners for argument in ("--listen-fd", str(listener))),
        *(argument for secret in secrets for argument in ("--secret-file", str(secret))),
        *("--ready-file", str(scratch / _READY)),
        *("--stop-file", str(folder / _STOP)),
        *("--log-file", str(scratch / _LOG)),
        *("--workers", "0"),  # a confined process starts no other
    ]


def _unconfinable(means: Means) -> ConfinementUnavailable:
    return ConfinementUnavailable(
        "This computer cannot keep a model from harming it. " + " ".join(means.missing),
        next_step="Release the model to a server instead; or, if you trust whoever made it, agree to run it here "
        "unprotected (--unprotected). On Linux, installing bubblewrap helps.",
    )


class _Patience:
    """How long a service may take to be ready: on a busy computer, or with a large model, it is slow but works, which
    the processor time tells that it takes. One that stands still is given up after ``idle`` seconds of it, any after
    ``longest``."""

    def __init__(self, idle: float, longest: float) -> None:
        self._idle = idle
        self._longest = max(idle, longest)
        self._begun = self._looked = self._worked = time.monotonic()
        self._spent = 0.0

    def over_after(self, process: psutil.Process) -> float | None:
        """The seconds after which the service is given up now; None while it is waited for."""
        now = time.monotonic()
        if now - self._looked >= min(_LOOK_SECONDS, self._idle / 4):
            self._looked, spent = now, processor_seconds(process)
            if spent >= self._spent + _WORK_SECONDS:
                self._spent, self._worked = spent, now
        if now - self._begun > self._longest:
            return self._longest
        return self._idle if now - self._worked > self._idle else None


def _wait_ready(pid: int, port: int | None, folder: Path, patience: _Patience, cancel: CancelToken) -> dict[str, Any]:
    while True:
        cancel.check()
        process = find_process(pid)
        endpoint = _endpoint(process, port, folder)
        if endpoint is not None:
            return endpoint
        if process is None:
            raise _crashed(folder) if crashed(pid) else _failed(folder, "The model service stopped before it was ready")
        seconds = patience.over_after(process)
        if seconds is not None:
            raise _failed(folder, f"The model service was not ready within {seconds:g} seconds")
        time.sleep(_PAUSE)


def _endpoint(started: psutil.Process | None, port: int | None, folder: Path) -> dict[str, Any] | None:
    """What the ready file says, once it is there. Of it only a port that we do not know counts, and a pid among those
    that ``started`` started: on Windows that may be a launcher of the real one."""
    try:
        ready = json.loads(_read(folder / "scratch" / _READY, _READY_BYTES))
        said_port, said_pid = int(ready["port"]), int(ready["pid"])
    except (OSError, ValueError, TypeError, KeyError, RecursionError):  # not there yet, or just being put there
        return None
    if started is None:
        return None
    try:
        children = started.children(recursive=True) if sys.platform == "win32" else []
        process = next((child for child in children if child.pid == said_pid), started)
        return {
            "port": said_port if port is None else port,
            **_known_as(process),
            "folder": str(folder),
        }
    except psutil.NoSuchProcess:
        return None


def _ask_to_stop(endpoint: Mapping[str, Any]) -> bool:
    """Put the stop file there, which works on every platform: on Windows, signals need a console that it has not."""
    try:
        (Path(endpoint["folder"]) / _STOP).touch()
    except (KeyError, OSError):  # its folder is gone or cannot be written to
        return False
    return True


def _crashed(folder: Path) -> ReleaseFailed:
    return ReleaseFailed(
        "The model service crashed while it loaded the model or tried a first row: the model file is damaged, made to "
        "do harm, or needs other versions of its libraries.",
        next_step="Save the model again where it was trained, register that file, and package it.",
        details=_failed(folder, "").details,
    )


def _failed(folder: Path, what: str) -> ReleaseFailed:
    lines = _last_lines(folder / "scratch" / _LOG) + _last_lines(folder / _START_LOG)
    reason = _reason(lines)
    return ReleaseFailed(f"{what}: {reason}" if reason else f"{what}.", next_step=_NEXT_STEP, details="\n".join(lines))


def _last_lines(file: Path) -> list[str]:
    return _lines(file, _TAIL_BYTES)[-_TAIL_LINES:]


def _lines(file: Path, most: int) -> list[str]:
    """The last whole lines of ``file``, ``most`` bytes of them."""
    try:
        found = _read(file, most)
    except OSError:  # it never came to logging
        return []
    lines = found.decode("utf-8", "replace").splitlines()
    return lines[1:] if len(found) == most else lines


def _read(file: Path, most: int) -> bytes:
    """The last ``most`` bytes of a plain file. Raises ``OSError`` for anything else, such as a link to a file of the
    person's."""
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    descriptor = os.open(file, flags)
    with os.fdopen(descriptor, "rb") as stream:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise OSError(f"{file.name} is no plain file")
        stream.seek(max(0, found.st_size - most))
        return stream.read(most)


def _reason(lines: Sequence[str]) -> str:
    """The sentence in the last serious line of the log, or the last line that anything printed."""
    for line in reversed(lines):
        try:
            found = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(found, dict) and found.get("level") in ("critical", "error"):
            return str(found.get("message", ""))
    return next((line.strip() for line in reversed(lines) if line.strip()), "")
