"""One HTTP connection, whose requests' headers are bounded in size and in time.

uvicorn bounds neither on this parser: a header sent by halves stays open for ever, and grows in memory.
"""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MOST_HEADER_BYTES = 32 * 1024  # of one request, with its address
SECONDS_FOR_HEADERS = 10.0

_TOO_LARGE = b'{"error":"The request\'s headers are too large."}'


class _HeadersTooLarge(Exception):
    pass


class BoundedProtocol(HttpToolsProtocol):
    """Closes what takes more than ``SECONDS_FOR_HEADERS`` to send the headers that it began, refuses (431) larger ones
    than ``MOST_HEADER_BYTES``, and closes connections that never say anything as it does idle ones."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._in_headers = False
        self._bytes_before_headers = 0  # received since the last request's headers were complete
        self._header_bytes = 0  # of the present request, as the parser hands them out
        self._too_large = False
        self._header_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn does
        super().connection_made(transport)
        self.timeout_keep_alive_task = self.loop.call_later(self.timeout_keep_alive, self.timeout_keep_alive_handler)

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        self._unset_keepalive_if_required()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._bytes_before_headers += len(data)
        super().data_received(data)
        if not self._in_headers and self.cycle is not None and not self.cycle.response_complete:
            return  # a request is being worked on; its body has bounds of its own
        if self._in_headers and self._bytes_before_headers > MOST_HEADER_BYTES and not self.transport.is_closing():
            self._refuse_headers()
        elif self._header_timer is None and not self.transport.is_closing():
            self._header_timer = self.loop.call_later(SECONDS_FOR_HEADERS, self.timeout_keep_alive_handler)

    def on_message_begin(self) -> None:
        self._in_headers, self._header_bytes = True, 0
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._count(len(name) + len(value) + 4)
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._in_headers, self._bytes_before_headers = False, 0
        self._stop_timer()
        super().on_headers_complete()

    def send_400_response(self, msg: str) -> None:
        if self._too_large:
            self._refuse_headers()
        else:
            super().send_400_response(msg)

    def _count(self, size: int) -> None:
        self._header_bytes += size
        if self._header_bytes > MOST_HEADER_BYTES:  # also a body's trailers
            self._too_large = True
            raise _HeadersTooLarge

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
