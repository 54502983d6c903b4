"""On-premises servers: confirm their host key, add, check, set up and remove them."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

from kronkers_studio.domain.changes import ServerAdded, ServerRemoved
from kronkers_studio.domain.errors import AlreadyExists, HostKeyUnknown, InvalidInput, StudioError
from kronkers_studio.domain.progress import NEVER, SILENT, CancelToken, Progress
from kronkers_studio.domain.releases import THIS_COMPUTER, ReleaseState
from kronkers_studio.domain.servers import HostKey, Server, ServerReport
from kronkers_studio.settings.secrets import Secret, delete_secret, set_secret
from kronkers_studio.workflows.session import Session

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,30}")


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

    Secrets go to the keyring. Raises ``HostKeyUnknown`` (with the fingerprint shown) when it is another one.
    """
    require_new_name(session, name)
    user, host, port = parse_address(address)
    progress.step(f"Asking {host} for its host key")
    shown = show_host_key(address)
    if shown.fingerprint != fingerprint:
        raise HostKeyUnknown(
            f"{host} shows the host key {shown.fingerprint}, which is not the one confirmed.",
            fingerprint=shown.fingerprint,
            next_step="Compare it with what the server's administrator says before you trust it.",
        )
    server = Server(
        name=name,
        host=host,
        port=port,
        user=user,
        host_key=shown.key,
        identity_file=str(identity_file.expanduser().absolute()) if identity_file else "",
        added=datetime.now(UTC),
    )
    progress.step(f"Logging in to {host}")
    _log_in(server, password, key_passphrase)
    for secret, kind in ((password, "password"), (key_passphrase, "key passphrase")):
        if secret:
            set_secret(f"server {name} {kind}", secret)
    session.workspace.ledger.record(ServerAdded(server), author=session.author)
    return server


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
    return check(session.connection(server), server)


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
    session.workspace.ledger.server(name)
    live = [r for r in session.workspace.ledger.releases(place=name) if r.state is ReleaseState.LIVE]
    if live:
        raise InvalidInput(
            f"{live[0].model} is live on “{name}”.", next_step="Stop it first; then the server can be removed."
        )
    session.forget_connection(name)
    for kind in ("password", "key passphrase"):
        try:
            delete_secret(f"server {name} {kind}")
        except StudioError:  # no usable keyring: nothing can have been kept there
            break
    session.workspace.ledger.record(ServerRemoved(name), author=session.author)


def parse_address(address: str) -> tuple[str, str, int]:
    """``ssh://user@host[:port]`` (the ``ssh://`` may be left out) as (user, host, port)."""
    parts = urlsplit(address if "//" in address else f"ssh://{address}")
    try:
        port = parts.port or 22
    except ValueError:
        port = 0
    if parts.scheme != "ssh" or not parts.hostname or not parts.username or parts.password or not port:
        raise InvalidInput(
            f"“{address}” is not a server's address.", next_step="Write it as ssh://user@host or ssh://user@host:2222."
        )
    return parts.username, parts.hostname, port


def _log_in(server: Server, password: Secret | None, key_passphrase: Secret | None) -> None:
    from kronkers_studio.deployment.ssh import Credentials, connect

    connect(server, Credentials(password=password, passphrase=key_passphrase)).close()
