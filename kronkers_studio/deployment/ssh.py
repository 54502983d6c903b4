"""Our SSH connection to a server: its host key is the confirmed one or nothing happens, and one connection carries all.

A server behind a jump host is reached by a channel of the connection to that one. paramiko does the protocol.
"""

from __future__ import annotations

import contextlib
import logging
import re
import secrets
import threading
import time
from collections.abc import Callable, Iterator

import paramiko
from paramiko.common import OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED

from kronkers_studio.deployment.authentication import log_in
from kronkers_studio.deployment.command_sessions import MOST_OUTPUT, CommandSession, Patience, TooLong, TooMuch
from kronkers_studio.deployment.commands import Command, CommandResult
from kronkers_studio.deployment.credentials import Credentials
from kronkers_studio.deployment.handshake import openssh_form, start_transport
from kronkers_studio.deployment.streams import ChannelStream, StreamlocalTransport
from kronkers_studio.domain.errors import (
    HostKeyChanged,
    HostKeyUnknown,
    ServerError,
    ServerUnreachable,
    ShellUnusable,
)
from kronkers_studio.domain.printable import printable
from kronkers_studio.domain.servers import HostKey, Server

_KEEPALIVE_SECONDS = 15

_MOST_CHANNELS = 8
"""OpenSSH allows ten sessions on one connection."""

_NOTHING_KEPT = Credentials()
_MOST_QUOTED = 200

logging.getLogger("paramiko").addHandler(logging.NullHandler())  # else it writes to stderr when nobody set up a log


class Connection:
    """An authenticated connection to one server. Thread-safe; at most eight channels are open at once.

    Methods raise ``ServerUnreachable`` when the connection is lost or nothing is heard within ``timeout`` seconds.
    """

    def __init__(self, server: Server, transport: StreamlocalTransport) -> None:
        self.server = server
        self._transport = transport
        self._opening = threading.Lock()  # paramiko reports a refused channel on the transport, not on the channel
        self._free = threading.BoundedSemaphore(_MOST_CHANNELS)
        self._hops: list[paramiko.Channel] = []

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
        mark = f"kronkers-{secrets.token_hex(8)}"
        with self._session(Patience(self._transport, timeout, longest)) as session:
            session.start(command.line_between(mark, fed=input is not None))
            if input is not None:
                session.feed(input)
            output, error = session.read_both()
        return self._result(mark, output, error)

    def run_answering(
        self,
        command: Command,
        prompt: str,
        answer: bytes | None,
        *,
        terminal: bool = False,
        timeout: float = 30.0,
        longest: float = 120.0,
    ) -> tuple[CommandResult | None, int]:
        """As ``run``, for a command that asks one question by ``prompt``: it gets ``answer`` then, and no other input.

        None when it asks and there is no answer, or asks again: it is then ended. Besides, how often it has asked. With
        a ``terminal`` the errors come with the output.
        """
        mark = f"kronkers-{secrets.token_hex(8)}"
        with self._session(Patience(self._transport, timeout, longest)) as session:
            session.start(command.line_between(mark), terminal=terminal)
            heard = session.read_answering(prompt.encode("ascii"), answer)
        if heard.output is None:
            return None, heard.asked
        result = self._result(mark, heard.output, heard.error)
        output = result.output.replace(f"\n{mark}\n", "").replace(prompt, "")  # a terminal has both marks
        return CommandResult(result.status, output, result.error.replace(prompt, "")), heard.asked

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

    def open_next_hop(self, host: str, port: int, *, timeout: float = 10.0) -> paramiko.Channel:
        """A channel to the server ``host``, for which this one is the jump host; it takes none of the eight.

        Raises ``ServerUnreachable`` when this server cannot or may not pass it on.
        """
        try:
            with self._opening:
                hop = self._transport.open_channel("direct-tcpip", (host, port), ("127.0.0.1", 0), timeout=timeout)
        except paramiko.ChannelException as refusal:
            raise self._no_way_on(host, port, refusal) from None
        except (paramiko.SSHException, EOFError, OSError) as problem:
            raise self._lost("was lost", problem) from problem
        self._hops = [*self._open_hops(), hop]
        return hop

    @property
    def has_hops(self) -> bool:
        """Whether another server is reached through this one at the moment."""
        return bool(self._open_hops())

    def close(self) -> None:
        self._transport.close()

    def _open_hops(self) -> list[paramiko.Channel]:
        return [hop for hop in self._hops if not hop.closed]

    def _no_way_on(self, host: str, port: int, refusal: paramiko.ChannelException) -> ServerUnreachable:
        if refusal.code == OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED:
            return ServerUnreachable(
                f"{self.server.name} does not let connections through to {host}, port {port}.",
                next_step="Ask its administrator to allow forwarding for you (AllowTcpForwarding, PermitOpen).",
                details=printable(str(refusal.text))[:_MOST_QUOTED],
            )
        return ServerUnreachable(
            f"{self.server.name} cannot reach {host} on port {port}.",
            next_step="Check the address, as that jump host knows it, and that the server is switched on.",
            details=printable(str(refusal.text))[:_MOST_QUOTED],
        )

    @contextlib.contextmanager
    def _session(self, patience: Patience) -> Iterator[CommandSession]:
        """A channel to run one command in. What goes wrong inside comes out as an error about this server."""
        channel = self._open_session(patience.silence)
        try:
            yield CommandSession(channel, patience)
        except TooLong:
            raise ServerUnreachable(
                f"{self.server.name} answers, but a command there did not end within {patience.longest:g} seconds.",
                next_step="It is very busy, or a disk of it does not answer: ask its administrator, then try again.",
            ) from None
        except TooMuch:
            raise self._strange(f"said more than {MOST_OUTPUT // 1_000_000} MB when asked for a few lines") from None
        except TimeoutError:
            raise self._lost(f"did not answer within {patience.silence:g} seconds") from None
        except (paramiko.SSHException, EOFError, OSError) as problem:
            raise self._lost("was lost", problem) from problem
        finally:
            with contextlib.suppress(
                EOFError, OSError, paramiko.SSHException
            ):  # with the connection gone, it is closed
                channel.close()
            self._free.release()

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

    def _result(self, mark: str, said_out: bytes, said_err: bytes) -> CommandResult:
        """What stands between the marks, and the status after the second."""
        output, error = said_out.decode("utf-8", "replace"), said_err.decode("utf-8", "replace")
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


