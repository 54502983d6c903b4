"""One change at a time on a server: the deploy lock, and the server's own record of changes.

The lock is a folder in the user's home on the server, because making a folder either works or does not. It names its
owner. One that was forgotten (its process here is gone) or is older than its expiry is broken by the next who wants it.
"""

from __future__ import annotations

import contextlib
import getpass
import json
import os
import socket
import uuid
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

import psutil

from kronkers_studio.deployment.commands import (
    LOCK_EXISTS,
    append_audit_line,
    break_lock,
    read_audit_log,
    read_lock,
    release_lock,
    take_lock,
)
from kronkers_studio.deployment.ssh import Connection
from kronkers_studio.domain.errors import ServerBusy, ServerError

EXPIRY_SECONDS = 15 * 60
"""Longer than any release takes."""

_held: set[str] = set()
"""The tokens of the locks that this process has."""


@dataclass(frozen=True, slots=True)
class LockOwner:
    """Who has the lock: user and computer, the process there, for what and since when (ISO 8601, that computer's)."""

    user: str
    computer: str
    process: int
    purpose: str
    since: str
    token: str

    def __str__(self) -> str:
        return f"{self.user} on {self.computer} ({self.purpose}, since {self.since})"


@contextlib.contextmanager
def deploy_lock(connection: Connection, purpose: str, *, expiry: float = EXPIRY_SECONDS) -> Iterator[LockOwner]:
    """Hold the server's deploy lock. Raises ``ServerBusy`` naming who has it."""
    owner = _new_owner(purpose)
    _take(connection, owner, expiry)
    try:
        yield owner
    finally:
        _held.discard(owner.token)
        with contextlib.suppress(ServerError):  # cut off: the next who wants it sees that it was forgotten
            connection.run(release_lock(_line(owner)))


def lock_owner(connection: Connection) -> LockOwner | None:
    """Who has the lock, if anybody."""
    found = _read(connection)
    return found[0] if found else None


def break_deploy_lock(connection: Connection) -> None:
    """Take the lock away from whoever has it. For people who know that it was forgotten."""
    connection.run(break_lock())


def record_change(connection: Connection, action: str, **facts: Any) -> None:
    """Append one line to the server's audit log. Raises ``ServerError`` when it cannot be written."""
    line = {"at": _now(), "user": _user(), "computer": socket.gethostname(), "action": action, **facts}
    written = connection.run(append_audit_line(), input=json.dumps(line).encode("utf-8") + b"\n")
    if not written.ok:
        raise _home_unusable(connection, written.error)


def read_changes(connection: Connection, last: int = 100) -> list[dict[str, Any]]:
    """The last lines of the server's audit log, oldest first."""
    lines = connection.run(read_audit_log(last)).output.splitlines()
    return [json.loads(line) for line in lines if line.startswith("{")]


def _take(connection: Connection, owner: LockOwner, expiry: float) -> None:
    for _ in range(2):
        taken = connection.run(take_lock(_line(owner)))
        if taken.ok:
            _held.add(owner.token)
            return
        if taken.status != LOCK_EXISTS:
            raise _home_unusable(connection, taken.error)
        found = _read(connection)
        if found is not None:
            holder, age = found
            if age < expiry and not _is_forgotten(holder):
                raise ServerBusy(
                    f"{connection.server.name} is being changed by {holder or 'somebody else'}.",
                    next_step=f"Try again in a moment. A forgotten lock expires after {expiry / 60:.0f} minutes.",
                )
            break_deploy_lock(connection)
    raise ServerBusy(f"{connection.server.name} is being changed by somebody else.", next_step="Try again in a moment.")


def _read(connection: Connection) -> tuple[LockOwner | None, float] | None:
    """The owner (None while it is still being written) and the age in seconds; None when nobody has the lock."""
    said = connection.run(read_lock())
    if not said.ok:
        return None
    age, _, line = said.output.partition("\n")
    try:
        return LockOwner(**json.loads(line)), float(age)
    except (ValueError, TypeError):
        return None, float(age or 0)


def _is_forgotten(owner: LockOwner | None) -> bool:
    """Whether the lock was left by a process of this user and computer that is gone, or by this one."""
    if owner is None or (owner.user, owner.computer) != (_user(), socket.gethostname()):
        return False
    if owner.process == os.getpid():
        return owner.token not in _held
    return not psutil.pid_exists(owner.process)


def _new_owner(purpose: str) -> LockOwner:
    return LockOwner(_user(), socket.gethostname(), os.getpid(), purpose, _now(), uuid.uuid4().hex)


def _line(owner: LockOwner) -> str:
    return json.dumps(asdict(owner), sort_keys=True)


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # no such user in the password database, as in some containers
        return "unknown"


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _home_unusable(connection: Connection, error: str) -> ServerError:
    return ServerError(
        f"“{connection.server.user}” cannot write to the home folder on {connection.server.name}.",
        next_step="See that the folder exists, belongs to the account and its disk is not full.",
        details=error.strip(),
    )
