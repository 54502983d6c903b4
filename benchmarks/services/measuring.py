"""One server measured: its start, its memory, what a request costs it and how long its answers take."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from benchmarks.measuring import Command, environment
from benchmarks.services import work

_REPOSITORY = Path(__file__).parents[2]
_START_SECONDS = 180


class ServerFailed(Exception):
    """A server did not start, or did not answer as it should."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where and how a server is asked. ``pid``: the process that it is, with all that it started."""

    port: int
    path: str
    requests: Sequence[bytes]
    pid: int
    headers: Mapping[str, str]

    def whole_requests(self) -> list[bytes]:
        """The requests as they go over the wire."""
        lines = [f"POST {self.path} HTTP/1.1", f"Host: 127.0.0.1:{self.port}", "Content-Type: application/json"]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        head = "\r\n".join(lines).encode()
        return [head + b"\r\nContent-Length: %d\r\n\r\n" % len(body) + body for body in self.requests]


@dataclass(frozen=True, slots=True)
class UnderLoad:
    """What a server did while it was asked over ``connections``. ``cpu``: milliseconds of processor time a request;
    ``p50`` and ``p95``: milliseconds to the answer; ``statuses``: how often each was answered."""

    connections: int
    rate: float
    cpu: float
    p50: float
    p95: float
    statuses: Mapping[str, int]


def free_port() -> int:
    """A port that nobody listens on, and two more behind it."""
    while True:
        with socket.socket() as found:
            found.bind(("127.0.0.1", 0))
            port = int(found.getsockname()[1])
        if port < 60_000 and not any(_is_taken(port + more) for more in (1, 2)):
            return port


def wait_for_answer(address: Address, process: psutil.Popen, log: Path) -> None:
    """Until the server answers a request with 200. Raises ``ServerFailed``."""
    deadline = time.monotonic() + _START_SECONDS
    request = address.whole_requests()[0]
    answer = b""
    while time.monotonic() < deadline and process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
        with suppress(OSError), socket.create_connection(("127.0.0.1", address.port), timeout=30) as asked:
            asked.sendall(request)
            answer = asked.recv(65536)
            if b" 200 " in answer.split(b"\r\n")[0]:
                return
        time.sleep(0.01)
    told = log.read_text(encoding="utf-8", errors="replace")[-2000:]
    raise ServerFailed(f"It did not answer with 200: {answer[:500]!r} {told}")


def memory(pid: int) -> int:
    """Bytes of the process and all that it started; what they share counts once."""
    total = 0
    for process in _tree(pid):
        with suppress(psutil.Error):
            info = process.memory_full_info()
            total += getattr(info, "pss", info.uss)
    return total


def load(address: Address, connections: int, seconds: float, fine: Collection[str] = ("200",)) -> UnderLoad:
    """Ask over ``connections`` for so long. Raises ``ServerFailed`` when not all answers were of the ``fine`` ones."""
    requests = [request.decode("latin-1") for request in address.whole_requests()]
    given = {"port": address.port, "connections": connections, "seconds": seconds, "requests": requests}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "load.json"
        file.write_text(json.dumps(given), encoding="utf-8")
        before = _cpu(address.pid)
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.services.load", str(file)],
            cwd=_REPOSITORY,
            capture_output=True,
            check=False,
            encoding="utf-8",
        )
        spent = _cpu(address.pid) - before
    if done.returncode:
        raise ServerFailed(done.stderr[-1000:])
    found: dict[str, Any] = json.loads(done.stdout)
    times = found["times"]
    if not times or found["statuses"].keys() - fine:
        raise ServerFailed(f"Over {connections} connections it answered {found['statuses']}.")
    return UnderLoad(
        connections,
        found["answered"] / found["seconds"],
        1000 * spent / len(times),
        times[len(times) // 2],
        times[min(len(times) - 1, int(0.95 * len(times)))],
        found["statuses"],
    )


def seconds_of_import(folder: Path) -> float:
    """What the framework takes to be imported and to load the model, in a process that does nothing else. Without
    pandas, which it would import where it is installed: in a package it is not."""
    code = f"import sys; sys.modules['pandas'] = None; import joblib; joblib.load({work.MODEL!r})"
    begun = time.perf_counter()
    subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        check=True,
        env=environment(Command([])),
    )
    return time.perf_counter() - begun


def end(server: psutil.Popen) -> None:
    """Stop the process and all that it started."""
    found = _tree(server.pid)
    for process in found:
        with suppress(psutil.Error):
            process.terminate()
    _, alive = psutil.wait_procs(found[1:], timeout=10)
    try:
        server.wait(timeout=10)
    except psutil.TimeoutExpired:
        alive.append(server)
    for process in alive:
        with suppress(psutil.Error):
            process.kill()
    server.wait(timeout=10)


def _is_taken(port: int) -> bool:
    with socket.socket() as found:
        try:
            found.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False


def _tree(pid: int) -> list[psutil.Process]:
    try:
        first = psutil.Process(pid)
        return [first, *first.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def _cpu(pid: int) -> float:
    """Seconds of processor time of the process and all that it started and that still run."""
    total = 0.0
    for process in _tree(pid):
        with suppress(psutil.Error):
            times = process.cpu_times()
            total += times.user + times.system
    return total