def fetch_host_key(host: str, port: int = 22, timeout: float = 10.0, *, via: Connection | None = None) -> HostKey:
    """The host key that the server shows now, for a person to compare; nothing is trusted by this. ``via`` is the
    connection to the jump host before it.

    Raises ``ServerUnreachable``.
    """
    stream = via.open_next_hop(host, port, timeout=timeout) if via else None
    transport = start_transport(host, port, timeout, preferred="", stream=stream)
    try:
        key = transport.get_remote_server_key()
        return HostKey(host, port, openssh_form(key), key.fingerprint)
    finally:
        transport.close()


def connect(
    server: Server,
    credentials: Credentials = _NOTHING_KEPT,
    *,
    timeout: float = 15.0,
    via: Connection | None = None,
) -> Connection:
    """Connect to ``server`` and log in; by a channel of ``via``, the connection to the last of its jump hosts, if it
    has any (`jump_hosts` makes those).

    Raises ``ServerUnreachable``, ``HostKeyUnknown`` when no key was confirmed, ``HostKeyChanged`` when the server shows
    another one than the confirmed one (before anything secret is sent), ``AuthenticationFailed``.
    """

    def open_transport() -> StreamlocalTransport:
        stream = via.open_next_hop(server.host, server.port, timeout=timeout) if via else None
        preferred = server.host_key.split(" ")[0]
        transport = start_transport(server.host, server.port, timeout, preferred=preferred, stream=stream)
        try:
            _require_confirmed_key(server, transport.get_remote_server_key())
        except BaseException:
            transport.close()
            raise
        transport.channel_timeout = timeout
        return transport

    transport = log_in(open_transport, server, credentials, timeout=timeout)
    transport.watch(_KEEPALIVE_SECONDS)
    return Connection(server, transport)


def _require_confirmed_key(server: Server, key: paramiko.PKey) -> None:
    if not server.host_key:
        raise HostKeyUnknown(
            f"The host key of {server.name} has not been confirmed.",
            fingerprint=key.fingerprint,
            next_step="Compare its fingerprint with what the server's administrator says, and confirm it.",
        )
    if openssh_form(key) != " ".join(server.host_key.split()[:2]):
        raise HostKeyChanged(
            f"{server.name} ({server.host}) shows another host key than the one confirmed: {key.fingerprint}.",
            next_step="Nothing was sent. Either the server was set up anew, or somebody is in between: ask its "
            "administrator. If it is right, remove the server here and add it again.",
        )
