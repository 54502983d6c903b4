"""A service that is told to stop answers whatever it was sent."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path

import pytest

from kronkers_studio.serving.http_server import HttpServer
from tests.serving.load import Outcome, ask_until, request
from tests.serving.model_folders import running, wine_folder, wine_rows
from tests.serving.test_running import slow_folder

_HANGS = 60.0
_CONNECTIONS = 64
_SECONDS_OF_LOAD = 0.5


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return wine_folder(tmp_path_factory.mktemp("wine") / "model")


async def _stopped_under_load(port: int, process: subprocess.Popen[bytes], stop: Path | None) -> Outcome:
    """What became of the requests of clients that never pause, and of others that do."""
    outcome, sent = Outcome(), request(json.dumps({"rows": wine_rows()}).encode())
    clients = [
        asyncio.ensure_future(ask_until(lambda: False, port, sent, outcome, pause=0.05 * (number % 2)))
        for number in range(_CONNECTIONS)
    ]
    await asyncio.sleep(_SECONDS_OF_LOAD)
    if stop is None:
        process.send_signal(signal.SIGTERM)
    else:
        stop.touch()
    await asyncio.wait_for(asyncio.gather(*clients), _HANGS)
    return outcome


@pytest.mark.parametrize("by_file", [False, True], ids=["signal", "file"])
def test_no_request_is_lost_when_it_stops_under_load(folder: Path, tmp_path: Path, by_file: bool) -> None:
    """Seen to fail with a server that closes what it listens on, and idle connections, at once."""
    stop = tmp_path / "stop"
    with running(folder, "--stop-file", str(stop)) as (port, process):
        outcome = asyncio.run(_stopped_under_load(port, process, stop if by_file else None))
        assert process.wait(timeout=_HANGS) == 0
    assert outcome.lost == []
    assert outcome.statuses[200] > _CONNECTIONS
    assert set(outcome.statuses) <= {200, 429}
    assert outcome.refused == _CONNECTIONS, "each of them made new connections until none was taken"


@pytest.mark.slow
def test_no_request_is_lost_in_twenty_stops(folder: Path, tmp_path: Path) -> None:
    for number in range(20):
        stop = tmp_path / f"stop-{number}"
        with running(folder, "--stop-file", str(stop)) as (port, process):
            outcome = asyncio.run(_stopped_under_load(port, process, stop if number % 2 else None))
            assert process.wait(timeout=_HANGS) == 0
        assert outcome.lost == [], number


def test_it_says_that_it_is_not_ready_before_it_closes_anything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running(slow_folder(tmp_path / "model", monkeypatch)) as (port, process):
        sent = request(b'{"rows": [[1.5]]}')
        answers: list[bytes] = []
        asking = threading.Thread(target=lambda: answers.append(_whole(port, sent)))
        with socket.create_connection(("127.0.0.1", port)) as kept:
            kept.sendall(b"GET /v2/health/ready HTTP/1.1\r\nHost: localhost\r\n\r\n")
            before = b""
            while b'"ready":true}' not in before:
                before += kept.recv(4096)
            assert before.startswith(b"HTTP/1.1 200")
            asking.start()
            time.sleep(0.3)
            process.send_signal(signal.SIGTERM)
            time.sleep(0.2)
            kept.sendall(b"GET /v2/health/ready HTTP/1.1\r\nHost: localhost\r\n\r\n")
            said = b"".join(iter(lambda: kept.recv(4096), b""))
        asking.join(_HANGS)
        assert process.wait(timeout=_HANGS) == 0
    assert said.startswith(b"HTTP/1.1 503")
    assert b"connection: close" in said
    assert b"about to stop" in said
    assert answers[0].startswith(b"HTTP/1.1 200")
    assert b"connection: close" in answers[0]


def test_a_signal_that_comes_before_it_listens_is_not_lost() -> None:
    """Seen to fail with a handler that does nothing until the server runs."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    seconds: list[None] = []
    try:
        server = HttpServer(
            prepare=lambda: asyncio.sleep(0),
            when_ready=lambda: None,
            each_second=lambda: seconds.append(None),
            is_told_to_stop=lambda: len(seconds) > 2,  # so that it ends in any case
        )
        server.config.app = _no_app
        signal.raise_signal(signal.SIGTERM)
        with socket.create_server(("127.0.0.1", 0)) as listener:
            server.run(sockets=[listener])
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    assert not seconds


async def _no_app(_scope: object, _receive: object, _send: object) -> None:
    pass


def test_what_takes_too_long_to_finish_is_told_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor is the model waited for. Seen to fail with a server that ends its tasks without a word, and with a process
    that waits for its threads."""
    with running(slow_folder(tmp_path / "model", monkeypatch)) as (port, process):
        answers: list[bytes] = []
        asking = threading.Thread(target=lambda: answers.append(_whole(port, request(b'{"rows": [[200]]}'))))
        asking.start()
        time.sleep(0.5)
        process.send_signal(signal.SIGTERM)
        asking.join(_HANGS)
        assert process.wait(_HANGS) == 0
    assert answers[0].startswith(b"HTTP/1.1 503")
    assert b"retry-after: 1" in answers[0]
    assert b"stopped before it had an answer" in answers[0]


def _whole(port: int, sent: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=_HANGS) as stream:
        stream.sendall(sent)
        parts = []
        while part := stream.recv(65536):
            parts.append(part)
    return b"".join(parts)
