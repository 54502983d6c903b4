"""The client's side of SSH's authentication protocol (RFC 4252, RFC 4256) on a transport of paramiko.

paramiko's own sends a signature before it has asked whether the key is wanted, and ends the connection when a key
cannot sign. This asks first, signs in the caller's thread, goes on after any refusal, and tells what was accepted and
what the server still wants. It takes the place of paramiko's handler, so it uses paramiko's inner workings: see
`streams`.
"""

from __future__ import annotations

import queue
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

import paramiko
from paramiko.common import (
    MSG_SERVICE_ACCEPT,
    MSG_USERAUTH_BANNER,
    MSG_USERAUTH_FAILURE,
    MSG_USERAUTH_INFO_REQUEST,
    MSG_USERAUTH_SUCCESS,
    cMSG_SERVICE_REQUEST,
    cMSG_USERAUTH_INFO_RESPONSE,
    cMSG_USERAUTH_REQUEST,
)

from kronkers_studio.deployment.signing import Signer, string
from kronkers_studio.domain.log_ins import LogInQuestions, Prompt
from kronkers_studio.domain.printable import printable
from kronkers_studio.settings.secrets import Secret

AskPerson = Callable[[LogInQuestions], Sequence[Secret] | None]
"""Shows the questions to a person and gives an answer to each, in order; None when they do not want to. Blocks."""

_CERTIFICATE = "-cert-v01@openssh.com"
_MOST_PROMPTS = 16
_MOST_ROUNDS = 10
_MOST_BANNERS = 100
_LONGEST_PROMPT = 200
_LONGEST_INSTRUCTION = 600


class Outcome(Enum):
    ACCEPTED = "let in"
    PARTIAL = "right, but more is wanted"
    REFUSED = "refused"


class HungUp(Exception):
    """The server ended the connection, or does not answer any more."""


class Unanswerable(Exception):
    """The server asks a person something that is not the password, and there is nobody to answer; the text is its
    question."""


class Declined(Exception):
    """The person did not want to answer."""


@dataclass
class Answers:
    """What questions are answered with: ``password`` is for the first, when it is asked alone and hidden; then the
    person. ``password_was_not_all`` becomes true when the server went on asking after it."""

    password: Secret | None
    ask: Callable[[str, tuple[Prompt, ...]], Sequence[Secret] | None] | None
    password_was_not_all: bool = False


