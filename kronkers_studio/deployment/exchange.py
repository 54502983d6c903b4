"""One HTTP/1.1 request and its answer over a stream, however the other end behaves.

What answers may be broken or hostile, so everything has a bound: one deadline for the whole exchange, the size of the
answer's head and body, the interim answers before it. The standard library's client bounds single waits only, and takes
bodies of any size, negative chunks and answers that end too early.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

_MOST_HEAD_BYTES = 32 * 1024  # of the answer, or of a chunked body's trailer
_MOST_HEADERS = 100
_MOST_INTERIM = 8  # answers 1xx
_LONGEST_SIZE_LINE = 1024  # of a chunk, with its extensions
_PIECE = 64 * 1024

_STATUS = re.compile(rb"HTTP/1\.[01] ([1-9][0-9]{2})(?: [^\r\n]*)?")
_HEADER = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):([^\r\n\0]*)")
_LENGTH = re.compile(rb"[0-9]{1,18}")
_CHUNK = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\r\n]*)?")


class MalformedAnswer(Exception):
    """What came back is no HTTP answer, or larger than it may be; the text says in what way."""


class StreamEnded(OSError):
    """The other end closed the stream; ``silent`` when not one byte of an answer came before."""

    def __init__(self, *, silent: bool) -> None:
        super().__init__("the other end closed the connection")
        self.silent = silent


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """``headers`` by names in lower case, of several the last; ``reusable``: the stream can take another request."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    reusable: bool


class Deadline:
    """The moment by which an exchange must be over, and how long it may stand still meanwhile; both in seconds."""

    def __init__(self, seconds: float, *, silence: float | None = None) -> None:
        self._end = time.monotonic() + seconds
        self._silence = seconds if silence is None else silence

    def next_wait(self) -> float:
        """How long the next wait may take. Raises ``TimeoutError`` when the time is over."""
        left = self._end - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return min(left, self._silence)


def exchange(
    stream: Any, method: str, path: str, headers: Mapping[str, str], body: bytes | None, deadline: Deadline, most: int
) -> HttpAnswer:
    """Send the request and read its answer, whose body may hold ``most`` bytes.

    ``stream`` has a socket's ``send``, ``recv`` and ``settimeout``. Raises ``TimeoutError``, ``MalformedAnswer``,
    ``StreamEnded`` or another ``OSError``; the stream is of no more use then.
    """
    stopped: OSError | None = None
    try:
        _send(stream, _request(method, path, headers, body), deadline)
    except TimeoutError:
        raise
    except OSError as error:  # it may have refused the request before it had all of it: then an answer lies there
        stopped = error
    try:
        return _Reader(stream, deadline).answer(most, head_only=method == "HEAD", sent=stopped is None)
    except StreamEnded:
        if stopped is not None:
            raise stopped from None
        raise


def _request(method: str, path: str, headers: Mapping[str, str], body: bytes | None) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    if body is not None:
        lines.append(f"Content-Length: {len(body)}")
    head = "\r\n".join(lines).encode("latin-1")
    if head.count(b"\n") != len(lines) - 1:
        raise ValueError("a line break in a header")
    return head + b"\r\n\r\n" + (body or b"")


def _send(stream: Any, data: bytes, deadline: Deadline) -> None:
    rest = memoryview(data)
    while rest:
        stream.settimeout(deadline.next_wait())
        sent = stream.send(rest[:_PIECE])
        if sent == 0:
            raise BrokenPipeError("the other end has closed the stream")
        rest = rest[sent:]


