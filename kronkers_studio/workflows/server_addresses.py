"""What a server's address stands for on this computer: itself, or what the OpenSSH configuration says of an alias.

A server's entry keeps what is of the server: where it is, who logs in there, through which jump hosts, and their host
keys. What is of this computer, such as key files and the agent, is looked up in its configuration at each log-in, as
long as the alias still stands for the same account (docs/decisions/0041-servers-as-they-are.md).
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from kronkers_studio.domain.errors import InvalidInput, SshConfigUnusable
from kronkers_studio.domain.servers import Server

if TYPE_CHECKING:
    from kronkers_studio.deployment.ssh_config import HostSettings, SshConfig

_USER = re.compile(r"\w[\w.@\\+-]{0,127}\$?")
"""Also those of a Windows domain ("DOMAIN\\ada", "ada@domain"); never an option ("-l")."""

_HOST_PART = re.compile(r"\w(?:[\w-]{0,61}\w)?")
_ALIAS = re.compile(r"\w[\w.+-]{0,127}")
_HOP = re.compile(r"(?:ssh://)?(?:(?P<user>.+)@)?(?:\[(?P<six>[^]]+)\]|(?P<host>[^:@]+))(?::(?P<port>[0-9]{1,5}))?/?")


@dataclass(frozen=True, slots=True)
class Hop:
    """One server on the way. ``server`` has no host key and no jumps; ``known_as`` are the names that ssh's known_hosts
    may have it under, ``known_hosts`` those files where the configuration names them."""

    server: Server
    known_as: tuple[str, ...]
    known_hosts: tuple[Path, ...] | None = None


@dataclass(frozen=True, slots=True)
class Destination:
    """The ``hops`` to a server, itself the last one; and in ``remarks``, sentences about what of the configuration is
    not followed."""

    hops: tuple[Hop, ...]
    remarks: tuple[str, ...] = ()

    @property
    def server(self) -> Server:
        return replace(self.hops[-1].server, jumps=tuple(hop.server for hop in self.hops[:-1]))


def find_destination(address: str) -> Destination:
    """Where ``address`` leads: ``ssh://user@host[:port]`` (the ``ssh://`` may be left out), or a host alias.

    Raises ``InvalidInput`` for what is neither, ``SshConfigUnusable`` when the configuration cannot be followed.
    """
    if "@" in address or "/" in address or ":" in address:
        user, host, port = parse_address(address)
        return Destination((Hop(Server("", host, port, user, ""), (host,)),))
    if not _ALIAS.fullmatch(address):
        raise _no_address(address)
    from kronkers_studio.deployment.ssh_config import SshConfig

    config = SshConfig()
    if not config.look_up(address).named:
        raise InvalidInput(
            f"“{address}” is neither a server's address nor a name in your SSH configuration (~/.ssh/config).",
            next_step="Write it as ssh://user@host, or a name that `ssh` knows.",
        )
    remarks: dict[str, None] = {}
    return Destination(tuple(_hops(config, address, remarks)), tuple(remarks))


def host_aliases() -> list[str]:
    """The names of servers in this account's OpenSSH configuration; none where it cannot be read."""
    from kronkers_studio.deployment.ssh_config import SshConfig

    try:
        return [name for name in SshConfig().aliases() if _ALIAS.fullmatch(name)]
    except SshConfigUnusable:
        return []


def settings_here(server: Server) -> HostSettings | None:
    """What this computer's configuration says of the server's alias; None when it has none, or when that stands for
    something else here."""
    if not _ALIAS.fullmatch(server.alias):
        return None
    from kronkers_studio.deployment.ssh_config import SshConfig

    try:
        found = SshConfig().look_up(server.alias, user=server.user, port=server.port)
    except SshConfigUnusable:
        return None
    return found if found.named and found.host == server.host else None


def difference_here(server: Server) -> str:
    """How this computer's configuration now reaches the server's alias otherwise than its entry does; "" when alike, or
    when it does not know the alias."""
    if not server.alias:
        return ""
    try:
        now = find_destination(server.alias).server
    except InvalidInput:
        return ""
    if (now.account, [jump.account for jump in now.jumps]) == (
        server.account,
        [jump.account for jump in server.jumps],
    ):
        return ""
    return f"“{server.alias}” is {now.way.removeprefix('ssh://')} in this computer's SSH configuration"


