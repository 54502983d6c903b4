"""The HTTP server of the service: ready only when the model is, and stopped so that no request is lost.

How it stops: readiness says no and every answer says ``Connection: close``, so that who keeps a connection leaves it
after its next answer. What still waits to be accepted is accepted before the socket that listens is closed. A
connection that says nothing for ``_SECONDS_TO_LEAVE`` is closed; what is being worked on has ``_SECONDS_TO_FINISH``,
and gets 503 then instead of no answer at all.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
from collections.abc import Awaitable, Callable, Iterator

import uvicorn

from kronkers_studio.serving.http.connections import BoundedProtocol, Connections
from kronkers_studio.serving.http.unsent import see_progress

_log = logging.getLogger(__name__)

_SECONDS_IDLE = 75  # longer than the pause between two scrapes, so that these reuse their connection
_SECONDS_TO_LEAVE = 0.5
_SECONDS_TO_FINISH = 8.0  # engines kill after ten by default
_SECONDS_TO_SAY_SO = 1.0
_MOST_WAITING = 4096  # to be accepted
_TURNS = 5
_PAUSE = 0.02
_CLOSE = (b"connection", b"close")


class HttpServer(uvicorn.Server):
    """uvicorn's server. Once it listens, ``prepare`` is awaited, and ``when_ready`` called with the sockets' port;
    ``each_second`` is called as its name says; it stops when ``is_told_to_stop``, or by a signal, with exit code 0."""

    def __init__(
        self,
        *,
        prepare: Callable[[], Awaitable[object]],
        when_ready: Callable[[], None],
        each_second: Callable[[], None],
        is_told_to_stop: Callable[[], bool],
    ) -> None:
        super().__init__(
            uvicorn.Config(
                app="",
                log_config=None,
                access_log=False,
                lifespan="off",
                ws="none",
                server_header=False,
                date_header=False,
                http=BoundedProtocol,
                timeout_keep_alive=_SECONDS_IDLE,
            )
        )
        self.server_state = self._shared = Connections()
        self._prepare = prepare
        self._when_ready = when_ready
        self._each_second = each_second
        self._is_told_to_stop = is_told_to_stop
        self._preparation: asyncio.Task[None] | None = None
        self._is_prepared = False
        for name in ("SIGTERM", "SIGINT", "SIGBREAK"):
            if hasattr(signal, name):  # uvicorn raises the signal again when it is done: then nothing is left to do
                signal.signal(getattr(signal, name), self.handle_exit)  # and one that comes before it runs counts

    @property
    def unready(self) -> str:
        """Why it takes no requests; "" when it does."""
        if self.should_exit:
            return "The service is about to stop."
        return "" if self._is_prepared else "The model is being made ready."

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        for listener in sockets or []:
            see_progress(listener)
        await super().startup(sockets)
        self._preparation = asyncio.ensure_future(self._be_ready())

    async def _be_ready(self) -> None:
        await self._prepare()
        self._is_prepared = True
        self._when_ready()

    async def on_tick(self, counter: int) -> bool:
        if self._preparation is not None and self._preparation.done():
            self._preparation.result()  # what went wrong there ends the service
            self._preparation = None
        if counter % 2 == 0 and self._is_told_to_stop():
            self.should_exit = True
        if counter % 10 == 0:
            self._each_second()
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop, as this module's docstring says."""
        _log.info("stopping", extra={"fields": {"in_flight": len(self.server_state.tasks)}})
        if self._preparation is not None:
            self._preparation.cancel()
        self._say_close()
        await self._connections_end(_SECONDS_TO_LEAVE, quiet=None)
        await self._stop_listening(sockets or [])
        if not await self._connections_end(_SECONDS_TO_FINISH, quiet=_SECONDS_TO_LEAVE):
            await self._end_what_is_left()

    def _say_close(self) -> None:
        self.server_state.default_headers = [_CLOSE]
        for connection in self._connections():
            connection.say_close(_CLOSE)

    async def _connections_end(self, seconds: float, *, quiet: float | None) -> bool:
        """Wait until nobody is connected, for ``seconds`` at most; whether that is so. Who says nothing for ``quiet``
        seconds is let go."""
        deadline = asyncio.get_running_loop().time() + seconds
        while self.server_state.connections or self.server_state.tasks:
            if asyncio.get_running_loop().time() > deadline:
                return False
            if quiet is not None:
                for connection in self._connections():
                    connection.close_if_quiet(quiet)
            await asyncio.sleep(_PAUSE)
        return True

    async def _stop_listening(self, sockets: list[socket.socket]) -> None:
        """Closing a socket that listens drops who waits there, though they may have sent their request already: so they
        are accepted first, and nothing else is done in between."""
        waiting = [accepted for listener in sockets for accepted in _waiting_at(listener)]
        for server in self.servers:
            server.close()
        loop = asyncio.get_running_loop()
        for accepted in waiting:
            await loop.connect_accepted_socket(self._connection, accepted)
        for _ in range(_TURNS):  # of the loop, in which what asyncio accepted before becomes connections
            await asyncio.sleep(0)

    def _connection(self) -> BoundedProtocol:
        return BoundedProtocol(self.config, self._shared, app_state=self.lifespan.state)

    async def _end_what_is_left(self) -> None:
        left = list(self.server_state.tasks)
        _log.warning("stopping before all is answered", extra={"fields": {"in_flight": len(left)}})
        for task in left:
            task.cancel()
        await self._connections_end(_SECONDS_TO_SAY_SO, quiet=0)

    def _connections(self) -> list[BoundedProtocol]:
        return [each for each in self.server_state.connections if isinstance(each, BoundedProtocol)]


def _waiting_at(listener: socket.socket) -> Iterator[socket.socket]:
    for _ in range(_MOST_WAITING):
        try:
            accepted, _ = listener.accept()
        except OSError:  # nobody any more
            return
        accepted.setblocking(False)
        yield accepted
