"""The search index's part about model versions: which changed since, and what is found of each."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import TYPE_CHECKING

from kronkers_studio.domain.changes import (
    MetricsAdded,
    ModelDescribed,
    ModelRegistered,
    SignatureStated,
    Trashed,
    TrashRestored,
)
from kronkers_studio.domain.maintenance import TrashKind
from kronkers_studio.domain.models import ContentRef, ModelVersion
from kronkers_studio.domain.progress import Progress
from kronkers_studio.registry.search.terms import folded, words
from kronkers_studio.storage.json_form import from_text, records_read, to_json
from kronkers_studio.storage.stored_text import from_stored, to_stored

if TYPE_CHECKING:
    from sqlcipher3 import dbapi2

DataColumns = Callable[[ContentRef], tuple[str, ...]]
"""The columns of a data file at a commit; none when they are not known."""
_STATE = "journal"
_LAST = "SELECT number, hash FROM journal ORDER BY number DESC LIMIT 1"
_CONCERNING = tuple(
    kind.__name__ for kind in (ModelRegistered, ModelDescribed, SignatureStated, MetricsAdded, Trashed, TrashRestored)
)
"""The changes that may be about a model version."""
_SINCE = "SELECT kind, change FROM journal WHERE number > ? AND kind IN (?, ?, ?, ?, ?, ?)"


def models_are_current(index: dbapi2.Connection, metadata: dbapi2.Connection) -> bool:
    """Whether nothing was recorded since the index was brought up to date."""
    return _indexed_position(index) == _position(metadata)


def index_models(
    index: dbapi2.Connection, metadata: dbapi2.Connection, data_columns: DataColumns, progress: Progress
) -> None:
    """Index the model versions that the journal says have changed; all of them when it is not the one known."""
    known, now = _indexed_position(index), _position(metadata)
    if known == now:
        return
    changed = _changed(metadata, known)
    if changed is None:
        for table in ("versions", "version_tags", "version_metrics", "version_words"):
            index.execute(f"DELETE FROM {table}")  # noqa: S608  # only names of our own
        changed = metadata.execute("SELECT name, version FROM model_versions ORDER BY created").fetchall()
    if changed:
        progress.step("Indexing models", len(changed))
    for name, version in changed:
        _index_version(index, metadata, name, version, data_columns)
        progress.advance()
    index.execute("INSERT OR REPLACE INTO state VALUES (?, ?)", (_STATE, now))


def _position(metadata: dbapi2.Connection) -> str:
    number, hash = metadata.execute(_LAST).fetchone() or (0, "")
    return f"{number} {hash}"


def _indexed_position(index: dbapi2.Connection) -> str:
    row = index.execute("SELECT value FROM state WHERE name = ?", (_STATE,)).fetchone()
    return str(row[0]) if row else ""


def _changed(metadata: dbapi2.Connection, known: str) -> list[tuple[str, int]] | None:
    """The versions, as stored, that were changed after the entry ``known``; None when they cannot be told."""
    number, _, hash = known.partition(" ")
    if not hash or metadata.execute("SELECT hash FROM journal WHERE number = ?", (number,)).fetchone() != (hash,):
        return None
    changed: dict[tuple[str, int], None] = {}
    with records_read("journal"):
        for kind, text in metadata.execute(_SINCE, (number, *_CONCERNING)):
            change = json.loads(text)
            if kind == TrashRestored.__name__:  # it names nothing but its place in the trash
                return None
            if kind == Trashed.__name__:
                if change["kind"] == TrashKind.MODEL.value:
                    changed[to_stored(change["owner"]), int(change["name"])] = None
            elif kind == ModelRegistered.__name__:
                changed[to_stored(change["version"]["name"]), change["version"]["version"]] = None
            else:
                changed[to_stored(change["model"]), change["version"]] = None
    return list(changed)


def _index_version(
    index: dbapi2.Connection, metadata: dbapi2.Connection, name: str, version: int, data_columns: DataColumns
) -> None:
    key = (name, version)
    row = index.execute("SELECT id FROM versions WHERE model = ? AND version = ?", key).fetchone()
    if row is not None:
        for table, column in (("versions", "id"), ("version_tags", "id"), ("version_metrics", "id")):
            index.execute(f"DELETE FROM {table} WHERE {column} = ?", row)  # noqa: S608  # only names of our own
        index.execute("DELETE FROM version_words WHERE rowid = ?", row)
    found = metadata.execute("SELECT document FROM model_versions WHERE name = ? AND version = ?", key).fetchone()
    if found is None:
        return
    model = from_text(ModelVersion, from_stored(found[0]))
    source, facts = model.source, model.facts
    id = index.execute(
        "INSERT INTO versions (model, version, project, path, framework, created, size, description) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            *(name, version, to_stored(source.project), to_stored(source.path), facts.framework.value),
            *(to_json(model.created), model.size, to_stored(model.description)),
        ),
    ).lastrowid
    index.executemany(
        "INSERT INTO version_tags VALUES (?, ?)", [(tag, id) for tag in {folded(tag) for tag in model.tags}]
    )
    index.executemany(
        "INSERT INTO version_metrics VALUES (?, ?, ?)",
        [(id, to_stored(metric), None if math.isnan(value) else value) for metric, value in model.metrics.items()],
    )
    index.execute(
        "INSERT INTO version_words (rowid, name, tags, description, columns, metrics, source) "
        "VALUES (?, ?, ?, ?, ?, ?, ?)",
        (id, *map(_searchable, searched_texts(model, data_columns))),
    )


def searched_texts(model: ModelVersion, data_columns: DataColumns) -> tuple[str, str, str, str, str, str]:
    """What a version is found by: name, tags, description with card, columns, metrics, source."""
    card, facts, signature = model.card, model.facts, model.signature
    columns = [
        column for tensor in (*signature.inputs, *signature.outputs) for column in (tensor.name, *tensor.columns)
    ]
    if model.data is not None:
        columns += data_columns(model.data)
    return (
        f"{model.name} {model.version}",
        " ".join(model.tags),
        " ".join((model.description, card.intended_use, card.data, card.metrics, card.limits)),
        " ".join(columns),
        " ".join(model.metrics),
        " ".join((model.source.project, model.source.path, facts.framework.value, facts.estimator, model.author)),
    )


def _searchable(text: str) -> str:
    return " ".join(words(folded(text)))
