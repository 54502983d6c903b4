"""The journal: every change to the metadata, in order, each entry chained to all before it by a keyed hash.

Whoever has the key can see that no entry was altered, removed from the middle, or put in; and replaying the entries
into an empty database gives the same tables as the ones that grew with them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from blake3 import blake3
from sqlcipher3 import dbapi2

from kronkers_studio.domain.changes import KINDS, Change, JournalEntry
from kronkers_studio.domain.errors import StoreDamaged
from kronkers_studio.registry.metadata import statements
from kronkers_studio.registry.metadata.journal_files import JournalLog, Position
from kronkers_studio.registry.metadata.projection import apply
from kronkers_studio.storage.json_form import canonical, from_json, to_json

_START = ""
"""What stands for the hash before the first entry."""
_UNSTORABLE = (dbapi2.IntegrityError, dbapi2.InterfaceError, dbapi2.ProgrammingError, dbapi2.DataError)
"""Of values that no entry of ours has; a full disk is another matter."""
_PAGE = 1000
_FOLLOWING = "SELECT number, at, author, kind, change, hash FROM journal WHERE number > ? ORDER BY number LIMIT ?"


class Journal:
    """The journal of one workspace; ``key`` (32 bytes) chains it, ``log`` keeps it outside of the database as well."""

    def __init__(
        self,
        key: bytes,
        *,
        log: JournalLog | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._key = key
        self.log = log
        self._clock = clock

    def record(self, connection: dbapi2.Connection, recorded: Iterable[Change], *, author: str) -> None:
        """Append ``recorded`` and apply them, within the caller's transaction, which must then be committed."""
        before = number, previous = _last(connection)
        at = self._clock()
        written = []
        for change in recorded:
            number += 1
            apply(connection, change)
            document = to_json(change)
            entry = JournalEntry(number, at, author, type(change).__name__, document, "")
            previous = self._chain(previous, entry)
            written.append(replace(entry, hash=previous))
            _write(connection, entry, previous)
        if self.log is not None and written:  # on disk before the transaction is, so that it can be made again from it
            self.log.append(Position(*before), written, lambda: read_entries(connection))

    def settle(self, connection: dbapi2.Connection) -> None:
        """Forget what a process that died wrote to the journal's files and not to the database, within a write
        transaction of the caller's, who is about to free content.

        It was never acknowledged; but making the database again would bring it back, then without what it consists of.
        Raises ``StoreDamaged`` when the database is older than that: what the files know more may still be needed.
        """
        if self.log is not None:
            self.log.settle(Position(*_last(connection)), lambda: read_entries(connection))

    def verify(self, connection: dbapi2.Connection) -> int:
        """The number of entries. Raises ``StoreDamaged`` naming the first that is not as it was written."""
        previous, count = _START, 0
        for entry in read_entries(connection):
            count += 1
            previous = self._chain(previous, entry)
            if entry.number != count or entry.hash != previous:
                raise StoreDamaged(
                    f"Entry {count} of the journal is not as it was written.",
                    next_step="Restore the workspace from a backup.",
                )
        return count

    def replay(self, entries: Iterable[JournalEntry], connection: dbapi2.Connection) -> None:
        """Fill the empty tables of ``connection`` from ``entries``. Raises ``StoreDamaged`` for an unreadable one."""
        for entry in entries:
            try:
                apply(connection, from_json(KINDS[entry.kind], entry.change))
            except (LookupError, ValueError, TypeError, OverflowError, RecursionError, *_UNSTORABLE) as error:
                raise StoreDamaged(f"Entry {entry.number} of the journal cannot be read.", details=str(error)) from None
            _write(connection, entry, entry.hash)

    def _chain(self, previous: str, entry: JournalEntry) -> str:
        line = canonical([previous, entry.number, to_json(entry.at), entry.author, entry.kind, entry.change])
        return blake3(line.encode("ascii"), key=self._key).hexdigest()


def read_entries(connection: dbapi2.Connection, *, after: int = 0, limit: int | None = None) -> Iterator[JournalEntry]:
    """The entries numbered above ``after`` in order. Raises ``StoreDamaged`` for one that is not an entry at all."""
    while limit is None or limit > 0:
        page = _PAGE if limit is None else min(limit, _PAGE)
        found = statements.query(connection, _FOLLOWING, after, page)
        for row in found:
            yield decode_entry(row)
            after = row[0]
        if len(found) < page:
            return
        limit = None if limit is None else limit - page


def decode_entry(row: Sequence[Any]) -> JournalEntry:
    """The entry that a row of the journal's table holds. Raises ``StoreDamaged``."""
    number, at, author, kind, change, hash = row
    try:
        return JournalEntry(number, datetime.fromisoformat(at), author, kind, json.loads(change), hash)
    except (ValueError, TypeError, RecursionError) as error:
        raise StoreDamaged(f"Entry {number} of the journal cannot be read.", details=str(error)) from None


def _last(connection: dbapi2.Connection) -> tuple[int, str]:
    found = statements.query(connection, "SELECT number, hash FROM journal ORDER BY number DESC LIMIT 1")
    number, hash = found[0] if found else (0, _START)
    return number, hash


def _write(connection: dbapi2.Connection, entry: JournalEntry, hash: str) -> None:
    row = {
        "number": entry.number,
        "at": to_json(entry.at),
        "author": entry.author,
        "kind": entry.kind,
        "change": canonical(entry.change),
        "hash": hash,
    }
    statements.insert(connection, statements.JOURNAL, row)
