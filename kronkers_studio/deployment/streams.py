"""Byte streams through an SSH connection: channels that behave like sockets, also to unix sockets of the server."""

from __future__ import annotations

import contextlib
import io
import threading
import time
from collections.abc import Callable
from typing import Any, cast

import paramiko
from paramiko.common import cMSG_CHANNEL_OPEN

_PIECE = 32 * 1024  # no SSH packet carries more


class StreamlocalTransport(paramiko.Transport):
    """A transport that can also open OpenSSH's ``direct-streamlocal@openssh.com`` channels, to unix sockets.

    ``paramiko.Transport.open_channel`` writes the address of the kinds it knows only; this is the same with the address
    of this kind (OpenSSH PROTOCOL, section 2.4). It uses paramiko's inner workings: its version is pinned, and a test
    opens such a channel.
    """

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


class ChannelStream:
    """A channel with a socket's methods, as `http.client` and `urllib3` use them.

    As with a socket, files made of it keep it open after ``close``. ``released`` is called once, when it really closes.
    """

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

    def send(self, data: bytes) -> int:
        return _send(self._channel, memoryview(data)[:_PIECE])

    def sendall(self, data: bytes) -> None:
        """As ``socket.sendall``; see ``send_all``."""
        send_all(self._channel, data)

    def recv(self, size: int) -> bytes:
        return self._channel.recv(size)

    def recv_into(self, buffer: memoryview) -> int:
        data = self._channel.recv(len(buffer))
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
