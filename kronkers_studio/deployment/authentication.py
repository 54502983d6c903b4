"""Logging in to a server: agent, then key files, then password, then the person is asked for what else it wants. With a
clear account of what was tried.

One key that the server refuses or that cannot sign is no obstacle to the next. A server that hangs up after too many
refusals is connected to again, twice at most, and asked on with what is left.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from kronkers_studio.deployment.agent import AgentKey, agent_keys
from kronkers_studio.deployment.credentials import Credentials, keys_to_offer
from kronkers_studio.deployment.signing import CannotSign, Signer
from kronkers_studio.deployment.streams import StreamlocalTransport
from kronkers_studio.deployment.userauth import (
    Answers,
    AskPerson,
    Declined,
    HungUp,
    Outcome,
    Unanswerable,
    UserAuthentication,
)
from kronkers_studio.domain.errors import AuthenticationFailed, LogInUnanswered, ServerUnreachable
from kronkers_studio.domain.log_ins import LogInQuestions, Prompt
from kronkers_studio.domain.servers import Server
from kronkers_studio.settings.secrets import Secret

_MOST_CONNECTIONS = 3
_MOST_ANSWERS = 3
"""How often a person may try again, as with ssh."""

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
    asked: bool = False
    hung_up: bool = False


def log_in(
    open_transport: Callable[[], StreamlocalTransport],
    server: Server,
    credentials: Credentials,
    *,
    timeout: float,
) -> StreamlocalTransport:
    """An authenticated transport. ``open_transport`` gives a new one whose host key is the confirmed one; each answer
    of the server may take ``timeout`` seconds, the person's as long as the server waits.

    Raises ``AuthenticationFailed`` naming what was tried, ``LogInUnanswered`` when the person did not want to answer.
    """
    account = _Account()
    with agent_keys(credentials.agent) as keys:
        ways = _ways(server, credentials, keys, account)
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
            except Declined:
                transport.close()
                raise LogInUnanswered(
                    f"{server.host} asks “{server.user}” for more, and it was not answered.",
                    next_step="Log in again when you have what it asks for.",
                ) from None
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


def _ways(server: Server, credentials: Credentials, agent: list[AgentKey], account: _Account) -> list[_Way]:
    """What there is to try, in order."""
    keys, problems = keys_to_offer(server, credentials, agent)
    account.tried += [f"the key file {file} (not usable)" for file in problems]
    account.advice += problems.values()
    ways = [_key_way(key) for key in keys]
    ask = credentials.ask
    person = _Person(server, credentials.password, ask, account) if ask else None
    if credentials.password:
        kept = _KeptPassword(credentials.password, person)
        ways.append(_Way("the password", ("password", "keyboard-interactive"), kept.give))
    if person is not None:
        methods = ("keyboard-interactive", "password") if credentials.ask_password else ("keyboard-interactive",)
        ways += [_Way("your answer", methods, person.answer)] * _MOST_ANSWERS
    return ways


class _Person:
    """Whoever sits there and can be asked."""

    def __init__(self, server: Server, kept: Secret | None, ask: AskPerson, account: _Account) -> None:
        self._server = server
        self._kept = kept
        self._ask = ask
        self._account = account
        self.kept_is_right = False
        """As far as can be seen: the server went on asking after the password that is kept."""

        self.again = False

    def answer(self, authentication: UserAuthentication) -> Outcome:
        """Whatever the server asks, the person is asked."""
        if "keyboard-interactive" in authentication.methods:
            outcome = authentication.answer(Answers(self._kept if self.kept_is_right else None, self.questions))
        else:
            given = self._given((Prompt("Password"),), password=True)
            if given is None:
                raise Declined
            outcome = authentication.give_password(given[0])
        if outcome is Outcome.REFUSED:
            self.again, self.kept_is_right = True, False  # the next time, the person is asked for everything
        return outcome

    def questions(self, instruction: str, prompts: tuple[Prompt, ...]) -> Sequence[Secret] | None:
        """What the person answers to questions of the server's."""
        return self._given(prompts, instruction)

    def _given(
        self, prompts: tuple[Prompt, ...], instruction: str = "", *, password: bool = False
    ) -> Sequence[Secret] | None:
        self._account.asked = True
        server = self._server
        return self._ask(LogInQuestions(server.name, server.account, prompts, instruction, self.again, password))


@dataclass
class _KeptPassword:
    """The password from the keyring; what the server asks besides, the person is asked, if there is one."""

    password: Secret
    person: _Person | None

    def give(self, authentication: UserAuthentication) -> Outcome:
        if "password" in authentication.methods:
            return authentication.give_password(self.password)
        answers = Answers(self.password, self.person.questions if self.person else None)
        outcome = authentication.answer(answers)
        if self.person:
            self.person.kept_is_right = answers.password_was_not_all
            self.person.again = outcome is Outcome.REFUSED
        return outcome


def _key_way(key: Signer) -> _Way:
    return _Way(key.words, ("publickey",), lambda authentication: authentication.offer(key))


def _refused(server: Server, account: _Account) -> AuthenticationFailed:
    tried = (
        ", ".join(dict.fromkeys(account.tried)) if account.tried else "nothing: there is no agent, key file or password"
    )
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
            "Nobody can be asked here: log in in the window or on a terminal, or ask the server's administrator for an "
            "account that a key lets in."
        )
    elif account.asked and account.hung_up:
        advice.append("The server did not wait for the answer, or has had enough: try again in a moment.")
    elif account.asked:
        advice.append("The answers were not right. A one-time code is right for half a minute, and only once.")
    elif account.right and "keyboard-interactive" in account.methods:
        advice.append("If that is a one-time code: log in in the window or on a terminal, where it can be asked for.")
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
