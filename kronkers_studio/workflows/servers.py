"""On-premises servers: confirm their host key, add, check, set up, unlock and remove them, give their secrets anew."""

from __future__ import annotations

import re
from collections.abc import Collection
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from kronkers_studio.domain.changes import GatewaySet, ServerAdded, ServerRemoved
from kronkers_studio.domain.errors import AlreadyExists, HostKeyRevoked, HostKeyUnknown, InvalidInput, ServerError
from kronkers_studio.domain.progress import NEVER, SILENT, CancelToken, Progress
from kronkers_studio.domain.releases import THIS_COMPUTER, ReleaseState
from kronkers_studio.domain.servers import (
    DeployLock,
    HostKey,
    KnownBySsh,
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
    forget_credentials,
    host_key_fingerprint,
    is_confirmed,
    keep_credentials,
)
from kronkers_studio.workflows.server_addresses import Destination, Hop, difference_here, find_destination
from kronkers_studio.workflows.session import Session

if TYPE_CHECKING:
    from kronkers_studio.deployment.ssh import Connection

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,30}")


def show_host_key(address: str) -> HostKey:
    """The host key that the server at ``address`` (``ssh://user@host[:port]``) shows, for a person to confirm.

    Raises ``HostKeyRevoked`` when ssh on this computer is told never to trust it.
    """
    return _shown(find_destination(address).hops[-1], None)


def host_key_to_confirm(session: Session, address: str, confirmed: Collection[str] = ()) -> HostKey:
    """The next host key on the way to ``address`` that the person has to confirm, after those with the ``confirmed``
    fingerprints: jump hosts that nobody has confirmed on this computer yet, then the server itself.

    Jump hosts that are confirmed are logged in to, for what lies behind them.
    """
    return _follow(session, find_destination(address), confirmed)[1]


def remarks_on(address: str) -> tuple[str, ...]:
    """What of this computer's OpenSSH configuration is not followed for ``address``, as sentences."""
    return find_destination(address).remarks


def add_server(
    session: Session,
    name: str,
    address: str,
    *,
    fingerprint: str,
    jump_fingerprints: Collection[str] = (),
    identity_file: Path | None = None,
    password: Secret | None = None,
    key_passphrase: Secret | None = None,
    progress: Progress = SILENT,
) -> Server:
    """Add the server at ``address`` (``ssh://user@host[:port]``, or an alias of the OpenSSH configuration), whose host
    key has the confirmed ``fingerprint`` (``SHA256:…``), after logging in once; that connection is kept open.

    ``jump_fingerprints`` are those of jump hosts before it that nobody has confirmed on this computer yet. Secrets that
    are given go to the keyring; those in the environment's variables are used and kept nowhere. Raises
    ``HostKeyUnknown`` (with the fingerprint shown) when one is another one.
    """
    require_new_name(session, name)
    destination = find_destination(address)
    progress.step(f"Asking {destination.server.host} for its host key")
    jumps, shown = _follow(session, destination, jump_fingerprints)
    _require_fingerprint(shown, "" if shown.jump else fingerprint)
    server = replace(
        destination.server,
        name=name,
        host_key=shown.key,
        identity_file=str(from_home(identity_file).absolute()) if identity_file else "",
        added=datetime.now(UTC),
        jumps=jumps,
    )
    confirm_here(server)  # only who is confirmed may have the person asked something
    progress.step(f"Logging in to {server.host}")
    with session.servers.first_connection(server, password, key_passphrase):
        keep_credentials(session.workspace.id, server, password=password, key_passphrase=key_passphrase)
        session.workspace.ledger.record(ServerAdded(server), author=session.author)
    return server


def log_in_anew(
    session: Session,
    name: str,
    *,
    fingerprints: Collection[str] = (),
    password: Secret | None = None,
    key_passphrase: Secret | None = None,
    progress: Progress = SILENT,
) -> Server:
    """Log in to a known server with other secrets, and keep those given in the keyring in place of the old ones.

    ``fingerprints`` are the host keys that the person confirms, of the server and of its jump hosts; needed once on
    each computer. Raises ``HostKeyUnknown`` without, or when one is none of theirs.
    """
    server = session.workspace.ledger.server(name)
    keys = {_pinned(each).fingerprint for each in (*server.jumps, server)}
    for stray in set(fingerprints) - keys:
        _require_fingerprint(_pinned(server), stray)
    for key in keys_to_confirm(session, name):
        if key.fingerprint not in fingerprints:
            _require_fingerprint(key, "")
    for each in (*server.jumps, server):
        confirm_here(each)
    progress.step(f"Logging in to {server.host}")
    with session.servers.first_connection(server, password, key_passphrase):
        keep_credentials(session.workspace.id, server, password=password, key_passphrase=key_passphrase)
    return server