class _Reader:
    """Reads one answer off a stream, never more than is bounded."""

    def __init__(self, stream: Any, deadline: Deadline) -> None:
        self._stream = stream
        self._deadline = deadline
        self._buffer = bytearray()
        self._silent = True

    def answer(self, most: int, *, head_only: bool, sent: bool) -> HttpAnswer:
        status, headers = self._final_head()
        listed = [
            token.strip().lower() for name, value in headers if name == "connection" for token in value.split(",")
        ]
        named = dict(headers)
        if head_only or status in (204, 304):
            body, delimited = b"", True
        else:
            body, delimited = self._body(headers, most)
        reusable = sent and delimited and "close" not in listed and not self._buffer
        return HttpAnswer(status, named, body, reusable)

    def _final_head(self) -> tuple[int, list[tuple[str, str]]]:
        for _ in range(_MOST_INTERIM + 1):
            lines = self._head()
            found = _STATUS.fullmatch(lines[0])
            if found is None:
                raise MalformedAnswer("it does not begin as an HTTP/1.1 answer")
            status = int(found[1])
            if status == 101:
                raise MalformedAnswer("it changes the protocol")
            if status >= 200:
                return status, list(_headers(lines[1:]))
        raise MalformedAnswer("it has no end of interim answers")

    def _head(self) -> list[bytes]:
        while (end := self._buffer.find(b"\r\n\r\n")) < 0:
            if not b"HTTP/1.".startswith(self._buffer[:7]):
                raise MalformedAnswer("it does not begin as an HTTP/1.1 answer")
            if len(self._buffer) > _MOST_HEAD_BYTES:
                raise MalformedAnswer("its headers are too large")
            self._receive()
        if end > _MOST_HEAD_BYTES:
            raise MalformedAnswer("its headers are too large")
        return bytes(self._take(end + 4)[:-4]).split(b"\r\n")

    def _body(self, headers: list[tuple[str, str]], most: int) -> tuple[bytes, bool]:
        """The body, and whether its end was told other than by the end of the stream."""
        codings = [value.lower() for name, value in headers if name == "transfer-encoding"]
        lengths = {value for name, value in headers if name == "content-length"}
        if any(value.lower() != "identity" for name, value in headers if name == "content-encoding"):
            raise MalformedAnswer("its body is compressed, which nobody asked for")
        if codings:
            if codings != ["chunked"] or lengths:
                raise MalformedAnswer("the length of its body is told in two ways")
            return self._chunks(most), True
        if lengths:
            length = lengths.pop().encode("latin-1")
            if lengths or not _LENGTH.fullmatch(length):
                raise MalformedAnswer("the length of its body is no number")
            if int(length) > most:
                raise _too_large(most)
            self._fill(int(length))
            return bytes(self._take(int(length))), True
        with suppress(StreamEnded):
            while len(self._buffer) <= most:
                self._receive()
        if len(self._buffer) > most:
            raise _too_large(most)
        return bytes(self._take(len(self._buffer))), False

    def _chunks(self, most: int) -> bytes:
        body = bytearray()
        spent = 0  # on the chunks' own lines, which could outweigh the body many times
        while True:
            line = self._line(_LONGEST_SIZE_LINE)
            spent += len(line)
            found = _CHUNK.fullmatch(line)
            if found is None:
                raise MalformedAnswer("a chunk of its body has no size")
            size = int(found[1], 16)
            if len(body) + size > most or spent > most + _MOST_HEAD_BYTES:
                raise _too_large(most)
            if size == 0:
                break
            self._fill(size + 2)
            body += self._take(size)
            if self._take(2) != b"\r\n":
                raise MalformedAnswer("a chunk of its body is longer than its size")
        trailer = 0
        while line := self._line(_MOST_HEAD_BYTES):
            trailer += len(line)
            if trailer > _MOST_HEAD_BYTES:
                raise MalformedAnswer("its trailer is too large")
        return bytes(body)

    def _line(self, longest: int) -> bytes:
        while (end := self._buffer.find(b"\r\n", 0, longest + 2)) < 0:
            if len(self._buffer) > longest:
                raise MalformedAnswer("a line of its body is too long")
            self._receive()
        return bytes(self._take(end + 2)[:-2])

    def _fill(self, size: int) -> None:
        while len(self._buffer) < size:
            self._receive()

    def _take(self, size: int) -> bytearray:
        taken = self._buffer[:size]
        del self._buffer[:size]
        return taken

    def _receive(self) -> None:
        self._stream.settimeout(self._deadline.next_wait())
        part = self._stream.recv(_PIECE)
        if not part:
            raise StreamEnded(silent=self._silent)
        self._silent = False
        self._buffer += part


def _headers(lines: list[bytes]) -> Iterator[tuple[str, str]]:
    if len(lines) > _MOST_HEADERS:
        raise MalformedAnswer("it has too many headers")
    for line in lines:
        found = _HEADER.fullmatch(line)
        if found is None:
            raise MalformedAnswer("one of its headers is none")
        yield found[1].decode("ascii").lower(), found[2].decode("latin-1").strip(" \t")


def _too_large(most: int) -> MalformedAnswer:
    return MalformedAnswer(f"it is larger than {most / 1e6:.0f} MB")
