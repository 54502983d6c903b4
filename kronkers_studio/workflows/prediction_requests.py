"""Rows on their way to a model's service."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from kronkers_studio.domain.errors import InvalidInput
from kronkers_studio.domain.model_rows import takes_one_row
from kronkers_studio.domain.models import Signature
from kronkers_studio.workflows.prediction_answers import MOST_ANSWER_BYTES

if TYPE_CHECKING:
    from kronkers_studio.deployment.service_client import ServiceClient

_SECONDS_OF_SILENCE = 10.0  # of a service that was sent rows
_SECONDS_TO_PREDICT = 120.0  # for the whole of it, the way there and back included, and more for many rows:
_SLOWEST_LINE = 32_000  # bytes a second

PART_ROWS = 5_000
"""Rows in one request: a service takes 10,000."""
PART_BYTES = 8_000_000
"""Bytes of rows in one request: a service takes 16 MiB."""

Row = Mapping[str, Any] | Sequence[Any]
"""One row to predict: values by column name, or in the columns' order."""


class RawAnswer(NamedTuple):
    """What came back over HTTP, and how long that took."""

    status: int
    body: bytes
    milliseconds: float


def send_rows(client: ServiceClient, rows: Sequence[Row]) -> RawAnswer:
    """What the service answers to ``rows``, whatever that is. Raises ``InvalidInput`` for rows with NaN or infinity,
    ``ServiceUnavailable``, ``ServiceUnproven``."""
    body = _body(rows)
    started = time.perf_counter()
    status, answer = client.request(
        "POST",
        "/predict",
        body,
        {"Content-Type": "application/json"},
        timeout=_SECONDS_TO_PREDICT + len(body) / _SLOWEST_LINE,
        silence=_SECONDS_OF_SILENCE,
        most_bytes=MOST_ANSWER_BYTES,
    )
    return RawAnswer(status, answer, (time.perf_counter() - started) * 1000)


def row_parts(values: Sequence[Any], signature: Signature) -> Iterator[tuple[int, Sequence[Any]]]:
    """(where it begins, the rows) of each part that is sent in one request to a model with that signature."""
    start, size, most = 0, 0, 1 if takes_one_row(signature) else PART_ROWS
    for at, row in enumerate(values):
        length = len(json.dumps(row, ensure_ascii=False)) * 2  # letters are escaped on their way
        if at > start and (at - start >= most or size + length > PART_BYTES):
            yield start, values[start:at]
            start, size = at, 0
        size += length
    if start < len(values):
        yield start, values[start:]


def _body(rows: Sequence[Row]) -> bytes:
    try:
        return json.dumps({"rows": list(rows)}, allow_nan=False).encode("utf-8")
    except ValueError:
        raise InvalidInput(
            "A row holds NaN or infinity, which no model is sent.",
            next_step="Leave out what is not known, or give null.",
        ) from None
