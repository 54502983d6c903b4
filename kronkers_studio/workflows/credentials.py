"""The secrets that servers are logged in to with, each kept under the name of exactly who may get it.

A secret's name in the keyring says the workspace, the account and the fingerprint of the host key that was confirmed.
A server with another key, also one of the same name in a workspace that somebody else made or that bears another's id,
has another name and so finds nothing: whoever is to get the secret would have to have that private host key.

Computers without a keyring give the secrets by variables. These say nothing about who may get them, so they go only to
servers whose host key was confirmed by this user on this computer.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

from kronkers_studio.domain.errors import KeyUnavailable
from kronkers_studio.domain.servers import Server
from kronkers_studio.settings.paths import data_folder
from kronkers_studio.settings.secrets import Secret, delete_secret, get_secret, set_secret

if TYPE_CHECKING:
    from kronkers_studio.deployment.credentials import Credentials

JUMP_PASSWORD_VARIABLE = "KRONKERS_JUMP_PASSWORD"  # noqa: S105  # its name
PASSWORD_VARIABLE = "KRONKERS_SERVER_PASSWORD"  # noqa: S105  # its name
PASSPHRASE_VARIABLE = "KRONKERS_SERVER_KEY_PASSPHRASE"  # noqa: S105
_KINDS = ("password", "key passphrase")


def stored_credentials(workspace_id: str, server: Server, *, jump: bool = False) -> Credentials:
    """What the keyring holds for this very server (or ``jump`` host) of this workspace, else what the variables give.

    Without a usable keyring only the variables count; nothing at all for a server without a confirmed host key.
    """
    from kronkers_studio.deployment.credentials import Credentials

    fingerprint = host_key_fingerprint(server.host_key)
    if not fingerprint:
        return Credentials()
    given = environment_credentials(jump=jump) if is_confirmed(server) else Credentials()
    try:
        kept = [get_secret(_name(workspace_id, server, fingerprint, kind)) for kind in _KINDS]
    except KeyUnavailable:  # a key without passphrase or an agent needs no keyring
        kept = [None, None]
    return Credentials(password=kept[0] or given.password, passphrase=kept[1] or given.passphrase)


def environment_credentials(*, jump: bool = False) -> Credentials:
    """What the variables ``KRONKERS_SERVER_PASSWORD`` (for a ``jump`` host ``KRONKERS_JUMP_PASSWORD``) and
    ``KRONKERS_SERVER_KEY_PASSPHRASE`` give."""
    from kronkers_studio.deployment.credentials import Credentials

    password = os.environ.get(JUMP_PASSWORD_VARIABLE if jump else PASSWORD_VARIABLE)
    passphrase = os.environ.get(PASSPHRASE_VARIABLE)
    return Credentials(
        password=Secret(password) if password else None, passphrase=Secret(passphrase) if passphrase else None
    )


def keep_credentials(
    workspace_id: str, server: Server, *, password: Secret | None = None, key_passphrase: Secret | None = None
) -> None:
    """Put the secrets that are given into the keyring. Raises ``KeyUnavailable``; then none of them was kept."""
    fingerprint = host_key_fingerprint(server.host_key)
    names = []
    try:
        for secret, kind in ((password, _KINDS[0]), (key_passphrase, _KINDS[1])):
            if secret:
                names.append(_name(workspace_id, server, fingerprint, kind))
                set_secret(names[-1], secret)
    except KeyUnavailable as problem:
        for name in names[:-1]:
            delete_secret(name)
        problem.next_step = (
            f"Log in with a key, or give the secret each time as {PASSWORD_VARIABLE} or {PASSPHRASE_VARIABLE}."
        )
        raise


def forget_credentials(workspace_id: str, server: Server) -> None:
    """Remove from the keyring what is kept for this very server of this workspace; no error without a keyring."""
    fingerprint = host_key_fingerprint(server.host_key)
    try:
        for kind in _KINDS:
            delete_secret(_name(workspace_id, server, fingerprint, kind))
    except KeyUnavailable:  # nothing can have been kept there
        return


def host_key_fingerprint(host_key: str) -> str:
    """``SHA256:…`` of a public key in OpenSSH form, as ssh-keygen writes it; "" when it is none."""
    words = host_key.split()
    try:
        blob = base64.b64decode(words[1], validate=True)
    except (IndexError, binascii.Error, ValueError):
        return ""
    return "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode("ascii").rstrip("=") if blob else ""


def is_confirmed(server: Server) -> bool:
    """Whether this user has confirmed the server's host key on this computer, in whichever workspace."""
    try:
        lines = _confirmations().read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return False
    return _confirmation(server) in lines


def confirm_here(server: Server) -> None:
    """Note that this user has confirmed the server's host key on this computer."""
    if not is_confirmed(server):
        file = _confirmations()
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("a", encoding="utf-8") as lines:
            lines.write(_confirmation(server) + "\n")


def _confirmations() -> Path:
    return data_folder() / "confirmed-servers"


def _confirmation(server: Server) -> str:
    return f"{server.user}@{server.host}:{server.port} {host_key_fingerprint(server.host_key)}"


def _name(workspace_id: str, server: Server, fingerprint: str, kind: str) -> str:
    account = f"{server.user}@{server.host}:{server.port}"
    return f"server {server.name} {kind}, {account}, workspace {workspace_id}, host key {fingerprint}"
