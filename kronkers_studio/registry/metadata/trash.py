"""The trash: projects, branches and model versions that were removed and can be brought back."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime

from kronkers_studio.domain.changes import Trashed, TrashEmptied, TrashRestored
from kronkers_studio.domain.errors import InvalidInput, NotFound
from kronkers_studio.domain.maintenance import TrashItem, TrashKind
from kronkers_studio.registry.metadata import statements
from kronkers_studio.registry.metadata.ledger import Ledger
from kronkers_studio.storage.database import Database
from kronkers_studio.storage.json_form import records_read


class Trash:
    """Thread-safe. Every change is in the journal."""

    def __init__(
        self,
        database: Database,
        ledger: Ledger,
        with_reserve: Callable[[], AbstractContextManager[None]] = nullcontext,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """``with_reserve`` is entered for giving things up, which a full disk must allow."""
        self._database = database
        self._ledger = ledger
        self._with_reserve = with_reserve
        self._clock = clock

    def items(self) -> list[TrashItem]:
        """What can be brought back, the last removed first."""
        with self._database.read() as connection:
            kept = statements.select(connection, statements.TRASH, order=("-removed", "id"), emptied="")
        with records_read("trash"):
            return [
                TrashItem(
                    row["id"],
                    TrashKind(row["kind"]),
                    row["owner"],
                    row["name"],
                    datetime.fromisoformat(row["removed"]),
                    row["author"],
                )
                for row in kept
            ]

    def put(self, kind: TrashKind, owner: str, name: str, *, author: str) -> TrashItem:
        """Remove a project ("" as ``name``), a branch of a project, or a model's version (its number as text).

        Raises ``NotFound``, or ``Refused`` when something needs it.
        """
        item = TrashItem(secrets.token_hex(4), kind, owner, name, self._clock(), author)
        self._ledger.record(Trashed(item.id, kind, owner, name, item.removed, author), author=author)
        return item

    def restore(self, id: str, *, author: str) -> TrashItem:
        """Bring an item back; ``id`` may be its first characters. Raises ``NotFound``, or ``AlreadyExists`` when its
        name means something else by now."""
        item = self._find(id)
        self._ledger.record(TrashRestored(item.id), author=author)
        return item

    def empty(self, ids: tuple[str, ...] = (), *, before: datetime | None = None, author: str) -> list[TrashItem]:
        """Give up ``ids``, or all items (removed ``before`` a time); cleaning up then frees what only they held."""
        chosen = [self._find(id) for id in ids] or self.items()
        gone = [item for item in chosen if before is None or item.removed < before]
        if gone:
            with self._with_reserve():
                self._ledger.record(TrashEmptied(tuple(item.id for item in gone), self._clock()), author=author)
        return gone

    def _find(self, id: str) -> TrashItem:
        found = [item for item in self.items() if id and item.id.startswith(id)]
        if not found:
            raise NotFound(f"There is no “{id}” in the trash.", next_step="`kronkers trash list` shows what there is.")
        if len(found) > 1:
            raise InvalidInput(f"Several items begin with “{id}”.", next_step="Give more characters of the id.")
        return found[0]
