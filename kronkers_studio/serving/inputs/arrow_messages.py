"""The messages that an Arrow stream or file consists of."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from kronkers_studio.serving.inputs.arrow_types import CONTINUED, FILE, FILE_END, SCHEMA
from kronkers_studio.serving.inputs.flat_tables import FlatTable, broken, number_at
from kronkers_studio.serving.problems import Refusal

_MOST_MESSAGES = 10_000
_STREAM_END = CONTINUED + bytes(4)
_FILE_END = 4 + len(FILE_END)  # the footer's length, and the file's last bytes


@dataclass(frozen=True)
class Message:
    """One message: its kind, what it says, its buffers, and where the next one may begin."""

    kind: int
    header: FlatTable
    part: bytes
    end: int


def messages(body: bytes) -> Iterator[Message]:
    """Each message in ``body``, the schema first. Raises ``Refusal``."""
    return _of_file(body) if body.startswith(FILE) else _of_stream(body)


def _of_stream(body: bytes) -> Iterator[Message]:
    at = 0
    for _ in range(_MOST_MESSAGES):
        if at == len(body) or body.startswith(_STREAM_END, at):
            return
        message = _message(body, at)
        yield message
        at = message.end
    raise _too_many()


def _of_file(body: bytes) -> Iterator[Message]:
    """As its footer names them: not every writer's file holds a stream."""
    end = len(body) - _FILE_END
    length = number_at(body, "i", end)
    if not body.endswith(FILE_END) or not 0 < length <= end:
        raise broken("the file has no end")
    footer = FlatTable.root(body[end - length : end])
    schema = footer.table(1)
    if schema is None:
        raise broken("the file has no schema")
    yield Message(SCHEMA, schema, b"", 0)
    places = [place for slot in (2, 3) for place, _, _ in footer.numbers(slot, each=3)]
    if len(places) > _MOST_MESSAGES:
        raise _too_many()
    before = 0
    for place in sorted(places):  # none may be read twice
        if place < before:
            raise broken("its messages overlap")
        before = _message(body, place).end
    for place in places:
        yield _message(body, place)


def _message(body: bytes, at: int) -> Message:
    """The message that begins at the byte ``at``."""
    if body[at : at + 4] != CONTINUED:
        raise broken("a message does not begin as one does")
    start = at + 8
    length = number_at(body, "i", at + 4)
    if length <= 0 or start + length > len(body):
        raise broken("it ends within a message")
    message = FlatTable.root(body[start : start + length])
    size = message.number(3, "q")
    end = start + length + size
    if size < 0 or end > len(body):
        raise broken("it ends within a message")
    header = message.table(2)
    if header is None:
        raise broken("a message says nothing")
    return Message(message.number(1, "B"), header, body[start + length : end], end)


def _too_many() -> Refusal:
    return Refusal(f"The body has more than {_MOST_MESSAGES} messages. Send larger batches.", status=413)
