"""The SSH connections of a session: one for each server, kept open and shared, so that a person is asked once for what
a server wants to know."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from kronkers_studio.domain.errors import AuthenticationFailed, KeyUnavailable, LogInUnanswered
from kronkers_studio.settings.secrets import Secret
from kronkers_studio.workflows.credentials import is_confirmed, keep_credentials, stored_credentials
from kronkers_studio.workflows.server_addresses import settings_here

if TYPE_CHECKING:
    from kronkers_studio.deployment.credentials import Credentials
    from kronkers_studio.deployment.jump_hosts import JumpHosts
    from kronkers_studio.deployment.ssh import Connection
    from kronkers_studio.deployment.userauth import AskPerson
    from kronkers_studio.domain.log_ins import LogInQuestions
    from kronkers_studio.domain.servers import Server

_LOG_IN = "kronkers server login {0} --ask-password (or --ask-key-passphrase)."


class ServerConnections:
    """Of the workspace with that id. Thread-safe."""

    def __init__(self, workspace_id: str) -> None:
        self._workspace = workspace_id
        self._lock = threading.Lock()
        self._connecting: dict[str, threading.Lock] = {}
        self._connections: dict[str, Connection] = {}
        self._jump_hosts: JumpHosts | None = None
        self._typed: dict[Server, Secret] = {}
        self._unanswered: set[str] = set()
        self.ask_person: AskPerson | None = None
        """Asks the person who sits here what a server wants to know at a log-in; None where nobody does."""

    def connection(self, server: Server) -> Connection:
        """The open SSH connection to ``server``, made or made again when needed.

        Raises ``LogInUnanswered`` without asking when somebody did not want to answer what the server asks, until
        ``forget``.
        """
        with self._gate(server.name):  # one connection attempt per server; other servers are not held up
            known = self._connections.get(server.name)
            if known is not None and known.is_alive() and known.server == server:
                return known
            if known is not None:
                known.close()
            if server.name in self._unanswered:
                raise self._with_way_out(server, LogInUnanswered(f"Nobody has answered what {server.name} asks."))
            self._connections[server.name] = self._connect(server, self._credentials(server))
            return self._connections[server.name]

    @contextmanager
    def first_connection(
        self, server: Server, password: Secret | None, key_passphrase: Secret | None
    ) -> Iterator[Connection]:
        """A new connection to ``server``, made with these secrets rather than those that are kept. It is the one that
        ``connection`` gives from then on, unless what is done inside fails."""
        kept = self._credentials(server)
        credentials = replace(kept, password=password or kept.password, passphrase=key_passphrase or kept.passphrase)
        connection = self._connect(server, credentials)
        try:
            yield connection
        except BaseException:
            connection.close()
            raise
        with self._gate(server.name):
            self._close(server.name)
            self._connections[server.name] = connection

    @property
    def jump_hosts(self) -> JumpHosts:
        """The connections to jump hosts, which servers behind them share."""
        from kronkers_studio.deployment.jump_hosts import JumpHosts

        with self._lock:
            if self._jump_hosts is None:
                self._jump_hosts = JumpHosts(lambda jump: self._credentials(jump, jump=True))
            return self._jump_hosts

    def keep_typed_passwords(self, jumps: Iterable[Server]) -> None:
        """Put the passwords of ``jumps`` that were typed, and were right, into the keyring, if there is one."""
        for jump in jumps:
            password = self._typed.pop(jump, None)
            if password is not None:
                with suppress(KeyUnavailable):
                    keep_credentials(self._workspace, jump, password=password)

    def _connect(self, server: Server, credentials: Credentials) -> Connection:
        try:
            connection = self.jump_hosts.connect(server, credentials)
        except LogInUnanswered as problem:
            self._unanswered.add(server.name)
            raise self._with_way_out(server, problem) from None
        except AuthenticationFailed as problem:
            raise self._with_way_out(server, problem) from None
        self._unanswered.discard(server.name)
        self.keep_typed_passwords(server.jumps)
        return connection

    def _credentials(self, server: Server, *, jump: bool = False) -> Credentials:
        """What ``server`` is logged in to with: secrets that are kept, keys of this computer's configuration, and,
        where its host key was confirmed here, the person."""
        self._typed.pop(server, None)  # of a log-in before, which may have been wrong
        credentials = stored_credentials(self._workspace, server, jump=jump)
        ask = self.ask_person if is_confirmed(server) else None
        if ask is not None:
            credentials = replace(credentials, ask=self._noting(server, ask), ask_password=jump)
        here = settings_here(server)
        if here is None:
            return credentials
        return replace(
            credentials,
            identity_files=here.identity_files,
            only_identity_files=here.only_identity_files,
            agent=here.agent,
        )

    def _noting(self, server: Server, ask: AskPerson) -> AskPerson:
        """``ask``; a password among what is typed is noted, to be kept once it has turned out right."""

        def asking(questions: LogInQuestions) -> Sequence[Secret] | None:
            given = ask(questions)
            if given and questions.password:
                self._typed[server] = given[0]
            return given

        return asking

    def _with_way_out(self, server: Server, problem: AuthenticationFailed) -> AuthenticationFailed:
        problem.server = server.name
        problem.command = (
            f"To answer, log in again: kronkers server login {server.name}"
            if isinstance(problem, LogInUnanswered)
            else f"A password or a key's passphrase is given anew by: {_LOG_IN.format(server.name)}"
        )
        return problem

    def _gate(self, name: str) -> threading.Lock:
        with self._lock:
            return self._connecting.setdefault(name, threading.Lock())

    def forget(self, name: str) -> None:
        """Close the connection to a server, if there is one, and those to jump hosts that nothing else is reached
        through. What it asks may be asked again."""
        self._unanswered.discard(name)
        self._close(name)
        if self._jump_hosts is not None:
            self._jump_hosts.close_unused()

    def close(self) -> None:
        """Close all of them."""
        for name in list(self._connections):
            self._close(name)
        if self._jump_hosts is not None:
            self._jump_hosts.close()

    def _close(self, name: str) -> None:
        connection = self._connections.pop(name, None)
        if connection is not None:
            connection.close()
