"""The beginning of an SSH connection: reach the server, agree on algorithms, exchange keys. Nobody is logged in yet,
and nothing is trusted.

Encryption prefers AES-GCM, which is several times faster than paramiko's first choice.
"""

from __future__ import annotations

import socket

import paramiko

from kronkers_studio.deployment.streams import StreamlocalTransport
from kronkers_studio.domain.errors import ServerUnreachable

_CIPHERS = ("aes128-gcm@openssh.com", "aes256-gcm@openssh.com", "aes128-ctr", "aes192-ctr", "aes256-ctr")
_DEAD_AFTER_SECONDS = 20
"""Sent data that nobody acknowledges for so long means that the link is gone (where the system can be told)."""

_MOST_QUOTED = 200


def start_transport(
    host: str, port: int, timeout: float, *, preferred: str, stream: paramiko.Channel | None = None
) -> StreamlocalTransport:
    """A transport with keys exchanged and nobody logged in. ``preferred`` is the type of host key asked for first.

    It runs over ``stream``, which leads there through a jump host, else over a connection of its own. Raises
    ``ServerUnreachable``.
    """
    carrier = _open_socket(host, port, timeout) if stream is None else stream
    try:
        transport = StreamlocalTransport(carrier)
        options = transport.get_security_options()
        options.ciphers = _CIPHERS
        options.key_types = _key_types_first(preferred, tuple(options.key_types))
        transport.banner_timeout = timeout
        transport.handshake_timeout = timeout
    except BaseException:
        carrier.close()
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


def openssh_form(key: paramiko.PKey) -> str:
    return f"{key.get_name()} {key.get_base64()}"
