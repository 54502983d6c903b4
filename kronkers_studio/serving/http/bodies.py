"""Reading a request's body within bounds."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection
from typing import Any

import orjson

from kronkers_studio.serving.problems import Refusal

Receive = Callable[[], Awaitable[Any]]
Scope = Any

JSON = "application/json"
CSV = "text/csv"
ARROW, ARROW_FILE = "application/vnd.apache.arrow.stream", "application/vnd.apache.arrow.file"
BODY_IS_WHOLE = "kronkers.body_is_whole"
"""A key of a request's scope: true when the whole body has come, so that reading it waits for nothing."""
ROWS = "kronkers.rows"
"""A key of a request's scope: how many rows it holds, once they were read."""

SAMPLED = "kronkers.sampled"
"""A key of a request's scope: true when its rows are to be recorded."""

_SECONDS_TO_SEND = 60.0


class SenderGone(Exception):
    """The connection closed before the request was complete."""


def header(scope: Scope, name: bytes) -> str | None:
    """The value of the header ``name`` (lower case), if it was sent."""
    for found, value in scope["headers"]:
        if found == name:
            return str(value, "latin-1")
    return None


def check_type(scope: Scope, *, others: Collection[str] = (), binary: bool = False) -> str:
    """The body's type: JSON, one of ``others``, or with ``binary`` the protocol's binary data. Anything else is
    refused (415).

    Those types are what a web page can send to another origin only after asking whether it may, which gets a no here.
    A body of no type at all is one of those that it can send unasked; a header that it cannot is as good as the type.
    """
    found = header(scope, b"content-type")
    if found is None:
        asked_first = (header(scope, b"authorization") or "").startswith("Bearer ")
        if asked_first or (binary and header(scope, b"inference-header-content-length") is not None):
            return JSON
    kind = (found or "").partition(";")[0].strip().lower()
    if kind != JSON and kind not in others and not (binary and kind == "application/octet-stream"):
        sent = f", not {kind[:60]}" if kind else ""
        raise Refusal(
            f"The body must be JSON: send the header Content-Type: application/json{sent}.", status=415, headers=_CLOSE
        )
    return kind


async def read_body(scope: Scope, receive: Receive, most_bytes: int) -> bytes:
    """The whole body. Raises ``Refusal`` when it is too large, compressed or too slow, ``SenderGone`` when cut off."""
    if (header(scope, b"content-encoding") or "identity").lower() != "identity":
        raise Refusal("Compressed bodies are not supported; send the body as it is.", status=415)
    announced = header(scope, b"content-length") or ""
    if announced.isdigit() and int(announced) > most_bytes:
        raise _too_large(most_bytes)
    if scope.get(BODY_IS_WHOLE):
        return await _all_parts(receive, most_bytes)
    task, late = asyncio.current_task(), []

    def end_waiting() -> None:
        late.append(True)
        if task is not None:
            task.cancel()

    timer = asyncio.get_running_loop().call_later(_SECONDS_TO_SEND, end_waiting)
    try:
        return await _all_parts(receive, most_bytes)
    except asyncio.CancelledError:
        if not late:
            raise
        if task is not None and hasattr(task, "uncancel"):  # Python 3.11
            task.uncancel()
        raise Refusal(
            f"The body took longer than {_SECONDS_TO_SEND:.0f} seconds to arrive.", status=408, headers=_CLOSE
        ) from None
    finally:
        timer.cancel()


async def _all_parts(receive: Receive, most_bytes: int) -> bytes:
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise SenderGone
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > most_bytes:
            raise _too_large(most_bytes)
        if not message.get("more_body"):
            return b"".join(parts) if len(parts) > 1 else parts[0]


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


def _too_large(most_bytes: int) -> Refusal:
    return Refusal(
        f"The body is larger than {most_bytes} bytes, the most that one request may hold. Send the rows in parts.",
        status=413,
        headers=_CLOSE,
    )
