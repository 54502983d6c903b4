"""Freeing what nobody needs: mark what the kept commits reach, then write packs anew without the rest.

The rule that everything rests on: a commit in the table `commits` is in the store with all it reaches. So commits that
nothing leads to are first forgotten, by a change in the journal, and only what no remaining commit reaches is freed.

Nothing is ever changed in place. The objects that a pack is to lose are left behind when those that live are copied to
a new pack; the new pack is on the disk itself before one transaction moves the index to it and retires the old one, and
only then is that file deleted. A crash before the transaction leaves a pack that the index does not know, one after it
a retired pack that is still there; the next writer removes both.

What is young is never freed (grace period): a migration stores objects before any commit reaches them, and a killed one
goes on where it was. A migration whose older objects are freed between storing and committing is told by the index's
generation (``ContentStore.commit``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlcipher3 import dbapi2

from kronkers_studio.domain.changes import CommitsForgotten
from kronkers_studio.domain.errors import BranchChanged, StoreDamaged
from kronkers_studio.domain.maintenance import CleanUpReport, PackGarbage
from kronkers_studio.domain.progress import CancelToken, Progress
from kronkers_studio.registry.metadata import statements
from kronkers_studio.registry.metadata.ancestry import with_ancestors
from kronkers_studio.registry.metadata.journal import Journal, read_entries
from kronkers_studio.registry.metadata.pinned_commits import pinned_commits
from kronkers_studio.registry.store.object_index import Location, put_rows, retire_packs
from kronkers_studio.registry.store.object_store import ObjectStore
from kronkers_studio.registry.store.packs import PACK_HEADER_SIZE
from kronkers_studio.registry.store.records import HEADER_SIZE, ObjectType, Record, read_header
from kronkers_studio.registry.trees.commits import read_commit
from kronkers_studio.registry.trees.tree_parts import references
from kronkers_studio.storage.database import Database
from kronkers_studio.storage.json_form import object_id, to_json

_WORTH_SHARE = 0.05
"""A pack of which less than this share is unused is not written anew."""
_ROUND_BYTES = 256 << 20
_COPY_BYTES = 8 << 20
_TREES_AT_ONCE = 256
_COMMITS = "SELECT id FROM commits"
_IN_TRASH = "SELECT count(*) FROM trash WHERE emptied = ''"
_FIRST_SINCE = "SELECT min(number) FROM journal WHERE at >= ?"


@dataclass(slots=True)
class _Plan:
    """What to do: per pack, and the commits to forget."""

    forgotten: tuple[str, ...] = ()
    resting: int = 0
    trashed: int = 0
    used: set[bytes] = field(default_factory=set)
    objects: int = 0
    packs: list[PackGarbage] = field(default_factory=list)


class CleanUp:
    """One run of ``gc``."""

    def __init__(
        self,
        database: Database,
        store: ObjectStore,
        journal: Journal,
        *,
        grace: timedelta,
        clock: Callable[[], datetime],
        progress: Progress,
        cancel: CancelToken,
    ) -> None:
        self._database = database
        self._store = store
        self._journal = journal
        self._grace = grace
        self._oldest_kept = clock() - grace
        self._progress = progress
        self._cancel = cancel

    def look(self) -> CleanUpReport:
        """What ``run`` would do now. Raises ``StoreDamaged`` when something that is needed is missing."""
        return self._report(self._plan(), dry_run=True)

    def run(self, author: str) -> CleanUpReport:
        """Free what nobody needs. Raises ``StoreDamaged`` (something that is needed is missing or damaged; nothing of
        it was touched), ``WorkspaceBusy``, ``StorageFull`` or ``Cancelled``; what was freed before stays freed."""
        with self._store.exclusive():
            plan = self._plan()
            forgotten = plan.forgotten
            doomed = [pack.pack for pack in plan.packs if pack.freed]
            self._progress.step("Freeing space", len(doomed), "packs")
            for numbers in self._rounds(doomed, plan.used) or ([[]] if forgotten else []):
                self._cancel.check()
                self._sweep(numbers, plan.used, forgotten, author)
                forgotten = ()
                self._progress.advance(len(numbers))
            return self._report(plan, dry_run=False)

    # ---- mark ----

    def _plan(self) -> _Plan:
        plan = _Plan()
        with self._database.read() as connection:
            needed = self._needed_commits(connection)
            everything = set(statements.texts(connection, _COMMITS))
            plan.resting = len(needed - with_ancestors(connection, pinned_commits(connection)))
            ((plan.trashed,),) = statements.query(connection, _IN_TRASH)
        missing = needed - everything
        if missing:
            raise _refusal(f"commit {min(missing)[:12]}")
        plan.forgotten = tuple(sorted(everything - needed))
        self._mark(needed, plan.used)
        for number, size in self._store.index.packs().items():
            self._cancel.check()
            garbage, objects = self._judge(number, size, plan.used)
            plan.objects += objects
            if garbage is not None:
                plan.packs.append(garbage)
        return plan

    def _needed_commits(self, connection: dbapi2.Connection) -> set[str]:
        """All commits that something leads to, or that a change of the grace period touched."""
        there = set(statements.texts(connection, _COMMITS))
        recent = self._recent_commits(connection) & there
        return with_ancestors(connection, pinned_commits(connection) | recent)

    def _recent_commits(self, connection: dbapi2.Connection) -> set[str]:
        """The commits that changes since the grace period's start name: so a branch that was moved or removed by
        mistake can be put back."""
        ((first,),) = statements.query(connection, _FIRST_SINCE, to_json(self._oldest_kept))
        if first is None:
            return set()
        found: set[str] = set()
        for entry in read_entries(connection, after=first - 1):
            if entry.kind != CommitsForgotten.__name__:
                found.update(_named_commits(entry.change))
        return found

    def _mark(self, commits: Iterable[str], used: set[bytes]) -> None:
        """Everything that ``commits`` reach, into ``used``. Raises ``StoreDamaged`` when any of it is missing."""
        commits = list(commits)
        self._progress.step("Following the versions", len(commits))
        chunks: set[bytes] = set()
        for id in commits:
            self._cancel.check()
            used.add(object_id(id))
            waiting = [object_id(read_commit(id, self._store).tree)]
            while waiting:
                self._cancel.check()
                batch = set(waiting[-_TREES_AT_ONCE:]) - used
                del waiting[-_TREES_AT_ONCE:]
                used |= batch
                for _tree, data in self._store.read_each(batch, ObjectType.TREE):
                    below, content = references(data)
                    waiting.extend(below)
                    chunks.update(content)
            self._progress.advance()
        chunks -= used
        missing = chunks - self._store.index.known(chunks)
        if missing:
            raise _refusal(f"object {min(missing).hex()[:16]}")
        used |= chunks

    def _judge(self, number: int, size: int, used: set[bytes]) -> tuple[PackGarbage | None, int]:
        """What is to become of a pack; None when all of it is used. Also the number of its objects."""
        if self._store.packs.size(number) < size:
            raise _refusal(f"the end of pack {number:08d}")
        objects = unused_objects = live = unused_bytes = 0
        for id, at in self._store.index.in_pack(number):
            objects += 1
            if id in used:
                live += HEADER_SIZE + at.stored
            else:
                unused_objects += 1
                unused_bytes += HEADER_SIZE + at.stored
        unused = size - PACK_HEADER_SIZE - live
        if not unused:
            return None, objects
        young = self._store.packs.modified(number) > self._oldest_kept.timestamp()
        if young:
            freed, decision = False, f"kept: it was written to in the last {_days(self._grace)}"
        elif live and unused > unused_bytes:  # also little of it, or every check would find it again
            freed, decision = True, "written anew without what is damaged"
        elif live and unused < size * _WORTH_SHARE:
            freed, decision = False, "kept: too little to be worth writing the rest anew"
        elif live:
            freed, decision = True, "written anew without what no version needs"
        else:
            freed, decision = True, "deleted: no version needs anything in it"
        return PackGarbage(number, size, unused, unused_objects, freed, decision), objects

    # ---- sweep ----

    def _rounds(self, doomed: list[int], used: set[bytes]) -> list[list[int]]:
        """Packs to be dealt with together: first those without anything to copy, because they make room."""
        live = {
            number: sum(HEADER_SIZE + at.stored for id, at in self._store.index.in_pack(number) if id in used)
            for number in doomed
        }
        rounds: list[list[int]] = [[]]
        copied = 0
        for number in sorted(doomed, key=lambda number: live[number]):
            if rounds[-1] and ((live[number] and not copied) or copied + live[number] > _ROUND_BYTES):
                rounds.append([])
                copied = 0
            rounds[-1].append(number)
            copied += live[number]
        return [numbers for numbers in rounds if numbers]

    def _sweep(self, numbers: list[int], used: set[bytes], forgotten: tuple[str, ...], author: str) -> None:
        """Copy what lives in packs ``numbers``, then let the index follow in one transaction, then delete them."""
        sizes, rows = self._copy(numbers, used)
        with self._database.write() as connection:
            self._journal.settle(connection)
            if forgotten:
                if self._needed_commits(connection).intersection(forgotten):
                    raise BranchChanged(
                        "Something was made of versions that were about to be cleaned up.", next_step="Run it again."
                    )
                self._journal.record(connection, [CommitsForgotten(forgotten)], author=author)
            put_rows(connection, sizes, rows)
            retire_packs(connection, numbers)
        self._store.remove_retired()

    def _copy(self, numbers: list[int], used: set[bytes]) -> tuple[Mapping[int, int], list[tuple[bytes, Location]]]:
        """Copy the used objects of packs to new ones, durably: these packs' sizes, and where the objects lie now."""
        rows: list[tuple[bytes, Location]] = []
        writer = self._store.new_packs()
        try:
            for batch in self._used_records(numbers, used):
                self._cancel.check()
                for record, (pack, offset) in zip(batch, writer.append(batch), strict=True):
                    rows.append((record.id, Location(pack, offset, record.stored, record.length, record.type)))
            return writer.flush(), rows
        finally:
            writer.close()

    def _used_records(self, numbers: list[int], used: set[bytes]) -> Iterator[list[Record]]:
        """The used objects of packs as they lie there, each verified: damage is not copied as if it were good."""
        batch: list[Record] = []
        size = 0
        for number in numbers:
            for id, at in self._store.index.in_pack(number):
                if id not in used:
                    continue
                raw = self._store.packs.read(number, at.offset, HEADER_SIZE + at.stored)
                header = read_header(raw)
                self._store.sealer.open(header, memoryview(raw)[HEADER_SIZE:])
                if header.id != id or header.stored != at.stored:
                    raise _refusal(f"object {id.hex()[:16]}")
                batch.append(Record(id, header.type, header.length, header.stored, (raw,)))
                size += len(raw)
                if size >= _COPY_BYTES:
                    yield batch
                    batch, size = [], 0
        if batch:
            yield batch

    def _report(self, plan: _Plan, *, dry_run: bool) -> CleanUpReport:
        return CleanUpReport(
            dry_run=dry_run,
            grace_days=self._grace / timedelta(days=1),
            objects=plan.objects,
            used_objects=len(plan.used),
            forgotten=plan.forgotten,
            freed_objects=sum(pack.unused_objects for pack in plan.packs if pack.freed),
            freed=sum(pack.unused for pack in plan.packs if pack.freed),
            kept=sum(pack.unused for pack in plan.packs if not pack.freed),
            resting=plan.resting,
            trashed=plan.trashed,
            packs=tuple(plan.packs),
        )


def _named_commits(change: Mapping[str, Any]) -> Iterator[str]:
    """The commit ids in a change of any kind."""
    for name in ("commit", "previous"):
        value = change.get(name)
        if isinstance(value, str) and value:
            yield value
        elif isinstance(value, Mapping):
            yield value["id"]
            yield from value["parents"]


def _refusal(what: str) -> StoreDamaged:
    return StoreDamaged(
        f"Nothing was freed: {what} is missing from the store, and versions need it.",
        next_step="Run `kronkers check --read-data`, and restore what is missing from a backup.",
    )


def _days(grace: timedelta) -> str:
    days = grace / timedelta(days=1)
    return f"{days:g} day{'' if days == 1 else 's'}"
