"""Noticing that folders have changed, and have come to rest again.

What the operating system tells of is taken as a hint and nothing more: whoever is told looks through the whole folder,
which the stat cache makes quick. So nothing depends on which events come, in what order, or whether some are lost.
"""

from __future__ import annotations

import errno
import logging
import os
import stat
import tempfile
import threading
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from watchdog.events import (
    DirCreatedEvent,
    DirDeletedEvent,
    DirMovedEvent,
    FileClosedEvent,
    FileCreatedEvent,
    FileDeletedEvent,
    FileModifiedEvent,
    FileMovedEvent,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers import Observer

from kronkers_studio.domain.migration import WatchReason
from kronkers_studio.domain.progress import CancelToken
from kronkers_studio.migration.folder_paths import absolute_folder
from kronkers_studio.migration.own_folders import OwnFolders

if TYPE_CHECKING:
    from watchdog.observers.api import BaseObserver, ObservedWatch

_OF_INTEREST: list[type[FileSystemEvent]] = [  # not the opening of files: we do that ourselves
    FileCreatedEvent,
    FileModifiedEvent,
    FileClosedEvent,
    FileMovedEvent,
    FileDeletedEvent,
    DirCreatedEvent,
    DirMovedEvent,
    DirDeletedEvent,
]
_TICK = 0.1
_LOOK_AT_FOLDERS = 0.5
_LIMIT_FILE = Path("/proc/sys/fs/inotify/max_user_watches")


@dataclass(frozen=True, slots=True)
class Changes:
    """Why it is time to look, and where: ``folders`` are those that are there."""

    reason: WatchReason
    folders: tuple[Path, ...]


@dataclass(slots=True)
class _Folder:
    path: Path
    identity: tuple[int, int] | None = None  # None: away
    last_identity: tuple[int, int] | None = None  # when it was last there
    watched: ObservedWatch | None = None


@dataclass(slots=True)
class _Hints:
    """What was told since the last time; written by watchdog's threads."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    reason: WatchReason = WatchReason.NONE
    first: float = 0.0
    last: float = 0.0

    def add(self, reason: WatchReason, at: float) -> None:
        with self.lock:
            if not self.reason:
                self.first = at
            self.last = at
            if self.reason in (WatchReason.NONE, WatchReason.CHANGED):
                self.reason = reason

    def take_if_at_rest(self, now: float, settle: float, longest: float) -> WatchReason:
        with self.lock:
            if self.reason and (now - self.last >= settle or now - self.first >= longest):
                reason, self.reason = self.reason, WatchReason.NONE
                return reason
        return WatchReason.NONE


class Watch:
    """Watches ``folders``; a context manager, for one thread. What changes in one of the folders ``exclude``, or in any
    workspace, is no change.

    ``settle_seconds`` must pass without a change before it is told of one, so that a save that deletes and creates, or
    a long copy, is one change; but no longer than ``longest_seconds`` are waited. Every ``rescan_seconds`` it is time
    to look in any case: network drives do not tell of everything. Where the system tells of nothing because its limit
    is reached, that is every ``poll_seconds``, and ``limited`` says so.

    A folder that goes away is waited for. One that comes back as another and is empty is a mount point without its
    drive, and not taken for the folder.
    """

    def __init__(
        self,
        folders: Sequence[Path],
        *,
        exclude: Collection[Path] = (),
        settle_seconds: float = 2.0,
        longest_seconds: float = 60.0,
        rescan_seconds: float = 900.0,
        poll_seconds: float = 30.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._folders = [_Folder(absolute_folder(folder)) for folder in folders]
        self._settle, self._longest = settle_seconds, longest_seconds
        self._rescan, self._poll = rescan_seconds, poll_seconds
        self._clock = clock
        self._hints = _Hints()
        self._own = OwnFolders(exclude)
        self._handler = _Handler(lambda: self._hints.add(WatchReason.CHANGED, clock()), self._own.covers)
        self._complaints = _Complaints(lambda: self._hints.add(WatchReason.OVERFLOW, clock()))
        self._observer: BaseObserver = Observer()
        self._looked = self._told = float("-inf")
        self.limited = ""

    @property
    def away(self) -> tuple[Path, ...]:
        """The folders that are not there."""
        return tuple(folder.path for folder in self._folders if folder.identity is None)

    def __enter__(self) -> Self:
        logging.getLogger("watchdog").addHandler(self._complaints)
        self._observer.start()
        self._look_at_folders()
        self._hints = _Hints(reason=WatchReason.START, first=float("-inf"), last=float("-inf"))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._observer.stop()
        self._observer.join()
        logging.getLogger("watchdog").removeHandler(self._complaints)

    def wait(
        self,
        cancel: CancelToken,
        on_away: Callable[[], None] = lambda: None,
        on_settling: Callable[[], None] = lambda: None,
    ) -> Changes:
        """Wait until it is time to look, at once for the first time. Raises ``Cancelled``.

        ``on_away`` is told when the folders that are away are others than before, ``on_settling`` once when something
        changed that is still to come to rest.
        """
        settling = False
        while True:
            cancel.check()
            away = self.away
            now = self._clock()
            due = now - self._looked >= _LOOK_AT_FOLDERS
            reason = self._reason(now) if len(away) < len(self._folders) else WatchReason.NONE
            if due or reason:
                self._look_at_folders()
            if self.away != away:
                on_away()
                if reason:
                    self._hints.add(reason, now)
            elif reason:
                self._told = now
                self._own.forget()
                self._look_at_limit()
                there = tuple(folder.path for folder in self._folders if folder.identity is not None)
                return Changes(reason, there)
            elif not settling and self._hints.reason not in (WatchReason.NONE, WatchReason.AGAIN):
                settling = True
                on_settling()
            time.sleep(_TICK)

    def again(self) -> None:
        """It is time to look once more, after the settle time."""
        self._hints.add(WatchReason.AGAIN, self._clock())

    def check_folders(self) -> None:
        """Look now whether the folders are there: one of them could not be read."""
        self._look_at_folders()

    def _reason(self, now: float) -> WatchReason:
        reason = self._hints.take_if_at_rest(now, self._settle, self._longest)
        if reason:
            return reason
        due = now - self._told >= (self._poll if self.limited else self._rescan)
        return WatchReason.TIMER if due else WatchReason.NONE

    def _look_at_folders(self) -> None:
        self._looked = self._clock()
        for folder in self._folders:
            there = _identity(folder.path)
            if there == folder.identity and (there is None or self._tells(folder)):
                continue
            if there is not None and folder.last_identity not in (None, there) and _is_empty(folder.path):
                there = None  # a mount point without its drive
            if there is None and folder.identity is None:
                continue
            self._unwatch(folder)
            was_away, folder.identity = folder.identity is None, there
            if there is not None:
                folder.last_identity = there
                self._watch(folder)
                self._hints.add(WatchReason.RETURNED if was_away else WatchReason.CHANGED, self._clock())

    def _tells(self, folder: _Folder) -> bool:
        """Whether the system still tells of changes in the folder, or is known not to."""
        if folder.watched is None:
            return bool(self.limited)
        return any(emitter.watch == folder.watched and emitter.is_alive() for emitter in self._observer.emitters)

    def _watch(self, folder: _Folder) -> None:
        try:
            folder.watched = self._observer.schedule(
                # of a link, only the link itself would be watched
                self._handler,
                os.path.realpath(folder.path),
                recursive=True,
                event_filter=_OF_INTEREST,
            )
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EMFILE):
                folder.identity = None  # gone again
                return
            self.limited = _limit_sentence(self._poll)

    def _unwatch(self, folder: _Folder) -> None:
        if folder.watched is not None:
            self._observer.unschedule(folder.watched)
            folder.watched = None

    def _look_at_limit(self) -> None:
        """Find out whether one more folder could be watched: watchdog is silent about those below that could not."""
        with tempfile.TemporaryDirectory(prefix="kronkers-watch-") as probe:
            try:
                self._observer.unschedule(self._observer.schedule(FileSystemEventHandler(), probe))
            except OSError as error:
                if error.errno in (errno.ENOSPC, errno.EMFILE):
                    self.limited = _limit_sentence(self._poll)


class _Handler(FileSystemEventHandler):
    def __init__(self, tell: Callable[[], None], covered: Callable[[str], bool]) -> None:
        self._tell = tell
        self._covered = covered

    def on_any_event(self, event: FileSystemEvent) -> None:
        paths = [os.fsdecode(path) for path in (event.src_path, event.dest_path) if path]
        if not paths or not all(self._covered(path) for path in paths):
            self._tell()


class _Complaints(logging.Handler):
    """Hears what watchdog says only in its log: that events were lost, or folders could not be watched."""

    def __init__(self, tell: Callable[[], None]) -> None:
        super().__init__(logging.WARNING)
        self._tell = tell

    def emit(self, record: logging.LogRecord) -> None:
        self._tell()


def _identity(folder: Path) -> tuple[int, int] | None:
    try:
        status = folder.stat()
    except OSError:
        return None
    return (status.st_dev, status.st_ino) if stat.S_ISDIR(status.st_mode) else None


def _is_empty(folder: Path) -> bool:
    try:
        with os.scandir(folder) as entries:
            return next(entries, None) is None
    except OSError:
        return True


def _limit_sentence(poll_seconds: float) -> str:
    try:
        limit = f" {int(_LIMIT_FILE.read_text(encoding='ascii')):,}"
    except (OSError, ValueError):
        limit = ""
    return (
        f"The number of folders that this system lets you watch{limit and ' (' + limit.strip() + ')'} is used up, so "
        f"changes are looked for every {poll_seconds:.0f} seconds instead. To be told of them at once, raise it: "
        "sudo sysctl fs.inotify.max_user_watches=1048576 (and put the same line without “sudo sysctl” into "
        "/etc/sysctl.d/60-watches.conf to keep it)."
    )
