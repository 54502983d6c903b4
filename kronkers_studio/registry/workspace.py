"""A workspace on disk, and what is opened of it.

keys.json      the key slots
metadata.db    journal, metadata and object index (SQLCipher)
packs/         the objects
journal/       the journal once more, to make metadata.db again from
writer.lock    held by whoever appends to the packs
search.db      what can be searched for; made again when it is missing
reserve        space for freeing space when the disk is full
"""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from kronkers_studio.domain.errors import (
    AlreadyExists,
    IndexDamaged,
    InvalidInput,
    StoreDamaged,
    StudioError,
    WorkspaceError,
)
from kronkers_studio.domain.progress import NEVER, SILENT, CancelToken, Progress
from kronkers_studio.registry.store.object_index import ObjectIndex
from kronkers_studio.registry.store.object_store import ObjectStore
from kronkers_studio.registry.store.packs import PackFolder
from kronkers_studio.registry.store.records import Sealer
from kronkers_studio.settings.private import close_to_others
from kronkers_studio.settings.secrets import Secret
from kronkers_studio.storage.database import Database
from kronkers_studio.storage.files import disk_failures, flush_folder
from kronkers_studio.storage.keys import KEYS_FILE, MasterKey, Protection, Unlock, create_keys, open_keys
from kronkers_studio.storage.migrations import upgrade_database
from kronkers_studio.storage.reserve import RESERVE_FILE, keep_reserve, reserve_spent
from kronkers_studio.storage.stored_text import to_stored
from kronkers_studio.storage.writable import obstacle_in
from kronkers_studio.storage.writer_lock import WriterLock

if TYPE_CHECKING:
    from kronkers_studio.domain.content import CheckReport, Commit
    from kronkers_studio.domain.maintenance import CleanUpReport, RebuildReport
    from kronkers_studio.domain.models import ContentRef
    from kronkers_studio.formats.table_reading import Limits, TableReader
    from kronkers_studio.registry.content_store import ContentStore
    from kronkers_studio.registry.metadata.journal import Journal
    from kronkers_studio.registry.metadata.journal_files import JournalLog
    from kronkers_studio.registry.metadata.ledger import Ledger
    from kronkers_studio.registry.metadata.model_queries import ModelQueries
    from kronkers_studio.registry.metadata.trash import Trash
    from kronkers_studio.registry.search.query import Search
    from kronkers_studio.registry.versions import Versions
    from kronkers_studio.storage.key_ring import KeyRing

_DATABASE = "metadata.db"
_SEARCH = "search.db"
_PACKS = "packs"
_JOURNAL = "journal"
_RUNS = "runs"
_LOCK = "writer.lock"
_LOCK_WAIT_SECONDS = 2.0
_HEAD = (
    "SELECT document FROM branches JOIN commits ON commits.id = branches.head "
    "WHERE branches.project = ? AND branches.name = ?"
)


