"""Clients that offer another protocol with their request are answered in the one that they speak."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.serving.model_folders import running, wine_folder, wine_rows

_BODY = json.dumps({"rows": wine_rows()}).encode()
_HEAD = (
    b"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n"
    b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
    b"HTTP2-Settings: AAEAAEAAAAIAAAABAAMAAABkAAQBAAAAAAUAAEAA\r\n\r\n"
) % len(_BODY)  # as Java's HttpClient sends it
_LAST = b"GET /v2 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
_OFFERS_WITHOUT_BODY = b"GET /v2 HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    with running(wine_folder(tmp_path_factory.mktemp("wine") / "model")) as (port, _):
        yield port


def _statuses(port: int, *pieces: bytes) -> list[bytes]:
    """Of all answers to what is sent in ``pieces``, until the service closes the connection."""
    with socket.create_connection(("127.0.0.1", port), timeout=60) as stream:
        stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for piece in pieces:
            stream.sendall(piece)
        said = b"".join(iter(lambda: stream.recv(65536), b""))
    return [part[:3] for part in said.split(b"HTTP/1.1 ")[1:]]


def test_the_body_behind_an_offer_is_read(port: int) -> None:
    """Seen to fail with uvicorn's own parser: "The body is empty"."""
    assert _statuses(port, _HEAD + _BODY + _LAST) == [b"200", b"200"]


def test_it_is_read_in_whatever_pieces_it_comes(port: int) -> None:
    sent = _HEAD + _BODY + _LAST
    assert _statuses(port, _HEAD, _BODY, _LAST) == [b"200", b"200"]
    assert _statuses(port, *(sent[place : place + 7] for place in range(0, len(sent), 7))) == [b"200", b"200"]


def test_a_thousand_offers_in_one_piece_are_declined_one_after_the_other(port: int) -> None:
    """Seen to fail with a parser that calls itself for each."""
    assert _statuses(port, _OFFERS_WITHOUT_BODY * 1500 + _LAST) == [b"200"] * 1501


def test_large_heads_are_refused_with_an_offer_too(port: int) -> None:
    large = _HEAD.replace(b"Host:", b"X-Large: " + b"x" * 40_000 + b"\r\nHost:")
    assert _statuses(port, large) == [b"431"]


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl")
def test_curl_that_is_to_speak_http_2(port: int, tmp_path: Path) -> None:
    (tmp_path / "body").write_bytes(_BODY)
    command = ["curl", "--silent", "--http2", "--header", "Content-Type: application/json", "--max-time", "60"]
    said = subprocess.run(
        [*command, "--data-binary", f"@{tmp_path / 'body'}", f"http://127.0.0.1:{port}/predict"],
        capture_output=True,
        check=True,
    ).stdout
    assert json.loads(said)["outputs"] == [0]
