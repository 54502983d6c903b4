"""Talking HTTP to a model service, wherever it runs.

The service listens on a loopback address only: of this computer, or of a server, reached through its SSH connection.
Both are a stream of bytes to one HTTP/1.1 server, so one client does for both.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, Protocol

from kronkers_studio.deployment.exchange import Deadline, HttpAnswer, MalformedAnswer, StreamEnded, exchange
from kronkers_studio.deployment.proof import CHALLENGE_HEADER, PROOF_HEADER, Expected, new_challenge
from kronkers_studio.domain.errors import ServiceUnavailable, ServiceUnproven

MOST_BYTES = 4_000_000
"""The largest answer that is read when nothing else is said."""

_MOST_IDLE = 8
_MOST_BYTES_OF_PROOF = 64 * 1024
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
        *,
        silence: float | None = None,
        most_bytes: int = MOST_BYTES,
    ) -> tuple[int, bytes]:
        """The status and body of the answer, whatever the status.

        ``timeout`` in seconds bounds the whole exchange, ``silence`` (by default the same) each wait in it, and
        ``most_bytes`` the body. Raises ``ServiceUnproven`` when something else than the release is at the other end,
        which was sent nothing then, and ``ServiceUnavailable`` when there is no answer, or none that can be read.
        """

    def close(self) -> None:
        """Close what is open. A later request opens again."""


class StreamClient:
    """HTTP/1.1 with keep-alive over streams that ``open_stream(timeout)`` opens.

    A stream is a connected socket or something with its methods ``send``, ``recv``, ``settimeout`` and ``close``, such
    as a channel of an SSH connection. ``open_stream`` raises ``OSError`` when there is nobody. On each new stream the
    other end must prove itself as ``expected`` before anything is sent to it. That is why this is no pool of urllib3
    as the engine's is: docs/decisions/0014.
    """

    def __init__(
        self, open_stream: Callable[[float], Any], *, next_step: str, expected: Expected | None = None
    ) -> None:
        self._open_stream = open_stream
        self._next_step = next_step
        self._expected = expected
        self._lock = threading.Lock()
        self._idle: list[Any] = []

    def request(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: Mapping[str, str] = _NO_HEADERS,
        timeout: float = 10.0,
        *,
        silence: float | None = None,
        most_bytes: int = MOST_BYTES,
    ) -> tuple[int, bytes]:
        """See ``ServiceClient.request``."""
        deadline = Deadline(timeout, silence=silence)
        sent = {"Host": "127.0.0.1", **headers}
        if self._expected is not None:
            sent["Authorization"] = self._expected.authorization

        def ask(stream: Any) -> HttpAnswer:
            return exchange(stream, method, path, sent, body, deadline, most_bytes)

        try:
            answer = self._asked_idle(ask) or self._asked_anew(ask, deadline)
        except TimeoutError:
            waited = timeout if silence is None else min(timeout, silence)
            raise self._unavailable(f"did not answer within {waited:g} seconds") from None
        except MalformedAnswer as error:
            raise self._unavailable(f"gave an answer that is not used: {error}") from None
        except OSError as error:
            raise self._unavailable("does not answer", error) from error
        return answer.status, answer.body

    def close(self) -> None:
        """See ``ServiceClient.close``."""
        with self._lock:
            idle, self._idle = self._idle, []
        for stream in idle:
            stream.close()

    def _asked_idle(self, ask: Callable[[Any], HttpAnswer]) -> HttpAnswer | None:
        """The answer over a stream that is open, and proven, already; None when there is none that still is."""
        with self._lock:
            stream = self._idle.pop() if self._idle else None
        if stream is None:
            return None
        try:
            return self._asked(ask, stream)
        except TimeoutError:
            raise
        except OSError:  # closed while it was idle; asking again is safe: a prediction changes nothing
            return None

    def _asked_anew(self, ask: Callable[[Any], HttpAnswer], deadline: Deadline) -> HttpAnswer:
        stream = self._open_stream(deadline.next_wait())
        if self._expected is not None:
            try:
                self._demand_proof(stream, self._expected, deadline)
            except BaseException:
                stream.close()
                raise
        return self._asked(ask, stream)

    def _asked(self, ask: Callable[[Any], HttpAnswer], stream: Any) -> HttpAnswer:
        try:
            answer = ask(stream)
        except BaseException:
            stream.close()
            raise
        if not answer.reusable or not self._keep(stream):
            stream.close()
        return answer

    def _demand_proof(self, stream: Any, expected: Expected, deadline: Deadline) -> None:
        challenge = new_challenge()
        sent = {"Host": "127.0.0.1", CHALLENGE_HEADER: challenge}
        try:
            answer = exchange(stream, "GET", "/v2/health/ready", sent, None, deadline, _MOST_BYTES_OF_PROOF)
        except MalformedAnswer as error:
            raise _unproven(expected, f"its answer: {error}") from None
        except StreamEnded as ended:
            if ended.silent:  # as an engine does whose container does not listen yet
                raise
            raise _unproven(expected, "it broke off its answer") from None
        if not expected.is_proven(challenge, answer.headers.get(PROOF_HEADER)):
            said = "a wrong proof" if PROOF_HEADER in answer.headers else "no proof"
            raise _unproven(expected, f"status {answer.status}, {said}")
        if not answer.reusable:
            raise ConnectionResetError("the service closes the connection: it stops")

    def _keep(self, stream: Any) -> bool:
        with self._lock:
            if len(self._idle) >= _MOST_IDLE:
                return False
            self._idle.append(stream)
            return True

    def _unavailable(self, what: str, error: Exception | None = None) -> ServiceUnavailable:
        details = f"{type(error).__name__}: {error}" if error else ""
        return ServiceUnavailable(f"The model service {what}.", next_step=self._next_step, details=details)


class LoopbackClient(StreamClient):
    """A client for the service on ``port`` of this computer, which must be ``expected`` when that is given."""

    def __init__(self, port: int, expected: Expected | None = None) -> None:
        super().__init__(
            lambda timeout: _loopback(port, timeout),
            next_step="See whether it is still live; release the model again if it has stopped.",
            expected=expected,
        )


def _loopback(port: int, timeout: float) -> socket.socket:
    stream = socket.create_connection(("127.0.0.1", port), timeout=timeout)
    with suppress(OSError):  # closed already: the first use tells
        stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return stream


def _unproven(expected: Expected, details: str) -> ServiceUnproven:
    return ServiceUnproven(
        f"Something else answers at the address of {expected.label}. Nothing was sent to it.",
        next_step=f"Another program has taken its port. Release {expected.model} again: it is given another one.",
        details=details,
    )
