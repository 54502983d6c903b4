"""A line of the log for each request, or for a share of them: what was asked, how it ended, how long it took.

Never what a row holds, a token, the address of who asked, or an address that is none of the service's: only the names
of its routes. Lines are bounded in number, so that many requests fill no log.
"""

from __future__ import annotations

import logging
import random
import re
import time
from collections.abc import Awaitable, Callable
from typing import Any

from kronkers_studio.serving.http.answers import Send
from kronkers_studio.serving.http.bodies import ROWS, Receive, Scope
from kronkers_studio.serving.http.request_ids import REQUEST_ID

_log = logging.getLogger(__name__)

_MOST_A_SECOND = 100
_OWN = frozenset(
    {
        "/",
        "/predict",
        "/openapi.json",
        "/metrics",
        "/history",
        "/statistics",
        "/recorded-rows",
        "/v2",
        "/v2/health/live",
        "/v2/health/ready",
    }
)
_OF_MODEL = re.compile(r"/v2/models/[^/]*(?:/versions/[^/]*)?(?P<ending>/infer|/ready)?")
_SENDER_GONE = 499


class RequestLog:
    """Lets every request through to ``app``, and logs ``share`` of them (1.0: each), at most a hundred a second."""

    def __init__(self, app: Callable[[Scope, Receive, Send], Awaitable[None]], share: float) -> None:
        self._app = app
        self._share = share
        self._second = 0
        self._lines = 0
        self._left_out = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or (self._share < 1 and random.random() >= self._share):  # noqa: S311 — a sample
            await self._app(scope, receive, send)
            return
        began, seen = time.perf_counter(), _Seen(receive, send)
        try:
            await self._app(scope, seen.receive, seen.send)
        finally:
            self._write(scope, seen, time.perf_counter() - began)

    def _write(self, scope: Scope, seen: _Seen, seconds: float) -> None:
        if not self._has_room():
            self._left_out += 1
            return
        fields: dict[str, Any] = {
            "request_id": seen.request_id,
            "method": scope["method"][:10],
            "route": _route(scope["path"]),
            "status": seen.status,
            "rows": scope.get(ROWS),
            "bytes_in": seen.bytes_in,
            "bytes_out": seen.bytes_out,
            "ms": round(1000 * seconds, 2),
            "not_logged": self._left_out,
        }
        self._left_out = 0
        _log.info("request", extra={"fields": {name: value for name, value in fields.items() if value}})

    def _has_room(self) -> bool:
        second = int(time.monotonic())
        if second != self._second:
            self._second, self._lines = second, 0
        self._lines += 1
        return self._lines <= _MOST_A_SECOND


class _Seen:
    """What passes between a sender and the service."""

    def __init__(self, receive: Receive, send: Send) -> None:
        self._receive = receive
        self._send = send
        self.status = _SENDER_GONE
        self.request_id = ""
        self.bytes_in = 0
        self.bytes_out = 0

    async def receive(self) -> Any:
        message = await self._receive()
        self.bytes_in += len(message.get("body", b""))
        return message

    async def send(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.request_id = next((str(v, "latin-1") for n, v in message["headers"] if n == REQUEST_ID), "")
        self.bytes_out += len(message.get("body", b""))
        await self._send(message)


def _route(path: str) -> str:
    if path in _OWN:
        return path
    found = _OF_MODEL.fullmatch(path)
    return f"/v2/models/MODEL{found['ending'] or ''}" if found else "another"
