"""Our SSH connection to a server: its host key is the confirmed one or nothing happens, and one connection carries all.

paramiko does the protocol. Encryption prefers AES-GCM, which is several times faster than paramiko's first choice.
"""

from __future__ import annotations

import contextlib
import logging
import re
import secrets
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import paramiko

from kronkers_studio.deployment.authentication import log_in
from kronkers_studio.deployment.commands import Command, CommandResult
from kronkers_studio.deployment.streams import ChannelStream, StreamlocalTransport, send_all, start_command
from kronkers_studio.domain.errors import (
    HostKeyChanged,
    HostKeyUnknown,
    ServerError,
    ServerUnreachable,
    ShellUnusable,
)
from kronkers_studio.domain.servers import HostKey, Server
from kronkers_studio.settings.secrets import Secret

_CIPHERS = ("aes128-gcm@openssh.com", "aes256-gcm@openssh.com", "aes128-ctr", "aes192-ctr", "aes256-ctr")
_KEEPALIVE_SECONDS = 15
_DEAD_AFTER_SECONDS = 20
"""Sent data that nobody acknowledges for so long means that the link is gone (where the system can be told)."""

_MOST_CHANNELS = 8
"""OpenSSH allows ten sessions on one connection."""

_MOST_OUTPUT = 8_000_000
_MOST_QUOTED = 200

logging.getLogger("paramiko").addHandler(logging.NullHandler())  # else it writes to stderr when nobody set up a log


@dataclass(frozen=True, slots=True)
class Credentials:
    """What the keyring holds for a server: the account's password, the key file's passphrase."""

    password: Secret | None = None
    passphrase: Secret | None = None


class Connection:
    """An authenticated connection to one server. Thread-safe; at most eight channels are open at once.

    Methods raise ``ServerUnreachable`` when the connection is lost or nothing is heard within ``timeout`` seconds.
    """

    def __init__(self, server: Server, transport: StreamlocalTransport) -> None:
        self.server = server
        self._transport = transport
        self._opening = threading.Lock()  # paramiko reports a refused channel on the transport, not on the channel
        self._free = threading.BoundedSemaphore(_MOST_CHANNELS)

    def is_alive(self) -> bool:
        """Whether the connection is still up, as far as is known."""
        return self._transport.is_active() and self._transport.is_authenticated()

    def run(
        self, command: Command, *, input: bytes | None = None, timeout: float = 30.0, longest: float = 120.0
    ) -> CommandResult:
        """Run ``command`` to its end, feeding it ``input``.

        A server that says nothing for ``timeout`` seconds, although it is asked for a sign of life, is taken for dead.
        One that gives them is slow, as with a disk that many write to: the command may take up to ``longest`` seconds.

        For commands that say little: all of it is kept, and more than a few MB are an error. What the account's start
        files print is left out. Raises ``ShellUnusable`` when the account's shell does not run commands.
        """
        patience = _Patience(self._transport, timeout, longest)
        mark = f"kronkers-{secrets.token_hex(8)}"
        channel = self._open_session(timeout)
        try:
            start_command(channel, command.line_between(mark, fed=input is not None))
            if input is not None:
                channel.settimeout(timeout)
                send_all(channel, input)
                channel.shutdown_write()  # not without input: it would cross the command's own end
            output, error = _read_both(channel, patience)
        except _TooLong:
            raise ServerUnreachable(
                f"{self.server.name} answers, but a command there did not end within {longest:g} seconds.",
                next_step="It is very busy, or a disk of it does not answer: ask its administrator, then try again.",
            ) from None
        except _TooMuch:
            raise self._strange(f"said more than {_MOST_OUTPUT // 1_000_000} MB when asked for a few lines") from None
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
        return self._result(mark, output.decode("utf-8", "replace"), error.decode("utf-8", "replace"))

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
        deadline = time.monotonic() + timeout
        self._reserve(timeout)
        try:
            with self._opening:
                return self._transport.open_session(timeout=max(0.1, deadline - time.monotonic()))
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

    def _result(self, mark: str, output: str, error: str) -> CommandResult:
        """What stands between the marks, and the status after the second."""
        before, begun, rest = output.partition(f"\n{mark}\n")
        said, _, after = rest.rpartition(f"\n{mark} ")
        status = re.match(r"([0-9]{1,3})\n", after)
        if not begun:
            if not self.is_alive():
                raise self._lost("was lost")
            raise self._no_commands(before or error)
        if status is None:
            if not self.is_alive():
                raise self._lost("was lost")
            raise self._strange("ended a command before it was done")
        return CommandResult(int(status[1]), said, error.partition(f"\n{mark}\n")[2])

    def _no_commands(self, said: str) -> ShellUnusable:
        """The account's own shell did not get as far as starting `sh`: why, only it knows."""
        server = self.server
        if "windows" in self._transport.remote_version.lower():  # how the SSH server names itself in the protocol
            return ShellUnusable(
                f"{server.name} is a Windows computer.",
                next_step="Releases need a Linux server with Docker. This computer can serve models itself.",
                details=said[:_MOST_QUOTED],
            )
        words = " ".join(said.split())[:_MOST_QUOTED]
        return ShellUnusable(
            f"“{server.user}” can log in to {server.name} but not run commands there"
            + (f"; the server says: “{words}”." if words else "."),
            next_step=f"Ask the administrator to give that account an ordinary shell (usermod --shell /bin/sh "
            f"{server.user}). The server must run Linux.",
        )

    def _strange(self, what: str) -> ServerError:
        return ServerError(
            f"{self.server.name} {what}.",
            next_step="Ask the server's administrator what the account's shell and its start files do.",
        )

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

    def open_transport() -> StreamlocalTransport:
        transport = _start(server.host, server.port, timeout, preferred=server.host_key.split(" ")[0])
        try:
            _require_confirmed_key(server, transport.get_remote_server_key())
        except BaseException:
            transport.close()
            raise
        transport.channel_timeout = timeout
        return transport

    transport = log_in(open_transport, server, credentials.password, credentials.passphrase, timeout=timeout)
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
        if isinstance(problem, paramiko.ssh_exception.IncompatiblePeer):
            raise _nothing_in_common(host, transport) from problem
        raise ServerUnreachable(
            f"{host} answers on port {port}, but not as an SSH server that can be talked to.",
            next_step="Check the port, and that an up-to-date SSH server runs there.",
            details=f"{type(problem).__name__}: {problem}",
        ) from problem
    return transport


