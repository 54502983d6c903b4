"""On-premises servers: confirm their host key, add, check, set up, unlock and remove them, give their secrets anew."""

from __future__ import annotations

import ipaddress
import re
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

from kronkers_studio.domain.changes import ServerAdded, ServerRemoved
from kronkers_studio.domain.errors import AlreadyExists, HostKeyUnknown, InvalidInput, ServerError
from kronkers_studio.domain.progress import NEVER, SILENT, CancelToken, Progress
from kronkers_studio.domain.releases import THIS_COMPUTER, ReleaseState
from kronkers_studio.domain.servers import (
    DeployLock,
    HostKey,
    Remedy,
    Server,
    ServerChange,
    ServerCheck,
    ServerReport,
    Verdict,
)
from kronkers_studio.settings.paths import from_home
from kronkers_studio.settings.secrets import Secret
from kronkers_studio.workflows.credentials import (
    confirm_here,
    environment_credentials,
    forget_credentials,
    is_confirmed,
    keep_credentials,
    stored_credentials,
)
from kronkers_studio.workflows.session import Session

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,30}")
_USER = re.compile(r"\w[\w.@\\+-]{0,127}\$?")
"""Also those of a Windows domain ("DOMAIN\\ada", "ada@domain"); never an option ("-l")."""

_HOST_PART = re.compile(r"\w(?:[\w-]{0,61}\w)?")


def show_host_key(address: str) -> HostKey:
    """The host key that the server at ``address`` (``ssh://user@host[:port]``) shows, for a person to confirm."""
    from kronkers_studio.deployment.ssh import fetch_host_key

    _, host, port = parse_address(address)
    return fetch_host_key(host, port)


def add_server(
    session: Session,
    name: str,
    address: str,
    *,
    fingerprint: str,
    identity_file: Path | None = None,
    password: Secret | None = None,
    key_passphrase: Secret | None = None,
    progress: Progress = SILENT,
) -> Server:
    """Add a server whose host key has the confirmed ``fingerprint`` (``SHA256:…``), after logging in once.

    Secrets that are given go to the keyring; those in the environment's variables are used and kept nowhere. Raises
    ``HostKeyUnknown`` (with the fingerprint shown) when it is another one.
    """
    require_new_name(session, name)
    user, host, port = parse_address(address)
    progress.step(f"Asking {host} for its host key")
    shown = show_host_key(address)
    _require_fingerprint(shown, fingerprint)
    server = Server(
        name=name,
        host=host,
        port=port,
        user=user,
        host_key=shown.key,
        identity_file=str(from_home(identity_file).absolute()) if identity_file else "",
        added=datetime.now(UTC),
    )
    progress.step(f"Logging in to {host}")
    given = environment_credentials()
    _log_in(server, password or given.password, key_passphrase or given.passphrase)
    keep_credentials(session.workspace.id, server, password=password, key_passphrase=key_passphrase)
    session.workspace.ledger.record(ServerAdded(server), author=session.author)
    confirm_here(server)
    return server


def log_in_anew(
    session: Session,
    name: str,
    *,
    fingerprint: str = "",
    password: Secret | None = None,
    key_passphrase: Secret | None = None,
    progress: Progress = SILENT,
) -> Server:
    """Log in to a known server with other secrets, and keep those given in the keyring in place of the old ones.

    ``fingerprint`` is the host key that the person confirms; needed once on each computer. Raises ``HostKeyUnknown``
    without it, or when it is not the server's.
    """
    server = session.workspace.ledger.server(name)
    if fingerprint or not is_confirmed(server):
        _require_fingerprint(show_host_key(server.address), fingerprint)
    progress.step(f"Logging in to {server.host}")
    kept, given = stored_credentials(session.workspace.id, server), environment_credentials()
    _log_in(server, password or given.password or kept.password, key_passphrase or given.passphrase or kept.passphrase)
    keep_credentials(session.workspace.id, server, password=password, key_passphrase=key_passphrase)
    confirm_here(server)
    session.forget_connection(name)
    return server


def needs_confirmation(session: Session, name: str) -> str:
    """The address of the server when this user has not confirmed its host key on this computer yet; else ""."""
    server = session.workspace.ledger.server(name)
    return "" if is_confirmed(server) else server.address


def require_new_name(session: Session, name: str) -> None:
    """Raise ``InvalidInput`` or ``AlreadyExists`` when no new server can be called ``name``."""
    if not _NAME.fullmatch(name) or name == THIS_COMPUTER:
        raise InvalidInput(
            f"“{name}” cannot be a server's name.", next_step="Use small letters, digits and hyphens, at most 31."
        )
    if any(known.name == name for known in session.workspace.ledger.servers()):
        raise AlreadyExists(
            f"There is a server called “{name}” already.", next_step="Choose another name, or remove that one first."
        )


