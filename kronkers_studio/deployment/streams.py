"""Byte streams through an SSH connection: channels that behave like sockets, also to unix sockets of the server."""

from __future__ import annotations

import contextlib
import io
import socket
import struct
import threading
import time
import weakref
from collections.abc import Callable
from typing import Any, ClassVar, Protocol, cast

import paramiko
import paramiko.packet
from paramiko.common import (
    MSG_CHANNEL_DATA,
    MSG_CHANNEL_EXTENDED_DATA,
    cMSG_CHANNEL_OPEN,
    cMSG_CHANNEL_REQUEST,
    cMSG_GLOBAL_REQUEST,
)

_PIECE = 32 * 1024  # no SSH packet carries more
_MOST_PACKET = 1024 * 1024  # OpenSSH's largest is a quarter of that
_MOST_GREETING = 64 * 1024
_MOST_UNREAD = 4 * 1024 * 1024  # the window that paramiko opens is half of that
_MOST_EXTENSIONS = 100
_MOST_UNANSWERED = 3
_TERMINAL_MODES_OFF = (53, 70, 72)  # ECHO, OPOST, ONLCR


class _BoundedPackets(paramiko.packet.Packetizer):
    """Refuses what no SSH server needs to say, before it fills the memory: nobody has proved who they are yet.
    ``heard``: when the server last said anything, by the monotonic clock."""

    def __init__(self, stream: Any) -> None:
        super().__init__(stream)
        self._greeting = 0
        self.heard = time.monotonic()

    def read_message(self) -> tuple[int, paramiko.Message]:
        read: tuple[int, paramiko.Message] = super().read_message()
        self.heard = time.monotonic()
        return read

    def read_all(self, n: int, check_rekey: bool = False) -> bytes:
        if n > _MOST_PACKET:
            raise paramiko.SSHException("The server announces a packet of more than any server sends.")
        return super().read_all(n, check_rekey)

    def _read_timeout(self, timeout: float) -> bytes:  # serves the lines before the protocol only
        read: bytes = super()._read_timeout(timeout)  # type: ignore[misc]  # not in the type stubs
        self._greeting += len(read)
        if self._greeting > _MOST_GREETING:
            raise paramiko.SSHException("The server goes on greeting.")
        return read


def _within_window(feed: Callable[[paramiko.Channel, Any], None]) -> Callable[[paramiko.Channel, Any], None]:
    """``feed``, unless the server sends more than it was allowed to: paramiko keeps whatever comes."""

    def bounded(channel: Any, message: Any) -> None:
        feed(channel, message)
        if len(channel.in_buffer) + len(channel.in_stderr_buffer) > _MOST_UNREAD:
            raise paramiko.SSHException("The server sends more than it may.")

    return bounded


_base: Any = paramiko.Transport  # what is taken from it is not in the type stubs
_channel: Any = paramiko.Channel
_CURVE = "curve25519-sha256@libssh.org"


