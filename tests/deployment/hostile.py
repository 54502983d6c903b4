"""Answers of services that mean harm, and a real server that gives them."""

from __future__ import annotations

import itertools
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from kronkers_studio.deployment.proof import proof

Give = Callable[[socket.socket], None]


def whole(answer: bytes) -> Give:
    """All of ``answer`` at once, then the end."""
    return lambda stream: stream.sendall(answer)


def endless(beginning: bytes, piece: bytes, *, pause: float = 0.0) -> Give:
    """``beginning``, and then ``piece`` for ever."""

    def give(stream: socket.socket) -> None:
        stream.sendall(beginning)
        many = piece if pause else piece * max(1, 65536 // len(piece))
        while True:
            stream.sendall(many)
            time.sleep(pause)

    return give


def silent(_stream: socket.socket) -> None:
    time.sleep(30)


def body(content: bytes, head: bytes = b"HTTP/1.1 200 OK\r\n") -> Give:
    return whole(head + b"Content-Length: %d\r\n\r\n" % len(content) + content)


_OK = b"HTTP/1.1 200 OK\r\n"
_CHUNKED = _OK + b"Transfer-Encoding: chunked\r\n\r\n"

MALFORMED: dict[str, Give] = {
    "nothing": whole(b""),
    "garbage": whole(bytes(range(256)) * 40),
    "ssh": whole(b"SSH-2.0-OpenSSH_9.2\r\n"),
    "tls": whole(b"\x16\x03\x03\x00\x7a\x02"),
    "html without head": whole(b"<html></html>"),
    "http 0.9": whole(b"hello\r\n\r\n"),
    "http 2": whole(b"HTTP/2 200\r\nContent-Length: 0\r\n\r\n"),
    "status of letters": whole(b"HTTP/1.1 abc\r\n\r\n"),
    "status of one digit": whole(b"HTTP/1.1 2\r\n\r\n"),
    "status of many digits": whole(b"HTTP/1.1 2000\r\nContent-Length: 0\r\n\r\n"),
    "status zero": whole(b"HTTP/1.1 000 x\r\nContent-Length: 0\r\n\r\n"),
    "status with underscore": whole(b"HTTP/1.1 2_0 x\r\nContent-Length: 0\r\n\r\n"),
    "switches protocols": whole(b"HTTP/1.1 101 Switching\r\n\r\n"),
    "interim for ever": endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "early hints for ever": endless(b"", b"HTTP/1.1 103 Hints\r\nLink: x\r\n\r\n"),
    "status line for ever": endless(b"HTTP/1.1 200 ", b"x"),
    "header for ever": endless(_OK + b"X: ", b"x"),
    "headers for ever": endless(_OK, b"X: y\r\n"),
    "many headers": whole(_OK + b"".join(b"X-%d: 1\r\n" % n for n in range(500)) + b"Content-Length: 0\r\n\r\n"),
    "header without colon": whole(_OK + b"nonsense\r\nContent-Length: 0\r\n\r\n"),
    "folded header": whole(_OK + b"X: a\r\n b\r\nContent-Length: 0\r\n\r\n"),
    "zero byte in header": whole(_OK + b"X: \0\r\nContent-Length: 0\r\n\r\n"),
    "spaces in header": whole(_OK + b"X:" + b" " * 30_000 + b"y" + b"\r\nContent-Length: x\r\n\r\n"),
    "negative length": whole(_OK + b"Content-Length: -5\r\n\r\nhello"),
    "length of letters": whole(_OK + b"Content-Length: five\r\n\r\nhello"),
    "length with sign": whole(_OK + b"Content-Length: +5\r\n\r\nhello"),
    "length of thousands of digits": whole(_OK + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n"),
    "two lengths": whole(_OK + b"Content-Length: 5\r\nContent-Length: 2\r\n\r\nhello"),
    "length and chunks": whole(_OK + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    "unknown coding": whole(_OK + b"Transfer-Encoding: gzip\r\n\r\n"),
    "compressed": whole(_OK + b"Content-Encoding: gzip\r\nContent-Length: 3\r\n\r\n\x1f\x8b\x08"),
    "length of a gigabyte": endless(_OK + b"Content-Length: 1500000000\r\n\r\n", b"x"),
    "body for ever": endless(_OK + b"\r\n", b"x"),
    "chunks for ever": endless(_CHUNKED, b"1000\r\n" + b"x" * 4096 + b"\r\n"),
    "tiny chunks for ever": endless(_CHUNKED, b"1\r\nx\r\n"),
    "chunk extensions for ever": endless(_CHUNKED, b"1;" + b"e" * 900 + b"\r\nx\r\n"),
    "chunk size for ever": endless(_CHUNKED, b"0"),
    "trailer for ever": endless(_CHUNKED + b"0\r\n", b"X: y\r\n"),
    "negative chunk": whole(_CHUNKED + b"-5\r\nhello\r\n0\r\n\r\n"),
    "minus one chunk": endless(_CHUNKED + b"-1\r\n", b"x"),
    "huge chunk": endless(_CHUNKED + b"ffffffffffffffff\r\n", b"x"),
    "chunk with underscore": whole(_CHUNKED + b"1_0\r\n" + b"x" * 16 + b"\r\n0\r\n\r\n"),
    "chunk longer than its size": whole(_CHUNKED + b"2\r\nhello\r\n0\r\n\r\n"),
    "ends within the head": whole(b"HTTP/1.1 200 OK\r\nContent-"),
    "ends within the body": whole(_OK + b"Content-Length: 500\r\n\r\n{}"),
    "ends within a chunk": whole(_CHUNKED + b"500\r\nhello"),
    "ends before the last chunk": whole(_CHUNKED + b"5\r\nhello\r\n"),
}
"""Answers that are none; the client must say so within its time and its memory."""


def late(beginning: bytes) -> Give:
    """``beginning`` after most of a second, and then nothing."""

    def give(stream: socket.socket) -> None:
        time.sleep(0.8)
        stream.sendall(beginning)
        silent(stream)

    return give


SLOW: dict[str, Give] = {
    "one byte late": late(b"H"),
    "head late": late(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"),
    "silent": silent,
    "head byte by byte": endless(b"HTTP/1.1 200 OK\r\nX: ", b"x", pause=0.1),
    "body byte by byte": endless(_OK + b"Content-Length: 100000\r\n\r\n", b" ", pause=0.1),
    "chunks byte by byte": endless(_CHUNKED, b"1\r\n \r\n", pause=0.1),
    "interim now and then": endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n", pause=0.4),
}
"""Answers that never end, a little at a time."""


def proving(secret: bytes, model: str = "wine", version: int = 3) -> Callable[[socket.socket, bytes], None]:
    """Answers the first request of a connection as a service that knows ``secret`` does."""

    def prove(stream: socket.socket, head: bytes) -> None:
        challenge = next(
            line.split(b": ")[1].decode() for line in head.split(b"\r\n") if line.startswith(b"Kronkers-Challenge: ")
        )
        said = proof(secret, challenge, model, version).encode()
        stream.sendall(b"HTTP/1.1 200 OK\r\nkronkers-proof: " + said + b"\r\nContent-Length: 2\r\n\r\n{}")

    return prove


@contextmanager
def answering(*gives: Give, prelude: Callable[[socket.socket, bytes], None] | None = None) -> Iterator[Any]:
    """A server on loopback that answers each connection with the next of ``gives``, the last for ever.

    ``prelude`` answers the connection's first request before. The server's ``port`` and all that it ``received``.
    """

    class Server:
        port = 0
        received: list[bytes]

    server, over = Server(), threading.Event()
    server.received = []
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(0.1)
    server.port = listener.getsockname()[1]
    turns = itertools.chain(gives, itertools.repeat(gives[-1]))
    threads: list[threading.Thread] = []

    def serve(stream: socket.socket, give: Give) -> None:
        with stream, suppress(OSError):
            stream.settimeout(20)
            if prelude is not None:
                server.received.append(head := stream.recv(65536))
                prelude(stream, head)
            server.received.append(stream.recv(65536))
            give(stream)

    def accept() -> None:
        while not over.is_set():
            with suppress(TimeoutError):
                stream, _ = listener.accept()
                threads.append(threading.Thread(target=serve, args=(stream, next(turns)), daemon=True))
                threads[-1].start()

    accepting = threading.Thread(target=accept)
    accepting.start()
    try:
        yield server
    finally:
        over.set()
        accepting.join()
        listener.close()


def main(name: str) -> None:
    """Answer as ``name`` says until ended; the port is printed first."""
    with answering({**MALFORMED, **SLOW}[name]) as server:
        print(server.port, flush=True)
        time.sleep(60)


if __name__ == "__main__":
    main(sys.argv[1])
