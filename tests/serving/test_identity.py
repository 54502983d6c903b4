"""A release proves itself, answers nobody without its token, and no web page."""

from __future__ import annotations

import hashlib
import hmac
import json
import socket
import time
import warnings
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.serving.model_folders import refused_start, running, wine_folder, wine_rows
from tests.serving.routes import built_routes

SECRET = bytes(range(32))
TOKEN = "Bearer " + hmac.digest(SECRET, b"token", hashlib.sha256).hex()
CHALLENGE = "5a" * 32
ROWS = json.dumps({"rows": wine_rows()}).encode()
JSON = "application/json"


def exchange(port: int, sent: bytes, *, seconds: float = 5.0) -> bytes:
    """What comes back until the service closes, which it must do before it says nothing for ``seconds``."""
    received = b""
    with socket.create_connection(("127.0.0.1", port), timeout=seconds) as stream:
        stream.sendall(sent)
        while True:
            try:
                part = stream.recv(65536)
            except TimeoutError:
                pytest.fail(f"the connection is still open after {received[:80]!r}")
            except ConnectionError:
                return received
            if not part:
                return received
            received += part


def ask(port: int, line: str, *headers: str, body: bytes = b"") -> tuple[int, bytes]:
    """The status of the answer, and all of it. ``headers`` hold "Name: value"; Host is there unless they name it."""
    own = [] if any(header.startswith("Host:") for header in headers) else [f"Host: 127.0.0.1:{port}"]
    length = [f"Content-Length: {len(body)}"] if body else []
    head = "\r\n".join([f"{line} HTTP/1.1", *own, *headers, *length, "Connection: close", "", ""])
    answer = exchange(port, head.encode("latin-1") + body)
    return int(answer.split(b" ", 2)[1]), answer


@pytest.fixture(scope="module")
def secret_port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    folder = wine_folder(tmp_path_factory.mktemp("proven"))
    file = folder / "secret"
    file.write_text(SECRET.hex() + "\n", encoding="ascii")
    with running(folder, "--secret-file", str(file)) as (port, _):
        yield port


def test_a_challenge_is_answered_with_a_proof_of_secret_model_and_version(secret_port: int) -> None:
    _, answer = ask(secret_port, "GET /v2/health/ready", f"Kronkers-Challenge: {CHALLENGE}")
    proof = hmac.digest(SECRET, b"proof:" + CHALLENGE.encode() + b":wine:3", hashlib.sha256).hex()
    assert f"kronkers-proof: {proof}".encode() in answer.lower()
    assert ask(secret_port, "GET /v2/health/ready", "Kronkers-Challenge: x")[0] == 400
    assert b"kronkers-proof" not in ask(secret_port, "GET /v2/health/ready")[1].lower()


_OPEN = ("/v2/health/live", "/v2/health/ready", "/")


def _answered() -> list[str]:
    """What the service has an answer for, health and the page aside: by any method, as each is refused before it is
    looked at."""
    routes = built_routes()
    models = ("/v2/models/wine", "/v2/models/wine/versions/3")
    paths = [*routes.exact, *(model + ending for model in models for ending in routes.of_model)]
    return [f"{method} {path}" for path in paths if path not in _OPEN for method in ("GET", "POST")]


ROUTES = [
    *_answered(),
    "GET /nothing",
    "OPTIONS /predict",
    "OPTIONS *",
    "GET //v2/health/ready",
    "GET /v2/health/ready/",
    "GET /v2/health/../metrics",
    "GET /v2/health%2Fready/../../metrics",
]


@pytest.mark.parametrize("line", ROUTES)
@pytest.mark.parametrize("token", ["", TOKEN[:-1], TOKEN + "0", TOKEN.upper(), TOKEN[7:], "Bearer ", "Basic eDp5"])
def test_nothing_but_health_and_the_page_is_answered_without_the_token(secret_port: int, line: str, token: str) -> None:
    """Seen to fail with a new address that is answered like these two."""
    sent = (f"Authorization: {token}",) if token else ()
    status, answer = ask(secret_port, line, *sent, f"Content-Type: {JSON}")
    assert status == 401
    assert TOKEN.encode() not in answer
    assert b"wine" not in answer


def test_the_page_says_nothing_of_the_model_to_who_has_no_token(secret_port: int) -> None:
    status, answer = ask(secret_port, "GET /")
    assert (status, b"wine" in answer, TOKEN.encode() in answer) == (200, False, False)
    assert ask(secret_port, "GET /openapi.json")[0] == 401


def test_the_addresses_that_are_asked_without_the_token_are_those_that_there_are() -> None:
    assert {"GET /metrics", "POST /predict", "GET /v2/models/wine/versions/3/ready"} <= set(_answered())


