"""What OpenSSH's known_hosts of this computer says of a host key: a hint for the person who confirms it, no more
(sshd(8), SSH_KNOWN_HOSTS FILE FORMAT)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable, Iterator
from pathlib import Path

from kronkers_studio.deployment.host_patterns import matches_any
from kronkers_studio.domain.servers import KnownBySsh

_MOST_BYTES = 8_000_000  # some 80,000 lines
_HASHED = "|1|"


def known_by_ssh(names: Iterable[str], port: int, key: str, files: Iterable[Path] | None = None) -> KnownBySsh:
    """What the known_hosts files say of ``key`` (OpenSSH form) for a server called one of ``names`` on ``port``.

    ``files`` are those of the account where none are given. Files that are not there, or cannot be read, say nothing.
    """
    kind, blob = key.split()[:2]
    wanted = [name.lower() if port == 22 else f"[{name.lower()}]:{port}" for name in names]
    found = set()
    for marker, hosts, known_kind, known_blob in _entries(files if files is not None else _own_files()):
        if marker == "@revoked":
            if known_blob == blob and any(_is_for(hosts, name) for name in wanted):
                return KnownBySsh.REVOKED
        elif any(_is_for(hosts, name) for name in wanted):
            if marker == "@cert-authority":
                found.add(KnownBySsh.AUTHORITY)
            elif known_blob == blob:
                found.add(KnownBySsh.SAME)
            elif known_kind == kind:
                found.add(KnownBySsh.OTHER)
    order = (KnownBySsh.SAME, KnownBySsh.OTHER, KnownBySsh.AUTHORITY)
    return next((each for each in order if each in found), KnownBySsh.UNKNOWN)


def _own_files() -> list[Path]:
    return [Path.home() / ".ssh" / name for name in ("known_hosts", "known_hosts2")]


def _entries(files: Iterable[Path]) -> Iterator[tuple[str, str, str, str]]:
    """Of each line its marker ("" for none), its hosts, and the type and the base64 of its key."""
    for file in files:
        try:
            if not file.is_file():
                continue
            with file.open("rb") as stream:
                content = stream.read(_MOST_BYTES)
        except (OSError, ValueError):
            continue
        for line in content.decode("utf-8", "replace").split("\n"):
            words = line.split()
            marker = words.pop(0) if words and words[0].startswith("@") else ""
            if len(words) >= 3 and not words[0].startswith("#"):
                yield marker, words[0], words[1], words[2]


def _is_for(hosts: str, name: str) -> bool:
    if not hosts.startswith(_HASHED):
        return matches_any(name, hosts.lower().split(","))
    try:
        salt, digest = (base64.b64decode(part, validate=True) for part in hosts.removeprefix(_HASHED).split("|"))
    except (binascii.Error, ValueError):
        return False
    return hmac.compare_digest(hmac.new(salt, name.encode("utf-8"), hashlib.sha1).digest(), digest)