def list_servers(session: Session) -> list[Server]:
    return session.workspace.ledger.servers()


def check_server(session: Session, name: str, *, progress: Progress = SILENT) -> ServerReport:
    """Look at everything that releases need on the server; each line says what to do when it is wrong."""
    from kronkers_studio.deployment.checks import check_server as check

    server = session.workspace.ledger.server(name)
    progress.step(f"Checking {name}")
    report = check(session.connection(server), server)
    if not any(found.title == "Swarm" and found.verdict is Verdict.OK for found in report.checks):
        return report  # nothing was ever released there, or nothing can be looked at
    return replace(report, checks=(*report.checks, _tidiness(session, name)))


def _tidiness(session: Session, name: str) -> ServerCheck:
    """Whether there is anything on the server that no release needs."""
    from kronkers_studio.workflows.server_care import clean_server

    cleaned = clean_server(session, name, dry_run=True)
    count = len(cleaned.releases) + len(cleaned.leftovers)
    if not count:
        return ServerCheck("Leftovers", Verdict.OK, "nothing that no release needs")
    return ServerCheck(
        "Leftovers",
        Verdict.WARN,
        f"{count} things that no release needs ({cleaned.size / 1_000_000:,.0f} MB)",
        "Cleaning up removes them. What is live, and what a rollback needs, stays.",
        Remedy.CLEAN,
    )


def set_up_server(
    session: Session, name: str, *, progress: Progress = SILENT, cancel: CancelToken = NEVER
) -> ServerReport:
    """Prepare the server for releases (safe to repeat), and check it."""
    from kronkers_studio.deployment.setup import set_up_server as set_up

    set_up(session.connection(session.workspace.ledger.server(name)), progress=progress)
    cancel.check()
    return check_server(session, name, progress=progress)


def remove_server(session: Session, name: str) -> None:
    """Forget the server and its secrets. What runs there is not touched.

    Refuses while a release is live there: its charts and its rollback would be lost.
    """
    server = session.workspace.ledger.server(name)
    live = [r for r in session.workspace.ledger.releases(place=name) if r.state is ReleaseState.LIVE]
    if live:
        raise InvalidInput(
            f"{live[0].model} is live on “{name}”.", next_step="Stop it first; then the server can be removed."
        )
    session.forget_connection(name)
    session.workspace.ledger.record(ServerRemoved(name), author=session.author)
    forget_credentials(session.workspace.id, server)


def deploy_lock_of(session: Session, name: str) -> DeployLock | None:
    """Who is changing releases on the server at the moment, if anybody."""
    from kronkers_studio.deployment.deploy_lock import read_deploy_lock

    return read_deploy_lock(session.connection(session.workspace.ledger.server(name)))


def unlock_server(session: Session, name: str, lock: DeployLock) -> bool:
    """Take ``lock`` away from whoever has it, and note that in the server's audit log; whether it was still there.

    Another lock that somebody took meanwhile is left alone.
    """
    from kronkers_studio.deployment.deploy_lock import break_deploy_lock, record_change

    connection = session.connection(session.workspace.ledger.server(name))
    broken = break_deploy_lock(connection, lock)
    if broken:
        with suppress(ServerError):  # it has happened, whether or not it can be written down
            record_change(connection, "unlock", held_by=lock.holder, purpose=lock.purpose, since=lock.since)
    return broken


def server_changes(session: Session, name: str, last: int = 100) -> list[ServerChange]:
    """Who changed what on the server, by its own audit log: the ``last`` lines, oldest first."""
    from kronkers_studio.deployment.deploy_lock import read_changes

    return read_changes(session.connection(session.workspace.ledger.server(name)), last)


def parse_address(address: str) -> tuple[str, str, int]:
    """``ssh://user@host[:port]`` (the ``ssh://`` may be left out) as (user, host, port). Raises ``InvalidInput``."""
    found = _parts(address)
    if found is None:
        raise InvalidInput(
            f"“{address}” is not a server's address.", next_step="Write it as ssh://user@host or ssh://user@host:2222."
        )
    return found


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


def _require_fingerprint(shown: HostKey, fingerprint: str) -> None:
    if shown.fingerprint != fingerprint:
        kind = "which is not the one confirmed" if fingerprint else "which has not been confirmed on this computer"
        raise HostKeyUnknown(
            f"{shown.host} shows the host key {shown.fingerprint}, {kind}.",
            fingerprint=shown.fingerprint,
            next_step="Compare it with what the server's administrator says before you trust it.",
        )


def _log_in(server: Server, password: Secret | None, key_passphrase: Secret | None) -> None:
    from kronkers_studio.deployment.ssh import Credentials, connect

    connect(server, Credentials(password=password, passphrase=key_passphrase)).close()
