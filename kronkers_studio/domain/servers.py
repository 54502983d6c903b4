"""On-premises servers and what is found on them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from kronkers_studio.domain.releases import Release


class Verdict(StrEnum):
    OK = "ok"
    WARN = "warn"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Server:
    """A host reached over SSH. ``host_key`` is the confirmed public key in OpenSSH form ("ssh-ed25519 AAAA…").

    ``jumps`` are the jump hosts that lie before it, in the order in which they are passed; each is a server of its own,
    with its own log-in and confirmed host key, and no jumps. ``alias`` is its name in the OpenSSH configuration of
    whoever added it, "" when it was added by its address. Secrets (password, key passphrase) are in the keyring, never
    here.
    """

    name: str
    host: str
    port: int
    user: str
    host_key: str
    identity_file: str = ""
    added: datetime | None = None
    alias: str = field(default="", metadata={"stored": "when there is one"})
    jumps: tuple[Server, ...] = field(default=(), metadata={"stored": "when there are any"})

    @property
    def address(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"ssh://{self.user}@{host}" + (f":{self.port}" if self.port != 22 else "")

    @property
    def account(self) -> str:
        """Who logs in where ("ada@10.0.0.1:2222")."""
        return self.address.removeprefix("ssh://")

    @property
    def way(self) -> str:
        """Its address, and the jump hosts before it."""
        return self.address + "".join(f" through {jump.account}" for jump in self.jumps)


class Remedy(StrEnum):
    """What can be done from here about what was found on a server."""

    UNLOCK = "unlock"
    CLEAN = "clean"


@dataclass(frozen=True, slots=True)
class ServerCheck:
    """One line of `server check`: what was looked at, what was found, what to do when it is wrong."""

    title: str
    verdict: Verdict
    found: str
    advice: str = ""
    remedy: Remedy | None = None


@dataclass(frozen=True, slots=True)
class ServerReport:
    """``lock`` is who was changing releases there, if anybody."""

    server: str
    checks: tuple[ServerCheck, ...]
    lock: DeployLock | None = None

    @property
    def verdict(self) -> Verdict:
        verdicts = {check.verdict for check in self.checks}
        return next((v for v in (Verdict.BAD, Verdict.WARN) if v in verdicts), Verdict.OK)


class LeftoverKind(StrEnum):
    SERVICE = "service"
    SECRET = "secret"  # noqa: S105  # a word
    NETWORK = "network"
    VOLUME = "volume"  # with recorded rows
    IMAGE = "image"


@dataclass(frozen=True, slots=True)
class Leftover:
    """Something on a server that no release needs any more. ``id`` is the engine's, ``size`` the bytes that removing
    it frees on the disk.

    What the history does not know at all (``known`` False) may be a release of a copy of this workspace; it is removed
    only when somebody asks for it.
    """

    kind: LeftoverKind
    id: str
    name: str
    size: int = 0
    known: bool = True


@dataclass(frozen=True, slots=True)
class CleanedServer:
    """What was removed from a server, or would be (``dry_run``): releases on standby, and things nobody needs."""

    server: str
    releases: tuple[Release, ...]
    leftovers: tuple[Leftover, ...]
    dry_run: bool

    @property
    def size(self) -> int:
        """Bytes on the server's disk."""
        return sum(leftover.size for leftover in self.leftovers)


class KnownBySsh(StrEnum):
    """What OpenSSH's known_hosts of this computer says of a host key: a hint for the person, no reason to trust."""

    UNKNOWN = "unknown"
    SAME = "same"
    OTHER = "other"
    REVOKED = "revoked"
    AUTHORITY = "authority"


@dataclass(frozen=True, slots=True)
class HostKey:
    """A server's host key as shown to a person before it is trusted. ``jump``: it is a jump host's."""

    host: str
    port: int
    key: str  # OpenSSH form
    fingerprint: str  # "SHA256:…"
    known: KnownBySsh = KnownBySsh.UNKNOWN
    jump: bool = False

    @property
    def hint(self) -> str:
        """What ssh on this computer knows of it, as a sentence; "" for nothing."""
        return _HINTS[self.known]


_HINTS = {
    KnownBySsh.UNKNOWN: "",
    KnownBySsh.SAME: "You have trusted this key before with ssh on this computer.",
    KnownBySsh.OTHER: "ssh on this computer knows another key of this server: ask its administrator why.",
    KnownBySsh.REVOKED: "ssh on this computer is told never to trust this key.",
    KnownBySsh.AUTHORITY: "ssh on this computer trusts this server by an authority, which is not asked here.",
}


@dataclass(frozen=True, slots=True)
class DeployLock:
    """Somebody is changing releases on a server: who, on which computer, for what, since when (ISO 8601, by that
    computer's clock), and how many seconds ago the server last heard of them (None when that is not known)."""

    user: str
    computer: str
    purpose: str
    since: str
    token: str
    silent_seconds: float | None = None

    @property
    def holder(self) -> str:
        return f"{self.user} on {self.computer}"


@dataclass(frozen=True, slots=True)
class ServerChange:
    """A line of a server's audit log: who changed what there, on which computer, and when (ISO 8601, by that computer's
    clock). ``about`` says more, by name: the release, and how it ended."""

    at: str
    user: str
    computer: str
    action: str
    about: Mapping[str, str]

    @property
    def who(self) -> str:
        return f"{self.user} on {self.computer}"

    @property
    def release(self) -> str:
        """The release that it was about ("churn r4"), if any."""
        return self.about.get("release", "")

    @property
    def more(self) -> str:
        """What else is said of it, such as how it ended."""
        return ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in self.about.items() if name != "release")