class StreamlocalTransport(paramiko.Transport):
    """A transport that can also open OpenSSH's ``direct-streamlocal@openssh.com`` channels, to unix sockets.

    ``paramiko.Transport.open_channel`` writes the address of the kinds it knows only; this is the same with the address
    of this kind (OpenSSH PROTOCOL, section 2.4). Besides, it knows curve25519 by the name of RFC 8731, remembers which
    algorithms the server offers, and lets no server fill the memory or raise what is none of its exceptions. It uses
    paramiko's inner workings: its version is pinned, and tests use all of it.
    """

    _kex_info: ClassVar[dict[str, Any]] = {**_base._kex_info, "curve25519-sha256": _base._kex_info[_CURVE]}
    _preferred_kex = tuple(
        name
        for known in _base._preferred_kex
        for name in (("curve25519-sha256", known) if known == _CURVE else (known,))
    )
    _channel_handler_table: ClassVar[dict[int, Any]] = {
        **_base._channel_handler_table,
        MSG_CHANNEL_DATA: _within_window(_channel._feed),
        MSG_CHANNEL_EXTENDED_DATA: _within_window(_channel._feed_extended),
    }

    def __init__(self, stream: socket.socket | paramiko.Channel) -> None:
        super().__init__(stream, packetizer_class=_BoundedPackets)
        self.offered: dict[str, list[str]] = {}
        """What the server offered, by paramiko's names of the lists."""

    @property
    def heard(self) -> float:
        """When the server last said anything, by the monotonic clock."""
        inner: Any = self  # what follows is not in the type stubs
        heard: float = inner.packetizer.heard
        return heard

    def ask_for_a_sign(self) -> None:
        """Have the server say something, if only that it does not know what is asked of it (RFC 4254, section 4), as
        OpenSSH's own client does to find out whether the other end is still there. Does not wait for it."""
        request = paramiko.Message()
        request.add_byte(cMSG_GLOBAL_REQUEST)
        request.add_string("keepalive@openssh.com")
        request.add_boolean(True)
        inner: Any = self
        inner._send_user_message(request)

    def watch(self, seconds: float) -> None:
        """Ask for a sign of life whenever nothing was sent for ``seconds``, and end the connection when three in a row
        got none: behind a jump host, or on a system that does not tell, nobody else notices that the server is gone."""
        inner: Any = self
        packets = inner.packetizer
        transport = weakref.proxy(self)
        unanswered = 0
        heard = 0.0

        def ask() -> None:
            nonlocal unanswered, heard
            unanswered = unanswered + 1 if packets.heard == heard else 1
            heard = packets.heard
            if unanswered > _MOST_UNANSWERED:
                raise paramiko.SSHException("The server gives no sign of life.")
            transport.ask_for_a_sign()

        packets.set_keepalive(seconds, ask)

    def get_exception(self) -> Exception | None:
        """Why the connection ended. What a strange message made paramiko stumble over is the server's fault."""
        problem = super().get_exception()
        if problem is None or isinstance(problem, paramiko.SSHException | EOFError | OSError):
            return problem
        return paramiko.SSHException(f"a message that cannot be read: {type(problem).__name__}")

    def _really_parse_kex_init(self, message: Any, ignore_first_byte: bool = False) -> dict[str, Any]:
        inner: Any = super()
        parsed: dict[str, Any] = inner._really_parse_kex_init(message, ignore_first_byte)
        if not ignore_first_byte:  # else it is our own
            self.offered = parsed
        return parsed

    def _parse_ext_info(self, message: Any) -> None:
        if message.get_int() > _MOST_EXTENSIONS:
            raise paramiko.SSHException("The server announces very many extensions.")
        message.rewind()
        inner: Any = super()
        inner._parse_ext_info(message)

    def open_streamlocal(self, path: str, timeout: float) -> paramiko.Channel:
        """A channel to the unix socket ``path`` of the server. Raises ``paramiko.SSHException``."""
        if not self.is_active():
            raise paramiko.SSHException("SSH session not active")
        inner: Any = self  # what follows is not in the type stubs
        with self.lock:
            window = inner._sanitize_window_size(None)
            packet = inner._sanitize_packet_size(None)
            number = inner._next_channel()
            channel: Any = paramiko.Channel(number)
            inner._channels.put(number, channel)
            self.channel_events[number] = opened = threading.Event()
            self.channels_seen[number] = True
            channel._set_transport(self)
            channel._set_window(window, packet)
        request = paramiko.Message()
        request.add_byte(cMSG_CHANNEL_OPEN)
        request.add_string("direct-streamlocal@openssh.com")
        request.add_int(number)
        request.add_int(window)
        request.add_int(packet)
        request.add_string(path)
        request.add_string("")
        request.add_int(0)
        inner._send_user_message(request)
        deadline = time.monotonic() + timeout
        while not opened.wait(0.1):
            if not self.is_active():
                raise self.get_exception() or paramiko.SSHException("The connection ended.")
            if time.monotonic() > deadline:
                raise paramiko.SSHException("Timeout opening channel.")
        if inner._channels.get(number) is not channel:
            raise self.get_exception() or paramiko.SSHException("Unable to open channel.")
        return cast(paramiko.Channel, channel)


def start_command(channel: paramiko.Channel, line: str) -> None:
    """Have the server run ``line``. Unlike paramiko's own ``exec_command`` this does not wait, for ever if need be,
    until the server says that it does; where it refuses, the channel is closed."""
    inner: Any = channel  # what follows is not in the type stubs
    request = paramiko.Message()
    request.add_byte(cMSG_CHANNEL_REQUEST)
    request.add_int(inner.remote_chanid)
    request.add_string("exec")
    request.add_boolean(True)
    request.add_string(line)
    inner.transport._send_user_message(request)


