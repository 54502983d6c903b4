"""Logging in to a server: agent, then key file, then password, and a clear account of what was tried."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import paramiko

from kronkers_studio.domain.errors import AuthenticationFailed
from kronkers_studio.domain.servers import Server
from kronkers_studio.settings.secrets import Secret

_MOST_AGENT_KEYS = 3
"""Servers hang up after six refusals: some must be left for the key file and the password."""


class _Attempts:
    """What was tried, in words; which advice fits."""

    def __init__(self) -> None:
        self.tried: list[str] = []
        self.advice: list[str] = []


def log_in(transport: paramiko.Transport, server: Server, password: Secret | None, passphrase: Secret | None) -> None:
    """Authenticate ``transport``. Raises ``AuthenticationFailed`` naming what was tried."""
    attempts = _Attempts()
    try:
        for key, name in _keys(server, passphrase, attempts):
            attempts.tried.append(name)
            if _accepted(transport, server.user, key):
                return
        if password:
            attempts.tried.append("the password")
            with contextlib.suppress(paramiko.AuthenticationException):
                transport.auth_password(server.user, password.reveal())
        if transport.is_authenticated():
            return
    except (paramiko.SSHException, EOFError, OSError):
        attempts.advice.append("The server hung up while logging in.")
    raise _refused(server, attempts)


def _accepted(transport: paramiko.Transport, user: str, key: paramiko.PKey) -> bool:
    try:
        transport.auth_publickey(user, key)
    except paramiko.AuthenticationException:
        return False
    return transport.is_authenticated()  # false as well when the server wants a second factor


def _keys(server: Server, passphrase: Secret | None, attempts: _Attempts) -> Iterator[tuple[paramiko.PKey, str]]:
    """The keys to offer, with their names, in order."""
    file = Path(server.identity_file).expanduser() if server.identity_file else None
    with _agent() as agent:
        for key in _agent_keys(agent, file)[:_MOST_AGENT_KEYS]:
            yield key, f"the agent's key “{key.comment or key.get_name()}”"
    if file is not None:
        from_file = _read_key(file, passphrase, attempts)
        if from_file is not None:
            yield from_file, f"the key file {file}"


@contextlib.contextmanager
def _agent() -> Iterator[tuple[paramiko.AgentKey, ...]]:
    try:
        agent = paramiko.Agent()
    except (paramiko.SSHException, OSError):  # something else answers where the agent should
        yield ()
        return
    try:
        yield tuple(agent.get_keys())
    finally:
        agent.close()


def _agent_keys(keys: tuple[paramiko.AgentKey, ...], file: Path | None) -> list[paramiko.AgentKey]:
    """With a key file named, only the agent's copy of that key: the others would use up the server's patience."""
    public = Path(f"{file}.pub") if file else None
    if public is None or not public.is_file():
        return list(keys)
    words = public.read_text(encoding="utf-8", errors="replace").split()
    return [key for key in keys if len(words) > 1 and key.get_base64() == words[1]]


def _read_key(file: Path, passphrase: Secret | None, attempts: _Attempts) -> paramiko.PKey | None:
    """The key in ``file``, or None after noting why not."""
    password = passphrase.reveal().encode("utf-8") if passphrase else None
    try:
        return _load(file, password)
    except FileNotFoundError:
        problem = f"The key file {file} does not exist."
    except OSError as error:
        problem = f"The key file {file} cannot be read: {error.strerror}."
    except _PassphraseNeeded:
        problem = f"The key file {file} is locked: give its passphrase, or load it into your SSH agent."
    except (ValueError, paramiko.SSHException):
        problem = (
            f"The passphrase does not open the key file {file}."
            if password
            else f"The key file {file} is not a private key in a known format."
        )
    attempts.tried.append(f"the key file {file} (not usable)")
    attempts.advice.append(problem)
    return None


class _PassphraseNeeded(Exception):
    pass


def _load(file: Path, password: bytes | None) -> paramiko.PKey:
    try:
        return paramiko.PKey.from_path(file, password)  # type: ignore[arg-type]  # bytes are what it passes on
    except (TypeError, paramiko.PasswordRequiredException):  # locked and no passphrase, or the other way round
        if password is None:
            raise _PassphraseNeeded from None
    return _load(file, None)


def _refused(server: Server, attempts: _Attempts) -> AuthenticationFailed:
    tried = ", ".join(attempts.tried) if attempts.tried else "nothing: there is no agent, key file or password"
    advice = " ".join(attempts.advice) or (
        f"Ask the server's administrator to add your public key to the account “{server.user}”, or give its password."
    )
    return AuthenticationFailed(
        f"{server.host} did not let “{server.user}” in. Tried: {tried}.",
        next_step=advice,
    )
