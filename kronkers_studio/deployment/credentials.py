"""What a server is logged in to with, and which keys are offered to it, in which order."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from kronkers_studio.deployment.agent import AgentKey
from kronkers_studio.deployment.key_files import KeyFileProblem, public_part, read_key
from kronkers_studio.deployment.signing import Signer
from kronkers_studio.deployment.userauth import AskPerson
from kronkers_studio.domain.servers import Server
from kronkers_studio.settings.paths import from_home
from kronkers_studio.settings.secrets import Secret

_DEFAULT_FILES = ("id_ed25519", "id_ecdsa", "id_rsa")


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a server is logged in to with, besides the key file that its entry names.

    From the keyring: the account's ``password``, the key file's ``passphrase``. Of this computer's OpenSSH
    configuration: ``identity_files`` (None: it names none), whether no others may be offered, and the ``agent`` ("" for
    the usual one, "none", or its socket). ``ask`` asks the person who sits there what the server wants to know, if
    there is one; ``ask_password``: also for the password.
    """

    password: Secret | None = None
    passphrase: Secret | None = None
    identity_files: tuple[str, ...] | None = None
    only_identity_files: bool = False
    agent: str = ""
    ask: AskPerson | None = None
    ask_password: bool = False


def keys_to_offer(
    server: Server, credentials: Credentials, agent: Sequence[AgentKey]
) -> tuple[list[Signer], dict[Path, str]]:
    """The keys, in order; and of each key file that was named and gives none, what is wrong with it.

    Those that are named come first, from the agent where it has them. Where the entry names a key file, or the
    configuration says so, no others are offered: they would use up the server's patience.
    """
    if server.identity_file:
        named: tuple[str, ...] = (server.identity_file,)
        only = True
    else:
        named, only = credentials.identity_files or (), credentials.only_identity_files
    keys: list[Signer] = []
    problems: dict[Path, str] = {}
    for file in (from_home(Path(name)) for name in named):
        public = public_part(file)
        copies = [key for key in agent if public in (None, key.blob)]
        keys += copies
        try:
            keys += read_key(file, credentials.passphrase)
        except KeyFileProblem as problem:
            if not copies:
                problems[file] = str(problem)
    if not only:
        keys += agent
    if not server.identity_file and credentials.identity_files is None:
        keys += _default_keys(credentials.passphrase, {key.blob for key in keys})
    return list({(type(key), key.blob): key for key in keys}.values()), problems


def _default_keys(passphrase: Secret | None, known: set[bytes]) -> list[Signer]:
    """Those that `ssh` would try by itself, where they are there and open; nobody has named them, so nothing is said of
    others."""
    keys: list[Signer] = []
    for name in _DEFAULT_FILES:
        with contextlib.suppress(KeyFileProblem):
            keys += [key for key in read_key(Path.home() / ".ssh" / name, passphrase) if key.blob not in known]
    return keys