def test_with_the_token_everything_is_answered(secret_port: int) -> None:
    carried = (f"Authorization: {TOKEN}", f"Content-Type: {JSON}")
    assert ask(secret_port, "POST /predict", *carried, body=ROWS)[0] == 200
    assert ask(secret_port, "GET /metrics", *carried)[0] == 200
    assert ask(secret_port, "GET /v2/health/live")[0] == 200


@pytest.mark.parametrize("binary", [True, False])
def test_tritonclient_works_when_it_is_given_the_token(secret_port: int, binary: bool) -> None:
    import numpy as np

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # gevent's, at import
        import tritonclient.http
    client = tritonclient.http.InferenceServerClient(f"127.0.0.1:{secret_port}")
    entry = tritonclient.http.InferInput("input", [1, 13], "FP64")
    entry.set_data_from_numpy(np.array([list(wine_rows()[0].values())]), binary_data=binary)
    carried = {"Authorization": TOKEN}
    assert client.is_server_ready()
    assert client.is_model_ready("wine", headers=carried)
    wanted = [tritonclient.http.InferRequestedOutput("label", binary_data=binary)]
    assert client.infer("wine", [entry], headers=carried, outputs=wanted).as_numpy("label").tolist() == [0]
    client.close()


@pytest.mark.parametrize(
    "content", [b"", b"00", b"zz" * 32, SECRET, SECRET.hex().encode() + b"0", SECRET.hex().encode() * 2]
)
def test_a_file_without_a_secret_stops_the_start_and_is_not_quoted(tmp_path: Path, content: bytes) -> None:
    folder = wine_folder(tmp_path / "model")
    (folder / "secret").write_bytes(content)
    message = refused_start(folder, "--secret-file", str(folder / "secret"))
    assert "64 hexadecimal digits" in message
    said = message.replace(str(folder), "")  # the number of a test's folder may hold anything
    assert not content or (content.hex() not in said and repr(content)[2:-1] not in said)


def test_a_secret_file_that_is_not_there_stops_the_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KRONKERS_SECRET_FILE", str(tmp_path / "absent"))
    assert "cannot be read" in refused_start(wine_folder(tmp_path / "model"))


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1", 200),
        ("localhost:80", 200),
        ("LOCALHOST", 200),
        ("[::1]:8080", 200),
        ("127.9.8.7", 200),
        ("rebound.example", 421),
        ("rebound.example:80", 421),
        ("localhost.evil.example", 421),
        ("127.0.0.1.nip.io", 421),
        ("127.0.0.1@evil.example", 421),
        ("10.0.0.7", 421),
        ("0.0.0.0", 421),  # noqa: S104
        ("2130706433", 421),
        ("", 421),
        ("[::1", 421),
        ("localhost, evil.example", 421),
    ],
)
def test_only_a_loopback_host_is_answered_on_loopback(wine_port: int, host: str, status: int) -> None:
    assert ask(wine_port, "GET /metrics", f"Host: {host}")[0] == status


def test_two_different_hosts_are_refused(wine_port: int) -> None:
    assert ask(wine_port, "GET /v2", "Host: localhost", "Host: evil.example")[0] == 400
    assert ask(wine_port, "GET /v2", "Host: evil.example", "Host: localhost")[0] in (400, 421)


@pytest.mark.parametrize(
    "origin", ["null", "https://evil.example", "http://localhost", "http://127.0.0.1:1", "file://", ""]
)
@pytest.mark.parametrize("line", ["GET /metrics", "POST /predict", "OPTIONS /predict"])
def test_a_page_of_another_origin_is_refused_without_cors_headers(wine_port: int, origin: str, line: str) -> None:
    body = ROWS if line.startswith("POST") else b""
    status, answer = ask(wine_port, line, f"Origin: {origin}", f"Content-Type: {JSON}", body=body)
    assert status == 403
    assert b"access-control" not in answer.lower()


def test_its_own_origin_is_answered_and_options_allows_nothing(wine_port: int) -> None:
    own = f"Origin: http://127.0.0.1:{wine_port}"
    assert ask(wine_port, "GET /v2", own)[0] == 200
    status, answer = ask(wine_port, "OPTIONS /predict", own, "Access-Control-Request-Method: POST")
    assert status == 405
    assert b"access-control" not in answer.lower()


SAFELISTED = [
    "text/plain",
    "multipart/form-data; boundary=x",
    "application/x-www-form-urlencoded",
    "text/plain;a=application/json",
]


@pytest.mark.parametrize("kind", [None, "", *SAFELISTED, "application/json-seq", "application/octet-stream"])
def test_what_a_page_can_send_unasked_is_refused_by_predict(wine_port: int, kind: str | None) -> None:
    sent = () if kind is None else (f"Content-Type: {kind}",)
    assert ask(wine_port, "POST /predict", *sent, body=ROWS)[0] == 415


