"""Requests over many connections for some seconds, as fast as they are answered; a process of its own, so that what it
costs is not counted with the server.

    python -m benchmarks.services.load FILE

FILE is JSON: {"port", "connections", "seconds", "requests": [the bytes of each as Latin-1 text]}. It prints
{"answered", "statuses": {status: count}, "seconds", "times": [of each answer in milliseconds, rising]}.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
from collections import Counter
from pathlib import Path
from typing import cast

_STATUS = re.compile(rb"HTTP/1\.[01] ([0-9]{3})")
_LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]+)", re.IGNORECASE)
_CHUNKED_END = b"\r\n0\r\n\r\n"


class _Connection(asyncio.Protocol):
    """Sends one request after another, and notes how long each answer took."""

    def __init__(self, load: Load, at: int) -> None:
        self._load = load
        self._at = at
        self._received = b""
        self._sent = 0.0
        self._transport: asyncio.WriteTransport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.WriteTransport, transport)
        self._send()

    def data_received(self, data: bytes) -> None:
        self._received += data
        if not _is_whole(self._received):
            return
        self._load.note(self._received, time.perf_counter() - self._sent)
        self._received = b""
        if not self._transport.is_closing():
            self._send()

    def connection_lost(self, exc: Exception | None) -> None:
        self._load.lost(self._at)

    def _send(self) -> None:
        if self._load.over:
            self._transport.close()
            return
        self._at += 1
        self._sent = time.perf_counter()
        self._transport.write(self._load.requests[self._at % len(self._load.requests)])


class Load:
    """What was answered so far."""

    def __init__(self, port: int, connections: int, seconds: float, requests: list[bytes]) -> None:
        self.requests = requests
        self._port = port
        self._connections = connections
        self._seconds = seconds
        self._statuses: Counter[str] = Counter()
        self._times: list[float] = []
        self._open = connections
        self._ended = asyncio.Event()
        self.over = False

    async def run(self) -> dict[str, object]:
        """Ask until the time is over, and every request that was sent is answered."""
        begun = time.perf_counter()
        for at in range(self._connections):
            await self._connect(at)
        await asyncio.sleep(max(0.0, self._seconds - (time.perf_counter() - begun)))
        self.over = True
        spent = time.perf_counter() - begun
        answered = len(self._times)
        async with asyncio.timeout(120):
            await self._ended.wait()
        return {
            "answered": answered,
            "statuses": dict(self._statuses),
            "seconds": spent,
            "times": sorted(round(each * 1000, 3) for each in self._times),
        }

    def note(self, answer: bytes, seconds: float) -> None:
        found = _STATUS.match(answer)
        self._statuses[found[1].decode() if found else "?"] += 1
        self._times.append(seconds)

    def lost(self, at: int) -> None:
        """A connection was closed: by us in the end, else another takes its place."""
        if self.over:
            self._open -= 1
            if self._open == 0:
                self._ended.set()
        else:
            self._statuses["closed"] += 1
            self._again = asyncio.get_running_loop().create_task(self._connect(at))

    async def _connect(self, at: int) -> None:
        loop = asyncio.get_running_loop()
        await loop.create_connection(lambda: _Connection(self, at), "127.0.0.1", self._port)


def _is_whole(answer: bytes) -> bool:
    head, end, body = answer.partition(b"\r\n\r\n")
    if not end:
        return False
    length = _LENGTH.search(head)
    return len(body) >= int(length[1]) if length else answer.endswith(_CHUNKED_END)


def main() -> None:
    given = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    given["requests"] = [request.encode("latin-1") for request in given["requests"]]
    print(json.dumps(asyncio.run(Load(**given).run())))


if __name__ == "__main__":
    main()
