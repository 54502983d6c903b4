"""Talking HTTP to a model service, wherever it runs.

The service listens on a loopback address only: of this computer, or of a server, reached through its SSH connection.
Both are a stream of bytes to one HTTP/1.1 server, so one client does for both.
"""

from __future__ import annotations

import http.client
import socket
import threading
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from kronkers_studio.domain.errors import ServiceUnavailable

_MOST_IDLE = 8
_NO_HEADERS: Mapping[str, str] = {}


class ServiceClient(Protocol):
    """A connection to one model service. Thread-safe."""

    def request(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: Mapping[str, str] = _NO_HEADERS,
        timeout: float = 10.0,
    ) -> tuple[int, bytes]:
        """The status and body of the answer, whatever the status; ``timeout`` in seconds bounds each wait for data.

        Raises ``ServiceUnavailable`` when there is no answer.
        """

    def close(self) -> None:
        """Close what is open. A later request opens again."""


class StreamClient:
    """HTTP/1.1 with keep-alive over streams that ``open_stream(timeout)`` opens.

    A stream is a connected socket or something with its methods ``sendall``, ``makefile``, ``settimeout`` and
    ``close``, such as a channel of an SSH connection. ``open_stream`` raises ``OSError`` when there is nobody.
    """

    def __init__(self, open_stream: Callable[[float], Any], *, next_step: str) -> None:
        self._open_stream = open_stream
        self._next_step = next_step
        self._lock = threading.Lock()
        self._idle: list[_Connection] = []

    def request(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: Mapping[str, str] = _NO_HEADERS,
        timeout: float = 10.0,
    ) -> tuple[int, bytes]:
        """See ``ServiceClient.request``."""
        connection = self._reused(timeout)
        if connection is not None:
            try:
                return self._exchange(connection, method, path, body, headers)
            except TimeoutError:
                raise self._unavailable(f"did not answer within {timeout:g} seconds") from None
            except (OSError, http.client.HTTPException):
                pass  # the service closed it while it was idle; asking again is safe: a prediction changes nothing
        try:
            return self._exchange(self._opened(timeout), method, path, body, headers)
        except TimeoutError:
            raise self._unavailable(f"did not answer within {timeout:g} seconds") from None
        except (OSError, http.client.HTTPException) as error:
            raise self._unavailable("does not answer", error) from error

    def close(self) -> None:
        """See ``ServiceClient.close``."""
        with self._lock:
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def _exchange(
        self, connection: _Connection, method: str, path: str, body: bytes | None, headers: Mapping[str, str]
    ) -> tuple[int, bytes]:
        try:
            connection.request(method, path, body=body, headers=dict(headers))
            response = connection.getresponse()
            content = response.read()
        except BaseException:
            connection.close()
            raise
        if response.will_close:
            connection.close()
        else:
            self._keep(connection)
        return response.status, content

    def _opened(self, timeout: float) -> _Connection:
        return _Connection(self._open_stream(timeout), timeout)

    def _reused(self, timeout: float) -> _Connection | None:
        with self._lock:
            connection = self._idle.pop() if self._idle else None
        if connection is not None:
            connection.sock.settimeout(timeout)
        return connection

    def _keep(self, connection: _Connection) -> None:
        with self._lock:
            if len(self._idle) < _MOST_IDLE:
                self._idle.append(connection)
                return
        connection.close()

    def _unavailable(self, what: str, error: Exception | None = None) -> ServiceUnavailable:
        details = f"{type(error).__name__}: {error}" if error else ""
        return ServiceUnavailable(f"The model service {what}.", next_step=self._next_step, details=details)


class LoopbackClient(StreamClient):
    """A client for the service on ``port`` of this computer."""

    def __init__(self, port: int) -> None:
        super().__init__(
            lambda timeout: _loopback(port, timeout),
            next_step="See whether it is still live; release the model again if it has stopped.",
        )


def _loopback(port: int, timeout: float) -> socket.socket:
    stream = socket.create_connection(("127.0.0.1", port), timeout=timeout)
    stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return stream


class _Connection(http.client.HTTPConnection):
    """http.client over a stream that is open already, and is never opened again."""

    auto_open = 0

    def __init__(self, stream: Any, timeout: float) -> None:
        super().__init__("127.0.0.1")
        stream.settimeout(timeout)
        self.sock = stream