_ALGORITHMS = (
    ("kex_algo_list", "kex", "key exchange", "KexAlgorithms"),
    ("server_key_algo_list", "key_types", "kind of host key", "HostKey and HostKeyAlgorithms"),
    ("server_encrypt_algo_list", "ciphers", "encryption", "Ciphers"),
    ("server_mac_algo_list", "digests", "integrity check", "MACs"),
)
"""Of each choice: paramiko's name of the server's list and of ours, the word for people, the option of sshd_config."""


def _nothing_in_common(host: str, transport: StreamlocalTransport) -> ServerUnreachable:
    options = transport.get_security_options()
    for theirs, ours, words, option in _ALGORITHMS:
        offered, known = transport.offered.get(theirs, []), list(getattr(options, ours))
        if not set(offered) & set(known):
            return ServerUnreachable(
                f"{host} and this program know no {words} in common. The server offers {_names(offered)}.",
                next_step=f"Ask the server's administrator to allow one of these besides ({option} in sshd_config): "
                f"{_names(known)}.",
            )
    return ServerUnreachable(
        f"{host} speaks a version of SSH that is not in use any more.",
        next_step="Ask the server's administrator to update its SSH server.",
        details=transport.remote_version[:_MOST_QUOTED],
    )


def _names(algorithms: list[str]) -> str:
    return ", ".join("".join(c for c in name if c.isprintable())[:60] for name in algorithms[:20]) or "nothing"


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
    except (ValueError, OverflowError) as error:  # what is no name or port at all, as another's workspace may have it
        raise ServerUnreachable(
            f"“{host[:_MOST_QUOTED]}”, port {port}, is no address of a server.",
            next_step="Remove the server here and add it again.",
            details=type(error).__name__,
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


class _TooMuch(Exception):
    """A command's output does not end."""


class _TooLong(Exception):
    """A command does not end, on a server that is alive."""


class _Patience:
    """How long an answer is waited for: ``silence`` seconds in which nothing is heard of the server at all, and
    ``longest`` seconds altogether."""

    def __init__(self, transport: StreamlocalTransport, silence: float, longest: float) -> None:
        self._transport = transport
        self._silence = silence
        self._longest = max(silence, longest)
        self._begun = self._asked = time.monotonic()

    def check(self) -> None:
        """Raise ``TimeoutError`` when the server is taken for dead, ``_TooLong`` when it took too long; ask it for a
        sign of life before the first."""
        now = time.monotonic()
        silent = now - max(self._begun, self._transport.heard)
        if silent > self._silence:
            raise TimeoutError
        if now - self._begun > self._longest:
            raise _TooLong
        if min(silent, now - self._asked) > self._silence / 4:
            self._asked = now
            self._transport.ask_for_a_sign()


def _read_both(channel: paramiko.Channel, patience: _Patience) -> tuple[bytes, bytes]:
    """Output and errors to their end. Raises what ``patience`` raises, or ``_TooMuch``."""
    pieces: tuple[list[bytes], list[bytes]] = ([], [])
    total = 0
    news = threading.Event()
    channel.in_buffer.set_event(news)
    channel.in_stderr_buffer.set_event(news)
    while True:
        ended = channel.eof_received or channel.closed  # before looking: what came by then is there
        for there, receive, kept in (
            (channel.recv_ready, channel.recv, pieces[0]),
            (channel.recv_stderr_ready, channel.recv_stderr, pieces[1]),
        ):
            while there():
                kept.append(receive(1 << 16))
                total += len(kept[-1])
                if total > _MOST_OUTPUT:
                    raise _TooMuch
        if ended:
            return b"".join(pieces[0]), b"".join(pieces[1])
        patience.check()
        news.wait(0.02)  # reading one of the two may have cleared the other's news
