"""Who is changing a release, and whether that process still is: what it began and did not end is ended by others."""

from __future__ import annotations

import os
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from kronkers_studio.domain.releases import Release, Worker

_LONGEST_CHANGE = timedelta(hours=1)
"""No release takes longer. So long, what another computer began is its own: its processes cannot be seen from here."""

_SAME_START_SECONDS = 2.0
"""A start time is computed from the system's clock, which may have been set since."""

_at_work: set[str] = set()
"""The tokens of the changes that this process is making."""

_lock = threading.Lock()


@contextmanager
def at_work() -> Iterator[Worker]:
    """This process as the worker of one change, for as long as that takes."""
    import psutil

    from kronkers_studio.deployment.computer import computer_id, start_of_computer

    started = psutil.Process().create_time()
    worker = Worker(computer_id(), start_of_computer(), os.getpid(), started, secrets.token_hex(8))
    with _lock:
        _at_work.add(worker.token)
    try:
        yield worker
    finally:
        with _lock:
            _at_work.discard(worker.token)


def is_abandoned(release: Release) -> bool:
    """Whether something was begun with ``release`` that nobody is at any more."""
    import psutil

    from kronkers_studio.deployment.computer import computer_id, start_of_computer

    worker = release.worker
    if worker is None:
        return False
    if worker.computer != computer_id() or _lives_beside(worker.running_since, start_of_computer()):
        return datetime.now(UTC) - release.changed > _LONGEST_CHANGE
    if worker.process == os.getpid() and abs(psutil.Process().create_time() - worker.started) < _SAME_START_SECONDS:
        return worker.token not in _at_work
    try:
        process = psutil.Process(worker.process)  # another one, when the computer was started anew since
        return (
            process.status() == psutil.STATUS_ZOMBIE
            or abs(process.create_time() - worker.started) > _SAME_START_SECONDS
        )
    except psutil.NoSuchProcess:
        return True
    except psutil.AccessDenied:  # somebody else's process has that number now; ours could be asked
        return True


def _lives_beside(one: str, other: str) -> bool:
    """Whether both name one start of the computer, but different containers on it."""
    return one != other and one.partition(" ")[0] == other.partition(" ")[0]
