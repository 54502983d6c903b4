"""A program that listens in place of a Docker engine, passes on what it is asked, and lies where it is told to.

Run on a server as ``lying_engine.py SOCKET REAL_SOCKET FOLDER``. ``FOLDER/rules.json`` holds a list of
``[pattern, kind, value]``, the pattern for "GET /v1.41/info": ``body`` answers with the text, ``status`` with
``[status, headers, text]``, ``raw`` with exactly these bytes (Latin-1), ``endless`` with the text again and again as
chunks, ``huge`` with a body of so many zeros, ``slow`` with a byte each half second, ``mutate`` with the engine's own
answer in which something is another thing, chosen by the number ``value``. ``FOLDER/asked`` gets all that was asked.
"""

from __future__ import annotations

import http.client
import json
import os
import random
import re
import socket
import socketserver
import sys
import time
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

STRANGE: tuple[Any, ...] = (
    *(None, [], {}, "", 0, -1, 1, True, 10**30, 1.5, "x", [None], {"": None}, [[]]),
    *("../../other", "\x1b]0;owned\x07\n\r", "\ud800", "\u202etxt", "1" * 5000, "unknown", "running", 70000, "sha256:"),
)


def mutated(document: Any, chance: random.Random) -> Any:
    """``document`` with one of its parts gone or exchanged for something strange."""
    places: list[tuple[Any, Any]] = []

    def walk(value: Any) -> None:
        for key in list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
            places.append((value, key))
            walk(value[key])

    holder = [document]
    walk(holder)
    where, key = chance.choice(places)
    if isinstance(where, dict) and chance.random() < 0.3:
        del where[key]
    else:
        where[key] = chance.choice(STRANGE)
    return holder[0]


class _Unix(http.client.HTTPConnection):
    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(REAL)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def address_string(self) -> str:
        return ""

    def log_message(self, *arguments: object) -> None:
        pass

    def do_GET(self) -> None:
        body = self._read_body()
        with (FOLDER / "asked").open("ab") as asked:
            asked.write(f"{self.command} {self.path}\n".encode() + body[:100_000] + b"\n")
        for pattern, kind, value in json.loads((FOLDER / "rules.json").read_text()):
            if re.search(pattern, f"{self.command} {self.path}"):
                getattr(self, f"_{kind}")(value, body)
                return
        self._answer(*self._real(body))

    do_POST = do_DELETE = do_PUT = do_HEAD = do_GET

    def _read_body(self) -> bytes:
        if "chunked" in self.headers.get("Transfer-Encoding", ""):
            body = b""
            while size := int(self.rfile.readline(), 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return body
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def _real(self, body: bytes) -> tuple[int, bytes]:
        engine = _Unix("localhost", timeout=120)
        kind = {"Content-Type": self.headers["Content-Type"]} if self.headers["Content-Type"] else {}
        engine.request(self.command, self.path, body, {"Connection": "close", **kind})
        answer = engine.getresponse()
        return answer.status, answer.read()

    def _answer(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _body(self, value: str, _: bytes) -> None:
        self._answer(200, value.encode("utf-8", "surrogatepass"))

    def _status(self, value: Any, _: bytes) -> None:
        self._answer(value[0], value[2].encode(), value[1])

    def _raw(self, value: str, _: bytes) -> None:
        self.wfile.write(value.encode("latin-1"))
        self.close_connection = True

    def _endless(self, value: str, _: bytes) -> None:
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        piece = value.encode() * max(1, 60_000 // len(value))
        while True:
            self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))

    def _huge(self, value: int, _body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(value))
        self.end_headers()
        for _ in range(value // 65536):
            self.wfile.write(b"0" * 65536)

    def _slow(self, value: str, _: bytes) -> None:
        for byte in value.encode("latin-1"):
            self.wfile.write(bytes([byte]))
            self.wfile.flush()
            time.sleep(0.5)

    def _mutate(self, value: int, body: bytes) -> None:
        status, answer = self._real(body)
        try:
            document = json.loads(answer)
        except ValueError:
            self._answer(status, answer)
            return
        chance = random.Random(value)  # lies that come back when a test fails
        self._answer(status, json.dumps(mutated(document, chance)).encode())


if __name__ == "__main__":
    SOCKET, REAL, FOLDER = sys.argv[1], sys.argv[2], Path(sys.argv[3])
    Path(SOCKET).unlink(missing_ok=True)

    class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
        daemon_threads = True

    with Server(SOCKET, Handler) as server:
        os.chmod(SOCKET, 0o666)  # noqa: PTH101, S103  # on a server of the lab
        sys.stdout.write("listening\n")
        sys.stdout.flush()
        server.serve_forever()
