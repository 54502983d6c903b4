"""The client of a model service, against a small real server."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from kronkers_studio.deployment.service_client import LoopbackClient
from kronkers_studio.domain.errors import ServiceUnavailable


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    connections: int
    close_after_each: bool

    def setup(self) -> None:
        super().setup()
        type(self).connections += 1

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/slow":
            time.sleep(1)
        self.send_response(418 if self.path == "/odd" else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.close_connection = self.close_after_each

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def handler() -> Iterator[Any]:
    class Handler(_Handler):
        connections = 0
        close_after_each = False
        port = 0

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.handle_error = lambda *_: None  # type: ignore[method-assign]  # clients that gave up
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    Handler.port = server.server_address[1]
    yield Handler
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def client(handler: Any) -> Iterator[LoopbackClient]:
    client = LoopbackClient(handler.port)
    yield client
    client.close()


def test_any_status_is_an_answer(client: LoopbackClient) -> None:
    assert client.request("POST", "/odd", b"tea") == (418, b"tea")


def test_requests_share_a_connection(client: LoopbackClient, handler: Any) -> None:
    for number in range(5):
        assert client.request("POST", "/", str(number).encode()) == (200, str(number).encode())
    assert handler.connections == 1


def test_a_connection_that_was_closed_while_idle_is_opened_again(client: LoopbackClient, handler: Any) -> None:
    handler.close_after_each = True
    for _ in range(3):
        assert client.request("POST", "/", b"x") == (200, b"x")
        time.sleep(0.05)
    assert handler.connections == 3


def test_it_serves_many_threads_at_once(client: LoopbackClient) -> None:
    with ThreadPoolExecutor(12) as pool:
        sent = [str(number).encode() * 50 for number in range(200)]
        assert list(pool.map(lambda body: client.request("POST", "/", body)[1], sent)) == sent


def test_nobody_there_is_said_in_plain_words() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        client = LoopbackClient(taken.getsockname()[1])
        with pytest.raises(ServiceUnavailable, match="does not answer") as caught:
            client.request("GET", "/")
    assert caught.value.next_step.startswith("See whether it is still live")


def test_no_answer_in_time_is_an_error_and_the_connection_is_not_used_again(
    client: LoopbackClient, handler: Any
) -> None:
    client.request("POST", "/", b"x")
    with pytest.raises(ServiceUnavailable, match=r"within 0\.1 seconds"):
        client.request("POST", "/slow", b"late", timeout=0.1)
    assert client.request("POST", "/", b"y") == (200, b"y")
    assert handler.connections == 2


def test_a_closed_client_opens_again_when_asked(client: LoopbackClient) -> None:
    client.request("POST", "/", b"x")
    client.close()
    assert client.request("POST", "/", b"y") == (200, b"y")
