"""Making the metadata database again: the object index from the packs alone, all other tables from the journal's files.

A database that can still be used is filled anew in one transaction, so that other windows see the old state or the
new one. One that is missing or damaged is made beside its place and put there at the end, what was left of it aside.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from sqlcipher3 import dbapi2

from kronkers_studio.domain.changes import JournalEntry
from kronkers_studio.domain.errors import JournalIncomplete, StoreDamaged
from kronkers_studio.domain.maintenance import RebuildReport
from kronkers_studio.domain.progress import CancelToken, Progress
from kronkers_studio.registry.metadata import statements
from kronkers_studio.registry.metadata.journal import Journal, read_entries
from kronkers_studio.registry.metadata.journal_files import JournalLog
from kronkers_studio.registry.store.object_index import Location, clear_index, put_rows
from kronkers_studio.registry.store.pack_scan import Damage, Found, reread
from kronkers_studio.registry.store.packs import PACK_HEADER_SIZE, PackFolder
from kronkers_studio.registry.store.records import ObjectType, Sealer
from kronkers_studio.storage.database import Database
from kronkers_studio.storage.files import disk_failures, flush_file_at, flush_folder
from kronkers_studio.storage.migrations import upgrade_database

_BATCH = 10_000
_COMPANIONS = ("-wal", "-shm")


class Rebuild:
    """One run of ``registry rebuild``, under the writer lock."""

    def __init__(
        self,
        file: Path,
        key: bytes,
        packs: PackFolder,
        sealer: Sealer,
        journal: Journal,
        log: JournalLog,
        *,
        progress: Progress,
        cancel: CancelToken,
    ) -> None:
        self._file = file
        self._key = key
        self._packs = packs
        self._sealer = sealer
        self._journal = journal
        self._log = log
        self._progress = progress
        self._cancel = cancel
        self._problems: list[str] = []
        self._objects = self._bytes = 0

    def run(self, *, accept_loss: bool) -> RebuildReport:
        """Raises ``JournalIncomplete`` when entries of the journal are lost, unless ``accept_loss`` says to stop before
        them; ``Cancelled`` or ``StorageFull``. The database is then as it was."""
        usable = self._is_usable()
        entries, log_is_whole = self._all_entries(usable=usable, accept_loss=accept_loss)
        made_anew, aside = not usable, ""
        if usable:
            self._fill_file(self._file, entries)
        else:
            draft = self._file.with_name(f"{self._file.name}.rebuilding")
            _remove(draft)
            self._fill_file(draft, entries)
            aside = self._exchange(draft)
        if not log_is_whole:
            self._log.write_anew(entries)
        return RebuildReport(
            packs=len(self._packs.numbers()),
            objects=self._objects,
            bytes_read=self._bytes,
            journal_entries=len(entries),
            database_made_anew=made_anew,
            set_aside=aside,
            problems=tuple(self._problems),
        )

    def _all_entries(self, *, usable: bool, accept_loss: bool) -> tuple[Sequence[JournalEntry], bool]:
        """The journal from its files or, where these know less, from the database; and whether the files are whole."""
        logged = self._log.read()
        own = self._entries_of_database() if usable else ()
        whole = logged.complete and not logged.problems
        if len(own) > len(logged.entries):
            self._problems.extend(logged.problems)
            return own, False
        if not logged.complete and not accept_loss:
            raise JournalIncomplete(
                f"{logged.problems[-1]} Before them are {len(logged.entries)} entries.",
                next_step="Put the folder “journal” back from a backup, or give them up with --accept-loss.",
            )
        if logged.torn:
            self._problems.append(
                "The last journal file ends in bytes that cannot be read: what a program that died had not finished, "
                "or damage to the last changes."
            )
        self._problems.extend(logged.problems)
        return logged.entries, whole and not logged.torn

    def _entries_of_database(self) -> Sequence[JournalEntry]:
        """The database's own journal, as far as it is as it was written."""
        database = Database(self._file, self._key)
        try:
            with database.read() as connection:
                self._journal.verify(connection)
                return tuple(read_entries(connection))
        except StoreDamaged:
            return ()
        finally:
            database.close()

    def _is_usable(self) -> bool:
        """Whether every page of the database can be read and its schema is ours."""
        if not self._file.exists():
            return False
        database = Database(self._file, self._key)
        try:
            upgrade_database(database)
            with database.read() as connection:
                damage = connection.execute("PRAGMA cipher_integrity_check").fetchall()
                return not damage and connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        except (StoreDamaged, dbapi2.DatabaseError):
            return False
        finally:
            database.close()

    def _fill_file(self, file: Path, entries: Sequence[JournalEntry]) -> None:
        """Fill a database in one transaction; its closing takes the write-ahead log into the file."""
        database = Database(file, self._key)
        try:
            upgrade_database(database)
            with database.write() as connection:
                for table in reversed((*statements.JOURNALED, statements.JOURNAL)):
                    statements.delete(connection, table)
                self._progress.step("Replaying the journal", len(entries))
                self._journal.replay(entries, connection)
                self._journal.verify(connection)
                self._index_packs(connection)
        finally:
            database.close()

    def _index_packs(self, connection: dbapi2.Connection) -> None:
        clear_index(connection)
        numbers = self._packs.numbers()
        total = sum(map(self._packs.size, numbers))
        self._progress.step("Reading the store", total, "bytes")
        for number in numbers:
            if self._packs.size(number) < PACK_HEADER_SIZE:
                continue  # a power cut left it so, before anything in it was acknowledged: the next writer cuts it off
            rows: list[tuple[bytes, Location]] = []
            end = PACK_HEADER_SIZE
            put_rows(connection, {number: end}, [])
            for found in self._genuine(number):
                self._cancel.check()
                header = found.header
                rows.append((header.id, Location(number, found.offset, header.stored, header.length, header.type)))
                self._progress.advance(found.end - end)
                end = found.end
                if len(rows) >= _BATCH:
                    put_rows(connection, {number: end}, rows)
                    rows = []
            put_rows(connection, {number: end}, rows)
            self._bytes += self._packs.size(number)
        self._objects = connection.execute("SELECT count(*) FROM objects").fetchone()[0]

    def _genuine(self, number: int) -> Iterator[Found]:
        """The objects of a pack. The torn end of a pack is left for the next writer to cut off."""
        size = self._packs.size(number)
        if self._packs.read(number, 0, PACK_HEADER_SIZE) != self._packs.header(number):
            self._problems.append(f"Pack {number:08d}: its first bytes are damaged.")

        def damaged(damage: Damage) -> None:
            what = "the end of an interrupted write, or damage" if damage.end == size else "damaged"
            self._problems.append(f"Pack {number:08d}, bytes {damage.start} to {damage.end}: {what}.")

        for found in reread(self._packs, self._sealer, number, damaged):
            if found.header.type is not ObjectType.JOURNAL:
                yield found

    def _exchange(self, draft: Path) -> str:
        """Put the new database in place. After a crash in between, it is missing, and rebuilding starts again."""
        aside = self._file.with_name(f"{self._file.name}.damaged-{time.strftime('%Y%m%d-%H%M%S')}")
        existed = self._file.exists()
        with disk_failures("putting the new database in place"):
            flush_file_at(draft)
            for ending in ("", *_COMPANIONS):
                old = self._file.with_name(self._file.name + ending)
                if old.exists():
                    old.replace(aside.with_name(aside.name + ending))
            flush_folder(self._file.parent)
            draft.replace(self._file)
            flush_folder(self._file.parent)
        return str(aside) if existed else ""


def _remove(database: Path) -> None:
    """Remove what an interrupted rebuild left."""
    with disk_failures("tidying up"):
        for ending in ("", *_COMPANIONS):
            database.with_name(database.name + ending).unlink(missing_ok=True)
