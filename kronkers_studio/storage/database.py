"""An encrypted SQLite database (SQLCipher with a raw key), reached through the driver alone.

SQLAlchemy makes and changes the schema (``storage.migrations``) and is imported for that alone: importing it takes
longer than a whole migration of a folder in which nothing changed (docs/decisions/0018-metadata-access.md).
"""

from __future__ import annotations

import contextlib
import shutil
import tempfile
import threading
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

from sqlcipher3 import dbapi2

from kronkers_studio.domain.errors import StorageFull, StoreDamaged, StudioError, WorkspaceBusy, WorkspaceError
from kronkers_studio.settings.private import close_to_others, make_private_file
from kronkers_studio.storage.files import disk_failures
from kronkers_studio.storage.writable import Obstacle, obstacle_in, refusal

_State = tuple[int, ...]
_BUSY_SECONDS = 15.0
_VALUES_AT_ONCE = 990  # the oldest limit on parameters is 999
_FULL = 13  # SQLite's primary result codes
_FAILED = 10
_BUSY = (5, 6)
_DAMAGED = (11, 26)
_MEND = "Put it back from a backup; `kronkers registry rebuild` can make metadata.db again."
_CANNOT_OPEN = (14, 8)  # missing folder, read-only file


class Database:
    """The database file ``path``, encrypted with the 32-byte ``key``; made when it does not exist.

    Thread-safe: every ``read`` and ``write`` has a connection of its own. ``durable`` databases have a commit on disk
    before ``write`` returns (``synchronous=FULL``); others may lose the last commits, never their consistency, when
    the power fails. Failures of the disk and of the file surface as ``StorageFull``, ``WorkspaceReadOnly``,
    ``WorkspaceBusy`` and ``StoreDamaged``.

    On a disk that is full or read-only what is there can be read all the same.
    """

    def __init__(self, path: Path, key: bytes, *, durable: bool = True) -> None:
        self.path = path
        self._key = key.hex()
        self._synchronous = "FULL" if durable else "NORMAL"
        self._lock = threading.Lock()
        self._idle: list[dbapi2.Connection] = []
        self._opened: _State | None = None  # the file that connections lead to
        self._obstacle: Obstacle | None = None  # why connections are for reading only
        self._copy: tempfile.TemporaryDirectory[str] | None = None
        self._closed_to_others = False

    @contextlib.contextmanager
    def read(self) -> Iterator[dbapi2.Connection]:
        """A connection that sees one consistent state throughout."""
        with self._failures(), self._transaction("DEFERRED") as connection:
            yield connection

    @contextlib.contextmanager
    def write(self) -> Iterator[dbapi2.Connection]:
        """A transaction that excludes other writers from its start; committed on leaving, undone by an exception."""
        with self._failures(), self._transaction("IMMEDIATE") as connection:
            yield connection

    def close(self) -> None:
        with self._lock:
            idle, self._idle, self._opened = self._idle, [], None
            self._obstacle, copy, self._copy = None, self._copy, None
        for connection in idle:
            connection.close()
        if copy is not None:
            copy.cleanup()

    def _follow_file(self, *, writing: bool = False) -> None:
        """Let go of connections when another file has taken the place of theirs, as ``registry rebuild`` does with a
        damaged one: what they write would be lost. Raises ``StoreDamaged`` when there is none any more.

        Connections for reading only are let go of when anything was written, and by who wants to write: there may be
        room by now.
        """
        obstacle = self._obstacle
        there = _state(self.path, whole=obstacle is not None)
        if self._opened is None or (there == self._opened and not (writing and obstacle is not None)):
            return
        if there is None:
            if not self.path.parent.is_dir():
                raise WorkspaceError(
                    f"The workspace in {self.path.parent} is not there any more.",
                    next_step="It was moved, or its drive was taken away. Open it where it is now.",
                )
            raise StoreDamaged(
                f"The database {self.path.name} is missing from {self.path.parent}.",
                next_step=_MEND,
            )
        self.close()

    @contextlib.contextmanager
    def _transaction(self, begin: str) -> Iterator[dbapi2.Connection]:
        self._follow_file(writing=begin == "IMMEDIATE")
        with self._lock:
            opened = self._opened
            connection = self._idle.pop() if self._idle else None
        if connection is None:
            connection = self._connect()
            opened = self._opened
        try:
            connection.execute(f"BEGIN {begin}")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:  # a full disk, for one, has undone it already
                    connection.execute("ROLLBACK")
                raise
        except BaseException:
            connection.close()  # what state a failure left it in is not worth knowing
            raise
        with self._lock:
            follows = opened is not None and opened == self._opened
            if follows:
                self._idle.append(connection)
        if not follows:
            connection.close()

    def _connect(self) -> dbapi2.Connection:
        if self._obstacle is None:
            self._close_to_others()
            try:
                connection = self._open(str(self.path), writable=True)
            except dbapi2.Error as error:
                if _primary(error) not in (_FULL, _FAILED, *_CANNOT_OPEN):
                    raise
                obstacle = obstacle_in(self.path.parent, self.path)
                if obstacle is None:
                    raise
                if not self.path.exists():
                    raise refusal(obstacle, details=str(error)) from error
                connection = self._open_for_reading()
                self._obstacle = obstacle
        else:
            connection = self._open_for_reading()
        with self._lock:
            if self._opened is None:
                self._opened = _state(self.path, whole=self._obstacle is not None)
        return connection

    def _open(self, name: str, *, writable: bool, uri: bool = False) -> dbapi2.Connection:
        connection = dbapi2.connect(
            name,
            timeout=_BUSY_SECONDS,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=256,
            uri=uri,
        )
        try:
            connection.execute("PRAGMA cipher_log_level = NONE")  # errors are raised; it would print them as well
            connection.execute(f"PRAGMA key = \"x'{self._key}'\"")
            if writable:
                connection.execute("PRAGMA journal_mode = WAL")
                connection.execute(f"PRAGMA synchronous = {self._synchronous}")
                connection.execute("PRAGMA fullfsync = ON")  # macOS: through the drive's cache too
                connection.execute("PRAGMA foreign_keys = ON")
            else:
                connection.execute("PRAGMA query_only = ON")
                connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone()  # whether it can be read
        except BaseException:
            connection.close()
            raise
        return connection

    def _open_for_reading(self) -> dbapi2.Connection:
        """A connection that needs no file beside the database's, where none can be made.

        What another process wrote last lies in the write-ahead log: where its index is there too it is read along;
        else a copy of both is read, in the system's folder for temporary files.
        """
        log = self.path.with_name(self.path.name + "-wal")
        if not log.exists() or log.stat().st_size == 0:
            return self._open(f"{self.path.absolute().as_uri()}?mode=ro&immutable=1", writable=False, uri=True)
        if self._copy is None:
            try:
                return self._open(f"{self.path.absolute().as_uri()}?mode=ro", writable=False, uri=True)
            except dbapi2.Error as error:
                if _primary(error) not in (_FULL, _FAILED, *_CANNOT_OPEN):
                    raise
            copy = tempfile.TemporaryDirectory(prefix="kronkers-")
            with disk_failures("copying the database in order to read it"):
                for file in (self.path, log):
                    shutil.copyfile(file, Path(copy.name) / file.name)
            self._copy = copy
        return self._open(str(Path(self._copy.name) / self.path.name), writable=False)

    def _close_to_others(self) -> None:
        """Make the file before SQLite does, which would let others read it; what it makes beside it is like it."""
        if self._closed_to_others:
            return
        self._closed_to_others = True
        with contextlib.suppress(OSError):  # said when it is opened
            make_private_file(self.path)
        for ending in ("-wal", "-shm"):
            close_to_others(self.path.with_name(self.path.name + ending))

    @contextlib.contextmanager
    def _failures(self) -> Iterator[None]:
        try:
            yield
        except dbapi2.Error as error:
            raise _expected(error, self.path, self._obstacle) or error from error


