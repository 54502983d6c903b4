"""HTTPS that does not wait for ever: bytes must keep coming, and whoever waits can stop.

Time limits of sockets are for one piece each: a server that sends a byte now and then never meets them. Here every
read of a connection, of headers and of bodies alike, looks at one watch.
"""

from __future__ import annotations

import contextlib
import http.client
import io
import socket
import ssl
import time
from typing import TYPE_CHECKING, Any

from requests.adapters import HTTPAdapter
from urllib3 import HTTPSConnectionPool
from urllib3.connection import HTTPSConnection

from kronkers_studio.domain.progress import CancelToken

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

WINDOW_SECONDS = 60.0
"""As long as a server may take for ``WINDOW_BYTES``, or for the whole of a smaller answer."""
WINDOW_BYTES = 64 * 1024
_POLL_SECONDS = 0.2
_MOST_HEAD = 1 << 20


class TooSlow(TimeoutError):
    """A server sent next to nothing for a long time."""


class Watch:
    """What all connections of one session look at. Raises ``TooSlow`` and ``Cancelled``."""

    def __init__(self, cancel: CancelToken) -> None:
        self._cancel = cancel
        self.restart()

    def restart(self) -> None:
        """A new request begins."""
        self._since, self._count = time.monotonic(), 0

    def received(self, count: int) -> None:
        self._count += count
        if self._count >= WINDOW_BYTES:
            self.restart()

    @property
    def expired(self) -> bool:
        return time.monotonic() - self._since > WINDOW_SECONDS

    def check(self) -> None:
        self._cancel.check()
        if self.expired:
            raise TooSlow(f"less than {WINDOW_BYTES} bytes in {WINDOW_SECONDS:g} seconds")


class WatchedAdapter(HTTPAdapter):
    """Makes the connections of a ``requests`` session look at ``watch``, through proxies too.

    What ``trusted`` trusts is trusted besides the usual authorities.
    """

    def __init__(self, watch: Watch, trusted: ssl.SSLContext | None = None) -> None:
        self._pools = {"https": _pool_of(watch)}
        self._trusted: dict[str, Any] = {} if trusted is None else {"ssl_context": trusted}
        super().__init__()

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        options.update(self._trusted)
        super().init_poolmanager(*arguments, **options)
        self.poolmanager.pool_classes_by_scheme = self._pools

    def proxy_manager_for(self, proxy: str, **options: Any) -> Any:
        manager = super().proxy_manager_for(proxy, **self._trusted, **options)
        manager.pool_classes_by_scheme = self._pools
        return manager


def _pool_of(watch: Watch) -> type[HTTPSConnectionPool]:
    class Response(http.client.HTTPResponse):
        def __init__(self, sock: socket.socket, *arguments: Any, **options: Any) -> None:
            super().__init__(sock, *arguments, **options)
            self._source = _WatchedSocket(sock, watch)
            plain, self.fp = self.fp, io.BufferedReader(self._source)
            plain.close()

        def begin(self) -> None:
            """Read the head; interim answers before it, of which there may be any number, are part of it."""
            super().begin()
            self._source.head_is_over = True

    class Connection(HTTPSConnection):
        response_class = Response

    class Pool(HTTPSConnectionPool):
        ConnectionCls = Connection

    return Pool


class _WatchedSocket(io.RawIOBase):
    """What arrives on ``sock``; it stays open until this is closed, as with the file of its own that a socket makes."""

    def __init__(self, sock: socket.socket, watch: Watch) -> None:
        self._sock, self._watch = sock, watch
        self._held = sock.makefile("rb", buffering=0)
        self.head_is_over = False
        self._head = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        limit = self._sock.gettimeout()  # what else is done with the socket, such as agreeing on TLS, has its own
        self._sock.settimeout(_POLL_SECONDS)
        try:
            while True:
                self._watch.check()
                with contextlib.suppress(TimeoutError):
                    count = self._sock.recv_into(memoryview(buffer))
                    self._watch.received(count)
                    self._head += 0 if self.head_is_over else count
                    if self._head > _MOST_HEAD:
                        raise http.client.HTTPException("a head without end")
                    return count
        finally:
            self._sock.settimeout(limit)

    def close(self) -> None:
        self._held.close()
        super().close()
