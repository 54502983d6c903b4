"""One HTTP connection, whose requests' headers are bounded in size and in time, and whose answers in how they are read.

uvicorn bounds none of it on this parser: a header sent by halves stays open for ever, and grows in memory; so does an
answer that nobody reads.
"""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from kronkers_studio.serving.http.bodies import BODY_IS_WHOLE
from kronkers_studio.serving.http.unsent import Outgoing, Unsent
from kronkers_studio.serving.http.upgrades import OfferlessParser

MOST_HEADER_BYTES = 32 * 1024  # of one request, with its address
SECONDS_FOR_HEADERS = 10.0

_MOST_REQUEST_BYTES = 256 << 20  # on the wire; the application bounds bodies, but sees no chunk's line and no trailer
_MOST_BYTES_AFTER_ANSWER = 16 << 20  # of a request that was answered before it was whole

_TOO_LARGE = b'{"error":"The request\'s headers are too large."}'


class Connections(ServerState):
    """What all connections of a service share."""

    def __init__(self) -> None:
        super().__init__()
        self.unsent = Unsent()


class BoundedProtocol(HttpToolsProtocol):
    """Closes what takes more than ``SECONDS_FOR_HEADERS`` to send the headers that it began, refuses (431) larger ones
    than ``MOST_HEADER_BYTES``, closes connections that never say anything as it does idle ones, and lets go who does
    not read its answers (``unsent``)."""

    def __init__(self, config: Config, server_state: Connections, *arguments: Any, **options: Any) -> None:
        super().__init__(config, server_state, *arguments, **options)
        self._unsent = server_state.unsent
        self._outgoing: Outgoing
        self.parser = OfferlessParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn does: what is pipelined then
        self._in_headers = False
        self._received = 0  # bytes since the last request's headers were complete
        self._header_timer: asyncio.TimerHandle | None = None
        self._active_at = self.loop.time()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn does
        self._outgoing = Outgoing(transport, self._unsent)
        super().connection_made(self._outgoing)
        self.timeout_keep_alive_task = self.loop.call_later(self.timeout_keep_alive, self.timeout_keep_alive_handler)

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        self._unset_keepalive_if_required()
        self._outgoing.lost()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._received += len(data)
        super().data_received(data)
        if self.transport.is_closing():
            return
        if self._in_headers:
            if self._received > MOST_HEADER_BYTES:
                self._refuse_headers()
                return
        elif self.cycle is not None and not self.cycle.response_complete:
            if self._received > _MOST_REQUEST_BYTES:
                self.transport.abort()
            return  # a request is being worked on; the application bounds its body
        elif self._received > _MOST_BYTES_AFTER_ANSWER:
            self.transport.abort()
            return
        if self._header_timer is None:
            self._header_timer = self.loop.call_later(SECONDS_FOR_HEADERS, self.timeout_keep_alive_handler)

    def say_close(self, header: tuple[bytes, bytes]) -> None:
        """Let the answers to what has come already say that the connection ends with them."""
        for cycle in (self.cycle, *(waiting for waiting, _ in self.pipeline)):
            if cycle is not None:
                cycle.default_headers = [header]

    def close_if_quiet(self, seconds: float) -> None:
        """Close the connection unless a request is being sent or answered, or one was within ``seconds``."""
        answering = self.cycle is not None and not self.cycle.response_complete
        if not (answering or self._in_headers or self.loop.time() - self._active_at < seconds):
            self.transport.close()

    def on_response_complete(self) -> None:
        self._active_at = self.loop.time()
        self._outgoing.flush()
        super().on_response_complete()

    def on_message_begin(self) -> None:
        self._in_headers = True
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._in_headers = False
        received, self._received = self._received, 0
        self._stop_timer()
        if received > MOST_HEADER_BYTES and self._header_bytes() > MOST_HEADER_BYTES:
            self._refuse_headers()
        elif not self._is_offer:
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        if not self.transport.is_closing():
            super().on_body(body)

    def on_message_complete(self) -> None:
        if not (self.transport.is_closing() or self._is_offer):
            super().on_message_complete()
            scope: Any = self.scope
            scope[BODY_IS_WHOLE] = True

    @property
    def _is_offer(self) -> bool:
        return isinstance(self.parser, OfferlessParser) and self.parser.is_offer

    def _header_bytes(self) -> int:
        """What the request's address and headers alone came to: a body may have come with them."""
        return len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)

    def _refuse_headers(self) -> None:
        self.transport.write(
            b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-type: application/json\r\n"
            b"connection: close\r\ncontent-length: %d\r\n\r\n%s" % (len(_TOO_LARGE), _TOO_LARGE)
        )
        self.transport.close()

    def _stop_timer(self) -> None:
        if self._header_timer is not None:
            self._header_timer.cancel()
            self._header_timer = None
