"""Whatever a service answers, the client ends in time, in little memory, and with a sentence."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from collections.abc import Callable

import pytest

from kronkers_studio.deployment.proof import Expected, proof, release_secret, token
from kronkers_studio.deployment.service_client import LoopbackClient
from kronkers_studio.domain.errors import ServiceUnavailable, ServiceUnproven
from tests.deployment.hostile import MALFORMED, SLOW, answering, body, proving, silent, whole
from tests.own_time import own_time

EXPECTED = Expected(b"s" * 32, "wine", 3, "wine r3")


@pytest.mark.parametrize("name", MALFORMED)
def test_an_answer_that_is_none_is_called_that(name: str) -> None:
    with answering(MALFORMED[name]) as server:
        client = LoopbackClient(server.port)
        began = own_time()
        with pytest.raises(ServiceUnavailable) as refused:
            client.request("GET", "/metrics", timeout=5, most_bytes=1_000_000)
        client.close()
    assert own_time() - began < 6
    assert refused.value.message.startswith("The model service ")
    assert refused.value.next_step.startswith("See whether it is still live")


@pytest.mark.parametrize("name", SLOW)
def test_one_deadline_holds_for_the_whole_answer(name: str) -> None:
    with answering(SLOW[name]) as server:
        client = LoopbackClient(server.port)
        began = own_time()
        with pytest.raises(ServiceUnavailable, match=r"did not answer within 1 seconds|no end of interim"):
            client.request("GET", "/metrics", timeout=1)
        client.close()
        assert own_time() - began < 1.6


def test_a_service_that_reads_nothing_is_given_up_in_time() -> None:
    with answering(silent) as server:
        client = LoopbackClient(server.port)
        began = own_time()
        with pytest.raises(ServiceUnavailable, match="within 1 seconds"):
            client.request("POST", "/predict", b"x" * 50_000_000, timeout=1)
        client.close()
    assert own_time() - began < 3


def test_silence_ends_an_exchange_before_its_deadline() -> None:
    with answering(silent) as server:
        client = LoopbackClient(server.port)
        with pytest.raises(ServiceUnavailable, match=r"within 0\.5 seconds"):
            client.request("GET", "/metrics", timeout=60, silence=0.5)
        client.close()


def test_a_gigabyte_takes_no_more_memory_than_is_allowed() -> None:
    code = (
        "import sys, tracemalloc\n"
        "from kronkers_studio.deployment.service_client import LoopbackClient\n"
        "from kronkers_studio.domain.errors import ServiceUnavailable\n"
        "tracemalloc.start()\n"
        "try:\n"
        "    LoopbackClient(int(sys.argv[1])).request('GET', '/metrics', timeout=20)\n"
        "except ServiceUnavailable as error:\n"
        "    print(error.message, tracemalloc.get_traced_memory()[1] // 1_000_000)\n"
    )
    for name in ("length of a gigabyte", "body for ever", "chunks for ever"):
        with answering(MALFORMED[name]) as server:
            ran = subprocess.run(
                [sys.executable, "-c", code, str(server.port)], capture_output=True, text=True, timeout=60, check=True
            )
        message, _, grown = ran.stdout.strip().rpartition(" ")
        assert "larger than 4 MB" in message
        assert int(grown) < 20


def test_good_answers_of_all_shapes_are_read() -> None:
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n3;x=y\r\nhel\r\n2\r\nlo\r\n0\r\nX: y\r\n\r\n"
    for give in (
        body(b"hello"),
        whole(b"HTTP/1.0 200 OK\r\n\r\nhello"),
        whole(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"),
        whole(b"HTTP/1.1 200\r\nX-Empty:\r\ncontent-length:5\r\n\r\nhello"),
        whole(chunked),
    ):
        with answering(give) as server:
            client = LoopbackClient(server.port)
            assert client.request("GET", "/") == (200, b"hello")
            client.close()


def test_an_answer_given_before_all_was_sent_is_read() -> None:
    def refuse(stream: socket.socket) -> None:
        stream.sendall(b"HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")
        stream.shutdown(socket.SHUT_RDWR)

    with answering(refuse) as server:
        client = LoopbackClient(server.port)
        try:
            assert client.request("POST", "/predict", b"x" * 30_000_000) == (413, b"{}")
        except ServiceUnavailable as error:  # the system may throw away what came when it resets the connection
            assert "does not answer" in error.message
        client.close()


def test_the_release_proves_itself_before_it_is_sent_anything() -> None:
    with answering(body(b"[]"), prelude=proving(EXPECTED.secret)) as server:
        client = LoopbackClient(server.port, EXPECTED)
        assert client.request("POST", "/predict", b"rows") == (200, b"[]")
        client.close()
    asked, sent = server.received
    assert asked.startswith(b"GET /v2/health/ready HTTP/1.1\r\n")
    assert b"Authorization" not in asked
    assert b"Authorization: Bearer " + token(EXPECTED.secret).encode() in sent


def replaying() -> Callable[[socket.socket, bytes], None]:
    """Gives the proof of another challenge."""

    def prove(stream: socket.socket, _head: bytes) -> None:
        said = proof(EXPECTED.secret, "00" * 32, "wine", 3).encode()
        stream.sendall(b"HTTP/1.1 200 OK\r\nkronkers-proof: " + said + b"\r\nContent-Length: 2\r\n\r\n{}")

    return prove


def answered(answer: bytes) -> Callable[[socket.socket, bytes], None]:
    return lambda stream, _head: stream.sendall(answer)


IMPOSTORS = {
    "no proof": answered(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"),
    "empty proof": answered(b"HTTP/1.1 200 OK\r\nkronkers-proof:\r\nContent-Length: 2\r\n\r\n{}"),
    "odd letters": answered(b"HTTP/1.1 200 OK\r\nkronkers-proof: \xff\xe4\r\nContent-Length: 2\r\n\r\n{}"),
    "not found": answered(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"),
    "another program": answered(b"SSH-2.0-OpenSSH_9.2\r\n"),
    "half an answer": answered(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"),
    "another secret": proving(b"t" * 32),
    "another model": proving(EXPECTED.secret, model="beer"),
    "another version": proving(EXPECTED.secret, version=2),
    "an old proof": replaying(),
    "a large answer": answered(b"HTTP/1.1 200 OK\r\nContent-Length: 9000000\r\n\r\n"),
}


@pytest.mark.parametrize("name", IMPOSTORS)
def test_what_is_not_the_release_is_sent_nothing(name: str) -> None:
    def impostor(stream: socket.socket, head: bytes) -> None:
        IMPOSTORS[name](stream, head)
        if name == "half an answer":
            stream.shutdown(socket.SHUT_WR)

    with answering(body(b"{}"), prelude=impostor) as server:
        client = LoopbackClient(server.port, EXPECTED)
        with pytest.raises(ServiceUnproven) as refused:
            client.request("POST", "/predict", b"the rows", timeout=5)
        client.close()
        time.sleep(0.1)
    assert refused.value.message == "Something else answers at the address of wine r3. Nothing was sent to it."
    assert "Release wine again" in refused.value.next_step
    assert any(b"Kronkers-Challenge" in part for part in server.received)
    assert all(b"the rows" not in part and b"Bearer" not in part for part in server.received)


def test_each_new_connection_is_proven_anew() -> None:
    turns = [proving(EXPECTED.secret), IMPOSTORS["another secret"]]

    def prelude(stream: socket.socket, head: bytes) -> None:
        turns.pop(0)(stream, head)

    # The first connection is closed after its answer, as a service that ends does; then somebody else has the port.
    with answering(body(b"{}"), prelude=prelude) as server:
        client = LoopbackClient(server.port, EXPECTED)
        assert client.request("POST", "/predict", b"first") == (200, b"{}")
        time.sleep(0.1)
        with pytest.raises(ServiceUnproven):
            client.request("POST", "/predict", b"second")
        client.close()
    assert any(b"first" in part for part in server.received)
    assert all(b"second" not in part for part in server.received)


def test_nobody_who_speaks_is_unavailable_not_an_impostor() -> None:
    with answering(whole(b""), prelude=lambda stream, _head: stream.close()) as server:
        client = LoopbackClient(server.port, EXPECTED)
        with pytest.raises(ServiceUnavailable) as refused:
            client.request("GET", "/metrics")
        client.close()
    assert not isinstance(refused.value, ServiceUnproven)


def test_secrets_differ_by_place_model_number_and_nonce_and_are_not_shown() -> None:
    made = {
        release_secret(b"k" * 32, *named)
        for named in [
            ("a", "m", 1, "n"),
            ("b", "m", 1, "n"),
            ("a", "x", 1, "n"),
            ("a", "m", 2, "n"),
            ("a", "m", 1, "o"),
        ]
    }
    assert {len(secret) for secret in made} == {32}
    assert len(made) == 5
    assert json.dumps(EXPECTED.secret.decode()) not in repr(EXPECTED)
    assert "ssss" not in repr(EXPECTED)