def keys_to_confirm(session: Session, name: str) -> list[HostKey]:
    """The host keys that the workspace has for the server and its jump hosts and that this user has not confirmed on
    this computer yet, in the order in which they are met."""
    server = session.workspace.ledger.server(name)
    keys = [_pinned(jump, jump=True) for jump in server.jumps if not is_confirmed(jump)]
    return keys if is_confirmed(server) else [*keys, _pinned(server)]


def require_new_name(session: Session, name: str) -> None:
    """Raise ``InvalidInput`` or ``AlreadyExists`` when no new server can be called ``name``."""
    if not _NAME.fullmatch(name) or name == THIS_COMPUTER:
        raise InvalidInput(
            f"“{name}” cannot be a server's name.",
            next_step="That is what this computer is called; choose another name."
            if name == THIS_COMPUTER
            else "Use small letters, digits and hyphens, at most 31.",
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
    report = replace(report, checks=(*report.checks, *_alias(server)))
    if not any(found.title == "Swarm" and found.verdict is Verdict.OK for found in report.checks):
        return report  # nothing was ever released there, or nothing can be looked at
    return replace(report, checks=(*report.checks, _tidiness(session, name)))


def _alias(server: Server) -> tuple[ServerCheck, ...]:
    """Whether this computer's OpenSSH configuration reaches it otherwise by now; nothing when it does not."""
    difference = difference_here(server)
    if not difference:
        return ()
    advice = "The server is reached as it was added. If that is out of date, remove it here and add it again."
    return (ServerCheck("Alias", Verdict.WARN, difference, advice),)


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
    if any(gateway.server == name for gateway in session.workspace.ledger.gateways()):
        forgotten = GatewaySet(name, None, datetime.now(UTC), session.author)
        session.workspace.ledger.record(forgotten, author=session.author)
    session.workspace.ledger.record(ServerRemoved(name), author=session.author)
    forget_credentials(session.workspace.id, server)
    still = {jump for other in session.workspace.ledger.servers() for jump in other.jumps}
    for jump in set(server.jumps) - still:
        forget_credentials(session.workspace.id, jump)


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


def _follow(
    session: Session, destination: Destination, confirmed: Collection[str]
) -> tuple[tuple[Server, ...], HostKey]:
    """Pass the jump hosts that are confirmed. They, with their host keys; and the host key of what comes next, the
    server itself or a jump host that nobody has confirmed."""
    passed: tuple[Server, ...] = ()
    target = destination.server.alias or destination.server.host
    for hop in destination.hops[:-1]:
        shown = _shown(hop, session.servers.jump_hosts.last_of(passed, target), jump=True)
        jump = replace(hop.server, host_key=shown.key)
        if shown.fingerprint in confirmed:
            confirm_here(jump)
        elif not is_confirmed(jump):
            return passed, shown
        passed = (*passed, jump)
    via = session.servers.jump_hosts.last_of(passed, target)
    session.servers.keep_typed_passwords(passed)
    return passed, _shown(destination.hops[-1], via)


def _shown(hop: Hop, via: Connection | None, *, jump: bool = False) -> HostKey:
    from kronkers_studio.deployment.known_hosts import known_by_ssh
    from kronkers_studio.deployment.ssh import fetch_host_key

    shown = fetch_host_key(hop.server.host, hop.server.port, via=via)
    known = known_by_ssh(hop.known_as, hop.server.port, shown.key, hop.known_hosts)
    if known is KnownBySsh.REVOKED:
        raise HostKeyRevoked(
            f"{shown.host} shows a host key that ssh on this computer is told never to trust: {shown.fingerprint}.",
            next_step="Nothing was sent. Ask the server's administrator; known_hosts has the key as revoked.",
        )
    return replace(shown, known=known, jump=jump)


def _pinned(server: Server, *, jump: bool = False) -> HostKey:
    """The host key that the workspace has for it."""
    return HostKey(server.host, server.port, server.host_key, host_key_fingerprint(server.host_key), jump=jump)


def _require_fingerprint(shown: HostKey, fingerprint: str) -> None:
    if shown.fingerprint != fingerprint:
        kind = "which is not the one confirmed" if fingerprint else "which has not been confirmed on this computer"
        raise HostKeyUnknown(
            f"{'The jump host ' if shown.jump else ''}{shown.host} shows the host key {shown.fingerprint}, {kind}.",
            fingerprint=shown.fingerprint,
            next_step="Compare it with what the server's administrator says before you trust it.",
        )