class UserAuthentication:
    """One log-in of ``user`` on ``transport``. After each attempt ``methods`` are those that the server would go on
    with. All methods may raise ``HungUp``."""

    def __init__(self, transport: paramiko.Transport, user: str, timeout: float) -> None:
        inner: Any = transport  # much of what follows is not in the type stubs
        self._transport = inner
        self._user = user
        self._timeout = timeout
        self._authenticated = False
        self._messages: queue.SimpleQueue[tuple[int, Any]] = queue.SimpleQueue()
        self._banners = 0
        self.banner: bytes | None = None
        self.methods: frozenset[str] = frozenset()
        inner.auth_handler = self

    # What the transport asks of its handler, in its own thread

    @property
    def _handler_table(self) -> dict[int, Callable[[Any], None]]:
        return {
            MSG_SERVICE_ACCEPT: lambda message: self._messages.put((MSG_SERVICE_ACCEPT, message)),
            MSG_USERAUTH_SUCCESS: self._succeeded,
            MSG_USERAUTH_FAILURE: lambda message: self._messages.put((MSG_USERAUTH_FAILURE, message)),
            MSG_USERAUTH_INFO_REQUEST: lambda message: self._messages.put((MSG_USERAUTH_INFO_REQUEST, message)),
            MSG_USERAUTH_BANNER: self._greeted,
        }

    def is_authenticated(self) -> bool:
        return self._authenticated

    def get_username(self) -> str:
        return self._user

    def abort(self) -> None:
        """The transport has ended; whoever waits sees that by itself."""

    def _succeeded(self, message: Any) -> None:
        self._authenticated = True
        self._transport._auth_trigger()
        self._messages.put((MSG_USERAUTH_SUCCESS, message))

    def _greeted(self, _message: Any) -> None:
        self._banners += 1
        if self._banners > _MOST_BANNERS:
            raise paramiko.SSHException("The server goes on sending greetings.")

    # What the caller asks

    def begin(self) -> Outcome:
        """Start, and ask which methods there are. ``ACCEPTED`` when the server lets in whoever comes."""
        request = paramiko.Message()
        request.add_byte(cMSG_SERVICE_REQUEST)
        request.add_string("ssh-userauth")
        self._send(request)
        self._receive(MSG_SERVICE_ACCEPT)
        self._send(self._request("none"))
        return self._outcome()

    def offer(self, key: Signer) -> Outcome:
        """Ask whether ``key`` is wanted, and only then sign. Raises ``CannotSign``."""
        algorithm = self._algorithm(key.type)
        if algorithm is None:
            return Outcome.REFUSED
        self._send(self._key_request(key, algorithm, signed=False))
        kind, message = self._receive(MSG_USERAUTH_INFO_REQUEST, MSG_USERAUTH_FAILURE, MSG_USERAUTH_SUCCESS)
        if kind != MSG_USERAUTH_INFO_REQUEST:  # the number stands for "this key would do" here
            return self._told(kind, message)
        request = self._key_request(key, algorithm, signed=True)
        request.add_string(key.sign(string(self._transport.session_id) + request.asbytes(), algorithm))
        self._send(request)
        return self._outcome()

    def give_password(self, password: Secret) -> Outcome:
        """Send the password. A server that wants it changed first counts as refusing."""
        request = self._request("password")
        request.add_boolean(False)
        request.add_string(password.reveal())
        self._send(request)
        kind, message = self._receive(MSG_USERAUTH_FAILURE, MSG_USERAUTH_SUCCESS, MSG_USERAUTH_INFO_REQUEST)
        return Outcome.REFUSED if kind == MSG_USERAUTH_INFO_REQUEST else self._told(kind, message)

    def answer(self, answers: Answers) -> Outcome:
        """Answer what the server asks. Raises ``Unanswerable`` when there is nobody for it, or ``Declined``."""
        request = self._request("keyboard-interactive")
        request.add_string("")
        request.add_string("")
        self._send(request)
        asked = password_given = False
        for _ in range(_MOST_ROUNDS):
            kind, message = self._receive(MSG_USERAUTH_FAILURE, MSG_USERAUTH_SUCCESS, MSG_USERAUTH_INFO_REQUEST)
            if kind != MSG_USERAUTH_INFO_REQUEST:
                return self._told(kind, message)
            instruction, prompts = _questions(message)
            answers.password_was_not_all |= password_given and bool(prompts)
            by_password = len(prompts) == 1 and not prompts[0].shown and not asked
            asked |= bool(prompts)
            if not prompts:
                given: Sequence[Secret] = ()  # a notice
            elif by_password and answers.password:
                given, password_given = (answers.password,), True
            else:
                given = _asked(answers, instruction, prompts)
            reply = paramiko.Message()
            reply.add_byte(cMSG_USERAUTH_INFO_RESPONSE)
            reply.add_int(len(prompts))
            for secret in given:
                reply.add_string(secret.reveal())
            self._send(reply)
        raise HungUp

    # How

    def _request(self, method: str) -> paramiko.Message:
        message = paramiko.Message()
        message.add_byte(cMSG_USERAUTH_REQUEST)
        message.add_string(self._user)
        message.add_string("ssh-connection")
        message.add_string(method)
        return message

    def _key_request(self, key: Signer, algorithm: str, *, signed: bool) -> paramiko.Message:
        request = self._request("publickey")
        request.add_boolean(signed)
        request.add_string(algorithm)
        request.add_string(key.blob)
        return request

    def _algorithm(self, type_: str) -> str | None:
        """How to sign with a key of that type; None when the server takes only what is no longer safe (SHA-1)."""
        plain = type_.removesuffix(_CERTIFICATE)
        if plain != "ssh-rsa":
            return type_
        said = self._transport.server_extensions.get("server-sig-algs", b"")
        known = (said if isinstance(said, bytes) else str(said).encode("utf-8")).decode("ascii", "replace").split(",")
        for algorithm in ("rsa-sha2-512", "rsa-sha2-256"):
            if not said or algorithm in known:
                return algorithm + type_.removeprefix(plain)
        return None

    def _outcome(self) -> Outcome:
        return self._told(*self._receive(MSG_USERAUTH_FAILURE, MSG_USERAUTH_SUCCESS))

    def _told(self, kind: int, message: Any) -> Outcome:
        if kind == MSG_USERAUTH_SUCCESS:
            return Outcome.ACCEPTED
        self.methods = frozenset(message.get_binary().decode("utf-8", "replace").split(","))
        return Outcome.PARTIAL if message.get_boolean() else Outcome.REFUSED

    def _send(self, message: paramiko.Message) -> None:
        try:
            self._transport._send_user_message(message)
        except (EOFError, OSError, paramiko.SSHException) as problem:
            raise HungUp from problem

    def _receive(self, *kinds: int) -> tuple[int, Any]:
        deadline = time.monotonic() + self._timeout
        while True:
            alive = self._transport.is_active()  # before looking: what came by then is there
            try:
                kind, message = self._messages.get(timeout=0.1)
            except queue.Empty:
                if not alive or time.monotonic() > deadline:
                    raise HungUp from None
                continue
            if kind in kinds:
                return kind, message
            raise HungUp  # out of turn


def _asked(answers: Answers, instruction: str, prompts: tuple[Prompt, ...]) -> Sequence[Secret]:
    if answers.ask is None:
        raise Unanswerable(" ".join(prompt.text for prompt in prompts)[:100])
    given = answers.ask(instruction, prompts)
    if given is None or len(given) != len(prompts):
        raise Declined
    return given


def _questions(message: Any) -> tuple[str, tuple[Prompt, ...]]:
    """What the server says (title and instruction), and its questions. Raises ``HungUp`` for more than anybody asks."""
    said = [_words(message, _LONGEST_INSTRUCTION) for _ in range(3)]  # the third is the language
    count = message.get_int()
    if count > _MOST_PROMPTS:
        raise HungUp
    prompts = tuple(Prompt(_words(message, _LONGEST_PROMPT), message.get_boolean()) for _ in range(count))
    return " ".join(filter(None, said[:2])), prompts


def _words(message: Any, most: int) -> str:
    """A text of the server's on one line, with what cannot be shown spelled out."""
    text = message.get_binary()[: 4 * most].decode("utf-8", "replace")
    return printable(" ".join(text.split()))[:most]