INFER = json.dumps(
    {"inputs": [{"name": "input", "datatype": "FP64", "shape": [1, 13], "data": list(wine_rows()[0].values())}]}
).encode()


@pytest.mark.parametrize("kind", [None, *SAFELISTED])
def test_what_a_page_can_send_unasked_is_refused_by_infer(wine_port: int, kind: str | None) -> None:
    sent = () if kind is None else (f"Content-Type: {kind}",)
    assert ask(wine_port, "POST /v2/models/wine/infer", *sent, body=INFER)[0] == 415


@pytest.mark.parametrize(
    "header",
    [
        "Content-Type: application/json; charset=utf-8",
        "Content-Type: Application/JSON",
        "Content-Type: application/octet-stream",
        f"Inference-Header-Content-Length: {len(INFER)}",
    ],
)
def test_what_needs_asking_first_is_taken_by_infer(wine_port: int, header: str) -> None:
    assert ask(wine_port, "POST /v2/models/wine/infer", header, body=INFER)[0] == 200


def test_model_readiness_is_answered_as_the_protocol_says(wine_port: int) -> None:
    _, answer = ask(wine_port, "GET /v2/models/wine/ready")
    assert json.loads(answer.partition(b"\r\n\r\n")[2]) == {"name": "wine", "ready": True}


@pytest.mark.parametrize(
    "head",
    [
        b"X: " + b"x" * 200_000,
        b"\r\n".join(b"X-%d: %s" % (number, b"y" * 90) for number in range(2000)),
        b"x" * 200_000 + b": 1",
    ],
)
@pytest.mark.parametrize("ended", [True, False])
def test_headers_of_200_kilobytes_are_refused(wine_port: int, head: bytes, ended: bool) -> None:
    sent = b"GET /v2 HTTP/1.1\r\nHost: localhost\r\n" + head + (b"\r\n\r\n" if ended else b"")
    answer = exchange(wine_port, sent)
    assert answer == b"" or answer.startswith(b"HTTP/1.1 431 "), answer[:80]


def test_a_very_long_address_is_refused(wine_port: int) -> None:
    answer = exchange(wine_port, b"GET /" + b"a" * 200_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert answer == b"" or answer.startswith(b"HTTP/1.1 431 ")


def test_headers_that_do_not_end_are_cut_off_however_slowly_they_grow(wine_port: int) -> None:
    from kronkers_studio.serving.http.connections import SECONDS_FOR_HEADERS

    begun = {  # and what is added a second later
        b"GET /v2 HTTP/1.1\r\nHost: local": b"x",
        b"G": b"E",
        b"\r\n": b"\r\n",
        b"GET /v2 HTTP/1.1\r\nHost: localhost\r\n\r\nG": b"E",
        b"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: 999\r\n\r\n": b"x",  # answered before its body
    }
    began = time.monotonic()
    streams = {socket.create_connection(("127.0.0.1", wine_port)): more for more in begun.values()}
    try:
        for stream, beginning in zip(streams, begun, strict=True):
            stream.sendall(beginning)
        time.sleep(1)
        for stream, more in streams.items():
            with suppress(ConnectionError):
                stream.sendall(more)
        for stream in streams:
            stream.settimeout(max(0.1, began + SECONDS_FOR_HEADERS + 4 - time.monotonic()))
            with suppress(ConnectionError):
                while stream.recv(65536):
                    pass
    finally:
        for stream in streams:
            stream.close()


def test_a_trailer_that_does_not_end_is_cut_off(wine_port: int) -> None:
    """After an answer, by its size; the service goes on."""
    head = b"GET /v2/health/ready HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: "
    with socket.create_connection(("127.0.0.1", wine_port), timeout=15) as stream:
        sent = 0
        with suppress(ConnectionError):
            stream.sendall(head)
            while sent < 200_000_000:
                stream.sendall(b"x" * 1_000_000)
                sent += 1_000_000
    assert sent < 30_000_000
    assert ask(wine_port, "GET /v2/health/ready")[0] == 200


def test_large_headers_with_a_body_in_one_piece_are_told_apart(wine_port: int) -> None:
    """A body that comes together with small headers counts as a body only."""
    assert (
        ask(wine_port, "POST /predict", f"Content-Type: {JSON}", body=b'{"rows": "' + b"x" * 60_000 + b'"}')[0] == 400
    )
    assert ask(wine_port, "POST /predict", f"Content-Type: {JSON}", "X: " + "x" * 40_000, body=ROWS)[0] == 431