def parse_address(address: str) -> tuple[str, str, int]:
    """``ssh://user@host[:port]`` (the ``ssh://`` may be left out) as (user, host, port). Raises ``InvalidInput``."""
    found = _parts(address)
    if found is None:
        raise _no_address(address)
    return found


def _no_address(address: str) -> InvalidInput:
    if ":" in address.rpartition("@")[0].removeprefix("ssh://"):  # no part of it is repeated: it may be logged
        return InvalidInput(
            "A password, or something like one, stands before the @ of the address.",
            next_step="Write it as ssh://user@host; the password is asked for by itself.",
        )
    return InvalidInput(
        f"“{address}” is not a server's address.",
        next_step="Write it as ssh://user@host or ssh://user@host:2222, or give a name from your SSH configuration.",
    )


def _hops(
    config: SshConfig,
    name: str,
    remarks: dict[str, None],
    *,
    user: str = "",
    port: int = 0,
    before: tuple[str, ...] | None = None,
) -> list[Hop]:
    """The way to ``name``. ``before`` are the jump hosts that lie before it where another's ProxyJump says so, in place
    of what its own section says: so does ssh."""
    from kronkers_studio.deployment.jump_hosts import MOST_JUMPS

    way: list[Hop] = []
    while True:
        found = config.look_up(name, user=user, port=port)
        remarks.update(dict.fromkeys(found.remarks))
        way.insert(0, _hop(name, found))
        jumps = found.jumps if before is None else before
        if not jumps:
            return way
        if len(way) > MOST_JUMPS:
            raise SshConfigUnusable(
                f"The SSH configuration sends {way[-1].known_as[0]} through more than {MOST_JUMPS} jump hosts, or in a "
                "circle.",
                next_step="Correct its ProxyJump.",
            )
        user, name, port = _parse_hop(jumps[-1])
        before = jumps[:-1] or None


def _hop(name: str, found: HostSettings) -> Hop:
    if not _is_host(found.host) or not _USER.fullmatch(found.user):
        raise SshConfigUnusable(
            f"“{found.user}@{found.host}”, which the SSH configuration says for {name}, is not a server's address.",
            next_step="Correct HostName and User there.",
        )
    server = Server(name, found.host, found.port, found.user, "", alias=name)
    known_as = (found.host_key_alias,) if found.host_key_alias else (found.host,)
    files = tuple(map(Path, found.known_hosts)) if found.known_hosts is not None else None
    return Hop(server, known_as, files)


def _parse_hop(text: str) -> tuple[str, str, int]:
    """``[user@]host[:port]`` or ``ssh://…`` of a ProxyJump as (user, host, port); "" and 0 for what is left out."""
    found = _HOP.fullmatch(text)
    port = int(found["port"] or 0) if found else 0
    host = (found["six"] or found["host"]) if found else ""
    if not host or not (_ALIAS.fullmatch(host) or _is_host(host)) or port > 65535:
        raise SshConfigUnusable(
            f"“{text[:80]}” in ProxyJump of the SSH configuration is no server.", next_step="Correct that line."
        )
    return (found["user"] or "") if found else "", host, port


def _parts(address: str) -> tuple[str, str, int] | None:
    if any(character.isspace() or not character.isprintable() for character in address):
        return None  # urlsplit drops some of these without a word
    try:
        parts = urlsplit(address if "//" in address else f"ssh://{address}")
        host, user, port = parts.hostname or "", parts.username or "", 22 if parts.port is None else parts.port
    except ValueError:
        return None
    if parts.scheme != "ssh" or parts.password or parts.path not in ("", "/") or parts.query or parts.fragment:
        return None
    if parts.netloc.endswith(":") or not 0 < port < 65536:
        return None
    return (user, host, port) if _USER.fullmatch(user) and _is_host(host) else None


def _is_host(text: str) -> bool:
    """Whether ``text`` is a name in the DNS's sense, or an IP address (version 6 with or without its zone)."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return len(text) < 254 and all(_HOST_PART.fullmatch(part) for part in text.removesuffix(".").split("."))
    return True
