"""Which number the next release would get, asked as the product takes it."""

from __future__ import annotations

from datetime import UTC, datetime

from kronkers_studio.domain.releases import Release, ReleaseState
from kronkers_studio.registry.metadata.ledger import Ledger

_NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


class _Asked(Exception):
    def __init__(self, number: int) -> None:
        self.number = number


def next_release_number(ledger: Ledger, model: str, place: str) -> int:
    """The number that a release of ``model`` in ``place`` would get; none is recorded."""

    def draft(number: int) -> Release:
        if number:
            raise _Asked(number)
        return Release(model, place, number, 1, "", ReleaseState.STARTING, _NOON, _NOON)

    try:
        ledger.record_new_release(draft, author="nobody")
    except _Asked as asked:
        return asked.number
    raise AssertionError("it was recorded")
