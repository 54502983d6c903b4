"""A parser of requests that takes an offer to change the protocol as no more than an offer.

Clients of Java and curl offer HTTP/2 with their first request (``Upgrade: h2c``), and send its body behind it.
httptools stops there, for what follows may be in the other protocol: the body would be lost.
"""

from __future__ import annotations

from typing import Any, Protocol

import httptools


class Request(Protocol):
    """What the parser has read of a request that makes an offer."""

    url: bytes
    headers: list[tuple[bytes, bytes]]


class OfferlessParser(httptools.HttpRequestParser):
    """Of the requests of ``protocol``, for which the head of one that makes an offer comes twice: first with
    ``is_offer``, and then, as if nothing had been offered, with the body."""

    def __init__(self, protocol: Request) -> None:
        super().__init__(protocol)
        self._protocol = protocol

    def feed_data(self, data: Any) -> None:
        """As httptools does; raises ``HttpParserUpgrade`` for CONNECT alone."""
        left = memoryview(data)
        while True:
            try:
                return super().feed_data(left)
            except httptools.HttpParserUpgrade as offer:
                if not self.is_offer:
                    raise
                left = left[offer.args[0] :]
            super().feed_data(self._head())

    @property
    def is_offer(self) -> bool:
        """Whether the head that was just read offers another protocol."""
        return bool(self.should_upgrade()) and self.get_method() != b"CONNECT"

    def _head(self) -> bytes:
        first = b"%s %s HTTP/%s\r\n" % (self.get_method(), self._protocol.url, self.get_http_version().encode())
        kept = (b"%s: %s\r\n" % header for header in self._protocol.headers if header[0] != b"upgrade")
        return b"".join([first, *kept, b"\r\n"])
