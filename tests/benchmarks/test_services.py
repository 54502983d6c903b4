"""What the benchmark of services counts, against a server whose answers are known; and the whole of it, once."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from benchmarks import serving
from benchmarks.options import Options
from benchmarks.services.measuring import Address, ServerFailed, load
from benchmarks.services.peers import PLAIN

_SECONDS_AN_ANSWER = 0.02


class _Server(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    asked: list[bytes]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.asked.append(body)
        time.sleep(_SECONDS_AN_ANSWER)
        answer = b"%d" % len(body)
        self.send_response(500 if body == b"bad" else 200)
        if body == b"in parts":
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            self.wfile.write(b"%x\r\n%s\r\n0\r\n\r\n" % (len(answer), answer))
            return
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[ThreadingHTTPServer]:
    _Server.asked = []
    with ThreadingHTTPServer(("127.0.0.1", 0), _Server) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def _address(server: ThreadingHTTPServer, *requests: bytes) -> Address:
    return Address(server.server_address[1], "/", requests, os.getpid(), {})


def test_every_answer_is_counted_once_with_its_time(server: ThreadingHTTPServer) -> None:
    """Seen to fail with answers noted before they are whole."""
    found = load(_address(server, b"one", b"in parts"), 3, 1.0)
    assert found.statuses == {"200": len(_Server.asked)}
    assert set(_Server.asked) == {b"one", b"in parts"}
    assert found.p95 >= found.p50 >= 1000 * _SECONDS_AN_ANSWER
    assert 0 < found.rate <= 3 / _SECONDS_AN_ANSWER


def test_a_server_that_fails_is_not_measured(server: ThreadingHTTPServer) -> None:
    with pytest.raises(ServerFailed, match="500"):
        load(_address(server, b"one", b"bad"), 2, 0.3)


@pytest.mark.slow
def test_the_whole_of_it_beside_the_plain_program(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(serving, "PEERS", (PLAIN,))
    found = serving.run(Options(sizes=(0.01,), rounds=1, cache=tmp_path, work=tmp_path / "work", quiet=True))
    printed = capsys.readouterr().out
    assert {"kronkers", "plain starlette"} <= found["servers"].keys()
    assert "requests/s" in printed and "Over 640 connections" in printed
