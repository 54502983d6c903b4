"""One change at a time on a server: the deploy lock, and the server's own record of changes.

The lock is a file in the user's home on the server, which one can make and all others cannot. It names its holder, who
gives a sign of life every few seconds while it has it. Who has given none for two minutes (cut off, asleep, switched
off), by the server's clock that nobody can set, loses it to the next who wants it; so does a process that is gone of
the same account on the same computer, at once.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import threading
import uuid
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from typing import Any

from kronkers_studio.deployment.commands import (
    GUARD_BUSY,
    LOCK_EXISTS,
    append_audit_line,
    break_lock,
    read_audit_log,
    read_lock,
    release_lock,
    renew_lock,
    take_lock,
)
from kronkers_studio.deployment.computer import computer_id, process_exists, start_of_computer
from kronkers_studio.deployment.ssh import Connection
from kronkers_studio.domain.errors import ServerBusy, ServerError
from kronkers_studio.domain.servers import DeployLock, ServerChange
from kronkers_studio.settings.configuration import user_name

EXPIRY_SECONDS = 120.0
"""So long may a holder be silent: several lost signs, and what it takes a connection to be made anew."""

_SIGN_SECONDS = 15.0
_ATTEMPTS = 3
_MOST_TEXT = 200
_MOST_FACTS = 20  # of one line of the audit log

_held: set[str] = set()
"""The tokens of the locks that this process has."""


@dataclass(frozen=True, slots=True)
class LockOwner:
    """Who has the lock: user and computer by name and by id, which start of it, the process there, for what, and since
    when (ISO 8601, by that computer's clock)."""

    user: str
    computer: str
    purpose: str
    since: str
    token: str
    computer_id: str
    start: str
    process: int

    def __str__(self) -> str:
        return f"{self.user} on {self.computer} ({self.purpose}, since {self.since})"


@contextlib.contextmanager
def deploy_lock(connection: Connection, purpose: str, *, expiry: float = EXPIRY_SECONDS) -> Iterator[LockOwner]:
    """Hold the server's deploy lock, with signs of life meanwhile. Raises ``ServerBusy`` naming who has it."""
    owner = _new_owner(purpose)
    _take(connection, owner, expiry)
    done = threading.Event()
    signs = threading.Thread(target=_give_signs, args=(connection, owner, done), name="deploy lock", daemon=True)
    try:
        signs.start()
        yield owner
    finally:
        done.set()
        _held.discard(owner.token)
        with contextlib.suppress(ServerError):  # cut off: the next who wants it sees that it was forgotten
            connection.run(release_lock(owner.token))
        signs.join(1.0)


def require_lock(connection: Connection, owner: LockOwner) -> None:
    """Raise ``ServerBusy`` when ``owner`` has lost the lock: this process stood still for so long that somebody else
    has broken it. Asked before each thing that is changed, since a process does not notice that it stood still."""
    if connection.run(renew_lock(owner.token)).status == LOCK_EXISTS:
        raise ServerBusy(
            f"This change of {connection.server.name} stood still for so long that its lock was broken; nothing more "
            "was changed.",
            next_step="Look at `kronkers releases`, then try again.",
        )


def read_deploy_lock(connection: Connection) -> DeployLock | None:
    """The lock as people see it; None when nobody has it."""
    found = _read(connection)
    if found is None:
        return None
    if found.owner is None:
        return DeployLock("somebody", "an unknown computer", "unknown", "unknown", found.token, found.silent)
    owner = found.owner
    return DeployLock(owner.user, owner.computer, owner.purpose, owner.since, found.token, found.silent)


def break_deploy_lock(connection: Connection, lock: DeployLock) -> bool:
    """Take ``lock`` away from whoever has it; whether it was still there. Another one is left alone. For people who
    know that it was forgotten."""
    return _break(connection, lock.token)


def record_change(connection: Connection, action: str, **facts: Any) -> None:
    """Append one line to the server's audit log. Raises ``ServerError`` when it cannot be written."""
    line = {"at": _now(), "user": user_name(), "computer": socket.gethostname(), "action": action, **facts}
    written = connection.run(append_audit_line(), input=json.dumps(line).encode("utf-8") + b"\n")
    if not written.ok:
        raise _home_unusable(connection, written.error)


def read_changes(connection: Connection, last: int = 100) -> list[ServerChange]:
    """The last lines of the server's audit log, oldest first; half-written ones are left out.

    Raises ``ServerError`` when there is a log that cannot be read.
    """
    said = connection.run(read_audit_log(last))
    if not said.ok:
        raise ServerError(
            f"“{connection.server.user}” cannot read the log of changes on {connection.server.name}.",
            next_step="See that .kronkers/audit.log in the account's home folder is a file and belongs to the account.",
            details=said.error.strip(),
        )
    return [_change(entry) for entry in map(_entry, said.output.splitlines()) if entry is not None]


def _change(entry: dict[str, Any]) -> ServerChange:
    """What a line says, whoever wrote it: texts of a bounded length and number."""
    texts = {str(name)[:_MOST_TEXT]: str(entry[name])[:_MOST_TEXT] for name in list(entry)[:_MOST_FACTS]}
    at, user, computer, action = (texts.pop(name, "") for name in ("at", "user", "computer", "action"))
    return ServerChange(at, user, computer, action, texts)


@dataclass(frozen=True, slots=True)
class _Found:
    """A lock on the server. ``owner`` is None when it does not say, ``silent`` (seconds) when that is not known."""

    token: str
    owner: LockOwner | None
    silent: float | None


def _take(connection: Connection, owner: LockOwner, expiry: float) -> None:
    for _ in range(_ATTEMPTS):
        taken = connection.run(take_lock(owner.token, _line(owner)))
        if taken.ok:
            _held.add(owner.token)
            return
        if taken.status not in (LOCK_EXISTS, GUARD_BUSY):
            raise _home_unusable(connection, taken.error)
        found = _read(connection)
        if found is None:
            continue
        if not _is_forgotten(found.owner) and (found.silent is None or found.silent < expiry):
            raise _busy(connection, found, expiry)
        _break(connection, found.token)
    raise ServerBusy(f"{connection.server.name} is being changed by somebody else.", next_step="Try again in a moment.")


def _busy(connection: Connection, found: _Found, expiry: float) -> ServerBusy:
    name = connection.server.name
    expires = (
        f" A lock whose holder is gone expires after {expiry / 60:.0f} minutes." if found.silent is not None else ""
    )
    busy = ServerBusy(
        f"{name} is being changed by {found.owner or 'somebody else'}.", next_step=f"Try again in a moment.{expires}"
    )
    busy.server, busy.command = name, f"If nobody works there: kronkers server unlock {name}."
    return busy


def _give_signs(connection: Connection, owner: LockOwner, done: threading.Event) -> None:
    """Until ``done``, or until somebody has broken the lock by hand."""
    while not done.wait(_SIGN_SECONDS):
        with contextlib.suppress(ServerError):  # cut off for the moment: the next sign may get through
            renewed = connection.run(renew_lock(owner.token), timeout=_SIGN_SECONDS, longest=4 * _SIGN_SECONDS)
            if renewed.status == LOCK_EXISTS:
                return


def _read(connection: Connection) -> _Found | None:
    """The lock; None when nobody has it."""
    said = connection.run(read_lock())
    if not said.ok:
        return None
    token, now, heard, line = (said.output.split("\n", 3) + 4 * [""])[:4]
    return _Found(token.strip()[:_MOST_TEXT], _owner(line, token.strip()), _silent_seconds(now.split(), heard.split()))


def _silent_seconds(now: list[str], heard: list[str]) -> float | None:
    """The seconds between two times of the server's monotonic clock, each given as the start's id and the seconds
    since. After another start at least these seconds have passed."""
    if len(now) != 2 or len(heard) != 2:
        return None
    try:
        passed = float(now[1]) - (float(heard[1]) if now[0] == heard[0] else 0.0)
    except ValueError:
        return None
    return max(0.0, passed) if passed < 1e12 else None  # nor for what is not a number


def _owner(line: str, token: str) -> LockOwner | None:
    """From what a lock says of its holder; anybody with the account can have written it."""
    said = _entry(line)
    if said is None or not {field.name for field in fields(LockOwner)} <= set(said):
        return None
    process = said["process"]
    texts = {
        field.name: str(said[field.name])[:_MOST_TEXT]
        for field in fields(LockOwner)
        if field.name not in ("process", "token")
    }
    return LockOwner(**texts, token=token, process=process if isinstance(process, int) else 0)


def _entry(line: str) -> dict[str, Any] | None:
    """The JSON object in ``line``, if it is one."""
    try:
        said = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return said if isinstance(said, dict) else None


def _break(connection: Connection, token: str) -> bool:
    return connection.run(break_lock(token)).ok


def _is_forgotten(owner: LockOwner | None) -> bool:
    """Whether the lock was left by a process of this account on this computer that is gone, or by this one."""
    if owner is None or (owner.computer_id, owner.start) != (computer_id(), start_of_computer()):
        return False  # a copy of this computer is another one: it was started at another time
    if owner.process == os.getpid():
        return owner.token not in _held
    return not process_exists(owner.process)


def _new_owner(purpose: str) -> LockOwner:
    return LockOwner(
        user=user_name(),
        computer=socket.gethostname(),
        purpose=purpose,
        since=_now(),
        token=uuid.uuid4().hex,
        computer_id=computer_id(),
        start=start_of_computer(),
        process=os.getpid(),
    )


def _line(owner: LockOwner) -> str:
    return json.dumps(asdict(owner), sort_keys=True)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _home_unusable(connection: Connection, error: str) -> ServerError:
    return ServerError(
        f"“{connection.server.user}” cannot write to the home folder on {connection.server.name}.",
        next_step="See that the folder exists, belongs to the account and its disk is not full.",
        details=error.strip(),
    )
