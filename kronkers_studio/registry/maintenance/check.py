"""Checking a workspace: the structure alone, or every byte. Problems are collected as sentences, never raised.

What was not read is not called healthy: without ``read_data`` the report says so, and the packs' content is not judged.
No lock is taken: whoever writes meanwhile goes on, and what changes under the check is not called damage.
"""

from __future__ import annotations

import contextlib
import threading
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from sqlcipher3 import dbapi2

from kronkers_studio.domain.content import AffectedFile, CheckReport, EntryKind
from kronkers_studio.domain.errors import Cancelled, StoreDamaged, StudioError
from kronkers_studio.domain.progress import CancelToken, Progress
from kronkers_studio.registry.maintenance.affected_files import affected_files
from kronkers_studio.registry.metadata import statements
from kronkers_studio.registry.metadata.journal import Journal, read_entries
from kronkers_studio.registry.store.object_index import Location
from kronkers_studio.registry.store.object_store import ObjectStore
from kronkers_studio.registry.store.pack_scan import Damage, reread
from kronkers_studio.registry.store.packs import PACK_HEADER_SIZE
from kronkers_studio.registry.store.records import ObjectType
from kronkers_studio.registry.trees.commits import read_commit
from kronkers_studio.registry.trees.tree_format import decode_tree
from kronkers_studio.registry.trees.tree_parts import Part, decode_part, decode_parts, is_wide
from kronkers_studio.storage.database import Database
from kronkers_studio.storage.json_form import object_id
from kronkers_studio.storage.keys import MasterKey, verify_keys
from kronkers_studio.storage.migrations import make_tables

_MOST_PROBLEMS = 1000
_LOG_MISSING = (
    "The second copy of the history, the folder “journal”, is missing or empty: metadata.db could not be made again if "
    "it were lost. `kronkers registry rebuild` writes it anew, and so does the next change."
)
_MOST_AFFECTED = 20
_COMMITS = "SELECT id FROM commits"
_BATCH = 4096
_TREES_AT_ONCE = 256


