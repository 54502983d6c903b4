"""Answers that wait to be read, and how long and in how much memory those of slow readers may wait.

Slow is not dead: who takes ``LEAST_READ`` bytes in ``SECONDS_TO_READ`` may go on for hours. But while more than
``MOST_UNSENT`` bytes wait for all together, who reads slower than ``SLOW`` is let go, the slowest first.

What a reader takes is seen in steps: as much as this system keeps of an answer, by default megabytes, must have gone
before it takes more. ``see_progress`` makes that ``_MOST_KEPT``.
"""

from __future__ import annotations

import asyncio
import socket
from dataclasses import dataclass
from typing import Any

SECONDS_TO_READ = 60.0
LEAST_READ = 16 << 10  # bytes
MOST_UNSENT = 64 << 20  # bytes
SLOW = 64 << 10  # bytes a second

_MOST_KEPT = 16 << 10  # bytes
_PAUSE = 1.0  # seconds between two looks
_SECONDS_TO_BEGIN = 5.0  # before which nobody's speed is known
_CONTINUE = b"HTTP/1.1 100 "
_HEAD = b"HTTP/1.1 "
_MOST_JOINED = 64 << 10  # bytes; to copy more costs as much as to send it by itself


def see_progress(listener: socket.socket) -> None:
    """Let the connections that ``listener`` will accept take as little of an answer ahead as the system allows."""
    if hasattr(socket, "TCP_NOTSENT_LOWAT"):  # Linux and macOS
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, _MOST_KEPT)


class Outgoing(asyncio.Transport):
    """A connection's ``transport``, by whose ``write`` an answer's head goes out with its body: each that is sent by
    itself costs as much as all else that HTTP does. Call ``flush`` at the end of an answer."""

    def __init__(self, transport: asyncio.Transport, unsent: Unsent) -> None:
        self._transport = transport
        self._all = unsent
        self._head = b""
        self._written = 0

    @property
    def unsent(self) -> int:
        """Bytes that the reader's system has not taken yet."""
        return self._transport.get_write_buffer_size()

    @property
    def taken(self) -> int:
        """Bytes that the reader's system has taken."""
        return self._written - self.unsent

    def write(self, data: Any) -> None:
        """Send ``data``; an answer's head waits for what follows it."""
        if self._head and len(data) <= _MOST_JOINED:
            data, self._head = self._head + data, b""
        elif self._head:
            self.flush()
        elif data.startswith(_HEAD) and not data.startswith(_CONTINUE):
            self._head = data
            return
        self._send(data)

    def flush(self) -> None:
        """Send a head that nothing followed."""
        if self._head:
            head, self._head = self._head, b""
            self._send(head)

    def close(self) -> None:
        """After all was sent."""
        self.flush()
        self._transport.close()

    def abort(self) -> None:
        """Now, without what waits."""
        self._transport.abort()

    def is_closing(self) -> bool:
        """As ``asyncio.Transport``."""
        return self._transport.is_closing()

    def pause_reading(self) -> None:
        """As ``asyncio.Transport``."""
        self._transport.pause_reading()

    def resume_reading(self) -> None:
        """As ``asyncio.Transport``."""
        self._transport.resume_reading()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """As ``asyncio.Transport``."""
        return self._transport.get_extra_info(name, default)

    def lost(self) -> None:
        """There is no connection any more."""
        self._all.forget(self)

    def _send(self, data: bytes) -> None:
        self._written += len(data)
        self._transport.write(data)
        if self._transport.get_write_buffer_size():
            self._all.watch(self)


@dataclass
class _Reading:
    """What a reader had taken at two moments: when it began, and when it last had taken enough."""

    began: float
    taken: int
    enough_at: float
    taken_then: int


class Unsent:
    """What waits for all readers together. All of its methods belong to the event loop's thread."""

    def __init__(self) -> None:
        self._readers: dict[Outgoing, _Reading] = {}
        self._timer: asyncio.TimerHandle | None = None

    @property
    def size(self) -> int:
        """Bytes that wait."""
        return sum(reader.unsent for reader in self._readers)

    def watch(self, reader: Outgoing) -> None:
        """``reader`` has not taken all that it was sent."""
        if reader in self._readers:
            return
        loop = asyncio.get_running_loop()
        self._readers[reader] = _Reading(loop.time(), reader.taken, loop.time(), reader.taken)
        if self._timer is None:
            self._timer = loop.call_later(_PAUSE, self._look)

    def forget(self, reader: Outgoing) -> None:
        """``reader`` is gone."""
        self._readers.pop(reader, None)

    def _look(self) -> None:
        loop = asyncio.get_running_loop()
        self._readers = {reader: reading for reader, reading in self._readers.items() if reader.unsent}
        self._let_dead_go(loop.time())
        self._let_slow_go(loop.time())
        self._timer = loop.call_later(_PAUSE, self._look) if self._readers else None

    def _let_dead_go(self, now: float) -> None:
        for reader, reading in self._readers.items():
            if reader.taken - reading.taken_then >= LEAST_READ:
                reading.enough_at, reading.taken_then = now, reader.taken
            elif now - reading.enough_at >= SECONDS_TO_READ:
                reader.abort()

    def _let_slow_go(self, now: float) -> None:
        """As many as make what waits small enough."""
        size = self.size
        if size <= MOST_UNSENT:
            return
        known = ((now - reading.began, reader, reading) for reader, reading in self._readers.items())
        speeds = {
            reader: (reader.taken - reading.taken) / seconds
            for seconds, reader, reading in known
            if seconds >= _SECONDS_TO_BEGIN
        }
        for reader in sorted(speeds, key=lambda reader: speeds[reader]):
            if size <= MOST_UNSENT or speeds[reader] >= SLOW:
                return
            size -= reader.unsent
            reader.abort()
