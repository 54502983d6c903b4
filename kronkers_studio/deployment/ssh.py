"""Our SSH connection to a server: its host key is the confirmed one or nothing happens, and one connection carries all.

paramiko does the protocol. Encryption prefers AES-GCM, which is several times faster than paramiko's first choice.
"""

from __future__ import annotations

import contextlib
import logging
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import paramiko

from kronkers_studio.deployment.authentication import log_in
from kronkers_studio.deployment.commands import Command, CommandResult
from kronkers_studio.deployment.streams import ChannelStream, StreamlocalTransport, send_all
from kronkers_studio.domain.errors import HostKeyChanged, HostKeyUnknown, ServerUnreachable
from kronkers_studio.domain.servers import HostKey, Server
from kronkers_studio.settings.secrets import Secret

_CIPHERS = ("aes128-gcm@openssh.com", "aes256-gcm@openssh.com", "aes128-ctr", "aes192-ctr", "aes256-ctr")
_KEEPALIVE_SECONDS = 15
_DEAD_AFTER_SECONDS = 20
"""Sent data that nobody acknowledges for so long means that the link is gone (where the system can be told)."""

_MOST_CHANNELS = 8
"""OpenSSH allows ten sessions on one connection."""

logging.getLogger("paramiko").addHandler(logging.NullHandler())  # else it writes to stderr when nobody set up a log


@dataclass(frozen=True, slots=True)
class Credentials:
    """What the keyring holds for a server: the account's password, the key file's passphrase."""

    password: Secret | None = None
    passphrase: Secret | None = None


class Connection:
    """An authenticated connection to one server. Thread-safe; at most eight channels are open at once.

    Methods raise ``ServerUnreachable`` when the connection is lost or nothing happens within ``timeout`` seconds.
    """

    def __init__(self, server: Server, transport: StreamlocalTransport) -> None:
        self.server = server
        self._transport = transport
        self._opening = threading.Lock()  # paramiko reports a refused channel on the transport, not on the channel
        self._free = threading.BoundedSemaphore(_MOST_CHANNELS)

    def is_alive(self) -> bool:
        """Whether the connection is still up, as far as is known."""
        return self._transport.is_active() and self._transport.is_authenticated()

    def run(self, command: Command, *, input: bytes | None = None, timeout: float = 30.0) -> CommandResult:
        """Run ``command`` to its end, feeding it ``input``. For commands that say little: all of it is kept."""
        deadline = time.monotonic() + timeout
        channel = self._open_session(timeout)
        try:
            channel.settimeout(timeout)
            channel.exec_command(command.line)
            if input is not None:
                send_all(channel, input)
                # Not without input: an end-of-file that crosses the command's own end makes sshd drop the connection.
                channel.shutdown_write()
            output = _read_all(channel.recv, channel, deadline)
            error = _read_all(channel.recv_stderr, channel, deadline)
            if not channel.status_event.wait(max(0.0, deadline - time.monotonic())):
                raise TimeoutError
            status = channel.recv_exit_status()
        except TimeoutError:
            raise self._lost(f"did not answer within {timeout:g} seconds") from None
        except (paramiko.SSHException, EOFError, OSError) as problem:
            raise self._lost("was lost", problem) from problem
        finally:
            with contextlib.suppress(
                EOFError, OSError, paramiko.SSHException
            ):  # with the connection gone, it is closed
                channel.close()
            self._free.release()
        if status == -1 and not self.is_alive():
            raise self._lost("was lost")
        return CommandResult(status, output.decode("utf-8", "replace"), error.decode("utf-8", "replace"))

    def open_tcp(self, host: str, port: int, *, timeout: float = 10.0) -> ChannelStream:
        """A stream to ``host:port`` as the server sees it. Raises ``ConnectionRefusedError`` when nobody listens there
        or the server does not forward."""
        return self._open_stream(
            lambda: self._transport.open_channel("direct-tcpip", (host, port), ("127.0.0.1", 0), timeout=timeout),
            f"{host}:{port}",
            timeout,
        )

    def open_unix(self, path: str, *, timeout: float = 10.0) -> ChannelStream:
        """A stream to the unix socket ``path`` of the server. Raises ``ConnectionRefusedError`` when nobody listens
        there, the user may not use it, or the server does not forward."""
        return self._open_stream(lambda: self._transport.open_streamlocal(path, timeout), path, timeout)

    def close(self) -> None:
        self._transport.close()

    def _open_session(self, timeout: float) -> paramiko.Channel:
        self._reserve(timeout)
        try:
            with self._opening:
                return self._transport.open_session(timeout=timeout)
        except (paramiko.SSHException, EOFError, OSError) as problem:
            self._free.release()
            raise self._lost("was lost", problem) from problem

    def _open_stream(self, open_channel: Callable[[], paramiko.Channel], target: str, timeout: float) -> ChannelStream:
        self._reserve(timeout)
        try:
            with self._opening:
                channel = open_channel()
        except paramiko.ChannelException as refusal:
            self._free.release()
            raise ConnectionRefusedError(f"{target}: {refusal.text}") from refusal
        except (paramiko.SSHException, EOFError, OSError) as problem:
            self._free.release()
            raise self._lost("was lost", problem) from problem
        channel.settimeout(timeout)
        return ChannelStream(channel, self._free.release)

    def _reserve(self, timeout: float) -> None:
        if not self._free.acquire(timeout=timeout):
            raise ServerUnreachable(
                f"Too much is going on with {self.server.name} at once.", next_step="Try again in a moment."
            )

    def _lost(self, what: str, problem: BaseException | None = None) -> ServerUnreachable:
        return ServerUnreachable(
            f"The connection to {self.server.name} {what}.",
            next_step="Check the network and the server, then try again.",
            details=f"{type(problem).__name__}: {problem}" if problem else "",
        )


