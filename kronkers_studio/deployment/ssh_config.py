"""What a host alias stands for by OpenSSH's client configuration (~/.ssh/config, then the system's): ssh_config(5).

Understood are `Host`, `Match` (all, host, originalhost, user, localuser), `Include`, and the settings that say where a
server is and who logs in there with which keys. No command of a configuration is ever run: neither `Match exec` nor
`ProxyCommand`. What is not done as the configuration says is told in a sentence (``remarks``).

paramiko's own reader knows no `Include`, asks name servers and runs commands while it looks up; OpenSSH's `ssh -G` runs
`Match exec` as well. The tests compare this one with `ssh -G`.
"""

from __future__ import annotations

import getpass
import os
import re
import socket
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from kronkers_studio.deployment.host_patterns import matches_any
from kronkers_studio.deployment.ssh_config_lines import Included, Line, Lines, read_lines
from kronkers_studio.deployment.ssh_config_settings import FOLLOWED, NO_MATTER
from kronkers_studio.domain.errors import SshConfigUnusable

_MOST_ALIASES = 500
_PREDICATES = frozenset({"host", "originalhost", "user", "localuser"})
_ALONE = frozenset({"all", "canonical", "final"})
_TOKEN = re.compile(r"%(.)|%$", re.DOTALL)
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


@dataclass(frozen=True, slots=True)
class HostSettings:
    """What the configuration says of a name. ``named``: whether a section that is not for every host speaks of it.

    ``jumps`` as written in ProxyJump, in the order in which they are passed. ``identity_files`` is None where nothing
    is said of them; ``agent`` is "" for the usual one, "none", or its socket. ``remarks`` are sentences.
    """

    host: str
    port: int
    user: str
    named: bool
    identity_files: tuple[str, ...] | None = None
    only_identity_files: bool = False
    agent: str = ""
    host_key_alias: str = ""
    jumps: tuple[str, ...] = ()
    known_hosts: tuple[str, ...] | None = None
    remarks: tuple[str, ...] = ()


class SshConfig:
    """The configuration of this account on this computer, as it is now. Raises ``SshConfigUnusable``."""

    def __init__(self, own: Path | None = None, system: Path | None = None) -> None:
        own = own or Path.home() / ".ssh" / "config"
        system = system or _system_file()
        self._files = [read_lines(own, own.parent), read_lines(system, system.parent)]

    def look_up(self, name: str, *, user: str = "", port: int = 0) -> HostSettings:
        """What `ssh name` would use; ``user`` and ``port`` are what was given besides, as by `ssh -l` and `-p`.

        Raises ``SshConfigUnusable`` for values that mean nothing, and for what can only be reached by a command.
        """
        search = _Search(name, user, port)
        for lines in self._files:
            search.apply(lines)
        return search.result()

    def aliases(self) -> list[str]:
        """The names that `Host` lines say in full, in their order."""
        found: dict[str, None] = {}
        for line in _flat([line for lines in self._files for line in lines]):
            if line.keyword == "host":
                found.update(dict.fromkeys(name for name in line.arguments if name and not set(name) & set("*?!")))
        return list(found)[:_MOST_ALIASES]


