"""One restore at a time into a folder: a file there, locked by the operating system, tells a live one from a dead one.

Two at once would take each other's unfinished files for those that a killed one had left, and each would put its files
where the other had just looked. The lock goes with its owner, however that ends; the file goes with the restore's end.
"""

from __future__ import annotations

import contextlib
import os
import re
import time
from collections.abc import Callable, Collection, Iterator
from pathlib import Path

from kronkers_studio.domain.errors import RestoreUnderWay, WorkspaceError
from kronkers_studio.storage.files import BINARY
from kronkers_studio.storage.writer_lock import owner_of, try_lock, unlock, write_owner

MARKER = ".kronkers-restore.lock"
_DRAFT = re.compile(r"\.kronkers-([0-9a-f]{12})-[0-9]+\.part")
_WAIT_SECONDS = 0.5
"""Longer than another restore takes to look whether a marker is alive, for which it locks it."""
_POLL_SECONDS = 0.02


def draft_name(token: str, number: int) -> str:
    """What a file is called while it is being written. ``token`` is 12 hexadecimal digits, the restore's own."""
    return f".kronkers-{token}-{number}.part"


@contextlib.contextmanager
def claimed(folder: Path) -> Iterator[None]:
    """Nobody else restores into ``folder``, into one in it or one above it, until the block is left; what a restore
    that was killed left there is removed.

    Where that cannot be had, because nothing can be written there or the file system has no locks, restoring goes on
    as if it were alone. Raises ``RestoreUnderWay``.
    """
    marker = folder / MARKER
    descriptor = _take(marker)
    try:
        refuse_below_another(folder)  # after taking: of two that begin at once, one sees the other
        _remove_drafts(folder, lambda _token: True)
        yield
    finally:
        if descriptor is not None:
            _give_back(descriptor, marker)


def refuse_below_another(folder: Path) -> None:
    """Raises ``RestoreUnderWay`` when another restore is writing into a folder above ``folder``."""
    for above in Path(os.path.realpath(folder)).parents:
        _refuse_if_alive(above / MARKER)


def clear_of_drafts(folder: Path, own: Collection[str]) -> None:
    """Remove what a restore that was killed left in ``folder``. ``own`` are the caller's tokens, whose drafts stay.

    Raises ``RestoreUnderWay`` when another one is writing into it.
    """
    _refuse_if_alive(folder / MARKER, remove=True)
    _remove_drafts(folder, lambda token: token not in own)


def remove_drafts(folder: Path, token: str) -> None:
    """Remove the drafts of ``token`` in ``folder``: whoever wrote them was killed."""
    _remove_drafts(folder, lambda found: found == token)


def _remove_drafts(folder: Path, go: Callable[[str], bool]) -> None:
    with contextlib.suppress(NotADirectoryError, PermissionError), os.scandir(folder) as listing:
        for found in listing:
            draft = _DRAFT.fullmatch(found.name)
            if draft and go(draft[1]):
                with contextlib.suppress(OSError):
                    os.unlink(found.path)  # noqa: PTH108


def _take(marker: Path) -> int | None:
    """The marker, made and locked; None where that is not possible. Raises ``RestoreUnderWay``."""
    deadline = time.monotonic() + _WAIT_SECONDS
    while True:
        descriptor = _opened(marker, make=True)
        if descriptor is None:
            return None
        try:
            locked = try_lock(descriptor)
            if locked and _is_at(descriptor, marker):
                with contextlib.suppress(OSError):
                    write_owner(descriptor)
                return descriptor
            if time.monotonic() >= deadline:
                raise _refusal(descriptor, marker)
        except WorkspaceError:  # no locks here
            _remove(marker)
            os.close(descriptor)
            return None
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)
        time.sleep(_POLL_SECONDS)


def _give_back(descriptor: int, marker: Path) -> None:
    _remove(marker)  # while it is locked, so that nobody takes a file that is about to go
    unlock(descriptor)
    os.close(descriptor)
    if os.name == "nt":  # what is open cannot be removed there; if another one has opened it by now, it removes it
        _remove(marker)


def _refuse_if_alive(marker: Path, *, remove: bool = False) -> None:
    """Raises ``RestoreUnderWay`` when a restore has ``marker`` locked; else nothing, or ``remove`` it."""
    descriptor = _opened(marker)
    if descriptor is None:
        return
    try:
        with contextlib.suppress(WorkspaceError):  # no locks here
            if not try_lock(descriptor):
                raise _refusal(descriptor, marker)
            if remove:
                _remove(marker)
            unlock(descriptor)
    finally:
        os.close(descriptor)
    if remove and os.name == "nt":
        _remove(marker)


def _opened(marker: Path, *, make: bool = False) -> int | None:
    flags = BINARY | getattr(os, "O_NOFOLLOW", 0)
    for access in (os.O_RDWR | (os.O_CREAT if make else 0), os.O_RDONLY):  # another user's can be locked even so
        with contextlib.suppress(OSError):
            return os.open(marker, flags | access, 0o666)
    return None


def _is_at(descriptor: int, marker: Path) -> bool:
    """Whether the open file still is the one that lies there: its last owner removes it."""
    try:
        return os.path.samestat(os.fstat(descriptor), marker.lstat())
    except OSError:
        return False


def _remove(marker: Path) -> None:
    with contextlib.suppress(OSError):
        marker.unlink()


def _refusal(descriptor: int, marker: Path) -> RestoreUnderWay:
    return RestoreUnderWay(
        f"Another restore is writing to {marker.parent}: {owner_of(descriptor)}.",
        next_step="Wait until it is done and run this again, or choose another folder.",
    )
