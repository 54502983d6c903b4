"""Commands that need the rights of root on a server: as root, or by sudo, with or without a password or a terminal.

sudo is first asked whether it would run the command, then told to. It reads the password from its standard input,
where it is sent once sudo has asked for it by a mark of ours, and never before, so that no command finds it in its
input. What sudo says in words is for people; nothing is recognised by it.
"""

from __future__ import annotations

import secrets

from kronkers_studio.deployment.commands import Command, CommandResult, ask_sudo, by_sudo, find_sudo
from kronkers_studio.deployment.ssh import Connection
from kronkers_studio.domain.errors import RootObstacle, RootUnavailable
from kronkers_studio.settings.secrets import Secret

_LONGEST_SECONDS = 900.0
"""Installing packages takes its time."""


def run_as_root(
    connection: Connection,
    command: Command,
    password: Secret | None = None,
    *,
    timeout: float = 30.0,
    longest: float = _LONGEST_SECONDS,
) -> CommandResult:
    """Run ``command`` on the server as root, without input; ``password`` is the account's, for sudo.

    Where sudo insists on a terminal, errors come with the output. The times are those of ``Connection.run``. Raises
    ``RootUnavailable``, with the command to hand to whoever may.
    """
    found = connection.run(find_sudo())
    if found.output.startswith("root\n"):
        return connection.run(command, timeout=timeout, longest=longest)
    if not found.ok:
        raise _unavailable(connection, command, RootObstacle.NO_SUDO)
    answer = (password.reveal() + "\n").encode("utf-8") if password is not None else None
    for terminal in (False, True):  # the second is for `Defaults requiretty`
        prompt = f"kronkers-{secrets.token_hex(8)}"
        would, asked = connection.run_answering(ask_sudo(command, prompt), prompt, answer, terminal=terminal)
        if asked and password is None:
            raise _unavailable(connection, command, RootObstacle.PASSWORD_NEEDED)
        if would is None:
            raise _unavailable(connection, command, RootObstacle.PASSWORD_REFUSED)
        if would.ok:
            told = by_sudo(command, prompt if asked else "")
            result, _ = connection.run_answering(
                told, prompt, answer, terminal=terminal, timeout=timeout, longest=longest
            )
            if result is None:
                raise _unavailable(connection, command, RootObstacle.PASSWORD_REFUSED)
            return result
        if asked:
            break
    raise _unavailable(connection, command, RootObstacle.NOT_ALLOWED)


def _unavailable(connection: Connection, command: Command, obstacle: RootObstacle) -> RootUnavailable:
    server, user = connection.server.name, connection.server.user
    message, first = {
        RootObstacle.NO_SUDO: (f"“{user}” is not root on {server}, and there is no sudo there.", ""),
        RootObstacle.PASSWORD_NEEDED: (f"sudo on {server} asks for the password of “{user}”.", "Give it, or "),
        RootObstacle.PASSWORD_REFUSED: (f"sudo on {server} does not take the password of “{user}”.", "Try again, or "),
        RootObstacle.NOT_ALLOWED: (f"“{user}” may not do this as root on {server}.", ""),
    }[obstacle]
    step = f"{first}let the server's administrator run this there as root: {command.line}"
    return RootUnavailable(message, next_step=step[0].upper() + step[1:], obstacle=obstacle, commands=(command.line,))
