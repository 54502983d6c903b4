"""Logging in to a server: agent, then key file, then password, and a clear account of what was tried.

One key that the server refuses or that cannot sign is no obstacle to the next. A server that hangs up after too many
refusals is connected to again, twice at most, and asked on with what is left.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from kronkers_studio.deployment.agent import AgentKey, agent_keys
from kronkers_studio.deployment.key_files import KeyFileProblem, public_part, read_key
from kronkers_studio.deployment.signing import CannotSign, Signer
from kronkers_studio.deployment.streams import StreamlocalTransport
from kronkers_studio.deployment.userauth import HungUp, Outcome, Unanswerable, UserAuthentication
from kronkers_studio.domain.errors import AuthenticationFailed, ServerUnreachable
from kronkers_studio.domain.servers import Server
from kronkers_studio.settings.paths import from_home
from kronkers_studio.settings.secrets import Secret

_MOST_CONNECTIONS = 3
_METHODS = {
    "publickey": "a key",
    "password": "the account's password",
    "keyboard-interactive": "the answer to a question (a password or a one-time code)",
    "hostbased": "a trusted computer",
    "gssapi-with-mic": "a Kerberos ticket",
    "gssapi-keyex": "a Kerberos ticket",
}


@dataclass(frozen=True)
class _Way:
    """One thing that may let the user in; ``methods`` are the protocol's names of what it can be given as."""

    words: str
    methods: tuple[str, ...]
    attempt: Callable[[UserAuthentication], Outcome]


@dataclass
class _Account:
    """What was tried, in words, and what came of it."""

    tried: list[str] = field(default_factory=list)
    right: list[_Way] = field(default_factory=list)
    """What the server accepted and did not find enough."""

    advice: list[str] = field(default_factory=list)
    methods: frozenset[str] = frozenset()
    question: str = ""
    hung_up: bool = False


def log_in(
    open_transport: Callable[[], StreamlocalTransport],
    server: Server,
    password: Secret | None,
    passphrase: Secret | None,
    *,
    timeout: float,
) -> StreamlocalTransport:
    """An authenticated transport. ``open_transport`` gives a new one whose host key is the confirmed one; each answer
    of the server may take ``timeout`` seconds. Raises ``AuthenticationFailed`` naming what was tried."""
    account = _Account()
    with agent_keys() as keys:
        ways = _ways(server, password, passphrase, keys, account)
        for connection in range(_MOST_CONNECTIONS):
            before = len(ways)
            if connection == _MOST_CONNECTIONS - 1:  # the last chance is not for an agent with very many keys
                ways.sort(key=lambda way: "password" not in way.methods)
            transport = _reopened(open_transport) if connection else open_transport()
            if transport is None:
                break
            try:
                if _try_all(UserAuthentication(transport, server.user, timeout), ways, account):
                    return transport
            except HungUp:
                account.hung_up = True
            except BaseException:
                transport.close()
                raise
            transport.close()
            if not account.hung_up or account.question or not ways or len(ways) == before:
                break
    raise _refused(server, account)


def _reopened(open_transport: Callable[[], StreamlocalTransport]) -> StreamlocalTransport | None:
    """A new connection; None when the server has had enough."""
    with contextlib.suppress(ServerUnreachable):
        return open_transport()
    return None


def _try_all(authentication: UserAuthentication, ways: list[_Way], account: _Account) -> bool:
    """Try ``ways`` in order, taking each from the list, until the server lets the user in or nothing is left that it
    goes on with."""
    ways[:0] = account.right  # a new connection wants them again
    account.hung_up, account.right = False, []
    outcome = authentication.begin()
    while outcome is not Outcome.ACCEPTED:
        account.methods = authentication.methods
        way = next((way for way in ways if authentication.methods.intersection(way.methods)), None)
        if way is None:
            return False
        ways.remove(way)
        outcome = _try(way, authentication, account)
        if outcome is Outcome.PARTIAL:
            account.right.append(way)
    return True


def _try(way: _Way, authentication: UserAuthentication, account: _Account) -> Outcome:
    account.tried.append(way.words)
    try:
        return way.attempt(authentication)
    except CannotSign as problem:
        account.tried[-1] += f" ({problem})"
    except Unanswerable as question:
        account.question = str(question)
        raise HungUp from None  # the server waits for an answer that there is not
    return Outcome.REFUSED


def _ways(
    server: Server, password: Secret | None, passphrase: Secret | None, agent: list[AgentKey], account: _Account
) -> list[_Way]:
    """What there is to try, in order."""
    ways = [_key_way(key) for key in _keys(server, passphrase, agent, account)]
    if password:
        secret = password

        def give(authentication: UserAuthentication) -> Outcome:
            if "password" in authentication.methods:
                return authentication.give_password(secret)
            return authentication.answer(secret)

        ways.append(_Way("the password", ("password", "keyboard-interactive"), give))
    return ways


def _key_way(key: Signer) -> _Way:
    return _Way(key.words, ("publickey",), lambda authentication: authentication.offer(key))


def _keys(server: Server, passphrase: Secret | None, agent: list[AgentKey], account: _Account) -> list[Signer]:
    """The keys to offer. With a key file named, of the agent's keys only the copy of that one: the others would use up
    the server's patience."""
    if not server.identity_file:
        return list(agent)
    file = from_home(Path(server.identity_file))
    public = public_part(file)
    copies = agent if public is None else [key for key in agent if key.blob == public]
    try:
        return [*copies, *read_key(file, passphrase)]
    except KeyFileProblem as problem:
        if not copies:
            account.tried.append(f"the key file {file} (not usable)")
            account.advice.append(str(problem))
        return list(copies)


def _refused(server: Server, account: _Account) -> AuthenticationFailed:
    tried = ", ".join(account.tried) if account.tried else "nothing: there is no agent, key file or password"
    message = f"{server.host} did not let “{server.user}” in. Tried: {tried}."
    if account.right:
        message += (
            f" It accepted {' and '.join(way.words for way in account.right)}, and wants {_wanted(account)} as well."
        )
    elif account.question:
        message += f" It asks: “{account.question}”."
    return AuthenticationFailed(message, next_step=" ".join(_advice(server, account)))


def _wanted(account: _Account) -> str:
    if account.question:
        return f"an answer to “{account.question}”"
    return " or ".join(sorted({_METHODS.get(method, method) for method in account.methods})) or "more"


def _advice(server: Server, account: _Account) -> list[str]:
    advice = list(account.advice)
    if account.question:
        advice.append(
            "Such questions cannot be answered here: ask the server's administrator for an account that a key lets in."
        )
    elif account.right:
        advice.append("Give that too, or ask the server's administrator for an account that a key alone lets in.")
    elif account.hung_up:
        advice.append("The server hung up while logging in: try again later, or name the key file that it knows.")
    elif account.methods and not account.methods & {"publickey", "password", "keyboard-interactive"}:
        advice.append(f"The server lets in only with {_wanted(account)}: ask its administrator to allow a key.")
    if advice:
        return advice
    return [
        f"Ask the server's administrator to add your public key to the account “{server.user}”, or give its password."
    ]