class Workspace:
    """An open workspace; a context manager. Thread-safe for reading, and processes may share it."""

    def __init__(self, directory: Path, master: MasterKey) -> None:
        self.directory = directory
        self._master = master
        _close_workspace_to_others(directory)
        self._temporary: tempfile.TemporaryDirectory[str] | None = None
        self.database = Database(directory / _DATABASE, master.subkey("metadata database"))
        upgrade_database(self.database)
        keep_reserve(directory)
        self.table_limits: Callable[[], Limits] | None = None
        """What reading a table may take; None: what is usual."""
        self._packs = PackFolder(directory / _PACKS, master.workspace_id)
        self.store = ObjectStore(
            Sealer(master), self._packs, ObjectIndex(self.database), lambda: WriterLock(directory / _LOCK)
        )
        """The bytes of everything that is kept, by their ids; for what looks below projects and versions."""

    @cached_property
    def content(self) -> ContentStore:
        from kronkers_studio.registry.content_store import ContentStore

        return ContentStore(self.database, self.store, self.ledger, self._check)

    @cached_property
    def ledger(self) -> Ledger:
        from kronkers_studio.registry.metadata.ledger import Ledger

        return Ledger(self.database, self._journal)

    @cached_property
    def versions(self) -> Versions:
        from kronkers_studio.registry.versions import Versions

        return Versions(self.database, self.store, self.ledger, self.content, lambda: self.tables)

    @cached_property
    def tables(self) -> TableReader:
        """What reads tables, in a process of its own."""
        from kronkers_studio.formats.table_reading import Limits, TableReader

        return TableReader(lambda: self.table_limits() if self.table_limits is not None else Limits())

    @cached_property
    def models(self) -> ModelQueries:
        from kronkers_studio.registry.metadata.model_queries import ModelQueries

        return ModelQueries(self.database)

    @cached_property
    def search(self) -> Search:
        from kronkers_studio.registry.search.index import SearchIndex
        from kronkers_studio.registry.search.query import Search

        key = self._master.subkey("search index")
        place = self._search_place() or self.directory
        index = SearchIndex(place / _SEARCH, key, self.database, self.store, self._data_columns, lambda: self.tables)
        return Search(index)

    def _search_place(self) -> Path | None:
        """Where the search index is kept when the workspace cannot be written to: a copy, for as long as it is open."""
        if obstacle_in(self.directory) is None:
            return None
        self._temporary = tempfile.TemporaryDirectory(prefix="kronkers-search-", ignore_cleanup_errors=True)
        place = Path(self._temporary.name)
        with contextlib.suppress(OSError):  # it is made anew then
            for ending in ("", "-wal"):
                shutil.copyfile(self.directory / f"{_SEARCH}{ending}", place / f"{_SEARCH}{ending}")
        return place

    def _data_columns(self, data: ContentRef) -> tuple[str, ...]:
        from kronkers_studio.registry.search.header_reader import data_columns  # only a model with new data needs this

        return data_columns(self.content, self.store, lambda: self.tables, data)

    @cached_property
    def _journal(self) -> Journal:
        from kronkers_studio.registry.metadata.journal import Journal

        return Journal(self._master.subkey("journal chain"), log=self._log)

    @cached_property
    def _log(self) -> JournalLog:
        from kronkers_studio.registry.metadata.journal_files import JournalLog

        return JournalLog(PackFolder(self.directory / _JOURNAL, self._master.workspace_id), self.store.sealer)

    @property
    def keys(self) -> KeyRing:
        """The ways of opening this workspace."""
        from kronkers_studio.storage.key_ring import KeyRing

        return KeyRing(self.directory, self._master)

    @cached_property
    def trash(self) -> Trash:
        from kronkers_studio.registry.metadata.trash import Trash

        return Trash(self.database, self.ledger, lambda: reserve_spent(self.directory))

    def index_damage(self, error: StudioError) -> IndexDamaged | None:
        """Whether ``error``, met in this open workspace, comes from its database; looks at all of that."""
        if isinstance(error, IndexDamaged):
            return error
        try:
            with self.database.read() as connection:
                pages = connection.execute("PRAGMA cipher_integrity_check").fetchone()
                whole = connection.execute("PRAGMA integrity_check(1)").fetchone()[0] == "ok"
        except StoreDamaged as damage:
            return index_damaged(self.directory, damage.details)
        return index_damaged(self.directory, error.details) if pages or not whole else None

    def clean_up(
        self,
        *,
        author: str,
        dry_run: bool = False,
        grace: timedelta = timedelta(days=14),
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        progress: Progress = SILENT,
        cancel: CancelToken = NEVER,
    ) -> CleanUpReport:
        """Free what no version needs and nothing touched for ``grace``, or with ``dry_run`` tell what that would be.

        Raises ``StoreDamaged`` (something that is needed is missing: nothing is freed), ``WorkspaceBusy``,
        ``StorageFull`` or ``Cancelled``.
        """
        from kronkers_studio.registry.maintenance.clean_up import CleanUp

        run = CleanUp(
            self.database, self.store, self._journal, grace=grace, clock=clock, progress=progress, cancel=cancel
        )
        if dry_run:
            return run.look()
        with reserve_spent(self.directory):
            return run.run(author)

    def head(self, project: str, branch: str) -> Commit | None:
        """The head of a branch, None when there is none: what a look for changes asks first, and needs no more for."""
        from kronkers_studio.domain.content import Commit
        from kronkers_studio.storage.json_form import from_text

        with self.database.read() as connection:
            row = connection.execute(_HEAD, (to_stored(project), to_stored(branch))).fetchone()
        return from_text(Commit, row[0]) if row else None

    @property
    def id(self) -> str:
        """What tells this workspace from all others; no proof, for whoever makes a workspace can give it another's."""
        return self._master.workspace_id

    @property
    def series_key(self) -> bytes:
        """The 32-byte key of the series store."""
        return self._master.subkey("series database")

    @property
    def release_key(self) -> bytes:
        """The 32-byte key that the secrets of releases are derived from."""
        return self._master.subkey("release secrets")

    @property
    def working_copy_key(self) -> bytes:
        """The 32-byte key that the marks of working copies are sealed with."""
        return self._master.subkey("working copies")

    @property
    def authority_key(self) -> bytes:
        """The 32 bytes that the keys of the workspace's own certificate authorities are made of."""
        return self._master.subkey("certificate authorities")

    @property
    def recording_key(self) -> bytes:
        """The 32 bytes that the key which opens recorded rows is made of."""
        return self._master.subkey("recorded rows")

    @property
    def signing_key(self) -> bytes:
        """The 32 bytes that the key which signs this workspace's packages is made of."""
        return self._master.subkey("package signatures")

    def close(self) -> None:
        if "tables" in self.__dict__:
            self.tables.close()
        if "_log" in self.__dict__:
            self._log.close()
        if "search" in self.__dict__:
            self.search.close()
        if self._temporary is not None:
            self._temporary.cleanup()
        self._packs.close()
        self.database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _check(self, read_data: bool, progress: Progress, cancel: CancelToken) -> CheckReport:
        from kronkers_studio.registry.maintenance.check import Check

        run = Check(
            self.directory, self._master, self.database, self.store, self._journal, progress=progress, cancel=cancel
        )
        return run.run(read_data)


