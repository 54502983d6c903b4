"""Many clients at once that keep their connections and ask again as soon as they have an answer."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

_LENGTH = re.compile(rb"content-length: (\d+)", re.IGNORECASE)
_CLOSES = re.compile(rb"connection: close", re.IGNORECASE)


@dataclass
class Outcome:
    """``statuses`` of whole answers; ``lost``: requests that were sent and got none; ``refused``: connections that were
    never made."""

    statuses: Counter[int] = field(default_factory=Counter)
    lost: list[str] = field(default_factory=list)
    refused: int = 0


def request(body: bytes, path: str = "/predict") -> bytes:
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
    return head.encode() + b"\r\n\r\n" + body


async def ask_until(ended: Callable[[], bool], port: int, sent: bytes, outcome: Outcome, *, pause: float = 0.0) -> None:
    """Ask until ``ended`` or nobody listens any more; who is told ``Connection: close`` makes a new one."""
    while not ended():
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            outcome.refused += 1
            return
        try:
            while not ended():
                if not await _asked(reader, writer, sent, outcome):
                    break
                if pause:
                    await asyncio.sleep(pause)
        finally:
            writer.close()


async def ask_each(waiting: Iterator[bytes], port: int, outcome: Outcome) -> None:
    """Send what is left of ``waiting``, one after the other."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for sent in waiting:
        if reader.at_eof() or not await _asked(reader, writer, sent, outcome):
            writer.close()
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.close()


async def _asked(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, sent: bytes, outcome: Outcome) -> bool:
    """Whether the connection may be used again."""
    if reader.at_eof():  # closed while it said nothing, before anything was sent
        return False
    try:
        writer.write(sent)
        await writer.drain()
        head = await reader.readuntil(b"\r\n\r\n")
        length = _LENGTH.search(head)
        assert length is not None
        await reader.readexactly(int(length[1]))
    except (OSError, asyncio.IncompleteReadError) as problem:
        outcome.lost.append(repr(problem))
        return False
    outcome.statuses[int(head[9:12])] += 1
    return not _CLOSES.search(head)
