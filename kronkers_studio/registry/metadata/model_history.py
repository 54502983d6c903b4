"""Which changes of the journal concern one version of a model, told from what the kinds of changes consist of."""

from __future__ import annotations

import dataclasses
import functools
import typing
from collections.abc import Iterator

from sqlcipher3 import dbapi2

from kronkers_studio.domain.changes import (
    KINDS,
    AliasMoved,
    Change,
    JournalEntry,
    ModelRegistered,
    RecordedChange,
    ReleaseRecorded,
)
from kronkers_studio.domain.models import ModelVersion
from kronkers_studio.registry.metadata import statements
from kronkers_studio.registry.metadata.journal import decode_entry
from kronkers_studio.storage.json_form import from_json, records_read

_LISTED_ELSEWHERE = (ReleaseRecorded,)
"""A release has an entry for each state that it goes through; they have a list of their own."""


def version_history(connection: dbapi2.Connection, name: str, version: int) -> list[RecordedChange]:
    """Every change to what is said, measured and made of a version, oldest first; from its registration on those to its
    model, too. Raises ``StoreDamaged``."""
    recorded = []
    registered = False
    for row in statements.query(connection, _statement(), name, version):
        entry = decode_entry(row)
        change = _change(entry)
        registered = registered or isinstance(change, ModelRegistered)
        if registered:
            recorded.append(RecordedChange(entry, change))
    return recorded


def _change(entry: JournalEntry) -> Change:
    with records_read(entry.kind):
        change: Change = from_json(KINDS[entry.kind], entry.change)
        return change


@functools.cache
def _statement() -> str:
    """Made of the names in ``domain.changes`` alone. ?1 is the model, ?2 the version."""
    conditions = [
        f"kind = '{kind}' AND json_extract(change, '{model}') = ?1"
        + (f" AND json_extract(change, '{version}') = ?2" if version else "")
        for kind, model, version in _concerned()
    ]
    anyhow = " OR ".join(f"({condition})" for condition in conditions)
    return f"SELECT number, at, author, kind, change, hash FROM journal WHERE {anyhow} ORDER BY number"  # noqa: S608


def _concerned() -> Iterator[tuple[str, str, str]]:
    """The kinds of changes that name a model, where in them its name stands, and where the version's number: "" where
    they are about all of the model, as an alias is, which one version loses when another gets it."""
    for name, kind in KINDS.items():
        if kind in _LISTED_ELSEWHERE:
            continue
        parts = typing.get_type_hints(kind)
        if "model" in parts:
            of_one = "version" in parts and kind is not AliasMoved
            yield name, "$.model", "$.version" if of_one else ""
            continue
        for part, held in parts.items():
            within = {field.name for field in dataclasses.fields(held)} if dataclasses.is_dataclass(held) else set()
            if held is ModelVersion:
                yield name, f"$.{part}.name", f"$.{part}.version"
            elif {"model", "version"} <= within:
                yield name, f"$.{part}.model", f"$.{part}.version"
