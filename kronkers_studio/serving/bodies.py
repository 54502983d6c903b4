"""Reading a request's body within bounds."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import orjson

from kronkers_studio.serving.problems import Refusal

Receive = Callable[[], Awaitable[Any]]
Scope = Any

_SECONDS_TO_SEND = 60.0


class SenderGone(Exception):
    """The connection closed before the request was complete."""


def header(scope: Scope, name: bytes) -> str | None:
    """The value of the header ``name`` (lower case), if it was sent."""
    for found, value in scope["headers"]:
        if found == name:
            return str(value, "latin-1")
    return None


async def read_body(scope: Scope, receive: Receive, most_bytes: int) -> bytes:
    """The whole body. Raises ``Refusal`` when it is too large, compressed or too slow, ``SenderGone`` when cut off."""
    if (header(scope, b"content-encoding") or "identity").lower() != "identity":
        raise Refusal("Compressed bodies are not supported; send the body as it is.", status=415)
    announced = header(scope, b"content-length") or ""
    if announced.isdigit() and int(announced) > most_bytes:
        raise _too_large(most_bytes)
    message = await receive()
    if message["type"] == "http.request" and not message.get("more_body"):
        return _within(message.get("body", b""), most_bytes)
    deadline = asyncio.get_running_loop().time() + _SECONDS_TO_SEND
    parts, size = [], 0
    while True:
        if message["type"] != "http.request":
            raise SenderGone
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > most_bytes:
            raise _too_large(most_bytes)
        if not message.get("more_body"):
            return b"".join(parts)
        message = await _next_part(receive, deadline)


async def _next_part(receive: Receive, deadline: float) -> Any:
    part = asyncio.ensure_future(receive())
    done, _ = await asyncio.wait({part}, timeout=max(0.0, deadline - asyncio.get_running_loop().time()))
    if not done:
        part.cancel()
        raise Refusal(
            f"The body took longer than {_SECONDS_TO_SEND:.0f} seconds to arrive.", status=408, headers=_CLOSE
        )
    return part.result()


def parse_json(body: bytes | memoryview) -> dict[str, Any]:
    """The JSON object in ``body``. Raises ``Refusal`` for anything else."""
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Refusal(_why_not_json(error, bytes(body))) from None
    if not isinstance(found, dict):
        raise Refusal("The body must be a JSON object.")
    return found


def _why_not_json(error: orjson.JSONDecodeError, body: bytes) -> str:
    if not body.strip():
        return "The body is empty; send a JSON object."
    if any(word in error.msg.lower() for word in ("depth", "recursion")):
        return "The body is nested too deeply."
    wrong = body[error.pos : error.pos + 8].lstrip(b"-")
    if wrong.startswith((b"NaN", b"Inf")):
        return "The body is not valid JSON: NaN and Infinity are not numbers in JSON."
    return f"The body is not valid JSON: {error.msg} (line {error.lineno}, column {error.colno})."


_CLOSE = ((b"connection", b"close"),)


def _within(body: bytes, most_bytes: int) -> bytes:
    if len(body) > most_bytes:
        raise _too_large(most_bytes)
    return body


def _too_large(most_bytes: int) -> Refusal:
    return Refusal(
        f"The body is larger than {most_bytes} bytes, the most that one request may hold. Send the rows in parts.",
        status=413,
        headers=_CLOSE,
    )
