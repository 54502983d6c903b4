"""What goes back: a status, a body and headers, sent as one HTTP response."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson

from kronkers_studio.serving.model import Arrays
from kronkers_studio.serving.problems import Refusal
from kronkers_studio.serving.recording.documents import AnsweredRows

Send = Callable[[Any], Awaitable[None]]
Headers = tuple[tuple[bytes, bytes], ...]
_JSON = (b"content-type", b"application/json")


@dataclass(frozen=True)
class Answer:
    """``rows`` counts what was predicted for it; ``label`` is what was predicted, one answer for each row, and
    ``inputs`` what it was predicted of, where that is to be counted; ``recorded`` is what is to be kept of it."""

    body: bytes
    status: int = 200
    headers: Headers = (_JSON,)
    rows: int = 0
    label: np.ndarray[Any, Any] | None = None
    inputs: Arrays | None = None
    recorded: AnsweredRows | None = None


def json_answer(content: Any, *, status: int = 200, **counted: Any) -> Answer:
    """``content`` as JSON; NumPy arrays in it become lists, objects that JSON lacks become text. ``counted`` as in
    ``Answer``."""
    return Answer(orjson.dumps(content, default=str, option=orjson.OPT_SERIALIZE_NUMPY), status, **counted)


def problem(
    message: str, status: int, *, field: str | None = None, row: int | None = None, headers: Headers = ()
) -> Answer:
    """An error's answer: {"error": sentence, "field": …, "row": …}."""
    about = {"field": field, "row": row}
    content = {"error": message, **{name: value for name, value in about.items() if value is not None}}
    return Answer(orjson.dumps(content, default=str), status, (_JSON, *headers))


def refused(refusal: Refusal) -> Answer:
    """The answer that tells the sender why."""
    return problem(refusal.message, refusal.status, field=refusal.field, row=refusal.row, headers=refusal.headers)


async def send_answer(send: Send, answer: Answer, headers: Headers = ()) -> None:
    """Send ``answer`` whole, with ``headers`` besides its own."""
    length = (b"content-length", str(len(answer.body)).encode())
    await send({"type": "http.response.start", "status": answer.status, "headers": [*answer.headers, *headers, length]})
    await send({"type": "http.response.body", "body": answer.body})