def fetch_host_key(host: str, port: int = 22, timeout: float = 10.0) -> HostKey:
    """The host key that the server shows now, for a person to compare; nothing is trusted by this.

    Raises ``ServerUnreachable``.
    """
    transport = _start(host, port, timeout, preferred="")
    try:
        key = transport.get_remote_server_key()
        return HostKey(host, port, _openssh_form(key), key.fingerprint)
    finally:
        transport.close()


def connect(server: Server, credentials: Credentials = Credentials(), *, timeout: float = 15.0) -> Connection:
    """Connect to ``server`` and log in.

    Raises ``ServerUnreachable``, ``HostKeyUnknown`` when no key was confirmed, ``HostKeyChanged`` when the server shows
    another one than the confirmed one (before anything secret is sent), ``AuthenticationFailed``.
    """
    transport = _start(server.host, server.port, timeout, preferred=server.host_key.split(" ")[0])
    try:
        _require_confirmed_key(server, transport.get_remote_server_key())
        transport.auth_timeout = timeout
        transport.channel_timeout = timeout
        log_in(transport, server, credentials.password, credentials.passphrase)
    except BaseException:
        transport.close()
        raise
    transport.set_keepalive(_KEEPALIVE_SECONDS)
    return Connection(server, transport)


def _require_confirmed_key(server: Server, key: paramiko.PKey) -> None:
    if not server.host_key:
        raise HostKeyUnknown(
            f"The host key of {server.name} has not been confirmed.",
            fingerprint=key.fingerprint,
            next_step="Compare its fingerprint with what the server's administrator says, and confirm it.",
        )
    if _openssh_form(key) != " ".join(server.host_key.split()[:2]):
        raise HostKeyChanged(
            f"{server.name} ({server.host}) shows another host key than the one confirmed: {key.fingerprint}.",
            next_step="Nothing was sent. Either the server was set up anew, or somebody is in between: ask its "
            "administrator. If it is right, remove the server here and add it again.",
        )


def _start(host: str, port: int, timeout: float, *, preferred: str) -> StreamlocalTransport:
    """A transport with keys exchanged and nobody logged in. ``preferred`` is the type of host key asked for first."""
    stream = _open_socket(host, port, timeout)
    try:
        transport = StreamlocalTransport(stream)
        options = transport.get_security_options()
        options.ciphers = _CIPHERS
        options.key_types = _key_types_first(preferred, tuple(options.key_types))
        transport.banner_timeout = timeout
        transport.handshake_timeout = timeout
    except BaseException:
        stream.close()
        raise
    try:
        transport.start_client(timeout=timeout)
        if not transport.initial_kex_done:  # it returns without a word when the time is over
            raise TimeoutError(f"no greeting within {timeout:g} seconds")
    except (paramiko.SSHException, EOFError, OSError) as problem:
        transport.close()
        raise ServerUnreachable(
            f"{host} answers on port {port}, but not as an SSH server that can be talked to.",
            next_step="Check the port, and that an up-to-date SSH server runs there.",
            details=f"{type(problem).__name__}: {problem}",
        ) from problem
    return transport


def _open_socket(host: str, port: int, timeout: float) -> socket.socket:
    try:
        stream = socket.create_connection((host, port), timeout=timeout)
    except socket.gaierror as error:
        raise ServerUnreachable(
            f"There is no computer called {host} as far as this one knows.",
            next_step="Check the spelling, or whether you need the company's VPN.",
            details=str(error),
        ) from None
    except TimeoutError:
        raise ServerUnreachable(
            f"{host} does not answer on port {port} within {timeout:g} seconds.",
            next_step="Check that it is switched on, that a firewall lets SSH through, or whether you need a VPN.",
        ) from None
    except ConnectionRefusedError as error:
        raise ServerUnreachable(
            f"{host} refuses connections on port {port}.",
            next_step="Check the port, and that the SSH server runs there.",
            details=str(error),
        ) from None
    except OSError as error:
        raise ServerUnreachable(
            f"{host} cannot be reached.", next_step="Check the network of this computer.", details=str(error)
        ) from None
    stream.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if hasattr(socket, "TCP_USER_TIMEOUT"):  # Linux
        stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _DEAD_AFTER_SECONDS * 1000)
    return stream


def _key_types_first(preferred: str, known: tuple[str, ...]) -> tuple[str, ...]:
    """``known`` with the algorithms for ``preferred`` keys first: a server with several keys then shows that one."""
    first = tuple(name for name in known if name == preferred or (preferred == "ssh-rsa" and name.startswith("rsa-")))
    return first + tuple(name for name in known if name not in first)


def _openssh_form(key: paramiko.PKey) -> str:
    return f"{key.get_name()} {key.get_base64()}"


def _read_all(receive: Callable[[int], bytes], channel: paramiko.Channel, deadline: float) -> bytes:
    pieces: list[bytes] = []
    while True:
        channel.settimeout(max(0.01, deadline - time.monotonic()))
        piece = receive(1 << 16)
        if not piece:
            return b"".join(pieces)
        pieces.append(piece)