class Check:
    """One run of ``check``."""

    def __init__(
        self,
        directory: Path,
        master: MasterKey,
        database: Database,
        store: ObjectStore,
        journal: Journal,
        *,
        progress: Progress,
        cancel: CancelToken,
    ) -> None:
        self._directory = directory
        self._master = master
        self._database = database
        self._store = store
        self._journal = journal
        self._progress = progress
        self._cancel = cancel
        self._problems: list[str] = []
        self._damaged: set[bytes] = set()  # objects, as far as damage can be told to be theirs
        self._database_damaged = False
        self._history_copy_missing = False
        self._counting = threading.Lock()
        self._packs = self._objects = self._bytes = self._commits = self._entries = 0

    def run(self, read_data: bool) -> CheckReport:
        """Raises only ``Cancelled``."""
        self._finding("key slots", lambda: verify_keys(self._directory, self._master))
        good = len(self._problems)
        self._finding("database", lambda: self._check_database(read_data))
        self._database_damaged = len(self._problems) > good
        self._finding("journal", self._check_journal)
        self._check_store(read_data)
        affected: dict[tuple[str, str], AffectedFile] = {}
        if self._damaged:
            self._finding("affected files", lambda: affected.update(self._affected()))
        return CheckReport(
            packs=self._packs,
            objects=self._objects,
            bytes_read=self._bytes,
            read_data=read_data,
            commits=self._commits,
            journal_entries=self._entries,
            problems=tuple(dict.fromkeys(self._problems))[:_MOST_PROBLEMS],
            database_damaged=self._database_damaged,
            history_copy_missing=self._history_copy_missing,
            affected=tuple(affected[name] for name in sorted(affected)[:_MOST_AFFECTED]),
            affected_count=len(affected),
        )

    def _finding(self, title: str, part: Callable[[], None]) -> None:
        """Run one part of the check; what stops it is a problem found, and the other parts go on."""
        self._cancel.check()
        try:
            part()
        except Cancelled:
            raise
        except StudioError as error:
            self._problems.append(f"{error.message} ({error.details})" if error.details else error.message)
        except OSError as error:
            self._problems.append(f"The {title} cannot be read: {error}")

    def _check_store(self, read_data: bool) -> None:
        """Packs and commits; once more when they seem damaged and a cleaning up has taken things away meanwhile."""
        good = len(self._problems)
        while True:
            generation = self._generation()
            self._packs = self._objects = self._bytes = self._commits = 0
            self._finding("packs", lambda: self._check_packs(read_data))
            self._finding("commits", self._check_commits)
            if len(self._problems) == good or self._generation() == generation:
                return
            del self._problems[good:]
            self._damaged.clear()

    def _affected(self) -> dict[tuple[str, str], AffectedFile]:
        self._progress.step("Finding the affected files")
        return affected_files(self._database, self._store, self._damaged, self._cancel)

    def _generation(self) -> int | None:
        try:
            return self._store.index.generation()
        except StudioError:  # the other parts say that the database cannot be read
            return None

    def _check_database(self, read_data: bool) -> None:
        self._progress.step("Checking the database")
        with self._database.read() as connection:
            if read_data:  # the keyed checksum of every page, used or not
                self._note_damage(line for (line,) in connection.execute("PRAGMA cipher_integrity_check"))
            self._note_damage(line for (line,) in connection.execute("PRAGMA integrity_check"))
            for row in connection.execute("PRAGMA foreign_key_check"):
                self._problems.append(f"The database is inconsistent: a row of {row[0]} refers to nothing in {row[2]}")

    def _note_damage(self, found: Iterable[str]) -> None:
        """One sentence for all that SQLite says, which may be pages of it."""
        lines = [line for text in found for line in text.splitlines() if line != "ok" and not line.startswith("***")]
        if lines:
            more = f" (and {len(lines) - 1:,} more)" if len(lines) > 1 else ""
            self._problems.append(f"The database is damaged: {lines[0]}{more}.")

    def _check_journal(self) -> None:
        """The chain, and that the tables are what the journal makes of them."""
        self._progress.step("Checking the journal")
        with contextlib.closing(dbapi2.connect(":memory:", isolation_level=None)) as replica:
            replica.execute("BEGIN")  # one transaction for all of it, or each row would be one
            make_tables(replica)
            with self._database.read() as connection:
                self._entries = self._journal.verify(connection)
                self._journal.replay(read_entries(connection), replica)
                for table in statements.JOURNALED:
                    if statements.rows(connection, table) != statements.rows(replica, table):
                        self._problems.append(f"The table “{table.name}” is not what the journal says.")
                        self._database_damaged = True
        self._check_log()

    def _check_log(self) -> None:
        """That the journal's files, from which the database can be made again, hold what the database holds."""
        log = self._journal.log
        if log is None:
            return
        if not log.exists:
            if self._hashes():  # nothing to keep twice before the first change
                self._problems.append(_LOG_MISSING)
                self._history_copy_missing = True
            return
        before = self._hashes()
        logged = log.read()
        after = self._hashes()  # both, because changes may be made while the files are read
        self._problems.extend(logged.problems)
        there = [entry.hash for entry in logged.entries]
        if there[: len(before)] != before:
            self._problems.append("The journal's files do not hold all that the database does.")
        elif len(there) > len(after) and logged.unacknowledged_from != len(after):
            self._problems.append(
                f"The database is older than the journal's files: {len(there) - len(after)} changes are missing."
            )
            self._database_damaged = True

    def _hashes(self) -> list[str]:
        """Those of the journal's entries in the database."""
        with self._database.read() as connection:
            return [hash for (hash,) in statements.query(connection, "SELECT hash FROM journal ORDER BY number")]

    def _check_packs(self, read_data: bool) -> None:
        packs = self._store.index.packs()
        self._packs = len(packs)
        self._progress.step("Reading the store" if read_data else "Looking at the store", sum(packs.values()), "bytes")
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(lambda item: self._check_pack(*item, read_data=read_data), packs.items()))

    def _check_pack(self, number: int, size: int, *, read_data: bool) -> None:
        def part() -> None:
            places = dict(self._store.index.in_pack(number))
            end = max((at.end for at in places.values()), default=0)
            known = self._store.index.packs().get(number, size) if end > size else size  # it has grown meanwhile
            with self._counting:
                self._objects += len(places)
            try:
                self._check_outline(number, known, places)
            except (StoreDamaged, OSError):  # all of it cannot be read
                self._note_objects(places)
                raise
            if read_data:
                self._read_pack(number, known, places)

        self._finding(f"pack {number:08d}", part)

    def _check_outline(self, number: int, size: int, places: dict[bytes, Location]) -> None:
        packs = self._store.packs
        if packs.read(number, 0, PACK_HEADER_SIZE) != packs.header(number):
            self._problems.append(f"Pack {number:08d}: its first bytes are damaged.")
        if packs.size(number) < size:
            there = packs.size(number)
            self._problems.append(f"Pack {number:08d} is cut off: {there} of {size} bytes are there.")
            self._note_objects(id for id, at in places.items() if at.end > there)
        end = PACK_HEADER_SIZE
        for id, at in places.items():
            if at.offset < end or at.end > size:
                self._problems.append(f"The index has an impossible place for object {id.hex()[:16]}.")
                self._note_objects((id,))
            end = at.end

    def _read_pack(self, number: int, size: int, places: dict[bytes, Location]) -> None:
        """Every byte from the header to ``size``; after damage, on from the next place that the index knows."""
        unseen = {at.offset: id for id, at in places.items()}
        store, known = self._store, sorted(unseen)
        read = self._advance(0, PACK_HEADER_SIZE)

        def damaged(damage: Damage) -> None:
            nonlocal read
            hit = known[bisect_left(known, damage.start) : bisect_left(known, damage.end)]
            unneeded = "" if hit else " No version needs it; `kronkers gc` clears it away in time."
            where = f"Pack {number:08d}, bytes {damage.start} to {damage.end}"
            self._problems.append(f"{where}: {damage.error.message}{unneeded}")
            self._note_objects(unseen[at] for at in hit if at in unseen)
            unseen.pop(damage.start, None)
            read = self._advance(read, damage.end)

        for found in reread(store.packs, store.sealer, number, damaged, end=size, known=known):
            read = self._advance(read, found.end)
            expected, id = unseen.pop(found.offset, None), found.header.id
            if expected != id and (expected is not None or not store.index.known((id,))):
                self._problems.append(f"Pack {number:08d} at byte {found.offset}: the index has another object here.")
                self._note_objects(() if expected is None else (expected,))
        for offset, id in unseen.items():
            self._problems.append(f"Pack {number:08d} at byte {offset}: object {id.hex()[:16]} is not there.")
        self._note_objects(unseen.values())

    def _note_objects(self, ids: Iterable[bytes]) -> None:
        with self._counting:
            self._damaged.update(ids)

    def _advance(self, start: int, end: int) -> int:
        """Count what was read of a pack, and say where that ends."""
        self._cancel.check()
        with self._counting:
            self._bytes += end - start
        self._progress.advance(end - start)
        return end

    def _check_commits(self) -> None:
        """Every commit, every tree it reaches, and that every chunk these name is in the index."""
        with self._database.read() as connection:
            ids = statements.texts(connection, _COMMITS)
        self._progress.step("Following the commits", len(ids))
        seen: set[bytes] = set()
        chunks: set[bytes] = set()
        for id in ids:
            self._cancel.check()
            self._finding(f"commit {id[:12]}", partial(self._follow, id, seen, chunks))
            self._commits += 1
            self._progress.advance()
            if len(chunks) >= _BATCH:
                self._expect(chunks)
                chunks.clear()
        self._expect(chunks)

    def _follow(self, id: str, seen: set[bytes], chunks: set[bytes]) -> None:
        waiting: list[tuple[bytes, Part | None]] = [(object_id(read_commit(id, self._store).tree), None)]
        while waiting:
            self._cancel.check()
            batch = {tree: part for tree, part in waiting[-_TREES_AT_ONCE:] if tree not in seen}
            del waiting[-_TREES_AT_ONCE:]
            for tree, data in self._trees(batch):
                seen.add(tree)
                if is_wide(data):
                    waiting.extend((below.id, below) for below in decode_parts(data))
                    continue
                part = batch[tree]
                for entry in decode_tree(data) if part is None else decode_part(part, data):
                    if entry.kind is EntryKind.FOLDER:
                        waiting.extend((below, None) for below in entry.content)
                    else:
                        chunks.update(entry.content)

    def _trees(self, ids: Iterable[bytes]) -> Iterator[tuple[bytes, bytes]]:
        """Trees by their ids: many at once, and one by one where that shows which of them is damaged."""
        left = dict.fromkeys(ids)
        try:
            for id, data in self._store.read_each(tuple(left), ObjectType.TREE):
                del left[id]
                yield id, data
        except (StoreDamaged, OSError):
            for id in left:
                try:
                    data = self._store.read(id, ObjectType.TREE)
                except (StoreDamaged, OSError):
                    self._damaged.add(id)
                    raise
                yield id, data

    def _expect(self, chunks: set[bytes]) -> None:
        for id in chunks - self._store.index.known(chunks):
            self._problems.append(f"Object {id.hex()[:16]}, which a commit needs, is missing from the store.")
            self._damaged.add(id)
