"""Connections to jump hosts, each made once and shared by all servers that lie behind it.

A jump host is a server like any other: its host key is confirmed, and it has a log-in of its own. It passes on what it
cannot read: the connection to the server behind it is encrypted from end to end.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from kronkers_studio.deployment.credentials import Credentials
from kronkers_studio.deployment.ssh import Connection, connect
from kronkers_studio.domain.errors import ServerError
from kronkers_studio.domain.servers import Server

MOST_JUMPS = 8
"""One behind the other; a workspace may name any number."""

_Way = tuple[Server, ...]


class JumpHosts:
    """``credentials`` gives what a jump host is logged in to with. Thread-safe."""

    def __init__(self, credentials: Callable[[Server], Credentials]) -> None:
        self._credentials = credentials
        self._lock = threading.Lock()
        self._connecting: dict[_Way, threading.Lock] = {}
        self._connections: dict[_Way, Connection] = {}

    def connect(self, server: Server, credentials: Credentials, *, timeout: float = 15.0) -> Connection:
        """A new connection to ``server``, through its jump hosts.

        Raises what ``ssh.connect`` raises; of a jump host, the error says that it lies on the way.
        """
        return connect(server, credentials, timeout=timeout, via=self.last_of(server.jumps, server.name, timeout))

    def last_of(self, jumps: _Way, target: str, timeout: float = 15.0) -> Connection | None:
        """The connection to the last of ``jumps``, made through those before it; None for none. ``target`` is the name
        of what lies behind."""
        if len(jumps) > MOST_JUMPS:
            raise ServerError(
                f"{target} lies behind {len(jumps)} jump hosts.",
                next_step=f"At most {MOST_JUMPS} are passed: add the server again with a shorter way.",
            )
        via = None
        for passed in range(1, len(jumps) + 1):
            with _on_the_way_to(target):
                via = self._shared(jumps[:passed], via, timeout)
        return via

    def close_unused(self) -> None:
        """Close the connections through which nothing is reached any more; the farthest first, as each uses the one
        before."""
        for way in sorted(self._connections, key=len, reverse=True):
            if not self._connections[way].has_hops:
                self._connections.pop(way).close()

    def close(self) -> None:
        """Close all of them, and with them what is reached through them."""
        for way in sorted(self._connections, key=len, reverse=True):
            self._connections.pop(way).close()

    def _shared(self, way: _Way, via: Connection | None, timeout: float) -> Connection:
        with self._lock:
            gate = self._connecting.setdefault(way, threading.Lock())
        with gate:  # one attempt for each; who comes meanwhile gets the same one
            known = self._connections.get(way)
            if known is not None and known.is_alive():
                return known
            if known is not None:
                known.close()
            self._connections[way] = connect(way[-1], self._credentials(way[-1]), timeout=timeout, via=via)
            return self._connections[way]


@contextmanager
def _on_the_way_to(target: str) -> Iterator[None]:
    try:
        yield
    except ServerError as problem:
        problem.message = f"At a jump host, on the way to {target}: {problem.message}"
        raise