def create_workspace(directory: Path, protection: Protection) -> tuple[Workspace, Secret]:
    """Make a workspace in ``directory`` (made when missing, else empty); also gives the recovery key to print.

    Raises ``AlreadyExists``, ``InvalidInput``, ``WorkspaceError`` (the folder cannot be made) or ``KeyUnavailable``.
    """
    if (directory / KEYS_FILE).exists():
        raise AlreadyExists(
            f"There is a workspace in {directory} already.", next_step="Open it, or choose another folder."
        )
    try:
        with disk_failures("making the workspace"):
            directory.mkdir(parents=True, exist_ok=True)
            if any(directory.iterdir()):
                raise InvalidInput(f"{directory} is not empty.", next_step="Choose an empty or a new folder.")
            close_to_others(directory)
            (directory / _PACKS).mkdir(mode=0o700)
            flush_folder(directory)
    except OSError as error:
        raise WorkspaceError(
            f"The workspace cannot be made in {directory}: {error.strerror}.", next_step="Choose another folder."
        ) from None
    try:
        master, recovery_key = create_keys(directory, protection)
    except BaseException:
        (directory / _PACKS).rmdir()
        raise
    workspace = Workspace(directory, master)
    with disk_failures("making the workspace"):
        flush_folder(directory)
    return workspace, recovery_key


def open_workspace(directory: Path, unlock: Unlock) -> Workspace:
    """Open the workspace in ``directory``.

    Raises ``WorkspaceError`` (none there), ``WrongKey``, ``KeyUnavailable``, ``IndexDamaged`` when the database is what
    is damaged and all that it is made again from is there, or ``StoreDamaged``.
    """
    master = open_keys(directory, unlock)
    packs, database = directory / _PACKS, directory / _DATABASE
    if not packs.is_dir():
        raise _missing(_PACKS, directory, "Put it back from a backup.")
    stored = any(packs.iterdir())
    if not database.exists() and (stored or (directory / _JOURNAL).exists()):
        raise index_damaged(directory)
    if stored and database.is_file() and database.stat().st_size == 0:  # it would be taken for one yet to be filled
        raise index_damaged(directory, "The database metadata.db is empty.")
    try:
        return Workspace(directory, master)
    except StoreDamaged as error:
        raise index_damaged(directory, error.details or error.message) from None


def index_damaged(directory: Path, details: str = "") -> IndexDamaged:
    """The error that says that the workspace's database is missing or damaged, and what makes it again."""
    there = (directory / _DATABASE).is_file()
    return IndexDamaged(
        f"The index of the workspace in {directory}, its file {_DATABASE}, is {'damaged' if there else 'missing'}.",
        missing=not there,
        next_step="Run `kronkers registry rebuild`, which makes it again from what is stored beside it.",
        details=details,
    )


def rebuild_workspace(
    directory: Path,
    unlock: Unlock,
    *,
    accept_loss: bool = False,
    progress: Progress = SILENT,
    cancel: CancelToken = NEVER,
) -> RebuildReport:
    """Make the metadata database of the workspace in ``directory`` again, from its packs and its journal's files.

    With ``accept_loss``, what comes after lost entries of the journal is given up. Raises ``WrongKey`` and the like,
    ``WorkspaceBusy``, ``JournalIncomplete`` (entries are lost), ``StoreDamaged``, ``StorageFull`` or ``Cancelled``.
    """
    from kronkers_studio.registry.maintenance.rebuild import Rebuild
    from kronkers_studio.registry.metadata.journal import Journal
    from kronkers_studio.registry.metadata.journal_files import JournalLog

    master = open_keys(directory, unlock)
    sealer, packs = Sealer(master), PackFolder(directory / _PACKS, master.workspace_id)
    if not packs.folder.is_dir():
        raise _missing(_PACKS, directory, "Put it back from a backup.")
    log = JournalLog(PackFolder(directory / _JOURNAL, master.workspace_id), sealer)
    run = Rebuild(
        directory / _DATABASE,
        master.subkey("metadata database"),
        packs,
        sealer,
        Journal(master.subkey("journal chain")),
        log,
        progress=progress,
        cancel=cancel,
    )
    lock = WriterLock(directory / _LOCK)
    lock.acquire(wait=_LOCK_WAIT_SECONDS)
    try:
        return run.run(accept_loss=accept_loss)
    finally:
        lock.release()
        packs.close()


def _close_workspace_to_others(directory: Path) -> None:
    """Take from others what rights an open umask, or a copy, gave them: in the workspace's own folders."""
    for folder in (directory, *(directory / name for name in (_PACKS, _JOURNAL, _RUNS))):
        close_to_others(folder)
    for name in (KEYS_FILE, _LOCK, RESERVE_FILE):
        close_to_others(directory / name)


def _missing(name: str, directory: Path, next_step: str) -> StoreDamaged:
    return StoreDamaged(f"{name} is missing from the workspace in {directory}.", next_step=next_step)