def ask_for_terminal(channel: paramiko.Channel) -> None:
    """Have the command that is started next run on a terminal, which passes on what is said as it is, and shows nothing
    of what is typed (RFC 4254, section 8)."""
    inner: Any = channel  # what follows is not in the type stubs
    modes = b"".join(struct.pack(">BI", mode, 0) for mode in _TERMINAL_MODES_OFF) + b"\0"
    request = paramiko.Message()
    request.add_byte(cMSG_CHANNEL_REQUEST)
    request.add_int(inner.remote_chanid)
    request.add_string("pty-req")
    request.add_boolean(False)  # whether there is one shows
    request.add_string("dumb")
    for number in (80, 24, 0, 0):
        request.add_int(number)
    request.add_string(modes)
    inner.transport._send_user_message(request)


def send_all(channel: paramiko.Channel, data: bytes) -> None:
    """``channel.sendall`` without copying the rest of ``data`` once per packet.

    Raises ``TimeoutError`` when the other end takes nothing for the time set, another ``OSError`` when it has closed.
    """
    rest = memoryview(data)
    while rest:
        sent = _send(channel, rest[:_PIECE])
        if sent == 0:
            raise BrokenPipeError("the other end has closed the stream")
        rest = rest[sent:]


def _send(channel: paramiko.Channel, data: memoryview) -> int:
    try:
        return channel.send(bytes(data))
    except (EOFError, paramiko.SSHException) as error:  # what paramiko says when the whole connection is gone
        raise ConnectionResetError("the connection is lost") from error


class Allowance(Protocol):
    """What an exchange over a stream may take of time and bytes; its methods raise what shall end it."""

    def next_wait(self) -> float:
        """How long the next wait may take, in seconds."""

    def moved(self, *, sent: int = 0, received: int = 0) -> None:
        """So many bytes more were sent or received."""


class ChannelStream:
    """A channel with a socket's methods, as `http.client` and `urllib3` use them.

    As with a socket, files made of it keep it open after ``close``. ``released`` is called once, when it really closes.
    With an ``allowance`` everything that is sent and received is bounded by it, and ``settimeout`` says nothing.
    """

    allowance: Allowance | None = None

    def __init__(self, channel: paramiko.Channel, released: Callable[[], None]) -> None:
        self._channel = channel
        self._released = released
        self._lock = threading.Lock()
        self._files = 0
        self._closing = False
        self._closed = False

    @property
    def usable(self) -> bool:
        """Whether the other end has not closed it."""
        return not (self._closing or self._channel.closed or self._channel.eof_received)

    def settimeout(self, seconds: float | None) -> None:
        self._channel.settimeout(seconds)

    def send(self, data: bytes | memoryview) -> int:
        if self.allowance is None:
            return _send(self._channel, memoryview(data)[:_PIECE])
        self._channel.settimeout(self.allowance.next_wait())
        sent = _send(self._channel, memoryview(data)[:_PIECE])
        self.allowance.moved(sent=sent)
        return sent

    def sendall(self, data: bytes) -> None:
        """As ``socket.sendall``; see ``send_all``."""
        rest = memoryview(data)
        while rest:
            sent = self.send(rest)
            if sent == 0:
                raise BrokenPipeError("the other end has closed the stream")
            rest = rest[sent:]

    def recv(self, size: int) -> bytes:
        if self.allowance is None:
            return self._channel.recv(size)
        self._channel.settimeout(self.allowance.next_wait())
        data = self._channel.recv(size)
        self.allowance.moved(received=len(data))
        return data

    def recv_into(self, buffer: memoryview) -> int:
        data = self.recv(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def makefile(self, mode: str = "rb", buffering: int = -1) -> io.BufferedReader:
        """A file to read from; the only mode is "rb"."""
        if mode != "rb":
            raise ValueError(f"a channel makes no file of mode {mode!r}")
        with self._lock:
            self._files += 1
        return io.BufferedReader(_Reader(self), buffering if buffering > 0 else 64 * 1024)

    def shutdown(self, how: int) -> None:
        with contextlib.suppress(EOFError, paramiko.SSHException):
            self._channel.shutdown(how)

    def close(self) -> None:
        self._closing = True
        self._close_when_unused()

    def _file_closed(self) -> None:
        with self._lock:
            self._files -= 1
        self._close_when_unused()

    def _close_when_unused(self) -> None:
        with self._lock:
            if self._closed or not self._closing or self._files > 0:
                return
            self._closed = True
        with contextlib.suppress(EOFError, OSError, paramiko.SSHException):  # with the connection gone, it is closed
            self._channel.close()
        self._released()


class _Reader(io.RawIOBase):
    def __init__(self, stream: ChannelStream) -> None:
        self._stream = stream

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # the stubs say "any buffer"
        return self._stream.recv_into(buffer)

    def close(self) -> None:
        if not self.closed:
            super().close()
            self._stream._file_closed()