def insert_rows(connection: dbapi2.Connection, table: str, rows: Sequence[tuple[Any, ...]], *, otherwise: str) -> None:
    """Insert ``rows``, each with a value for every column of ``table``; ``otherwise`` is "IGNORE" or "REPLACE".

    Many rows a statement: the driver lets other threads in at each, and has to wait for its turn afterwards.
    """
    if not rows:
        return
    row = f"({','.join('?' * len(rows[0]))})"
    size = _VALUES_AT_ONCE // len(rows[0])
    for start in range(0, len(rows), size):
        group = rows[start : start + size]
        values = ",".join([row] * len(group))
        statement = f"INSERT OR {otherwise} INTO {table} VALUES {values}"  # noqa: S608  # only names of our own
        connection.execute(statement, tuple(chain.from_iterable(group)))


def _state(file: Path, *, whole: bool) -> _State | None:
    """Which file lies there, and with ``whole`` as what it was written last; None for none."""
    try:
        status = file.stat()
    except FileNotFoundError:
        return None
    if not whole:
        return status.st_dev, status.st_ino
    try:
        log = file.with_name(file.name + "-wal").stat()
        logged = log.st_size, log.st_mtime_ns
    except FileNotFoundError:
        logged = 0, 0
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, *logged


def _primary(error: Any) -> int:
    """SQLite's primary result code."""
    code = getattr(error, "sqlite_errorcode", None)
    return int(code) & 0xFF if code is not None else _code_of(str(error))


def _expected(error: Any, path: Path, obstacle: Obstacle | None) -> StudioError | None:
    """The expected failure that the driver's ``error`` stands for; None for a bug such as a broken statement.

    ``obstacle`` is why the database was opened for reading only.
    """
    primary = _primary(error)
    details = f"{path.name}: {error}"
    if primary in (_FAILED, *_CANNOT_OPEN):
        obstacle = obstacle or obstacle_in(path.parent, path)
        if obstacle is None and primary == _CANNOT_OPEN[1]:
            obstacle = Obstacle.READ_ONLY
        if obstacle is not None:
            return refusal(obstacle, details=details)
    if primary == _FULL:
        return refusal(Obstacle.FULL, details=details)
    if primary in (_FAILED, *_CANNOT_OPEN):
        return StorageFull(
            f"The disk failed while the database {path.name} was used.",
            next_step="Check that the disk is there and that you may write to the workspace's folder.",
            details=details,
        )
    if primary in _BUSY:
        return WorkspaceBusy(
            "Another program has been using the workspace's database for too long.",
            next_step="Close other windows of Kronkers Studio on this workspace and try again.",
            details=details,
        )
    if primary in _DAMAGED:
        return StoreDamaged(
            f"The database {path.name} is damaged.",
            next_step=_MEND,
            details=details,
        )
    return None


def _code_of(message: str) -> int:
    """The driver is older than ``sqlite_errorcode``; SQLite's messages are fixed texts."""
    texts = {
        "database or disk is full": _FULL,
        "disk I/O error": _FAILED,
        "unable to open database file": _CANNOT_OPEN[0],
        "attempt to write a readonly database": _CANNOT_OPEN[1],
        "database is locked": _BUSY[0],
        "database table is locked": _BUSY[1],
        "database disk image is malformed": _DAMAGED[0],
        "file is not a database": _DAMAGED[1],
        "file is encrypted or is not a database": _DAMAGED[1],
    }
    return next((code for text, code in texts.items() if message.startswith(text)), 0)