@dataclass
class _Search:
    """One pass through the files: the first value of a setting counts."""

    name: str
    given_user: str
    given_port: int
    values: dict[str, tuple[tuple[str, ...], str]] = field(default_factory=dict)
    """Of each setting its arguments, and where they stand."""

    identity_files: list[str] = field(default_factory=list)
    remarks: dict[str, None] = field(default_factory=dict)
    named: bool = False

    def __post_init__(self) -> None:
        if self.given_user:
            self.values["user"] = ((self.given_user,), "")
        if self.given_port:
            self.values["port"] = ((str(self.given_port),), "")

    def apply(self, lines: Lines, active: bool = True, never: bool = False) -> None:
        """``never``: these were included where nothing applies, so no section of theirs does either."""
        for line in lines:
            if isinstance(line, Included):
                self.apply(line.lines, active, never or not active)
            elif line.keyword == "host":
                active = not never and matches_any(self.name, line.arguments)
                self.named = self.named or (active and not matches_any("\0", line.arguments))
            elif line.keyword == "match":
                active = not never and self._match(line)
            elif active:
                self._set(line)

    def _set(self, line: Line) -> None:
        if not line.arguments:
            raise SshConfigUnusable(f"{line.keyword} in the SSH configuration says nothing ({line.where}).")
        if line.keyword == "identityfile":
            if line.arguments[0] not in self.identity_files:
                self.identity_files.append(line.arguments[0])
        elif line.keyword in FOLLOWED:
            if line.keyword in ("proxyjump", "proxycommand") and {"proxyjump", "proxycommand"} & set(self.values):
                return  # whichever is said first counts for both
            self.values.setdefault(line.keyword, (line.arguments, line.where))
        elif line.keyword not in NO_MATTER:
            self._remark(f"“{line.keyword}” of your SSH configuration is not followed ({line.where}).")

    def _remark(self, sentence: str) -> None:
        self.remarks[sentence] = None

    # Match

    def _match(self, line: Line) -> bool:
        words = list(line.arguments)
        fits = bool(words)
        if set(words) == {"all"}:
            return True
        while words:
            word = words.pop(0)
            negated = word.startswith("!")
            criterion, _, value = word.removeprefix("!").partition("=")
            criterion = criterion.lower()
            if not value and criterion not in _ALONE:
                if not words:
                    raise SshConfigUnusable(
                        f"A Match of the SSH configuration does not say what to match ({line.where}).",
                        next_step="Correct that line.",
                    )
                value = words.pop(0)
            if not fits:
                continue
            if criterion not in _PREDICATES and criterion != "all":
                self._remark(_left_out(criterion, line.where))
                fits = False
            else:
                fits = self._holds(criterion, value) != negated
        self.named = self.named or fits
        return fits

    def _holds(self, criterion: str, value: str) -> bool:
        if criterion == "all":
            return True
        if criterion in ("host", "originalhost"):  # small and large letters are one here, unlike in `Host`
            subject = self._host() if criterion == "host" else self.name
            return matches_any(subject.lower(), value.lower().split(","))
        subject = _local_user() if criterion == "localuser" else self._value("user") or _local_user()
        return matches_any(subject, value.split(","))

    # What came of it

    def result(self) -> HostSettings:
        host, user, port = self._host(), self._value("user") or _local_user(), self._port()
        self._refuse_command()
        tokens = self._tokens(host, user, port)

        def path(text: str, setting: str) -> str:
            text = _expand(text, tokens, setting)
            text = _VARIABLE.sub(lambda found: _environment(found[1], setting), text)
            return str(Path(text).expanduser()) if text.startswith("~") else text

        files = [path(text, "IdentityFile") for text in self.identity_files if text.lower() != "none"]
        known, known_at = self.values.get("userknownhostsfile", ((), ""))
        return HostSettings(
            host,
            port,
            user,
            self.named,
            tuple(files) if self.identity_files else None,
            self._value("identitiesonly").lower() in ("yes", "true"),
            self._agent(path),
            self._value("hostkeyalias"),
            self._jumps({**tokens, "h": host}),
            tuple(path(text, "UserKnownHostsFile") for text in known if text.lower() != "none") if known_at else None,
            tuple(self.remarks),
        )

    def _value(self, setting: str) -> str:
        arguments, _ = self.values.get(setting, (("",), ""))
        return arguments[0]

    def _host(self) -> str:
        return _expand(self._value("hostname"), {"h": self.name}, "HostName") or self.name

    def _port(self) -> int:
        text = self._value("port") or "22"
        if not re.fullmatch(r"[0-9]{1,5}", text) or not 0 < int(text) < 65536:
            raise SshConfigUnusable(
                f"“{text[:40]}” is no port ({self.values['port'][1]}).", next_step="Correct that line."
            )
        return int(text)

    def _refuse_command(self) -> None:
        command, where = self.values.get("proxycommand", (("none",), ""))
        if command[0].lower() != "none":
            raise SshConfigUnusable(
                f"{self.name} is reached through a command (ProxyCommand, {where}), and commands of a configuration "
                "are never run.",
                next_step="If it is `ssh -W`, write ProxyJump in its place; else ask for an address that can be "
                "reached by itself or through a jump host.",
            )

    def _jumps(self, tokens: dict[str, str]) -> tuple[str, ...]:
        text = self._value("proxyjump")
        if not text or text.lower() == "none":
            return ()
        return tuple(_expand(hop.strip(), tokens, "ProxyJump") for hop in text.split(",") if hop.strip())

    def _agent(self, path: Callable[[str, str], str]) -> str:
        text = self._value("identityagent")
        if not text or text == "SSH_AUTH_SOCK":
            return ""
        if text.lower() == "none":
            return "none"
        if text.startswith("$") and not text.startswith("${"):
            return _environment(text[1:], "IdentityAgent")
        return path(text, "IdentityAgent")

    def _tokens(self, host: str, user: str, port: int) -> dict[str, str]:
        local = socket.gethostname()
        return {
            "%": "%",
            "d": str(Path.home()),
            "h": host,
            "k": self._value("hostkeyalias") or self.name,
            "L": local.split(".")[0],
            "l": local,
            "n": self.name,
            "p": str(port),
            "r": user,
            "u": _local_user(),
            **({"i": str(os.getuid())} if sys.platform != "win32" else {}),
        }


def _left_out(criterion: str, where: str) -> str:
    if criterion == "exec":
        return f"“Match exec” of your SSH configuration was left out: its command is never run ({where})."
    return f"“Match {criterion[:40]}” of your SSH configuration was left out ({where})."


def _expand(text: str, tokens: dict[str, str], setting: str) -> str:
    """``text`` with each ``%`` token replaced. Raises ``SshConfigUnusable`` for one that has no meaning here."""

    def token(found: re.Match[str]) -> str:
        known = {"%": "%", **tokens}
        if found[1] not in known:
            raise SshConfigUnusable(
                f"“{found[0]}” in {setting} of the SSH configuration has no meaning here.",
                next_step="Write what it stands for in its place.",
            )
        return known[found[1]]

    return _TOKEN.sub(token, text)


def _environment(name: str, setting: str) -> str:
    value = os.environ.get(name)
    if value is None:
        raise SshConfigUnusable(
            f"{setting} of the SSH configuration names the variable {name}, which is not set.",
            next_step="Set it, or write what it stands for in its place.",
        )
    return value


def _flat(lines: list[Line | Included]) -> Iterator[Line]:
    for line in lines:
        if isinstance(line, Included):
            yield from _flat(list(line.lines))
        else:
            yield line


def _local_user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):  # an account without a name
        return ""


def _system_file() -> Path:
    if sys.platform == "win32":
        return Path(os.environ.get("PROGRAMDATA", r"C:\ProgramData"), "ssh", "ssh_config")
    return Path("/etc/ssh/ssh_config")
